"""Tryton, an ERP. The simulator is not imported here: production never needs it."""

from connectors.base.system import System
from connectors.tryton.client import TrytonOptions
from connectors.tryton.connector import Tryton, connect
from connectors.tryton.manifest import manifest_for

SYSTEM = System("tryton", TrytonOptions, connect)

__all__ = ["SYSTEM", "Tryton", "TrytonOptions", "connect", "manifest_for"]
