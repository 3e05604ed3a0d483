"""Whether an expense report agrees with itself and with the tables of rates.

What the source computed is used as it is, so it has to be right: a disagreement is a problem for
a person and is never repaired here.
"""

from decimal import Decimal
from typing import Final

from canonical.exception_case import Cause
from canonical.expense import AdvanceUse, ExpenseItem, ExpenseReport
from rules.expense_amounts import converted, is_rounding, total_of
from rules.expense_findings import Findings, problem, warning
from rules.expense_policy import ExpensePolicy

# A rate keeps ten places, so what it converts may be off by this part of it beyond the last cent.
_RATE_ERROR: Final = Decimal("0.000000001")


def posted_items(report: ExpenseReport) -> tuple[ExpenseItem, ...]:
    """The items that are posted: the parts of an itemised one, not the whole beside them."""
    wholes = {item.part_of for item in report.items}
    return tuple(item for item in report.items if item.id not in wholes)


def consistency_of(report: ExpenseReport, policy: ExpensePolicy) -> Findings:
    """Compare everything that a report says twice."""
    findings = _total(report) + _itemisation(report) + _meals(report, policy)
    for item in posted_items(report):
        findings += _settled(item, report) + _exchange(item, report, policy)
        findings += _mileage(item, report, policy) + _per_diem(item, report, policy)
    for advance in report.advances:
        findings += _advance(advance, report)
    return findings


def _total(report: ExpenseReport) -> Findings:
    approved = total_of([one.approved for one in posted_items(report)], report.currency)
    if report.total is None or report.total.amount == approved.amount:
        return Findings()
    return problem(
        Cause.TOTAL_DISAGREES,
        report.number,
        f"Report {report.number} says that {report.total.amount} {report.currency} are approved; "
        f"its items come to {approved.amount}. Have it corrected in the source.",
    )


def _itemisation(report: ExpenseReport) -> Findings:
    findings = Findings()
    by_id = {item.id: item for item in report.items}
    for whole_id in dict.fromkeys(one.part_of for one in report.items if one.part_of):
        whole = by_id.get(whole_id)
        parts = total_of(
            [one.amount for one in report.items if one.part_of == whole_id], report.currency
        )
        if whole is not None and whole.amount.amount != parts.amount:
            findings += problem(
                Cause.AMOUNT_DISAGREES,
                f"{report.number} {whole.type_name}",
                f"Report {report.number}: {whole.type_name} of {whole.transaction_date} is "
                f"{whole.amount.amount} {report.currency}, its parts come to {parts.amount}. Have "
                "it itemised again in the source.",
            )
    return findings


def _settled(item: ExpenseItem, report: ExpenseReport) -> Findings:
    """A card's charge counts as the feed says it, never as a rate would make it (rule 18)."""
    settled = item.settled
    if settled is None or settled.currency != item.amount.currency:
        return Findings()
    if settled.amount == item.amount.amount:
        return Findings()
    return problem(
        Cause.AMOUNT_DISAGREES,
        f"{report.number} {item.type_name}",
        f"Report {report.number}: {item.type_name} of {item.transaction_date} was charged to the "
        f"card with {settled.amount} {settled.currency}, the report has {item.amount.amount}. Have "
        "it corrected in the source.",
    )


def _exchange(item: ExpenseItem, report: ExpenseReport, policy: ExpensePolicy) -> Findings:
    """More than the receipt at its rate is a problem; less was approved in part."""
    if item.transaction.currency == item.amount.currency or item.settled is not None:
        return Findings()
    expected = converted(item, policy.rounding)
    if expected is None:
        return warning(
            f"{item.type_name} of {item.transaction_date} was spent in {item.transaction.currency} "
            "and names no exchange rate, so its conversion cannot be checked"
        )
    over = abs(item.amount.amount) - abs(expected)
    # Who itemises a receipt rounds the parts so that they sum to it.
    parts = len(report.items)
    if is_rounding(over, report.currency, parts) or abs(over) <= abs(expected) * _RATE_ERROR:
        return Findings()
    spent = f"{item.transaction.amount} {item.transaction.currency}"
    if over < 0:
        return warning(
            f"{item.type_name} of {item.transaction_date}: of {spent}, which is {expected} "
            f"{report.currency}, {item.amount.amount} are approved"
        )
    return problem(
        Cause.AMOUNT_DISAGREES,
        f"{report.number} {item.type_name}",
        f"Report {report.number}: {item.type_name} of {item.transaction_date} is {spent}, which is "
        f"{expected} {report.currency} at its rate; {item.amount.amount} are approved. "
        "Have it corrected in the source.",
    )


