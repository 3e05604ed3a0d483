"""Business Central, an ERP. The simulator is not imported here: production never needs it."""

from connectors.base.http import Timeouts
from connectors.base.system import System
from connectors.business_central.connector import BusinessCentral, connect
from connectors.business_central.manifest import CAPABILITIES, RATE_LIMITS, manifest_for
from connectors.business_central.options import BusinessCentralOptions

SYSTEM = System(
    "business_central",
    BusinessCentralOptions,
    connect,
    RATE_LIMITS,
    CAPABILITIES,
    manifest=manifest_for(Timeouts()),
    suites=(
        "tests.connectors.business_central.test_conformance",
        "tests.connectors.business_central.test_masters_conformance",
    ),
)

__all__ = ["SYSTEM", "BusinessCentral", "BusinessCentralOptions", "connect", "manifest_for"]
