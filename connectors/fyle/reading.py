"""One reading of the reports that are ready: complete though they move, and never in a circle."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from canonical.expense import ExpenseReport
from connectors.base.capabilities import SourcePage
from connectors.base.errors import TransientError
from connectors.base.pagination import Pages
from connectors.base.records import RawRecord
from connectors.fyle import mapping, wire
from connectors.fyle.client import FyleClient, Page, since
from connectors.fyle.options import Setting

_READY: Final = {"state": f"eq.{wire.ReportState.PAYMENT_PROCESSING}"}
# Stands for the beginning of time: nothing in Fyle is older.
_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)


class ReportReading:
    """Walks along `updated_at` instead of counting pages off.

    A report that changes moves to the end, ahead of us; one that goes takes nothing away from
    what is ahead. So the next page is asked for from the last stamp of this one, with what was
    seen left out, and an offset counts only among reports that carry one and the same stamp.
    """

    def __init__(self, client: FyleClient, setting: Setting, after: datetime | None):
        self._client = client
        self._setting = setting
        self._from = after or _EVER
        self._offset = 0
        self._count: int | None = None
        self._seen: set[bytes] = set()

    def pages(self) -> AsyncIterator[SourcePage[ExpenseReport]]:
        """Page through; after TransientError the place is kept, and the page may be asked again."""
        return Pages(self._place(), self._fetch)

    def _place(self) -> str:
        return f"{self._from.isoformat()} {self._offset}"

    async def _fetch(self, _: str) -> tuple[SourcePage[ExpenseReport], str | None]:
        page = await self._client.page(
            "/admin/reports",
            {**_READY, "updated_at": since(self._from)},
            "updated_at.asc",
            offset=self._offset,
        )
        fresh = [record for record in page.records if _mark(record) not in self._seen]
        self._refuse_disorder(page, fresh)
        named = (mapping.id_in(record) for record in fresh)
        expenses = mapping.by_report(
            await self._client.all_with(
                "/admin/expenses", "report_id", (each for each in named if each is not None)
            )
        )
        records = tuple(
            mapping.source_record(each, expenses.get(mapping.id_in(each) or "", ()), self._setting)
            for each in fresh
        )
        more = self._go_on(page, fresh)
        return SourcePage(records, page.count), self._place() if more else None

    def _refuse_disorder(self, page: Page, fresh: list[RawRecord]) -> None:
        if self._offset and self._count is not None and page.count < self._count:
            raise TransientError("pages_shifted", "a report went while its stamp was read")
        if self._offset and page.records and not fresh:
            raise TransientError("pages_in_a_circle", "a page holds what was seen, and only that")

    def _go_on(self, page: Page, fresh: list[RawRecord]) -> bool:
        """Move behind this page; False if it was the last."""
        self._seen.update(_mark(record) for record in fresh)
        if not page.records or self._offset + len(page.records) >= page.count:
            return False
        stamps = [stamp for each in page.records if (stamp := mapping.stamp_of(each)) is not None]
        latest = max(stamps, default=self._from)
        if latest > self._from:
            self._from, self._offset, self._count = latest, 0, None
        else:
            self._offset, self._count = self._offset + len(page.records), page.count
        return True


def _mark(record: RawRecord) -> bytes:
    return hashlib.sha256(record.text.encode(errors="surrogatepass")).digest()
