"""Billable work: source lines as billing sees them, and what they are worth once approved.

Pure: the same lines, masters and tables give the same work.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from canonical.billing import Allocation, BillableLine, WorkKind, WorkRef, WorkState
from canonical.contracts import BillingModel, ContractLine, Engagement, RateCard
from canonical.expense import ExpenseItem, ExpenseReport
from canonical.expense_document import Disbursement
from canonical.identity import content_hash
from canonical.masters import CostRate
from canonical.money import HourlyRate, Money
from canonical.time_entry import TimeEntry
from rules.billing_contract import contract_line_of
from rules.billing_policy import BillingPolicy
from rules.billing_quantities import billed_seconds, worth_of
from rules.expense_amounts import split_by_largest_remainder
from rules.facts import Facts
from rules.rate_precedence import NoRate, find_rate

_ID_MAX: Final = 120
# Of hours, which have one part only.
WHOLE: Final = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One billable line, and the part of which source line it is.

    `entered_rate` is the price that its source shows, which counts where no contract has one.
    `erp_employee` is whom its hours cost.
    """

    line: BillableLine
    object: str
    source_id: str
    part: str
    entered_rate: HourlyRate | None = None
    erp_employee: str | None = None


@dataclass(frozen=True, slots=True)
class WorkValue:
    """What one revision of a part is worth and costs, as decided when it was approved.

    `worth` is None for what is billed by a schedule or not at all.
    """

    work: Work
    billed_seconds: int
    rate: HourlyRate | None
    worth: Money | None
    why: str
    cost: Money | None


def work_of_time(
    entry: TimeEntry, revision: int, state: WorkState, facts: Facts, decided: HourlyRate | None
) -> Work:
    """See a time entry as billing does: by the codes that contracts name."""
    employee = facts.employees.get(entry.employee)
    known = facts.source_employees.get(entry.employee)
    project = facts.source_projects.get(entry.project)
    task = facts.source_tasks.get(entry.task)
    line = BillableLine(
        work=WorkRef(
            kind=WorkKind.TIME, connection=entry.connection, id=entry.id, revision=revision
        ),
        state=state,
        employee=employee.code if employee else entry.employee,
        role=known.role if known else None,
        project=project.code if project else entry.project,
        task=task.code if task else entry.task,
        work_date=entry.work_date,
        seconds=entry.seconds,
        billable=entry.billable,
        rate=decided,
    )
    return Work(
        line, "time_entry", entry.id, WHOLE, entry.bill_rate, employee.id if employee else None
    )


def work_of_report(
    report: ExpenseReport,
    revision: int,
    state: WorkState,
    passed_on: Sequence[Disbursement] | None,
    policy: BillingPolicy,
) -> Iterator[Work]:
    """See a report's billable costs as billing does: one part per item and project.

    `passed_on` is what was posted as passed on, net of recovered tax; None while it is not posted,
    when costs are shown as they were claimed.
    """
    net = _posted(passed_on) if passed_on is not None else None
    for item in report.items:
        if not item.billable or item.personal:
            continue
        for project, gross in _claimed(item).items():
            cost = gross if net is None else net.get((item.id, project))
            if cost is None:
                continue
            yield _cost(report, item, project, cost, revision=revision, state=state, policy=policy)


