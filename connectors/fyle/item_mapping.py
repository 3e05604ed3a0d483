"""Fyle's expenses and our expense items: pure functions that name the member they refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Final, Literal

from canonical.expense import (
    Allocation,
    ExpenseItem,
    ItemTax,
    Mileage,
    Owed,
    PaidBy,
    PerDiem,
    Receipt,
)
from canonical.money import Money, minor_units
from canonical.text import label, storable
from connectors.base.records import trouble_of
from connectors.fyle import master_wire, wire
from connectors.fyle.options import Setting

_NAME_MAX: Final = 250
_NOTE_MAX: Final = 4000
_DAYS_MAX: Final = 366
_UNITS: Final[dict[str, Literal["km", "mi"]]] = {"KM": "km", "MILES": "mi"}
_FUNDS: Final = {
    wire.Fund.CASH: (PaidBy.EMPLOYEE, Owed.EMPLOYEE),
    wire.Fund.CARD: (PaidBy.COMPANY_CARD, Owed.CARD_ISSUER),
    wire.Fund.COMPANY_CARD: (PaidBy.COMPANY_CARD, Owed.CARD_ISSUER),
    wire.Fund.ADVANCE: (PaidBy.ADVANCE, Owed.ADVANCE),
}


@contextmanager
def naming(member: str) -> Iterator[None]:
    """Let whatever is refused inside say which member it was, and no value."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{member}: {trouble_of(error)}") from None


def items_from(expense: wire.Expense, setting: Setting) -> tuple[ExpenseItem, ...]:
    """Turn an expense into items; raises ValueError for what no item can hold.

    One is the rule. A per diem for several days is one a day, because rates and meals are a
    day's; it stays one where its amount does not divide, and the rules then show it.
    """
    item = _item_from(expense, setting)
    days = _days_of(expense)
    parts = [_part(each, days) for each in (item.approved, item.amount, item.transaction)]
    if days == 1 or None in parts:
        return (item,)
    approved, amount, transaction = parts
    share = {"approved": approved, "amount": amount, "transaction": transaction}
    return tuple(
        item.model_copy(
            update={
                **share,
                "id": f"{item.id}-{day + 1}",
                "transaction_date": item.transaction_date + timedelta(days=day),
            }
        )
        for day in range(days)
    )


def _days_of(expense: wire.Expense) -> int:
    days = expense.per_diem_num_days
    if expense.per_diem_rate is None or days is None or expense.tax_amount:
        return 1
    return int(days) if days in range(2, _DAYS_MAX + 1) else 1


def _part(whole: Money, days: int) -> Money | None:
    minor, left = divmod(whole.amount_minor, days)
    exact = Decimal(minor).scaleb(-minor_units(whole.currency))
    return None if left else Money(amount=exact, currency=whole.currency)


def _item_from(expense: wire.Expense, setting: Setting) -> ExpenseItem:
    """Fyle's `amount` is what was approved: what was claimed, a policy's or a person's cut.

    Fyle knows no parent of a split: its parts are expenses that stand side by side and share a
    group, whose id may even be one part's own. So no item is a part of another.
    """
    if expense.category is None:
        raise ValueError("category: an expense that is to be paid has one")
    paid_by, owed_to = _FUNDS[expense.source_account.type]
    with naming("amount"):
        amount = money(expense.amount, expense.currency)
    # What an employee paid and is not given back is the employee's own.
    personal = paid_by is PaidBy.EMPLOYEE and not expense.is_reimbursable
    receipts = _receipts(expense)
    has_receipt = bool(expense.file_ids or receipts)
    return ExpenseItem(
        id=expense.id,
        type_code=category_code(expense.category),
        type_name=cut(expense.category.display_name or expense.category.name, _NAME_MAX),
        transaction_date=expense.spent_at,
        paid_by=paid_by,
        owed_to=owed_to,
        billable=expense.is_billable is True and not personal,
        personal=personal,
        has_receipt=has_receipt,
        tax_receipt=has_receipt and setting.receipts_prove_tax and expense.tax_amount is not None,
        approved=Money.zero(expense.currency) if personal else amount,
        amount=amount,
        transaction=_transaction(expense, amount),
        settled=_settled(expense),
        allocations=(_allocation(expense),),
        mileage=_mileage(expense),
        per_diem=_per_diem(expense),
        receipts=receipts,
        vendor=cut(expense.merchant or "", _NAME_MAX),
        note=cut(expense.purpose or "", _NOTE_MAX),
    )


