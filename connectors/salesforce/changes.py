"""What changed in an org: the feeds of changes and of deletions, asked in whole minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.base.errors import RejectedError
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.manifest import FEED_SECONDS, OVERLAP_SECONDS

_MINUTE: Final = timedelta(minutes=1)
# The feed never says that it has covered what is to come, so that our clock may be behind theirs.
_AHEAD: Final = timedelta(minutes=10)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Moved:
    """The ids of one object's records that changed or went, and up to when that is complete."""

    changed: frozenset[str]
    deleted: frozenset[str]
    covered: datetime

    @property
    def all(self) -> frozenset[str]:
        """Both: a deleted record may have been restored since."""
        return self.changed | self.deleted


class ChangeFeed:
    """Asks the feeds, which take whole minutes and show no record twice."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client: Final = client

    async def moved(
        self, kinds: Sequence[str], since: datetime, now: datetime
    ) -> Sequence[Moved] | None:
        """What moved of each object at or after an instant; None: the feeds do not reach so far."""
        start = _whole_minute(since - timedelta(seconds=OVERLAP_SECONDS))
        if start < now - timedelta(seconds=FEED_SECONDS):
            return None
        end = _whole_minute(max(now, start) + _AHEAD)
        found = []
        for kind in kinds:
            try:
                changed = await self._client.updated(kind, start, end)
                deleted = await self._client.deleted(kind, start, end)
            except RejectedError:
                return None  # More changed than it can tell, or further back than it remembers.
            if start < deleted.earliest:
                return None  # What went before that is forgotten.
            found.append(
                Moved(
                    frozenset(changed.ids),
                    frozenset(one.id for one in deleted.records),
                    min(changed.covered, deleted.covered, now),
                )
            )
        return found

    async def covered(self, kinds: Sequence[str], now: datetime) -> datetime:
        """Up to when everything is visible that was changed: asked before all of it is read."""
        start, end = _whole_minute(now - _HOUR), _whole_minute(now + _AHEAD)
        covered = now
        for kind in kinds:
            try:
                covered = min(covered, (await self._client.updated(kind, start, end)).covered)
            except RejectedError:
                covered = min(covered, start)
        return covered


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
