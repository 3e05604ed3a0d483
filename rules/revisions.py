"""Revisions: which version of a source line is a new one in money's eyes."""

from dataclasses import replace
from datetime import date, datetime

from canonical.contracts import CONTRACT_RECORD, ContractRecord
from canonical.expense import EXPENSE_REPORT, ExpenseReport
from canonical.source_line import LineStatus, LineVersion, ObjectName
from canonical.time_entry import TIME_ENTRY, TimeEntry

Shown = TimeEntry | ExpenseReport


def advance(previous: LineVersion | None, entry: Shown, seen_at: datetime) -> LineVersion:
    """Take in what the source shows now. Returns `previous` itself if there is nothing new.

    The revision rises only when a financial field of an approved line changed, or when a line is
    approved again after its approval was withdrawn; notes, rates and the source's own stamps do
    not count, because our write-back moves those too. News that is older than what is known is
    ignored, so the order of arrival does not matter.
    """
    if previous is not None and entry.changed_at < previous.changed_at:
        return previous
    object_name, document_id, day = _placed(entry)
    version = LineVersion(
        connection=entry.connection,
        object=object_name,
        source_id=entry.id,
        document_id=document_id,
        employee=entry.employee,
        work_date=day,
        revision=previous.revision if previous else 1,
        financial_hash=previous.financial_hash if previous else entry.financial_hash,
        status=LineStatus.NOT_APPROVED,
        approved_at=previous.approved_at if previous else None,
        approved_at_from=previous.approved_at_from if previous else None,
        trouble=None,
        entry=entry.model_dump_json(),
        changed_at=entry.changed_at,
    )
    if entry.approval is None:
        ever = previous is not None and previous.ever_approved
        return replace(version, status=LineStatus.WITHDRAWN if ever else LineStatus.NOT_APPROVED)
    return _approved(previous, version, entry, seen_at)


def advance_contract(previous: LineVersion | None, record: ContractRecord) -> LineVersion:
    """Take in what a contract says now; the revision rises with every change of it.

    It is agreed and not approved: nothing of it is ever posted by itself. What is shown now counts,
    even where it was written before what is known.
    """
    known = previous is not None and previous.status is LineStatus.APPROVED
    if previous is not None and known and previous.financial_hash == record.content_hash:
        return previous
    return LineVersion(
        connection=record.connection,
        object=CONTRACT_RECORD,
        source_id=record.id,
        document_id=record.id,
        employee="-",
        work_date=None,
        revision=previous.revision + 1 if previous else 1,
        financial_hash=record.content_hash,
        status=LineStatus.APPROVED,
        approved_at=None,
        approved_at_from=None,
        trouble=None,
        entry=record.model_dump_json(),
        changed_at=record.changed_at,
    )


def _approved(
    previous: LineVersion | None, version: LineVersion, entry: Shown, seen_at: datetime
) -> LineVersion:
    assert entry.approval is not None
    if previous and previous.status is LineStatus.REJECTED and _unchanged(previous, entry):
        return replace(version, status=LineStatus.REJECTED)
    if previous and previous.status is LineStatus.WITHDRAWN and _is_the_same(previous, entry):
        # Its source took it back when it was asked, and did not need to show it once more.
        return previous
    approved = replace(version, status=LineStatus.APPROVED, financial_hash=entry.financial_hash)
    still = previous is not None and previous.status is LineStatus.APPROVED
    if previous and still and previous.financial_hash == entry.financial_hash:
        return approved
    given = entry.approval.approved_at
    return replace(
        approved,
        revision=version.revision + (1 if previous and previous.ever_approved else 0),
        approved_at=given or seen_at,
        approved_at_from="source" if given else "first_seen",
    )


def _placed(entry: Shown) -> tuple[ObjectName, str, date]:
    """What it is, which document it is on, and which day it is for; a report is its own line."""
    match entry:
        case TimeEntry():
            return TIME_ENTRY, entry.timesheet, entry.work_date
        case ExpenseReport():
            return EXPENSE_REPORT, entry.id, entry.latest_date


def _unchanged(previous: LineVersion, entry: Shown) -> bool:
    """Whether a source still shows what was sent back to it, approval and all."""
    given = entry.approval.approved_at if entry.approval else None
    return previous.financial_hash == entry.financial_hash and (
        given is None or given == previous.approved_at
    )


def _is_the_same(previous: LineVersion, entry: Shown) -> bool:
    """Whether this is the very version that was approved and is withdrawn since: an old page."""
    given = entry.approval.approved_at if entry.approval else None
    return given is not None and (given, entry.changed_at, entry.financial_hash) == (
        previous.approved_at,
        previous.changed_at,
        previous.financial_hash,
    )


def gone(previous: LineVersion) -> LineVersion:
    """The source no longer has the line: for us, an approval that was withdrawn for good."""
    return replace(previous, status=LineStatus.DELETED)


def is_news(previous: LineVersion | None, now: LineVersion) -> bool:
    """Whether the line's document has something to decide because of this change."""
    if previous is None:
        return now.ever_approved
    if not (previous.ever_approved or now.ever_approved):
        return False
    return (previous.revision, previous.status, previous.document_id) != (
        now.revision,
        now.status,
        now.document_id,
    )