def _mileage(item: ExpenseItem, report: ExpenseReport, policy: ExpensePolicy) -> Findings:
    if item.mileage is None:
        return Findings()
    row = policy.mileage_row(item)
    rate = (row.amount_for(item.mileage.distance, policy.rounding), row.currency) if row else None
    return _by_rate(item, report, rate, f"{item.mileage.distance:f} {item.mileage.unit}")


def _per_diem(item: ExpenseItem, report: ExpenseReport, policy: ExpensePolicy) -> Findings:
    if item.per_diem is None:
        return Findings()
    row = policy.per_diem_row(item)
    meals = item.per_diem.meals_provided
    rate = (row.amount_without(meals, policy.rounding), row.currency) if row else None
    what = f"a day at {item.per_diem.place}" + (f" with {len(meals)} meals" if meals else "")
    return _by_rate(item, report, rate, what)


def _by_rate(
    item: ExpenseItem, report: ExpenseReport, rate: tuple[Decimal, str] | None, what: str
) -> Findings:
    claimed = item.amount if item.transaction.currency == item.amount.currency else item.transaction
    if rate is None or rate[1] != claimed.currency:
        return warning(
            f"{item.type_name} of {item.transaction_date}: no rate is known for {what}, so "
            f"{claimed.amount} {claimed.currency} cannot be checked"
        )
    expected = rate[0]
    if claimed.amount > expected:
        return problem(
            Cause.OVER_RATE,
            f"{report.number} {item.type_name}",
            f"Report {report.number}: {claimed.amount} {claimed.currency} for {what} are more than "
            f"the table's {expected}. Have it corrected in the source, or accept it.",
        )
    if claimed.amount < expected:
        return warning(
            f"{item.type_name} of {item.transaction_date}: {claimed.amount} {claimed.currency} for "
            f"{what} are less than the table's {expected}"
        )
    return Findings()


def _meals(report: ExpenseReport, policy: ExpensePolicy) -> Findings:
    """A meal on the day of an allowance that pays for meals (DOMAIN rule 25)."""
    days = {one.transaction_date for one in report.items if one.per_diem and not one.personal}
    found = sorted(
        {
            (item.transaction_date, item.type_name)
            for item in posted_items(report)
            if item.transaction_date in days
            and item.type_code in policy.meal_types
            and not (item.per_diem or item.personal)
        }
    )
    if not found:
        return Findings()
    said = ", ".join(f"{name} on {day}" for day, name in found)
    return problem(
        Cause.PER_DIEM_MEAL_CONFLICT,
        report.number,
        f"Report {report.number} has a meal on a day with an allowance ({said}). Have one of them "
        "taken out in the source, or accept both.",
    )


def _advance(advance: AdvanceUse, report: ExpenseReport) -> Findings:
    asked, rate = advance.transaction, advance.exchange_rate
    if asked is None or rate is None:
        return Findings()
    if rate == 1:
        return warning(
            f"advance {advance.id}: {asked.amount} {asked.currency} were turned into "
            f"{advance.amount.amount} {advance.amount.currency} at a rate of 1"
        )
    # Concur does not say in which direction an advance's rate converts.
    either = (asked.amount * rate, asked.amount / rate)
    if any(is_rounding(one - advance.amount.amount, report.currency, 1) for one in either):
        return Findings()
    return problem(
        Cause.AMOUNT_DISAGREES,
        report.number,
        f"Advance {report.number}: {asked.amount} {asked.currency} at its rate are not "
        f"{advance.amount.amount} {advance.amount.currency}. Have it corrected in the source.",
    )
