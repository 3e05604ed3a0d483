"""Salesforce, a CRM. The simulator is not imported here: production never needs it."""

from connectors.base.system import System
from connectors.salesforce.connector import Salesforce, connect
from connectors.salesforce.manifest import MANIFEST
from connectors.salesforce.options import SalesforceOptions

SYSTEM = System(
    "salesforce",
    SalesforceOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    manifest=MANIFEST,
    suites=("tests.connectors.salesforce.test_conformance",),
)

__all__ = ["MANIFEST", "SYSTEM", "Salesforce", "SalesforceOptions", "connect"]
