"""Parts of an engagement: what a line of each of its tables says."""

from typing import Final

from canonical.contracts import BillingModel, Cap, ChangeOrder, ContractLine, ScheduleLine, TaxParty
from connectors.flatfile.cells import Cells
from connectors.flatfile.tables import Columns

HEADS: Final = "engagements.csv"
LINES: Final = "contract_lines.csv"
SCHEDULES: Final = "schedule_lines.csv"
CHANGE_ORDERS: Final = "change_orders.csv"
TABLES: Final = {
    HEADS: Columns(
        (
            *("id", "code", "name", "legal_entity", "customer"),
            *("customer_country", "customer_registered"),
        )
    ),
    LINES: Columns(
        (
            *("engagement", "id", "label", "model", "currency"),
            *("projects", "service", "expenses_billed"),
        ),
        (
            *("tasks", "valid_from", "valid_until"),
            *("cap_kind", "cap_amount", "cap_currency", "cap_expenses_included"),
            *("purchase_order_required", "purchase_order", "performance_obligation"),
        ),
    ),
    SCHEDULES: Columns(
        ("engagement", "contract_line", "id", "due_date", "amount", "currency"),
        ("label", "erp_key", "performance_obligation", "draw_from", "draw_until"),
    ),
    CHANGE_ORDERS: Columns(
        ("engagement", "contract_line", "id", "agreed_date", "amount", "currency")
    ),
}


def tax_party(cells: Cells) -> TaxParty | None:
    """Read where an engagement's customer is taxed."""
    return cells.part(
        TaxParty,
        {"country": "customer_country", "registered": "customer_registered"},
        country=cells.text("customer_country"),
        registered=cells.flag("customer_registered"),
    )


def schedule_line(cells: Cells) -> ScheduleLine:
    """Read an amount that falls due; raises RowTroubleError."""
    return cells.make(
        ScheduleLine,
        id=cells.text("id"),
        label=cells.text("label"),
        due_date=cells.day("due_date"),
        amount=cells.money(),
        erp_key=cells.text("erp_key"),
        performance_obligation=cells.text("performance_obligation"),
        draw_from=cells.day("draw_from"),
        draw_until=cells.day("draw_until"),
    )


def change_order(cells: Cells) -> ChangeOrder:
    """Read a customer's agreement to more; raises RowTroubleError."""
    return cells.make(
        ChangeOrder,
        id=cells.text("id"),
        agreed_date=cells.day("agreed_date"),
        amount=cells.money(),
    )


def contract_line(
    cells: Cells, schedule: tuple[ScheduleLine, ...], orders: tuple[ChangeOrder, ...]
) -> ContractLine:
    """Read a contract line, with what other tables have of it; raises RowTroubleError."""
    return cells.make(
        ContractLine,
        id=cells.text("id"),
        # Empty is a label too.
        label=cells.text("label") or "",
        model=cells.choice("model", BillingModel),
        currency=cells.text("currency"),
        projects=cells.names("projects") or None,
        tasks=cells.names("tasks"),
        service=cells.text("service"),
        expenses_billed=cells.flag("expenses_billed"),
        cap=_cap(cells, orders),
        schedule=schedule,
        purchase_order_required=cells.flag("purchase_order_required"),
        purchase_order=cells.text("purchase_order"),
        performance_obligation=cells.text("performance_obligation"),
        valid_from=cells.day("valid_from"),
        valid_until=cells.day("valid_until"),
    )


def _cap(cells: Cells, orders: tuple[ChangeOrder, ...]) -> Cap | None:
    kind, amount = cells.text("cap_kind"), cells.money("cap_amount", "cap_currency")
    included = cells.flag("cap_expenses_included")
    if kind is None and amount is None and included is None and not orders:
        return None
    return cells.part(
        Cap,
        {
            "kind": "cap_kind",
            "amount": "cap_amount",
            "expenses_included": "cap_expenses_included",
            "change_orders": "",
        },
        kind=kind,
        amount=amount,
        expenses_included=included,
        change_orders=orders,
    )
