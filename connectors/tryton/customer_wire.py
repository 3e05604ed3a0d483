"""Tryton's JSON for customer invoices: the records that we read."""

from typing import Any, Final

from pydantic import Field

from connectors.tryton.document_wire import BOOKED, CANCELLED, CodeRow, WireDecimal
from connectors.tryton.wire import Row, WireDate

LINE: Final = "account.invoice.line"
# A posted customer invoice becomes `cancelled` when all of it is credited in Tryton itself. It had
# its number and stays in the ledger, so it is booked all the same.
IS_BOOKED: Final[list[Any]] = [
    "OR",
    ["state", "in", list(BOOKED)],
    [["state", "=", CANCELLED], ["move", "!=", None]],
]


class SalesTaxRow(Row):
    """A tax of a line; `description` is the short name by which people know it."""

    description: str | None
    rate: WireDecimal | None


class CustomerLineRow(Row):
    """One line of a customer invoice; only those of type `line` have an amount."""

    type: str
    account: CodeRow | None = Field(alias="account.")
    quantity: WireDecimal | None
    amount: WireDecimal | None
    description: str | None
    note: str | None
    origin: str | None
    taxes_date: WireDate | None
    taxes: list[SalesTaxRow] = Field(alias="taxes.")


class CustomerInvoiceRow(Row):
    """A customer invoice or credit note, whole."""

    company: int
    state: str
    reference: str | None
    party: int
    invoice_date: WireDate | None
    accounting_date: WireDate | None
    currency: CodeRow = Field(alias="currency.")
    comment: str | None
    move: int | None
    lines: list[CustomerLineRow] = Field(alias="lines.")