def _posted(passed_on: Sequence[Disbursement]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for one in passed_on:
        key = (one.item, one.project)
        sums[key] = sums.get(key, Decimal(0)) + one.amount
    return sums


def _claimed(item: ExpenseItem) -> Mapping[str, Decimal]:
    """What an item comes to for each project that carries a part of it."""
    parts = item.allocations
    if not parts:
        return {}
    given = [one.gross for one in parts]
    if any(one is None for one in given):
        given = [*split_by_largest_remainder(item.approved, [one.share for one in parts])]
    sums: dict[str, Decimal] = {}
    for part, gross in zip(parts, given, strict=True):
        if part.project is not None and gross is not None:
            sums[part.project] = sums.get(part.project, Decimal(0)) + gross.amount
    return sums


def _cost(
    report: ExpenseReport,
    item: ExpenseItem,
    project: str,
    cost: Decimal,
    *,
    revision: int,
    state: WorkState,
    policy: BillingPolicy,
) -> Work:
    part = f"{item.id}/{project}"
    evidence = item.receipts[0].id if item.receipts else None
    line = BillableLine(
        work=WorkRef(
            kind=WorkKind.EXPENSE,
            connection=report.connection,
            id=_cost_id(report.id, part),
            revision=revision,
        ),
        state=state,
        employee=report.employee,
        project=project,
        work_date=item.transaction_date,
        cost=Money(amount=cost, currency=report.currency),
        disbursement=evidence is not None and item.type_code in policy.disbursement_types,
        evidence=evidence,
    )
    return Work(line, "expense_report", report.id, part)


def _cost_id(report: str, part: str) -> str:
    """Within what an id may be long, and beginning with its report's: by that it is found again."""
    name = f"{report}/{part}"
    short = f"{report}/{content_hash(part)[:32]}"
    return next((one for one in (name, short) if len(one) <= _ID_MAX), content_hash(name))


def gone_from_report(
    report: ExpenseReport, revision: int, shown: Iterable[Work], billed: Iterable[Allocation]
) -> Iterator[Work]:
    """Costs that were billed, and that their report does not show as billable any more.

    `shown` is what the report shows now, `billed` the allocations of its costs.
    """
    seen = {one.line.work.key for one in shown}
    for one in billed:
        if one.work.key in seen:
            continue
        seen.add(one.work.key)
        line = BillableLine(
            work=one.work.model_copy(update={"revision": revision}),
            state=WorkState.WITHDRAWN,
            employee=report.employee,
            project=one.project or "-",
            work_date=one.work_date,
            cost=one.basis.worth,
        )
        part = one.work.id.removeprefix(f"{report.id}/")
        yield Work(line, "expense_report", report.id, part)


def value_of(
    work: Work,
    engagement: Engagement,
    rate_cards: Sequence[RateCard],
    cost_rates: Mapping[str, Sequence[CostRate]],
    policy: BillingPolicy,
) -> WorkValue | None:
    """Decide what approved work is worth and costs (DOMAIN rule 27); None while nobody can tell.

    The price is the contract's by precedence, else the one that the source shows.
    """
    line = work.line
    if line.cost is not None:
        return WorkValue(work, 0, None, line.cost if line.billable else None, "its cost", line.cost)
    seconds = billed_seconds(line.seconds, policy.time_rounding)
    cost = _cost_of(work, cost_rates, policy)
    if not line.billable:
        return WorkValue(work, seconds, None, None, "not billable", cost)
    contract_line = contract_line_of(line, engagement)
    if not isinstance(contract_line, ContractLine):
        return None
    if contract_line.model in (BillingModel.FIXED_FEE, BillingModel.MILESTONE):
        return WorkValue(work, seconds, None, None, "billed by a schedule", cost)
    found = find_rate(line, engagement, contract_line, rate_cards)
    rate, why = (
        (work.entered_rate, "the rate that its source shows")
        if isinstance(found, NoRate)
        else (found.rate, found.why)
    )
    if rate is None:
        return None
    return WorkValue(work, seconds, rate, worth_of(seconds, rate, policy.rounding), why, cost)


def _cost_of(
    work: Work, cost_rates: Mapping[str, Sequence[CostRate]], policy: BillingPolicy
) -> Money | None:
    rate = cost_rate_on(cost_rates.get(work.erp_employee or "", ()), work.line.work_date)
    return None if rate is None else worth_of(work.line.seconds, rate, policy.rounding)


def cost_rate_on(rates: Sequence[CostRate], day: date) -> HourlyRate | None:
    """What an hour of somebody cost on a day: the newest rate that had begun."""
    begun = [one for one in rates if one.valid_from is None or one.valid_from <= day]
    newest = max(begun, key=lambda one: one.valid_from or date.min, default=None)
    return newest.rate if newest else None
