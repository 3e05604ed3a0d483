"""How far Tryton's documents are paid: what is due, what is open, and each payment."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from canonical.exact import round_to
from canonical.expense_document import DocumentPayment, DocumentPayments
from canonical.money import Money, minor_units
from connectors.tryton.client import TrytonClient
from connectors.tryton.document_wire import (
    BOOKED,
    INVOICE,
    POSTED,
    LedgerLineRow,
    PaidInvoiceRow,
)
from connectors.tryton.mapping import id_of
from connectors.tryton.settlements import Ledger, amount_of, ledger_around, rows

# Documents of one question; more make Tryton compute for long what is open.
_PORTION: Final = 200


async def payments_of(client: TrytonClient, document_ids: Sequence[str]) -> list[DocumentPayments]:
    """Read the payments of documents, with four questions for each two hundred of them."""
    found: list[DocumentPayments] = []
    for some in _portions(document_ids):
        numbers = [id_of(each, "document") for each in some]
        invoices = [one async for one in rows(client, PaidInvoiceRow, INVOICE, "id", numbers)]
        ledger = await ledger_around(client, invoices)
        found += [_payments(invoice, ledger) for invoice in invoices]
    return found


def _payments(invoice: PaidInvoiceRow, ledger: Ledger) -> DocumentPayments:
    currency = invoice.currency.code or ""
    total = Money.rounded(invoice.total_amount, currency)
    # Tryton computes what is open for posted documents only: of a paid one nothing is.
    left = invoice.amount_to_pay if invoice.state == POSTED else Decimal(0)
    dates = [
        line.maturity_date
        for number in invoice.lines_to_pay
        if (line := ledger.lines.get(number)) is not None and line.maturity_date is not None
    ]
    # Money flows to us for an invoice of ours, and from us for a supplier's.
    sign = -1 if invoice.type == "out" else 1
    by_documents = sum(
        (sign * amount_of(line, currency) for line in ledger.credits(invoice)), Decimal(0)
    )
    settled = invoice.total_amount - left
    credited = _within(by_documents, settled)
    payments = [
        DocumentPayment(
            id=str(line.id), paid_on=line.date, amount=Money(amount=amount, currency=currency)
        )
        for line, amount in shares(ledger.payments(invoice), currency, settled - credited, sign)
    ]
    return DocumentPayments(
        document_id=str(invoice.id),
        number=invoice.number or str(invoice.id),
        standing=invoice.state in BOOKED,
        due_on=max(dates, default=None),
        total=total,
        open=Money.rounded(left, currency),
        credited=round_to(credited, minor_units(currency)),
        payments=tuple(payments),
    )


def shares(
    lines: Sequence[LedgerLineRow], currency: str, settled: Decimal, sign: int = 1
) -> Iterator[tuple[LedgerLineRow, Decimal]]:
    """Give each payment's amount, as far as it settles this document.

    One payment may settle several documents; and one in another currency settles what the ERP
    says it does. Then the last ones have what is left of what is settled. `sign` is 1 where a
    debit pays, and -1 where a credit does.
    """
    places = minor_units(currency)
    amounts = [round_to(sign * amount_of(line, currency), places) for line in lines]
    excess = sum(amounts, Decimal(0)) - settled
    for number in reversed(range(len(lines))):
        same_sign = (amounts[number] > 0) is (excess > 0)
        if excess and amounts[number] and same_sign:
            cut = min(abs(excess), abs(amounts[number])).copy_sign(excess)
            amounts[number] -= cut
            excess -= cut
    return ((line, amount) for line, amount in zip(lines, amounts, strict=True) if amount)


def _within(amount: Decimal, whole: Decimal) -> Decimal:
    """As much of an amount as lies between nothing and a whole, whatever their sign."""
    low, high = min(whole, Decimal(0)), max(whole, Decimal(0))
    return min(max(amount, low), high)


def _portions(document_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(document_ids), _PORTION):
        yield document_ids[start : start + _PORTION]
