"""Allocation: which part of an expense item falls on which cost objects, and whom it is owed to."""

from dataclasses import dataclass
from decimal import Decimal

from canonical.exception_case import Cause
from canonical.expense import Allocation, ExpenseItem, ExpenseReport, Owed
from canonical.money import Money
from rules.expense_amounts import is_rounding, split_by_largest_remainder, total_of
from rules.expense_findings import Findings, problem


@dataclass(frozen=True, slots=True)
class Portion:
    """One part of an item, tax included."""

    allocation: Allocation
    gross: Money
    owed_to: Owed
    cost_centre: str | None
    was_split: bool = False
    why: str = ""


def portions_of(
    item: ExpenseItem, report: ExpenseReport
) -> tuple[tuple[Portion, ...], Money, Findings]:
    """Split an item over its cost objects, and give what rounding leaves of it.

    The source's own amounts count where it gives them; percentages are split by largest
    remainder. Amounts that miss the item by more than rounding are a problem, and then count as
    they are, so that what is shown still balances.
    """
    allocations = item.allocations or (Allocation(id=item.id),)
    nothing = Money.zero(item.amount.currency)
    given = [one.gross for one in allocations if one.gross is not None]
    if len(given) == len(allocations):
        left = item.amount.amount - total_of(given, item.amount.currency).amount
        portions = tuple(
            _portion(one, gross, item, report)
            for one, gross in zip(allocations, given, strict=True)
        )
        if left == 0:
            return portions, nothing, Findings()
        if is_rounding(left, item.amount.currency, len(given)):
            return portions, Money(amount=left, currency=item.amount.currency), Findings()
        return portions, nothing, _apart(item, report, given)
    if given or sum((one.share for one in allocations), Decimal(0)) != Decimal(100):
        portion = _portion(allocations[0], item.amount, item, report)
        return (portion,), nothing, _no_whole(item, report)
    amounts = split_by_largest_remainder(item.amount, [one.share for one in allocations])
    split = len(allocations) > 1
    return (
        tuple(
            _portion(one, amount, item, report, was_split=split)
            for one, amount in zip(allocations, amounts, strict=True)
        ),
        nothing,
        Findings(),
    )


def _portion(
    one: Allocation,
    gross: Money,
    item: ExpenseItem,
    report: ExpenseReport,
    *,
    was_split: bool = False,
) -> Portion:
    return Portion(
        allocation=one,
        gross=gross,
        owed_to=one.owed_to or item.owed_to,
        cost_centre=one.cost_centre or report.cost_centre,
        was_split=was_split,
        why=f"{one.share:f} % of the item, by largest remainder" if was_split else "",
    )


def _apart(item: ExpenseItem, report: ExpenseReport, given: list[Money]) -> Findings:
    allocated = total_of(given, item.amount.currency).amount
    return problem(
        Cause.AMOUNT_DISAGREES,
        f"{report.number} {item.type_name}",
        f"Report {report.number}: {item.type_name} of {item.transaction_date} is approved with "
        f"{item.amount.amount} {item.amount.currency}, its allocations come to {allocated}. Have "
        "it corrected in the source.",
    )


def _no_whole(item: ExpenseItem, report: ExpenseReport) -> Findings:
    return problem(
        Cause.AMOUNT_DISAGREES,
        f"{report.number} {item.type_name}",
        f"Report {report.number}: the shares of {item.type_name} of {item.transaction_date} do not "
        "come to 100 percent. Have its allocations corrected in the source.",
    )
