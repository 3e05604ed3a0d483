"""Why a cost is booked as it is, in words: what was spent, at which rate, on which account."""

from canonical.expense import ExpenseItem
from rules.expense_allocation import Portion
from rules.expense_policy import ExpensePolicy


def reason_of_cost(item: ExpenseItem, portion: Portion, policy: ExpensePolicy) -> str:
    """Everything that decided the amount and the account of a cost, in one line."""
    said = [
        portion.why or "net of tax",
        *_conversion(item),
        *_rate_by_table(item, policy),
        _account(item, portion, policy),
    ]
    return f"{item.type_code} of {item.transaction_date}: {', '.join(said)}"


def _conversion(item: ExpenseItem) -> list[str]:
    """How foreign money became the report's; a card's charge was never recomputed."""
    spent = item.transaction
    if item.settled is not None:
        return [f"charged to the card with {item.settled.amount} {item.settled.currency}"]
    if spent.currency == item.amount.currency:
        return []
    if item.exchange_rate is None:
        return [f"{spent.amount} {spent.currency} at no known rate"]
    how = "multiplied by" if item.exchange_direction == "multiply" else "divided by"
    return [f"{spent.amount} {spent.currency} {how} {item.exchange_rate:f}"]


def _rate_by_table(item: ExpenseItem, policy: ExpensePolicy) -> list[str]:
    mileage, allowance = policy.mileage_row(item), policy.per_diem_row(item)
    if item.mileage is not None and mileage is not None:
        distance = f"{item.mileage.distance:f} {item.mileage.unit}"
        return [f"{distance} at {mileage.per_unit:f} {mileage.currency} by the table"]
    if item.per_diem is not None and allowance is not None:
        return [f"{allowance.amount:f} {allowance.currency} a day by the table"]
    return []


def _account(item: ExpenseItem, portion: Portion, policy: ExpensePolicy) -> str:
    source = portion.allocation.account
    account = policy.account_of_cost(item.type_code, source)
    if account is None:
        return "no account in the tables"
    if item.type_code in policy.accounts_by_type:
        return f"account {account} by type"
    if source is not None and source in policy.accounts_by_source:
        return f"account {account} by the source's {source}"
    return f"account {account} by default"
