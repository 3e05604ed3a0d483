"""Line checks: how the lines of each kind of document are checked, in one form for all kinds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from canonical.billing import BillingEvent
from canonical.contracts import CONTRACT_RECORD
from canonical.exception_case import Cause, RootCause
from canonical.expense import EXPENSE_REPORT, ExpenseReport
from canonical.messages import BILLING, CONTRACT, REPORT, TIMESHEET
from canonical.money import Money
from canonical.posting import Decision, Dimension, PostingBody, PostingKind
from canonical.posting_period import PeriodDecision
from canonical.source_line import BILLING_EVENT, LineVersion, ObjectName
from canonical.text import Code
from canonical.time_entry import TIME_ENTRY, TimeEntry
from connectors.base.errors import WARNING
from rules import expense_checks, invoice_checks, time_checks
from rules.facts import Facts
from rules.intercompany_time import Intercompany
from rules.policies import Policies

# What is booked for a line of each kind of object.
KIND_OF: Final[Mapping[str, PostingKind]] = {
    TIME_ENTRY: PostingKind.TIME,
    EXPENSE_REPORT: PostingKind.EXPENSE,
    BILLING_EVENT: PostingKind.INVOICE,
    # Never posted: only one that cannot be read is ever stopped.
    CONTRACT_RECORD: PostingKind.INVOICE,
}


@dataclass(frozen=True, slots=True)
class ToCheck:
    """An approved line, what a person put in place of its values, and whether it is posted.

    `others` are further approved lines of the same employee, as canonical JSON, to compare with.
    """

    line: LineVersion
    amendments: Mapping[str, str]
    posted: bool
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """A line that may be posted, and how.

    `accepted` are ERP warnings that a person accepts; `decisions` say which rule made each line of
    the body.
    """

    legal_entity: str
    body: PostingBody
    dimensions: tuple[Dimension, ...]
    period: PeriodDecision
    value: Money
    seconds: int = 0
    accepted: tuple[Code, ...] = ()
    decisions: tuple[Decision, ...] = ()
    # For a credit note: the posting that it is about, and that one's document.
    corrects: UUID | None = None
    corrects_document: str | None = None
    # For work on another legal entity's project: what else is to be booked.
    intercompany: Intercompany | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A line that a person must look at first.

    `intercompany` is there if it is only the hours that cannot be booked now.
    """

    root_cause: RootCause
    value: Money
    seconds: int = 0
    intercompany: Intercompany | None = None


# Checks all lines of a document together; gives a result for each by its source id.
LineChecks = Callable[[Sequence[ToCheck], Facts, Policies], dict[str, Ready | Stopped]]


def check_time(
    lines: Sequence[ToCheck], facts: Facts, policies: Policies
) -> dict[str, Ready | Stopped]:
    """Check the lines of a timesheet."""
    wanted = [
        time_checks.Line(
            entry=TimeEntry.model_validate_json(one.line.entry or ""),
            revision=one.line.revision,
            amendments=one.amendments,
            posted=one.posted,
        )
        for one in lines
    ]
    return {
        one.line.entry.id: _time(one)
        for one in time_checks.check_timesheet(wanted, facts, policies)
    }


def _time(result: time_checks.Ready | time_checks.Stopped) -> Ready | Stopped:
    match result:
        case time_checks.Ready():
            return Ready(
                result.legal_entity,
                result.body,
                result.dimensions,
                result.period,
                result.value,
                result.body.seconds,
                intercompany=result.intercompany,
            )
        case time_checks.Stopped():
            return Stopped(
                result.root_cause, result.value, result.line.entry.seconds, result.intercompany
            )


def check_reports(
    lines: Sequence[ToCheck], facts: Facts, policies: Policies
) -> dict[str, Ready | Stopped]:
    """Check expense reports, each on its own."""
    return {one.line.source_id: _report(one, facts, policies) for one in lines}