def money(amount: Decimal, currency: str) -> Money:
    """An amount that its currency can express; raises ValueError, nothing is ever rounded."""
    return Money(amount=amount, currency=currency)


def _transaction(expense: wire.Expense, amount: Money) -> Money:
    """What the receipt says: in its own currency, if that is another."""
    currency, foreign = expense.foreign_currency, expense.foreign_amount
    if currency is None and foreign is None:
        return amount
    if currency is None or foreign is None:
        raise ValueError("foreign_amount: an amount and its currency come together")
    with naming("foreign_amount"):
        return money(foreign, currency)


def _settled(expense: wire.Expense) -> Money | None:
    """What the card's feed charged for this expense; a split shares one charge among its parts."""
    matched = expense.matched_corporate_card_transaction
    if matched is None and expense.matched_corporate_card_transactions:
        matched = expense.matched_corporate_card_transactions[0]
    if matched is None or matched.amount is None or matched.currency is None:
        return None
    if expense.split_group_id is not None:
        return None
    with naming("matched_corporate_card_transaction"):
        return money(matched.amount, matched.currency)


def _allocation(expense: wire.Expense) -> Allocation:
    """Fyle splits an expense into expenses, so that each has one set of cost objects."""
    return Allocation(
        id=expense.id,
        cost_centre=named_code(expense.cost_center),
        project=named_code(expense.project),
        taxes=_taxes(expense),
    )


def _taxes(expense: wire.Expense) -> tuple[ItemTax, ...]:
    """The tax that a person confirmed; what Fyle only calculates from the group is not taken."""
    if expense.tax_amount is None:
        return ()
    group = expense.tax_group.name if expense.tax_group else None
    with naming("tax_amount"):
        amount = money(expense.tax_amount, expense.currency)
    return (ItemTax(code=_code(group) or expense.tax_group_id, amount=amount),)


def _mileage(expense: wire.Expense) -> Mileage | None:
    if expense.distance is None:
        return None
    if expense.distance_unit is None:
        raise ValueError("distance_unit: a distance needs its unit")
    rate = expense.mileage_rate
    vehicle = None if rate is None else _code(rate.code) or _code(rate.vehicle_type)
    with naming("distance"):
        return Mileage(
            distance=expense.distance, unit=_UNITS[expense.distance_unit], vehicle=vehicle
        )


def _per_diem(expense: wire.Expense) -> PerDiem | None:
    rate = expense.per_diem_rate
    return None if rate is None else PerDiem(place=_code(rate.code) or label(rate.name))


def _receipts(expense: wire.Expense) -> tuple[Receipt, ...]:
    if not expense.files:
        return tuple(Receipt(id=each) for each in expense.file_ids)
    return tuple(
        Receipt(id=each.id, name=cut(each.name, _NAME_MAX))
        for each in expense.files
        if each.type in {None, "RECEIPT"}
    )


def category_code(category: wire.Category) -> str:
    """What a kind of expense is known by: its code, or its name where it has none."""
    return _code(category.code) or label(category.display_name or category.name)


def named_code(
    master: wire.CostCentre | wire.Project | master_wire.ListedMaster | None,
) -> str | None:
    """What a cost centre or project is known by: its code, or its name where it has none.

    The same for what an expense names and for the list of masters.
    """
    if master is None:
        return None
    shown = getattr(master, "display_name", None) or master.name
    return _code(master.code) or _code(shown) or f"(no code: {master.id})"


def _code(text: str | None) -> str | None:
    """A code that people gave; nothing if they gave none, or blanks."""
    return label(text) or None if text else None


def cut(text: str, length: int) -> str:
    """Shorten what a person wrote, and let it show."""
    text = storable(text)
    return text if len(text) <= length else text[: length - 1] + "…"
