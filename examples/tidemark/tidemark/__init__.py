"""Tidemark. The simulator is not imported here: production never needs it."""

from connectors.base.system import System

from tidemark.client import TidemarkOptions
from tidemark.connector import Tidemark, connect
from tidemark.manifest import MANIFEST

SYSTEM = System(
    "tidemark",
    TidemarkOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    manifest=MANIFEST,
    suites=("tidemark.tests.test_conformance",),
)

__all__ = ["MANIFEST", "SYSTEM", "Tidemark", "TidemarkOptions", "connect"]