def _report(one: ToCheck, facts: Facts, policies: Policies) -> Ready | Stopped:
    line = expense_checks.Line(
        report=ExpenseReport.model_validate_json(one.line.entry or ""),
        revision=one.line.revision,
        amendments=one.amendments,
        posted=one.posted,
        others=[ExpenseReport.model_validate_json(other) for other in one.others],
    )
    result = expense_checks.check_report(line, facts, policies)
    if isinstance(result, expense_checks.Stopped):
        return Stopped(result.root_cause, result.value)
    return Ready(
        result.legal_entity,
        result.body,
        result.dimensions,
        result.period,
        result.value,
        accepted=_accepted(one),
        decisions=result.decisions,
    )


def _accepted(one: ToCheck) -> tuple[Code, ...]:
    warning = one.amendments.get(f"accept:{Cause.ERP_WARNING}")
    return (f"{WARNING}{warning}",) if warning else ()


def check_invoices(
    lines: Sequence[ToCheck], facts: Facts, policies: Policies
) -> dict[str, Ready | Stopped]:
    """Check released billing events, each on its own."""
    return {one.line.source_id: _invoice(one, facts, policies) for one in lines}


def _invoice(one: ToCheck, facts: Facts, policies: Policies) -> Ready | Stopped:
    event = BillingEvent.model_validate_json(one.line.entry or "")
    result = invoice_checks.check_invoice(event, one.amendments, facts, policies)
    if isinstance(result, invoice_checks.Stopped):
        return Stopped(result.root_cause, result.value)
    return Ready(
        result.legal_entity, result.body, (), result.period, result.value, accepted=_accepted(one)
    )


def check_nothing(_: Sequence[ToCheck], __: Facts, ___: Policies) -> dict[str, Ready | Stopped]:
    """Nothing of a contract is ever posted."""
    return {}


def crediting(checks: LineChecks, credited: Mapping[str, tuple[UUID, str]]) -> LineChecks:
    """The same checks, credit notes told which posting and document they are about."""

    def check(
        lines: Sequence[ToCheck], facts: Facts, policies: Policies
    ) -> dict[str, Ready | Stopped]:
        results = checks(lines, facts, policies)
        for source_id, (posting, document) in credited.items():
            ready = results.get(source_id)
            if isinstance(ready, Ready):
                results[source_id] = replace(ready, corrects=posting, corrects_document=document)
        return results

    return check


def comparing(checks: LineChecks, others: Sequence[str]) -> LineChecks:
    """The same checks, each line compared with these others."""

    def check(
        lines: Sequence[ToCheck], facts: Facts, policies: Policies
    ) -> dict[str, Ready | Stopped]:
        return checks([replace(one, others=others) for one in lines], facts, policies)

    return check


def refusing(checks: LineChecks, refused: Mapping[str, str]) -> LineChecks:
    """The same checks, but for reports that their source does not give over to us."""

    def check(
        lines: Sequence[ToCheck], facts: Facts, policies: Policies
    ) -> dict[str, Ready | Stopped]:
        results = checks(lines, facts, policies)
        for one in lines:
            code = refused.get(one.line.source_id)
            if code is not None:
                results[one.line.source_id] = _refused(one, results[one.line.source_id], code)
        return results

    return check


def _refused(line: ToCheck, result: Ready | Stopped, code: str) -> Stopped:
    source, report = line.line.connection, line.line.source_id
    entity = result.legal_entity if isinstance(result, Ready) else result.root_cause.legal_entity
    cause = RootCause(
        legal_entity=entity,
        cause=Cause.CLAIMED_ELSEWHERE,
        subject=report,
        sentence=f"{source} does not give report {report} over to us (answer {code or 'none'}): "
        "another system has acknowledged it. Find out which one posts it; then waive it here, or "
        "have it sent back and submitted again.",
    )
    return Stopped(cause, result.value, result.seconds)


# Which kind of object the lines of a kind of document are.
OBJECT_OF: Final[Mapping[str, ObjectName]] = {
    TIMESHEET: TIME_ENTRY,
    REPORT: EXPENSE_REPORT,
    BILLING: BILLING_EVENT,
    CONTRACT: CONTRACT_RECORD,
}
CHECKS: Final[Mapping[str, LineChecks]] = {
    TIMESHEET: check_time,
    REPORT: check_reports,
    BILLING: check_invoices,
    CONTRACT: check_nothing,
}
