"""Xero, an ERP that also keeps time on projects. Its simulator is not imported."""

from connectors.base.http import Timeouts
from connectors.base.system import System
from connectors.xero.connector import Xero, connect
from connectors.xero.manifest import CAPABILITIES, RATE_LIMITS, manifest_for
from connectors.xero.options import XeroOptions

SYSTEM = System(
    "xero",
    XeroOptions,
    connect,
    RATE_LIMITS,
    CAPABILITIES,
    manifest=manifest_for(Timeouts()),
    suites=("tests.connectors.xero.test_conformance",),
)

__all__ = ["SYSTEM", "Xero", "XeroOptions", "connect", "manifest_for"]
