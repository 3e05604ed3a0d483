"""Harvest, a source of time. The simulator is not imported here: production never needs it."""

from connectors.base.system import System
from connectors.harvest.client import HarvestOptions
from connectors.harvest.connector import Harvest, connect
from connectors.harvest.manifest import MANIFEST

SYSTEM = System(
    "harvest", HarvestOptions, connect, MANIFEST.rate_limits, MANIFEST.capabilities
)

__all__ = ["MANIFEST", "SYSTEM", "Harvest", "HarvestOptions", "connect"]
