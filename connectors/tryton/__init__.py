"""Tryton, an ERP. The simulator is not imported here: production never needs it."""

from connectors.tryton.client import TrytonOptions
from connectors.tryton.connector import Tryton, connect
from connectors.tryton.manifest import manifest_for

__all__ = ["Tryton", "TrytonOptions", "connect", "manifest_for"]
