"""Which projects may hold time that changed: Xero has no stamp for that, but counts minutes.

Listing the time of every project every quarter of an hour would alone use up a day's calls.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from connectors.xero.client import XeroClient
from connectors.xero.wire import ProjectsRow, WireId, row_from


class CountedRow(ProjectsRow):
    """A project, and how many minutes were logged on it in all."""

    project_id: WireId
    minutes_logged: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    minutes: int
    # What the sweep that saw it asked for; None asked for everything.
    since: datetime | None


class ProjectChanges:
    """Remembers the minutes of projects.

    A project is left out only if its minutes are those that an earlier sweep saw, and that sweep
    has been taken over: whoever asks for a later instant than it did has kept its result. Of one
    that asked for everything that cannot be told.
    """

    def __init__(self, client: XeroClient) -> None:
        self._client: Final = client
        self._seen: Final[dict[str, _Seen]] = {}

    async def since(self, since: datetime | None) -> list[str]:
        """Give the projects that have to be looked into, open and closed ones."""
        rows = [row_from(CountedRow, value) async for value in self._projects()]
        found = [row for row in rows if not self._is_known(row, since)]
        for row in found:
            self._seen[row.project_id] = _Seen(row.minutes_logged, since)
        return [row.project_id for row in found]

    async def _projects(self) -> AsyncIterator[Any]:
        async for values in self._client.project_pages("Projects", {}):
            for value in values:
                yield value

    def _is_known(self, row: CountedRow, since: datetime | None) -> bool:
        seen = self._seen.get(row.project_id)
        if seen is None or seen.since is None or since is None:
            return False
        return seen.since < since and seen.minutes == row.minutes_logged
