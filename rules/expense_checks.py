"""Checks on expense reports that the ERP does not make, and the document that it is told.

Each check finds the root cause in a form that is equal for all reports that share it. The order
is fixed: the first cause found is the one that is told.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

from canonical.exception_case import Cause, RootCause
from canonical.expense import AdvanceStep, ExpenseReport
from canonical.expense_document import (
    LINES_MAX,
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.masters import COST_CENTRE, Employee
from canonical.money import Money
from canonical.posting import Decision, Dimension
from canonical.posting_period import PeriodDecision
from rules.expense_amounts import total_of
from rules.expense_codes import Codes, Stop
from rules.expense_lines import ExpensePosting, PostingLine
from rules.expense_posting import post_report
from rules.facts import Facts
from rules.policies import Policies, Policy
from rules.posting_period import PeriodTrouble, decide_period
from rules.time_checks import NO_LEGAL_ENTITY


@dataclass(frozen=True, slots=True)
class Line:
    """A report to be checked: what the source says, and what a person put in its place.

    `others` are further reports of the same employee, to be compared with this one.
    """

    report: ExpenseReport
    revision: int
    amendments: Mapping[str, str]
    # It is in the ERP already, and is checked for what a correction needs.
    posted: bool = False
    others: Sequence[ExpenseReport] = ()

    def accepts(self, cause: Cause) -> bool:
        """Whether a person vouched that this is right as it is."""
        return f"accept:{cause}" in self.amendments


@dataclass(frozen=True, slots=True)
class Ready:
    """A report that may be posted, and how."""

    line: Line
    legal_entity: str
    body: ExpenseDocument
    dimensions: tuple[Dimension, ...]
    period: PeriodDecision
    value: Money
    # What a person may want to know, though it stops nothing.
    warnings: tuple[str, ...] = ()
    # Which rule, by which tables, made each line of the body.
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Stopped:
    """A report that a person must look at first."""

    line: Line
    root_cause: RootCause
    value: Money


def check_report(line: Line, facts: Facts, policies: Policies) -> Ready | Stopped:
    """Check one report; the same input gives the same result."""
    value = value_of(line.report)
    employee = _employee(line, facts)
    entity = line.report.legal_entity or (employee and employee.legal_entity) or NO_LEGAL_ENTITY
    try:
        if employee is None:
            raise _unknown_employee(line, facts)
        return _checked(line, employee, entity, facts, policies.of(entity))
    except Stop as stop:
        cause = RootCause(
            legal_entity=entity, cause=stop.cause, subject=stop.subject, sentence=stop.sentence
        )
        return Stopped(line, cause, value)


def value_of(report: ExpenseReport) -> Money:
    """What a report is worth: what is approved of its items, and the advances that it pays out."""
    issued = [one.amount for one in report.advances if one.step is AdvanceStep.ISSUED]
    wholes = {item.part_of for item in report.items}
    approved = [one.approved for one in report.items if one.id not in wholes]
    return total_of([*approved, *issued], report.currency)


def duplicate_of(report: ExpenseReport, others: Sequence[ExpenseReport]) -> ExpenseReport | None:
    """Find another report that claims the same: same dates, types and amounts, whatever its id."""
    ours = _claims(report)
    return next(
        (one for one in others if one.id != report.id and ours and _claims(one) == ours), None
    )


def _claims(report: ExpenseReport) -> Counter[tuple[str, date, str, Money]]:
    return Counter(
        (report.employee, item.transaction_date, item.type_code, item.transaction)
        for item in report.items
    )


def _checked(line: Line, employee: Employee, entity: str, facts: Facts, policy: Policy) -> Ready:
    report = line.report
    _check_entities(report, employee, entity, facts)
    _check_approval(report)
    _check_employment(line, employee)
    posting = post_report(report, policy.expense)
    _check_problems(line, posting)
    _check_duplicate(line)
    period = _period(line, entity, facts, policy)
    incurred = {one.id: one.transaction_date for one in report.items}
    codes = Codes(
        line.amendments,
        entity,
        facts,
        policy,
        employee,
        period.posting_date,
        claimant=report.employee,
        incurred=incurred,
    )
    codes.check_currency(report.currency)
    passed_on = {one.item for one in posting.recharges if one.project is None}
    told = [one for one in posting.lines if one.role is not ExpenseRole.EMPLOYEE_PAYABLE]
    lines = tuple(_document_line(one, codes, passed_on) for one in told)
    if len(lines) > LINES_MAX:
        raise Stop(
            Cause.UNREADABLE_LINE,
            report.number,
            f"Report {report.number} comes to more than {LINES_MAX} lines. Have it split in the "
            "source.",
        )
    body = ExpenseDocument(
        legal_entity=facts.legal_entities[entity].id,
        payee=_party(employee),
        report_number=report.number,
        document_date=report.latest_date,
        posting_date=period.posting_date,
        currency=report.currency,
        lines=lines,
        disbursements=_disbursements(posting, codes),
    )
    centres = sorted({one.cost_centre for one in lines if one.cost_centre})
    dimensions = tuple(Dimension(name=COST_CENTRE, value=code) for code in centres)
    value = value_of(report)
    decisions = tuple(_decision(one, posting.policy_version) for one in told)
    return Ready(line, entity, body, dimensions, period, value, posting.warnings, decisions)


def _employee(line: Line, facts: Facts) -> Employee | None:
    amended = line.amendments.get("employee")
    if amended is not None:
        return facts.employees_by_code.get(amended)
    claimed = line.report.employee
    return facts.employees_by_code.get(claimed) or facts.employees.get(claimed)


def _unknown_employee(line: Line, facts: Facts) -> Stop:
    known = line.amendments.get("employee") or f"{facts.source} employee {line.report.employee}"
    return Stop(
        Cause.UNKNOWN_EMPLOYEE,
        known,
        f"The ERP has no employee for {known}. Give the employee the same code there and retry, or "
        "amend the reports to another employee.",
    )


def _check_entities(report: ExpenseReport, employee: Employee, entity: str, facts: Facts) -> None:
    """One report is booked by one legal entity, the employee's own."""
    if entity not in facts.legal_entities:
        raise Stop(
            Cause.OTHER_LEGAL_ENTITY,
            entity,
            f"The ERP has no legal entity {entity}. Correct the code in the source or create it "
            "there, then retry.",
        )
    named = {one.legal_entity for item in report.items for one in item.allocations}
    for other in sorted({employee.legal_entity or entity, *(one for one in named if one)}):
        if other != entity:
            raise Stop(
                Cause.OTHER_LEGAL_ENTITY,
                f"{employee.code}: {other} in {entity}",
                f"Employee {employee.code} has a report in {entity} that belongs to {other} as "
                "well. Have it split by legal entity in the source.",
            )


