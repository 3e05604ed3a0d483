"""A walk along the reports of some states in the order in which they changed.

Fyle counts pages off by an offset, and reports move between its pages while they are read.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connectors.base.errors import TransientError
from connectors.base.records import RawRecord
from connectors.fyle.client import FyleClient, Memory, Page, since
from connectors.fyle.mapping import stamp_of

REPORTS: Final = "/admin/reports"


class ReportWalk:
    """Follows `updated_at` instead of counting pages off, and never goes in a circle.

    A report that changes moves to the end, ahead of us; one that goes takes nothing away from
    what is ahead. So the next page is asked for from the last stamp of this one, with what was
    seen left out, and an offset counts only among reports that carry one and the same stamp.
    """

    def __init__(self, client: FyleClient, states: str, begin: datetime, seen: set[bytes]) -> None:
        self._client = client
        self._states = states
        self._from = begin
        self._offset = 0
        self._count: int | None = None
        # Marks of what was given already, by this walk or by another of the same reading.
        self._seen = seen

    @property
    def place(self) -> str:
        """Where it stands; it stands nowhere twice."""
        return f"{self._states} {self._from.isoformat()} {self._offset}"

    async def look(self, memory: Memory) -> tuple[Page, list[RawRecord]]:
        """Read the page here, and what of it was not seen before; the walk stays where it is."""
        page = await self._client.page(
            REPORTS,
            {"state": self._states, "updated_at": since(self._from)},
            "updated_at.asc",
            offset=self._offset,
            memory=memory,
        )
        fresh = [record for record in page.records if mark_of(record) not in self._seen]
        if self._count is not None and page.count < self._count:
            raise TransientError("pages_shifted", "a report went while its stamp was read")
        if self._offset and page.records and not fresh:
            raise TransientError("pages_in_a_circle", "a page holds only what was seen")
        return page, fresh

    def move(self, page: Page, fresh: Sequence[RawRecord]) -> bool:
        """Go behind a page that was looked at; False if it was the last."""
        self._seen.update(mark_of(record) for record in fresh)
        if not page.records or self._offset + len(page.records) >= page.count:
            return False
        stamps = [stamp for each in page.records if (stamp := stamp_of(each)) is not None]
        latest = max(stamps, default=self._from)
        if latest > self._from:
            self._from, self._offset, self._count = latest, 0, None
        else:
            self._offset, self._count = self._offset + len(page.records), page.count
        return True


def mark_of(record: RawRecord) -> bytes:
    """What tells a record apart, in whatever state it is."""
    return hashlib.sha256(record.text.encode(errors="surrogatepass")).digest()
