"""Tryton's JSON for supplier invoices, disbursements and payments: the records that we read."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from connectors.tryton.wire import Row, WireDate, WireValue, members_of

INVOICE: Final = "account.invoice"
# Tryton's own words for where an invoice stands. A validated one has a number but is not booked.
DRAFT, VALIDATED, POSTED, PAID, CANCELLED = "draft", "validated", "posted", "paid", "cancelled"
UNBOOKED = (DRAFT, VALIDATED)
BOOKED = (POSTED, PAID)


def decimal_on_wire(number: Decimal) -> WireValue:
    """Write an exact number."""
    return {"__class__": "Decimal", "decimal": format(number, "f")}


def _exact(value: Any) -> Any:
    if value is None or isinstance(value, Decimal):
        return value
    text = members_of(value, "Decimal").get("decimal")
    try:
        number = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValueError("not an exact number")
    return number


WireDecimal = Annotated[Decimal, BeforeValidator(_exact)]


class CodeRow(Row):
    """Anything that people know by a code."""

    code: str | None


class AccountRow(Row):
    """An account of a chart; one without a type only groups others."""

    code: str | None
    name: str | None
    company: int
    type: int | None
    active: bool
    closed: bool | None
    start_date: WireDate | None
    end_date: WireDate | None


class TaxRow(Row):
    """A tax. `description` is the short name that is printed, and unique where a firm is tidy."""

    name: str | None
    description: str | None
    company: int
    type: str
    rate: WireDecimal | None
    active: bool
    start_date: WireDate | None
    end_date: WireDate | None


class CurrencyRow(Row):
    """A currency that documents may be in."""

    code: str | None
    name: str | None
    active: bool


class RootRow(Row):
    """The root of an analytic axis."""

    name: str | None


class AnalyticRow(Row):
    """An analytic account that a line counts for."""

    code: str | None
    root: RootRow | None = Field(alias="root.")


class AnalyticEntryRow(Row):
    """Which analytic account a line counts for, on one axis."""

    account: AnalyticRow | None = Field(alias="account.")


class InvoiceLineRow(Row):
    """One line of an invoice; only those of type `line` have an amount."""

    type: str
    account: CodeRow | None = Field(alias="account.")
    amount: WireDecimal | None
    description: str | None
    note: str | None
    analytic: list[AnalyticEntryRow] = Field(alias="analytic_accounts.")


class PrintedTaxRow(Row):
    """The tax of a tax line."""

    description: str | None


class InvoiceTaxRow(Row):
    """One tax line of an invoice."""

    account: CodeRow | None = Field(alias="account.")
    tax: PrintedTaxRow | None = Field(alias="tax.")
    base: WireDecimal
    amount: WireDecimal
    description: str | None
    legal_notice: str | None


class InvoiceRow(Row):
    """A supplier invoice or credit note, whole."""

    company: int
    state: str
    number: str | None
    reference: str | None
    party: int
    invoice_date: WireDate | None
    accounting_date: WireDate | None
    currency: CodeRow = Field(alias="currency.")
    comment: str | None
    lines: list[InvoiceLineRow] = Field(alias="lines.")
    taxes: list[InvoiceTaxRow] = Field(alias="taxes.")


class NumberRow(Row):
    """A project, by its number."""

    number: str | None


class DisbursementRow(Row):
    """A cost that is passed on to a project's customer."""

    state: str
    reference: str | None
    payee: int
    payment_date: WireDate | None
    currency: CodeRow = Field(alias="currency.")
    amount: WireDecimal
    work: NumberRow | None = Field(alias="work.")


class PaidInvoiceRow(Row):
    """An invoice with what was paid on it, as ids of ledger lines."""

    type: str
    number: str | None
    state: str
    company: int
    currency: CodeRow = Field(alias="currency.")
    total_amount: WireDecimal
    amount_to_pay: WireDecimal
    lines_to_pay: list[int]
    payment_lines: list[int]
    reconciliation_lines: list[int]


class LedgerLineRow(Row):
    """A line of a move in the general ledger."""

    move: int
    date: WireDate
    debit: WireDecimal
    credit: WireDecimal
    amount_second_currency: WireDecimal | None
    second_currency: CodeRow | None = Field(alias="second_currency.")
    maturity_date: WireDate | None
    reconciliation: int | None


class MoveRow(Row):
    """An invoice, for the move that books it."""

    move: int | None


class AttachmentRow(Row):
    """A file beside a record; the description says which receipt it is."""

    description: str | None
