"""The systems that can be connected: ours, and those that entry points add."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from connectors.base.system import System
from runtime.configuration import ConfigurationError

ENTRY_POINTS: Final = "ledgerway.connectors"
_OURS: Final = {
    "concur": "connectors.concur",
    "flatfile": "connectors.flatfile",
    "fyle": "connectors.fyle",
    "harvest": "connectors.harvest",
    "tryton": "connectors.tryton",
}


def system_named(name: str) -> System:
    """Find a system; raises ConfigurationError with the names that are known."""
    if name in _OURS:
        system: System = import_module(_OURS[name]).SYSTEM
        return system
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            loaded: System = entry.load()
            return loaded
    known = sorted({*_OURS, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})
    raise ConfigurationError(f"no connector for '{name}'; there are {', '.join(known)}")


def has_capability(name: str, capability: type) -> bool:
    """Whether a system can be used in a role."""
    return capability in system_named(name).capabilities
