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
# How often a stamp is gone through again in one walk, because reports of it went meanwhile.
TURNS_MAX: Final = 20


class ReportWalk:
    """Follows `updated_at` instead of counting pages off, and never goes in a circle.

    A report that changes moves to the end, ahead of us; one that goes takes nothing away from
    what is ahead. So the next page is asked for from the last stamp of this one, with what was
    seen left out. An offset counts only among reports of one and the same stamp, and then each
    page begins with the last report of the one before: if it does not, something went, and the
    reports of that stamp are gone through once more.
    """

    def __init__(self, client: FyleClient, states: str, begin: datetime, seen: set[bytes]) -> None:
        self._client = client
        self._states = states
        self._from = begin
        self._offset = 0
        # The report that stood at the offset when the page before was read.
        self._anchor: bytes | None = None
        self._turns = 0
        # Marks of what was given already, by this walk or by another of the same reading.
        self._seen = seen

    @property
    def place(self) -> str:
        """Where it stands; it stands nowhere twice."""
        return f"{self._states} {self._from.isoformat()} {self._turns} {self._offset}"

    async def look(self, memory: Memory) -> tuple[Page, list[RawRecord]]:
        """Read the page here, and what of it was not seen before.

        Raises TransientError if reports move so fast, or pages turn so, that it gets nowhere.
        """
        page = await self._page(memory)
        while self._anchor is not None and not self._begins_with(page, self._anchor):
            self._turns += 1
            if self._turns > TURNS_MAX:
                raise TransientError("pages_in_a_circle", "pages do not follow each other")
            self._offset, self._anchor = 0, None
            page = await self._page(memory)
        return page, [record for record in page.records if mark_of(record) not in self._seen]

    async def _page(self, memory: Memory) -> Page:
        return await self._client.page(
            REPORTS,
            {"state": self._states, "updated_at": since(self._from)},
            "updated_at.asc",
            offset=self._offset,
            memory=memory,
        )

    @staticmethod
    def _begins_with(page: Page, anchor: bytes) -> bool:
        return bool(page.records) and mark_of(page.records[0]) == anchor

    def move(self, page: Page, fresh: Sequence[RawRecord]) -> bool:
        """Go behind a page that was looked at; False if it was the last."""
        self._seen.update(mark_of(record) for record in fresh)
        if not page.records or self._offset + len(page.records) >= page.count:
            return False
        stamps = [stamp for each in page.records if (stamp := stamp_of(each)) is not None]
        latest = max(stamps, default=self._from)
        if latest > self._from:
            self._from, self._offset, self._anchor = latest, 0, None
        else:
            self._offset += len(page.records) - 1
            self._anchor = mark_of(page.records[-1])
        return True


def mark_of(record: RawRecord) -> bytes:
    """What tells a record apart, in whatever state it is."""
    return hashlib.sha256(record.text.encode(errors="surrogatepass")).digest()
