"""Harvest, a source of time. The simulator is not imported here: production never needs it."""

from connectors.harvest.client import HarvestOptions
from connectors.harvest.connector import Harvest, connect
from connectors.harvest.manifest import MANIFEST

__all__ = ["MANIFEST", "Harvest", "HarvestOptions", "connect"]
