"""How far Xero's bills, invoices and credit notes are paid."""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from canonical.exact import round_to
from canonical.expense_document import DocumentPayment, DocumentPayments
from canonical.money import Money, minor_units
from connectors.base.errors import RejectedError
from connectors.xero import filters
from connectors.xero.client import XeroClient
from connectors.xero.drafts import CREDIT_NOTES, INVOICES
from connectors.xero.manifest import IDS_MAX
from connectors.xero.papers import WORD_OF, place_of
from connectors.xero.wire import BOOKED, CreditNoteRow, InvoiceRow, PaymentRow, R, row_from


async def payments_of(client: XeroClient, document_ids: Sequence[str]) -> list[DocumentPayments]:
    """Read the payments of documents, forty a call; those of time and journals have none."""
    by_list: dict[str, list[str]] = {INVOICES: [], CREDIT_NOTES: []}
    for document_id in document_ids:
        name, record = place_of(document_id)
        by_list[name].append(record)
    found = [_of_invoice(row) async for row in _invoices(client, by_list[INVOICES])]
    found += [_of_credit_note(row) async for row in _credit_notes(client, by_list[CREDIT_NOTES])]
    return found


async def _invoices(client: XeroClient, ids: Sequence[str]) -> AsyncIterator[InvoiceRow]:
    for start in range(0, len(ids), IDS_MAX):
        query = {"IDs": ",".join(ids[start : start + IDS_MAX])}
        async for values in client.pages(INVOICES, query):
            for value in values:
                yield _row(InvoiceRow, value)


async def _credit_notes(client: XeroClient, ids: Sequence[str]) -> AsyncIterator[CreditNoteRow]:
    for start in range(0, len(ids), IDS_MAX):
        where = filters.numbered("CreditNoteID", ids[start : start + IDS_MAX])
        async for values in client.pages(CREDIT_NOTES, {"where": where}):
            for value in values:
                yield _row(CreditNoteRow, value)


def _of_invoice(row: InvoiceRow) -> DocumentPayments:
    currency = row.currency_code
    return DocumentPayments(
        document_id=f"{WORD_OF[INVOICES]}/{row.invoice_id}",
        number=row.invoice_number or row.invoice_id,
        standing=row.status in BOOKED,
        due_on=row.due_date,
        total=_money(row.total, currency),
        open=_money(row.amount_due, currency),
        credited=round_to(row.amount_credited, minor_units(currency)),
        payments=tuple(_payment(value, currency, 1) for value in row.payments),
    )


def _of_credit_note(row: CreditNoteRow) -> DocumentPayments:
    """What a credit note comes to is below nothing, and so is what it is used for."""
    currency = row.currency_code
    payments = tuple(_payment(value, currency, -1) for value in row.payments)
    repaid = sum((each.amount.amount for each in payments), Decimal(0))
    used = row.remaining_credit - row.total
    return DocumentPayments(
        document_id=f"{WORD_OF[CREDIT_NOTES]}/{row.credit_note_id}",
        number=row.credit_note_number or row.credit_note_id,
        standing=row.status in BOOKED,
        due_on=row.due_date,
        total=_money(-row.total, currency),
        open=_money(-row.remaining_credit, currency),
        # What was not paid back is used on invoices.
        credited=round_to(used - repaid, minor_units(currency)),
        payments=payments,
    )


def _payment(value: Mapping[str, Any], currency: str, sign: int) -> DocumentPayment:
    row = _row(PaymentRow, value)
    return DocumentPayment(
        id=row.payment_id, paid_on=row.date, amount=_money(sign * row.amount, currency)
    )


def _money(amount: Decimal, currency: str) -> Money:
    return Money.rounded(amount, currency)


def _row(kind: type[R], value: Any) -> R:
    try:
        return row_from(kind, value)
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"payments: {error}") from None
