"""Harvest, a source of time. The simulator is not imported here: production never needs it."""

from connectors.base.system import System
from connectors.harvest.client import HarvestOptions
from connectors.harvest.connector import Harvest, connect
from connectors.harvest.manifest import MANIFEST
from connectors.harvest.mapping import entries_on

SYSTEM = System(
    "harvest",
    HarvestOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    read_page=lambda options, page: entries_on(page, options.connection),
    manifest=MANIFEST,
    suites=(
        "tests.connectors.harvest.test_conformance",
        "tests.connectors.harvest.test_masters_conformance",
    ),
)

__all__ = ["MANIFEST", "SYSTEM", "Harvest", "HarvestOptions", "connect"]
