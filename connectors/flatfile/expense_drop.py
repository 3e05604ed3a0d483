"""A folder of files as a source of expense reports, which is told what became of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from canonical.expense import ExpenseReport
from connectors.base.capabilities import (
    Acknowledged,
    Claim,
    Claimed,
    ReportNews,
    SourcePage,
    SourceRecord,
)
from connectors.base.dates import day_of
from connectors.base.errors import ConnectionConfigError
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget
from connectors.base.system import System
from connectors.flatfile.approvals import said_approved
from connectors.flatfile.contents import Contents, files_of
from connectors.flatfile.drafts import Draft, agreed, each_once
from connectors.flatfile.drop import arrivals, read_drop, require_writable
from connectors.flatfile.expense_parts import REPORTS, TABLES
from connectors.flatfile.expense_reports import expense_reports
from connectors.flatfile.kinds import id_from
from connectors.flatfile.manifest import EXPENSE_CAPABILITIES, expense_manifest
from connectors.flatfile.options import ApprovedDropOptions
from connectors.flatfile.paging import paged
from connectors.flatfile.rejected import tell_rejected
from connectors.flatfile.telling import ToldSteps, money_text

STATUS: Final = "expense_status"
FILES: Final = tuple(name for stem in TABLES for name in files_of(stem, many=True))
_HEADS: Final = files_of(REPORTS, many=True)
Records = Sequence[SourceRecord[ExpenseReport]]


class ExpenseDrop:
    """ExpenseReportSource and ExpenseReportSink for one folder."""

    def __init__(self, options: ApprovedDropOptions) -> None:
        self._connection: Final = options.connection
        self._folder: Final = Path(options.folder)
        self._format: Final = options.format
        self._page_size: Final = options.page_size
        self._evidence: Final = options.approval_evidence
        self._manifest: Final = expense_manifest(evidence=options.approval_evidence)
        self._told: Final = ToldSteps(self._folder, STATUS)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        """Nothing is held open."""

    async def check(self) -> str:
        """Prove that the folder is a drop, and may be read and written; name what it holds."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> str:
        there = self._arrivals()
        require_writable(self._folder)
        return f"the folder {self._folder} with {', '.join(sorted(there))}"

    def expense_reports(self, since: datetime | None) -> AsyncIterator[SourcePage[ExpenseReport]]:
        """Page through all reports, if one of their files changed at or after an instant."""
        return paged(lambda: self._changed_since(since), self._page_size)

    def _changed_since(self, since: datetime | None) -> Records:
        # Some disks keep whole seconds only.
        if since and max(self._arrivals().values()) < since.replace(microsecond=0):
            return ()
        return [_shown(draft) for draft in self._read()]

    def _read(self) -> Sequence[Draft[ExpenseReport]]:
        files = read_drop(self._folder, FILES)
        contents = Contents(self._connection, files, self._format)
        self._require_a_drop(bool(contents.of_kind(REPORTS)))
        newest = max(file.arrived_at for file in files.values())
        drafts = each_once(expense_reports(contents, newest, evidence=self._evidence))
        tell_rejected(self._folder, "expenses", drafts)
        return drafts

    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        """Nobody can be kept from changing a file: each change is news, like a recall."""
        return tuple(Claimed(source_id, Claim.CLAIMED) for source_id in source_ids)

    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        """Append steps to the file of statuses; what stands there already counts as told.

        Of a report that is not in the drop, and of which nothing was ever told, none is taken.
        Raises TransientError if the disk refuses.
        """
        return await asyncio.to_thread(self._tell, news) if news else ()

    def _tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        known = {draft.id for draft in self._read()}
        if any(one.source_id not in known for one in news):
            # A report that was posted may have been taken away since.
            known |= self._told.texts("report")
        self._told.tell(_step(one) for one in news if one.source_id in known)
        return tuple(
            Acknowledged(one.source_id, accepted=True)
            if one.source_id in known
            else Acknowledged(one.source_id, accepted=False, code="no_such_report")
            for one in news
        )

    def _arrivals(self) -> Mapping[str, datetime]:
        self._require_a_drop(bool(arrivals(self._folder, _HEADS)))
        return arrivals(self._folder, FILES)

    def _require_a_drop(self, is_one: bool) -> None:  # noqa: FBT001  It is what is found.
        if not is_one:
            # A share that is not mounted has no reports either.
            raise ConnectionConfigError(
                "no_drop",
                f"{self._folder} has neither {REPORTS}.csv nor {REPORTS}.jsonl: put one there, "
                "with its header line alone if there are no reports",
            )


def _shown(draft: Draft[ExpenseReport]) -> SourceRecord[ExpenseReport]:
    report = draft.record
    return SourceRecord(
        source_id=draft.id,
        raw=draft.raw,
        record=report,
        trouble=draft.trouble,
        document_id=draft.id,
        employee=report.employee if report else agreed(draft.rows, "employee", id_from),
        work_date=report.report_date if report else agreed(draft.rows, "report_date", day_of),
        approved=(
            report.approval is not None if report else agreed(draft.rows, "approved", said_approved)
        ),
        changed_at=draft.changed_at,
    )


def _step(news: ReportNews) -> Mapping[str, Any]:
    return {
        "id": news.id,
        "report": news.source_id,
        "step": news.step.value,
        "reference": news.reference,
        "document": news.document,
        "legal_entity": news.legal_entity,
        "posting_date": news.posting_date and news.posting_date.isoformat(),
        "amount": money_text(news.amount),
        "on_date": news.on_date and news.on_date.isoformat(),
        "employee": news.employee,
        "code": news.code,
        "message": news.message,
    }


def connect(
    options: ApprovedDropOptions,
    budget: RateBudget,  # noqa: ARG001  A disk has none.
) -> ExpenseDrop:
    """Make the connector of one folder; nothing is read yet."""
    return ExpenseDrop(options)


SYSTEM: Final = System(
    "flatfile_expenses",
    ApprovedDropOptions,
    connect,
    capabilities=EXPENSE_CAPABILITIES,
    manifest=expense_manifest(evidence=True),
    suites=("tests.connectors.flatfile.test_expense_conformance",),
)
