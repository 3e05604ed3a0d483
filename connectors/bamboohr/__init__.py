"""BambooHR, where people are mastered. The simulator is not imported: production never needs it."""

from connectors.bamboohr.connector import BambooHr, connect
from connectors.bamboohr.manifest import MANIFEST
from connectors.bamboohr.options import BambooHrOptions
from connectors.base.system import System

SYSTEM = System(
    "bamboohr",
    BambooHrOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    manifest=MANIFEST,
    suites=("tests.connectors.bamboohr.test_conformance",),
)

__all__ = ["MANIFEST", "SYSTEM", "BambooHr", "BambooHrOptions", "connect"]
