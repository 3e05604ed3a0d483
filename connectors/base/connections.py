"""Connections: one tenant's configured connectors, by name and by what they can do."""

from collections.abc import Mapping
from typing import TypeVar

from connectors.base.capabilities import Connected
from connectors.base.errors import ConnectionConfigError

C = TypeVar("C", bound=Connected)


class Connections:
    """The connectors of this installation."""

    def __init__(self, connected: Mapping[str, Connected]) -> None:
        self._connected = dict(connected)

    def filling(self, name: str, capability: type[C]) -> C:
        """Give the connection of this name in a role.

        Raises ConnectionConfigError if there is none, or if its system cannot fill the role.
        """
        connected = self._connected.get(name)
        if connected is None:
            known = ", ".join(sorted(self._connected)) or "none"
            raise ConnectionConfigError(
                "unknown_connection", f"no connection '{name}' is configured; known: {known}"
            )
        if not isinstance(connected, capability):
            raise ConnectionConfigError(
                "missing_capability",
                f"connection '{name}' ({connected.manifest.title}) cannot be used as "
                f"{capability.__name__}",
            )
        return connected

    def all_filling(self, capability: type[C]) -> dict[str, C]:
        """Give all connections that can fill a role, by name."""
        return {
            name: connected
            for name, connected in self._connected.items()
            if isinstance(connected, capability)
        }

    async def close(self) -> None:
        """Close every connection."""
        for connected in self._connected.values():
            await connected.close()
