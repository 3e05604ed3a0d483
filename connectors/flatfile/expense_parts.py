"""Parts of an expense report: what a line of each of its tables says."""

from decimal import Decimal
from typing import Any, Final

from canonical.expense import Allocation, ExpenseItem, ItemTax, Owed, PaidBy
from canonical.money import Money
from connectors.flatfile.cells import Cells
from connectors.flatfile.kinds import id_from
from connectors.flatfile.tables import Columns

REPORTS: Final = "expense_reports"
ITEMS: Final = "expense_items"
ALLOCATIONS: Final = "expense_allocations"
TABLES: Final = {
    REPORTS: Columns(
        (
            *("id", "number", "employee", "currency", "report_date"),
            *("approved", "approved_by", "approved_at"),
        ),
        ("name", "legal_entity", "cost_centre", "home_country", "total"),
    ),
    ITEMS: Columns(
        (
            *("report", "id", "type_code", "type_name", "transaction_date"),
            *("paid_by", "owed_to", "amount", "approved_amount"),
        ),
        (
            *("part_of", "transaction_amount", "transaction_currency", "exchange_rate"),
            *("exchange_direction", "settled_amount", "settled_currency", "billable", "personal"),
            *("has_receipt", "tax_receipt", "country", "vendor", "note"),
        ),
    ),
    ALLOCATIONS: Columns(
        ("report", "item", "id"),
        (
            *("share", "gross", "owed_to", "account", "legal_entity", "cost_centre", "project"),
            *("tax_code", "tax_authority", "tax_country", "tax_amount", "tax_reclaimable"),
        ),
    ),
}


def item(cells: Cells, currency: str, allocations: tuple[Allocation, ...]) -> ExpenseItem:
    """Read one cost, with what another table has of it; raises RowTroubleError."""
    amount = _amount(cells, "amount", currency)
    return cells.make(
        ExpenseItem,
        {"approved": "approved_amount", "transaction": "transaction_amount", "allocations": ""},
        id=cells.text("id"),
        part_of=cells.text("part_of"),
        type_code=cells.text("type_code"),
        # Empty is a name too.
        type_name=cells.text("type_name") or "",
        transaction_date=cells.day("transaction_date"),
        paid_by=cells.choice("paid_by", PaidBy),
        owed_to=cells.choice("owed_to", Owed),
        billable=cells.flag("billable"),
        personal=cells.flag("personal"),
        has_receipt=cells.flag("has_receipt"),
        tax_receipt=cells.flag("tax_receipt"),
        country=cells.text("country"),
        approved=_amount(cells, "approved_amount", currency),
        amount=amount,
        # Without one it was spent in the report's own currency.
        transaction=cells.money("transaction_amount", "transaction_currency") or amount,
        settled=cells.money("settled_amount", "settled_currency"),
        exchange_rate=cells.number("exchange_rate"),
        exchange_direction=cells.text("exchange_direction"),
        allocations=allocations,
        vendor=cells.text("vendor"),
        note=cells.text("note"),
    )


def allocation(cells: Cells, currency: str) -> Allocation:
    """Read one share of an item; raises RowTroubleError."""
    tax = _tax(cells, currency)
    return cells.make(
        Allocation,
        {"taxes": ""},
        id=cells.text("id"),
        share=cells.number("share") if cells.text("share") else Decimal(100),
        gross=_amount(cells, "gross", currency),
        owed_to=cells.choice("owed_to", Owed),
        account=cells.text("account"),
        legal_entity=cells.text("legal_entity"),
        cost_centre=cells.text("cost_centre"),
        project=cells.text("project"),
        taxes=(tax,) if tax else (),
    )


def _tax(cells: Cells, currency: str) -> ItemTax | None:
    given: dict[str, Any] = {
        "code": cells.text("tax_code"),
        "authority": cells.text("tax_authority"),
        "country": cells.text("tax_country"),
        "amount": _amount(cells, "tax_amount", currency),
        "reclaimable": _amount(cells, "tax_reclaimable", currency),
    }
    said = {name: f"tax_{name}" for name in given}
    # A cell that could not be read is trouble already.
    empty = not any(cells.text(column) for column in said.values())
    return None if empty else cells.part(ItemTax, said, **given)


def _amount(cells: Cells, column: str, currency: str) -> Money | None:
    """An amount in the report's own currency."""
    amount = cells.number(column)
    if amount is None:
        return None
    return cells.part(
        Money, {"amount": column, "currency": "", "": column}, amount=amount, currency=currency
    )


def named(cells: Cells, column: str) -> str | None:
    """A name by which others call it."""
    name = cells.text(column)
    return None if name is None else id_from(name)
