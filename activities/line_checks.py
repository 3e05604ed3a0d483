"""Line checks: how the lines of each kind of document are checked, in one form for all kinds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from canonical.exception_case import Cause, RootCause
from canonical.expense import EXPENSE_REPORT, ExpenseReport
from canonical.messages import REPORT, TIMESHEET
from canonical.money import Money
from canonical.posting import Decision, Dimension, PostingBody, PostingKind
from canonical.posting_period import PeriodDecision
from canonical.source_line import LineVersion, ObjectName
from canonical.text import Code
from canonical.time_entry import TIME_ENTRY, TimeEntry
from connectors.base.errors import WARNING
from rules import expense_checks, time_checks
from rules.facts import Facts
from rules.policies import Policies

# What is booked for a line of each kind of object.
KIND_OF: Final[Mapping[str, PostingKind]] = {
    TIME_ENTRY: PostingKind.TIME,
    EXPENSE_REPORT: PostingKind.EXPENSE,
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


@dataclass(frozen=True, slots=True)
class Stopped:
    """A line that a person must look at first."""

    root_cause: RootCause
    value: Money
    seconds: int = 0


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
            )
        case time_checks.Stopped():
            return Stopped(result.root_cause, result.value, result.line.entry.seconds)


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
    warning = one.amendments.get(f"accept:{Cause.ERP_WARNING}")
    return Ready(
        result.legal_entity,
        result.body,
        result.dimensions,
        result.period,
        result.value,
        accepted=(f"{WARNING}{warning}",) if warning else (),
        decisions=result.decisions,
    )


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
OBJECT_OF: Final[Mapping[str, ObjectName]] = {TIMESHEET: TIME_ENTRY, REPORT: EXPENSE_REPORT}
CHECKS: Final[Mapping[str, LineChecks]] = {TIMESHEET: check_time, REPORT: check_reports}
