"""A folder of files as a source: contracts, and the status of their invoices."""

from connectors.base.system import System
from connectors.flatfile.connector import FlatFile, connect
from connectors.flatfile.manifest import MANIFEST
from connectors.flatfile.options import FlatFileOptions

SYSTEM = System(
    "flatfile",
    FlatFileOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    manifest=MANIFEST,
    suites=("tests.connectors.flatfile.test_conformance",),
)

__all__ = ["MANIFEST", "SYSTEM", "FlatFile", "FlatFileOptions", "connect"]
