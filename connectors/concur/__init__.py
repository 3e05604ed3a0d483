"""SAP Concur, a source of expense reports. Its simulator is never imported here."""

from connectors.base.system import System
from connectors.concur.connector import Concur, connect
from connectors.concur.manifest import MANIFEST
from connectors.concur.mapping import source_records
from connectors.concur.options import ConcurOptions

SYSTEM = System(
    "concur",
    ConcurOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    read_page=lambda options, page: source_records(page, options.reading),
    manifest=MANIFEST,
    suites=("tests.connectors.concur.test_conformance",),
)

__all__ = ["MANIFEST", "SYSTEM", "Concur", "ConcurOptions", "connect"]
