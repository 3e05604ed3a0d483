"""Tryton's customer invoices as our documents: what they read as, whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.exact import exact_decimal, round_to
from canonical.hours import SECONDS_PER_HOUR
from canonical.money import HourlyRate, minor_units
from canonical.posting import PostedDocument
from canonical.text import label
from connectors.tryton.customer_wire import CustomerInvoiceRow, CustomerLineRow
from connectors.tryton.document_wire import BOOKED, CANCELLED, UNBOOKED
from connectors.tryton.mapping import reference_in
from connectors.tryton.master_mapping import PERCENT
from connectors.tryton.notes import facts_in
from connectors.tryton.wire import row_from

_ROLES: Final = {role.value: role for role in InvoiceRole}


@dataclass(frozen=True, slots=True)
class CustomerPaper:
    """A customer invoice with a reference of ours, in whatever state.

    `body` is None if it cannot be read exactly.
    """

    id: int
    state: str
    reference: str
    body: CustomerInvoice | None
    posting_date: date | None
    in_ledger: bool
    # Of each line, in order: the account's code, and which line it takes back.
    placed: tuple[tuple[str | None, str | None], ...]
    # Tryton's ids of its lines, by ours.
    lines: Mapping[str, int]

    @property
    def booked(self) -> bool:
        """Whether it counts: it is in the general ledger."""
        return self.state in BOOKED or (self.state == CANCELLED and self.in_ledger)

    @property
    def draft(self) -> bool:
        """Whether it is not booked yet, and could be."""
        return self.state in UNBOOKED

    @property
    def document(self) -> PostedDocument:
        """It as a document; ValueError if it cannot be read exactly."""
        if self.body is None:
            raise ValueError(f"record {self.id}: the invoice cannot be read exactly")
        return PostedDocument(document_id=str(self.id), reference=self.reference, body=self.body)


def comparable(body: CustomerInvoice) -> CustomerInvoice:
    """A body without the words that Tryton keeps on one line, or that people may polish."""
    words = {"label": "", "tax_note": "", "exchange": "", "reason": ""}
    return body.model_copy(
        update={"lines": tuple(line.model_copy(update=words) for line in body.lines)}
    )


def paper_from(value: Any) -> CustomerPaper:
    """Read an invoice; ValueError if not even its id, state and reference can be read."""
    row = row_from(CustomerInvoiceRow, value)
    lines = [line for line in row.lines if line.type == "line"]
    try:
        body = _body(row, lines)
    except ValueError:
        body = None
    named = [(facts_in(line.note).get("id"), line.id) for line in lines]
    return CustomerPaper(
        id=row.id,
        state=row.state,
        reference=reference_in(row.reference),
        body=body,
        posting_date=row.accounting_date or row.invoice_date,
        in_ledger=row.move is not None,
        placed=tuple((line.account.code if line.account else None, line.origin) for line in lines),
        lines={ours: theirs for ours, theirs in named if ours},
    )


def _body(row: CustomerInvoiceRow, lines: list[CustomerLineRow]) -> CustomerInvoice:
    facts = facts_in(row.comment)
    if row.invoice_date is None:
        raise ValueError(f"record {row.id}: an invoice without a date")
    (tax_point,) = {line.taxes_date or row.accounting_date or row.invoice_date for line in lines}
    currency = row.currency.code or ""
    return CustomerInvoice(
        legal_entity=str(row.company),
        customer=str(row.party),
        engagement=(row.reference or "").removeprefix(reference_in(row.reference)).strip(),
        currency=currency,
        invoice_date=row.invoice_date,
        tax_point_date=tax_point,
        service_from=date.fromisoformat(_fact(facts, "service_from")),
        service_until=date.fromisoformat(_fact(facts, "service_until")),
        purchase_order=facts.get("purchase_order"),
        lines=tuple(_line(line, minor_units(currency)) for line in lines),
        credits=facts.get("credits"),
    )


def _line(row: CustomerLineRow, places: int) -> CustomerInvoiceLine:
    facts = facts_in(row.note)
    if len(row.taxes) > 1:
        raise ValueError(f"record {row.id}: a line with several taxes")
    tax = row.taxes[0] if row.taxes else None
    return CustomerInvoiceLine(
        id=_fact(facts, "id"),
        role=_ROLES[_one_of(_ROLES, _fact(facts, "role"))],
        contract_line=_fact(facts, "contract_line"),
        label=facts.get("label", ""),
        seconds=_seconds(row.quantity, int(_fact(facts, "seconds"))),
        rate=_rate(facts.get("rate")),
        amount=_exactly(row.amount, places),
        tax=label(tax.description or "") if tax else None,
        tax_rate=tax.rate * PERCENT if tax and tax.rate is not None else Decimal(0),
        tax_note=facts.get("tax_note", ""),
        billing_schedule=facts.get("billing_schedule"),
        performance_obligation=facts.get("performance_obligation"),
        exchange=facts.get("exchange", ""),
        credits=facts.get("credits"),
        reason=facts.get("reason", ""),
    )


def _seconds(quantity: Decimal | None, noted: int) -> int:
    """Tell what was billed: the ERP's own hours, or what is noted with something billed as one."""
    if quantity is None:
        raise ValueError("a line without a quantity")
    if abs(quantity) == 1:
        return noted
    seconds = quantity * SECONDS_PER_HOUR
    if seconds != seconds.to_integral_value():
        raise ValueError("hours that are no whole number of seconds")
    return int(seconds)


def _fact(facts: Mapping[str, str], name: str) -> str:
    if name not in facts:
        raise ValueError(f"a note without '{name}'")
    return facts[name]


def _one_of(known: Mapping[str, Any], word: str) -> str:
    if word not in known:
        raise ValueError("a role that is not known")
    return word


def _rate(text: str | None) -> HourlyRate | None:
    if text is None:
        return None
    amount, _, currency = text.partition(" ")
    return HourlyRate(amount=exact_decimal(amount), currency=currency)


def _exactly(amount: Decimal | None, places: int) -> Decimal:
    if amount is None or round_to(amount, places) != amount:
        raise ValueError("an amount that the currency cannot express")
    return round_to(amount, places)
