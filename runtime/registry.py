"""The systems that can be connected: ours, and those that entry points add."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from connectors.base.system import System
from runtime.configuration import ConfigurationError

ENTRY_POINTS: Final = "ledgerway.connectors"
_OURS: Final = {
    "bamboohr": "connectors.bamboohr",
    "business_central": "connectors.business_central",
    "concur": "connectors.concur",
    "flatfile": "connectors.flatfile",
    "flatfile_expenses": "connectors.flatfile.expense_drop",
    "flatfile_export": "connectors.flatfile.export",
    "flatfile_time": "connectors.flatfile.time_drop",
    "fyle": "connectors.fyle",
    "harvest": "connectors.harvest",
    "salesforce": "connectors.salesforce",
    "tryton": "connectors.tryton",
    "xero": "connectors.xero",
}


def system_named(name: str) -> System:
    """Find a system; raises ConfigurationError with the names that are known, or what is broken."""
    if name in _OURS:
        system: System = import_module(_OURS[name]).SYSTEM
        return system
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            return _loaded(entry)
    raise ConfigurationError(f"no connector for '{name}'; there are {', '.join(system_names())}")


def system_names() -> list[str]:
    """The names of all systems that can be connected."""
    return sorted({*_OURS, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})


def our_systems() -> list[System]:
    """The systems of this repository."""
    return [system_named(name) for name in sorted(_OURS)]


def comes_from(name: str) -> str:
    """The distribution that brings a system."""
    if name not in _OURS:
        for entry in entry_points(group=ENTRY_POINTS):
            if entry.name == name and entry.dist is not None:
                return str(entry.dist.name)
    return "ledgerway"


def _loaded(entry: EntryPoint) -> System:
    try:
        system = entry.load()
    except Exception as error:
        raise ConfigurationError(
            f"the connector '{entry.name}' ({entry.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(system, System):
        raise ConfigurationError(
            f"the connector '{entry.name}' ({entry.value}) is no System; its entry point names "
            "the package's SYSTEM, such as northwind:SYSTEM"
        )
    return system


def has_capability(name: str, capability: type) -> bool:
    """Whether a system can be used in a role."""
    return capability in system_named(name).capabilities