def _check_approval(report: ExpenseReport) -> None:
    """Who claims may not be who approves, as far as the source says who did (DOMAIN rule 13)."""
    if report.approval is not None and report.approval.approver == report.employee:
        raise Stop(
            Cause.SELF_APPROVED,
            report.number,
            f"Report {report.number} was approved by the employee who claims it. Reject it, so "
            "that somebody else approves it in the source.",
        )


def _check_employment(line: Line, employee: Employee) -> None:
    """A leaver's last report is still payable; what was spent before hire is a case (rule 42)."""
    if not employee.active and employee.active_until is None:
        raise Stop(
            Cause.INACTIVE_PAYEE,
            employee.code,
            f"Employee {employee.code} is not active in the ERP and has no date of leaving. Give "
            "the date there or make the employee active again, then retry.",
        )
    if employee.party is None:
        raise Stop(
            Cause.INACTIVE_PAYEE,
            employee.code,
            f"Employee {employee.code} has no active party in the ERP that could be paid. Create "
            "or reopen it there and retry.",
        )
    days = [item.transaction_date for item in line.report.items if not item.personal]
    hired, left = employee.active_from, employee.active_until
    if hired and any(day < hired for day in days) and not line.accepts(Cause.EXPENSE_BEFORE_HIRE):
        raise Stop(
            Cause.EXPENSE_BEFORE_HIRE,
            employee.code,
            f"Employee {employee.code} is employed from {hired} and claims costs before that date. "
            "Correct the date in the ERP and retry, accept it, or reject the report.",
        )
    if left and any(day > left for day in days):
        raise Stop(
            Cause.LEAVER,
            employee.code,
            f"Employee {employee.code} left on {left} and claims costs after that date. Correct "
            "the date of leaving in the ERP and retry, or reject the report.",
        )


def _check_problems(line: Line, posting: ExpensePosting) -> None:
    for one in posting.problems:
        amended = one.cause is Cause.MISSING_PROJECT and "project" in line.amendments
        if not (amended or line.accepts(one.cause)):
            raise Stop(one.cause, one.subject, one.sentence)


def _check_duplicate(line: Line) -> None:
    twin = duplicate_of(line.report, line.others)
    if twin is not None and not line.accepts(Cause.DUPLICATE_REPORT):
        number = line.report.number
        raise Stop(
            Cause.DUPLICATE_REPORT,
            number,
            f"Report {number} claims the same costs as report {twin.number}. Reject one of them, "
            "or accept that both are right.",
        )


def _period(line: Line, entity: str, facts: Facts, policy: Policy) -> PeriodDecision:
    period = decide_period(
        line.report.latest_date,
        facts.calendars.get(entity, ()),
        policy.closed_period,
        line.amendments.get("period"),
    )
    if isinstance(period, PeriodTrouble):
        raise Stop(period.cause, period.subject, period.sentence)
    return period


def _party(employee: Employee) -> str:
    assert employee.party is not None  # Checked with the employment.
    return employee.party


def _document_line(one: PostingLine, codes: Codes, passed_on: Set[str]) -> ExpenseDocumentLine:
    """Put the ERP's codes to a line; what is passed on takes the project that a person gave."""
    recovered = one.role is ExpenseRole.TAX_RECOVERABLE
    on_project = one.project is not None or one.item in passed_on
    return ExpenseDocumentLine(
        role=one.role,
        account=codes.account(one),
        label=one.label,
        amount=one.amount.amount,
        tax=codes.tax(one) if recovered else None,
        tax_base=one.tax_base.amount if recovered and one.tax_base else None,
        cost_centre=codes.cost_centre(one),
        project=codes.project(one.project) if on_project else None,
        item=one.item,
        allocation=one.allocation,
    )


def _decision(one: PostingLine, tables: str) -> Decision:
    """The rule in its version, and the version of the tables that it went by."""
    return Decision(rule=one.rule.code, version=f"{one.rule.version} {tables}", why=one.why)


def _disbursements(posting: ExpensePosting, codes: Codes) -> tuple[Disbursement, ...]:
    return tuple(
        Disbursement(
            project=codes.project(one.project),
            item=one.item,
            incurred_date=one.incurred_date,
            amount=one.amount.amount,
        )
        for one in posting.recharges
    )
