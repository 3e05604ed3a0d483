"""Tryton, an ERP. The simulator is not imported here: production never needs it."""

from connectors.base.http import Timeouts
from connectors.base.system import System
from connectors.tryton.client import TrytonOptions
from connectors.tryton.connector import Tryton, connect
from connectors.tryton.manifest import manifest_for

_MANIFEST = manifest_for(Timeouts())
SYSTEM = System(
    "tryton",
    TrytonOptions,
    connect,
    capabilities=_MANIFEST.capabilities,
    manifest=_MANIFEST,
    suites=(
        "tests.connectors.tryton.test_conformance_simulated",
        "tests.connectors.tryton.test_conformance_erp",
        "tests.connectors.tryton.test_masters_conformance",
    ),
)

__all__ = ["SYSTEM", "Tryton", "TrytonOptions", "connect", "manifest_for"]
