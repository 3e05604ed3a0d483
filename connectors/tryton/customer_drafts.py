"""Customer invoices as the records to be created in Tryton.

What Tryton has no field for (contract line, hours, rate, schedule) stands as `name: value` lines
in the notes of the invoice's lines; what belongs to the whole invoice in its comment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.exact import decimal_text, round_to
from canonical.hours import hours_from_seconds
from canonical.money import HourlyRate, minor_units
from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.tryton.customer_wire import LINE
from connectors.tryton.document_wire import decimal_on_wire
from connectors.tryton.mapping import one_line, reference_in
from connectors.tryton.notes import note_of
from connectors.tryton.wire import date_on_wire
from rules.billing_invoice import ErpQuantity, erp_quantity

Values = Mapping[str, Any]
_ADD: Final = "create"
# Tryton's quantity is a binary number, printed with all its digits: these are always exact.
_QUANTITY_PLACES: Final = 4
# Tryton refuses more digits of a price ("exceeds the limit").
_PRICE_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class CustomerBooks:
    """What the codes of one customer invoice are in Tryton, as ids."""

    company: int
    party: int
    address: int
    receivable: int
    payment_term: int | None
    journal: int
    currency: int
    # By role: the account's code and id.
    accounts: Mapping[InvoiceRole, tuple[str, int]]
    taxes: Mapping[str, int]
    # The lines that are credited, by our ids.
    credited: Mapping[str, int]


def invoice_values(intent: PostingIntent, books: CustomerBooks) -> Values:
    """Make the draft of one invoice or credit note, whole, as one record to create."""
    body = intent.customer_invoice
    name = "Credit note" if body.credits else "Invoice"
    return {
        "type": "out",
        "company": books.company,
        "party": books.party,
        "invoice_address": books.address,
        "account": books.receivable,
        "payment_term": books.payment_term,
        "journal": books.journal,
        "currency": books.currency,
        "reference": reference_text(intent),
        "description": f"{name} {one_line(body.engagement)}",
        "invoice_date": date_on_wire(body.invoice_date),
        "accounting_date": date_on_wire(intent.period.posting_date),
        "comment": _comment(body),
        "lines": [
            [_ADD, [_line_values(n, line, body, books) for n, line in enumerate(body.lines, 1)]]
        ],
    }


def reference_text(intent: PostingIntent) -> str:
    """The reference on the document: ours, and beside it the engagement that people know."""
    if reference_in(intent.reference) != intent.reference:
        raise RejectedError("reference_unfit", "the reference would not be found again")
    return f"{intent.reference} {one_line(intent.customer_invoice.engagement)}"


def origin_of(line: CustomerInvoiceLine, credited: Mapping[str, int]) -> str | None:
    """Which line of Tryton's a line takes back, as Tryton's own credit notes say it."""
    return f"{LINE},{credited[line.credits]}" if line.credits else None


def quantity_of(line: CustomerInvoiceLine, currency: str) -> ErpQuantity:
    """Give what Tryton multiplies; its product, as Tryton rounds it, is the line's amount.

    Tryton rounds half to even, our rules half up: 0.25 h at 150.02 is 37.50 there and 37.51 here.
    """
    found = erp_quantity(
        line, currency, quantity_places=_QUANTITY_PLACES, price_places=_PRICE_PLACES
    )
    product = found.quantity * found.unit_price
    if round_to(product, minor_units(currency), "HALF_EVEN") == line.amount:
        return found
    sign = Decimal(-1) if line.amount < 0 else Decimal(1)
    return ErpQuantity(sign, abs(line.amount), is_hours=False)


def _line_values(
    number: int, line: CustomerInvoiceLine, body: CustomerInvoice, books: CustomerBooks
) -> Values:
    given = quantity_of(line, body.currency)
    return {
        "type": "line",
        "sequence": number,
        "currency": books.currency,
        "account": books.accounts[line.role][1],
        "quantity": decimal_on_wire(given.quantity),
        "unit_price": decimal_on_wire(given.unit_price),
        "description": _description(line, given),
        "note": _note(line),
        "origin": origin_of(line, books.credited),
        # The tax of the day that counts for taxes, whenever it is invoiced.
        "taxes_date": date_on_wire(body.tax_point_date),
        "taxes": [["add", [books.taxes[line.tax]]]] if line.tax else [],
    }


def _description(line: CustomerInvoiceLine, given: ErpQuantity) -> str:
    """What the customer reads: the label first, then hours that are no quantity, and the law's."""
    worked = (
        f"{decimal_text(hours_from_seconds(line.seconds))} h"
        if line.seconds and not given.is_hours
        else ""
    )
    words = (line.label, worked, line.tax_note, line.reason)
    return "\n".join(one_line(each) for each in words if each) or line.contract_line


def _note(line: CustomerInvoiceLine) -> str:
    return note_of(
        {
            "id": line.id,
            "role": line.role.value,
            "contract_line": line.contract_line,
            "label": one_line(line.label) or None,
            "seconds": line.seconds,
            "rate": rate_text(line.rate) if line.rate else None,
            "tax_note": one_line(line.tax_note) or None,
            "billing_schedule": line.billing_schedule,
            "performance_obligation": line.performance_obligation,
            "exchange": one_line(line.exchange) or None,
            "credits": line.credits,
            "reason": one_line(line.reason) or None,
        }
    )


def rate_text(rate: HourlyRate) -> str:
    """A rate as a note has it."""
    return f"{decimal_text(rate.amount)} {rate.currency}"


def _comment(body: CustomerInvoice) -> str:
    return note_of(
        {
            "service_from": body.service_from,
            "service_until": body.service_until,
            "purchase_order": body.purchase_order,
            "credits": body.credits,
        }
    )
