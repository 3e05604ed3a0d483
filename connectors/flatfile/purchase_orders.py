"""Purchase orders of customers: `purchase_orders.csv`."""

from typing import Final

from canonical.contracts import PurchaseOrder
from connectors.flatfile.cells import Cells
from connectors.flatfile.single_rows import Table
from connectors.flatfile.tables import Columns


def _purchase_order(cells: Cells) -> PurchaseOrder:
    return cells.make(
        PurchaseOrder,
        id=cells.text("id"),
        number=cells.text("number"),
        amount=cells.money(),
        valid_from=cells.day("valid_from"),
        valid_until=cells.day("valid_until"),
    )


PURCHASE_ORDERS: Final = Table(
    "purchase_orders.csv",
    Columns(("id", "number"), ("amount", "currency", "valid_from", "valid_until")),
    "purchase_order",
    ("id",),
    _purchase_order,
)
