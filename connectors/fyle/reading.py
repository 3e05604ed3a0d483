"""One reading of Fyle's reports: those that are released, sent back, or changed in an expense."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from canonical.expense import ExpenseReport
from connectors.base.capabilities import SourcePage, SourceRecord
from connectors.base.pagination import Pages
from connectors.base.records import RawRecord
from connectors.fyle import mapping
from connectors.fyle.client import FyleClient, Memory, since
from connectors.fyle.options import Setting
from connectors.fyle.walk import REPORTS, ReportWalk, mark_of
from connectors.fyle.wire import ReportState

_EXPENSES: Final = "/admin/expenses"
_READY: Final = f"eq.{ReportState.PAYMENT_PROCESSING}"
_BACK: Final = ",".join(
    (
        ReportState.DRAFT,
        ReportState.APPROVER_PENDING,
        ReportState.APPROVER_INQUIRY,
        ReportState.APPROVED,
    )
)
# Stands for the beginning of time: nothing in Fyle is older.
_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)

ReportPage = SourcePage[ExpenseReport]


class ReportReading:
    """All news since an instant; without one, just the reports that are released.

    Fyle lists a report that was sent back among those that never were approved, and need not
    move a report's stamp when one of its expenses is edited: both are asked for.
    """

    def __init__(self, client: FyleClient, setting: Setting, after: datetime | None) -> None:
        self._client = client
        self._setting = setting
        self._after = after
        self._seen: set[bytes] = set()
        self._walks = [ReportWalk(client, _READY, after or _EVER, self._seen)]
        if after is not None:
            self._walks.append(ReportWalk(client, f"in.({_BACK})", after, self._seen))
        self._given: set[str] = set()
        self._edited: list[str] | None = None
        # Answers of the page under way, so that a spent budget costs none of them twice.
        self._memory: Memory = {}

    def pages(self) -> AsyncIterator[ReportPage]:
        """Page through; after TransientError the place is kept, and the page may be asked again."""
        return Pages(self._walks[0].place, self._fetch)

    async def _fetch(self, _: str) -> tuple[ReportPage, str | None]:
        page, following = await (self._walked() if self._walks else self._edits())
        self._memory.clear()
        self._given.update(each.source_id for each in page.records if each.source_id)
        return page, following

    async def _walked(self) -> tuple[ReportPage, str | None]:
        walk = self._walks[0]
        page, fresh = await walk.look(self._memory)
        records = await self._whole(fresh)
        if not walk.move(page, fresh):
            del self._walks[0]
        return SourcePage(records, page.count), self._following()

    def _following(self) -> str | None:
        if self._walks:
            return self._walks[0].place
        return None if self._after is None else "edited"

    async def _edits(self) -> tuple[ReportPage, str | None]:
        """Released reports that did not change themselves, but in an expense."""
        edited = self._edited
        if edited is None:
            assert self._after is not None
            changed = await self._client.all_of(
                _EXPENSES, {"state": _READY, "updated_at": since(self._after)}, memory=self._memory
            )
            edited = [each for each in mapping.by_report(changed) if each not in self._given]
        now, later = edited[: self._client.page_size], edited[self._client.page_size :]
        listed = await self._client.all_with(REPORTS, "id", now, memory=self._memory)
        records = await self._whole([each for each in listed if mark_of(each) not in self._seen])
        self._edited = later
        return SourcePage(records), f"edited {len(later)}" if later else None

    async def _whole(self, reports: Sequence[RawRecord]) -> tuple[SourceRecord[ExpenseReport], ...]:
        """Reports with their expenses, read in bulk; unfinished ones are shown without."""
        spent = await self._client.all_with(
            _EXPENSES, "report_id", self._released(reports), memory=self._memory
        )
        expenses = mapping.by_report(spent)
        return tuple(
            mapping.source_record(each, expenses.get(mapping.id_in(each) or "", ()), self._setting)
            for each in reports
        )

    def _released(self, reports: Iterable[RawRecord]) -> Iterable[str]:
        for each in reports:
            named = mapping.id_in(each)
            if named is not None and mapping.perhaps_released(each):
                yield named
