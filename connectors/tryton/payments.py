"""How far Tryton's documents are paid: what is due, what is open, and each payment."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from canonical.exact import round_to
from canonical.expense_document import DocumentPayment, DocumentPayments
from canonical.money import Money, minor_units
from connectors.base.errors import RejectedError
from connectors.tryton.client import TrytonClient
from connectors.tryton.document_wire import (
    BOOKED,
    INVOICE,
    POSTED,
    LedgerLineRow,
    MoveRow,
    PaidInvoiceRow,
)
from connectors.tryton.mapping import id_of
from connectors.tryton.wire import Row, row_from

_LINE: Final = "account.move.line"
# Documents of one question; more make Tryton compute for long what is open.
_PORTION: Final = 200
R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The lines of the general ledger around some documents."""

    lines: Mapping[int, LedgerLineRow]
    # Those that book a document: what they settle is no payment.
    documents: frozenset[int]

    def payments(self, invoice: PaidInvoiceRow) -> list[LedgerLineRow]:
        """The lines that paid a document or took a payment back, in order.

        A payment that is taken back is reconciled with its opposite, not with the document.
        """
        undone = {
            line.reconciliation
            for number in invoice.payment_lines
            if (line := self.lines.get(number)) is not None and line.reconciliation is not None
        }
        opposite = {line.id for line in self.lines.values() if line.reconciliation in undone}
        paying = (self._settling(invoice) | opposite) - set(invoice.lines_to_pay)
        found = [self.lines[number] for number in paying if number in self.lines]
        real = [line for line in found if line.move not in self.documents]
        return sorted(real, key=lambda line: (line.date, line.id))

    def credits(self, invoice: PaidInvoiceRow) -> list[LedgerLineRow]:
        """The lines of other documents that settle a document, credit notes for instance."""
        found = [self.lines[each] for each in self._settling(invoice) if each in self.lines]
        return [line for line in found if line.move in self.documents]

    def _settling(self, invoice: PaidInvoiceRow) -> set[int]:
        linked = {*invoice.payment_lines, *invoice.reconciliation_lines}
        return linked - set(invoice.lines_to_pay)


async def payments_of(client: TrytonClient, document_ids: Sequence[str]) -> list[DocumentPayments]:
    """Read the payments of documents, with four questions for each two hundred of them."""
    found: list[DocumentPayments] = []
    for some in _portions(document_ids):
        numbers = [id_of(each, "document") for each in some]
        invoices = [one async for one in _rows(client, PaidInvoiceRow, INVOICE, "id", numbers)]
        ledger = await _ledger(client, invoices)
        found += [_payments(invoice, ledger) for invoice in invoices]
    return found


async def _ledger(client: TrytonClient, invoices: Sequence[PaidInvoiceRow]) -> _Ledger:
    numbers = {
        number
        for invoice in invoices
        for number in (
            *invoice.lines_to_pay,
            *invoice.payment_lines,
            *invoice.reconciliation_lines,
        )
    }
    lines = {
        line.id: line async for line in _rows(client, LedgerLineRow, _LINE, "id", sorted(numbers))
    }
    settled = sorted({line.reconciliation for line in lines.values() if line.reconciliation})
    async for line in _rows(client, LedgerLineRow, _LINE, "reconciliation", settled):
        lines[line.id] = line
    moves = sorted({line.move for line in lines.values()})
    documents = [row.move async for row in _rows(client, MoveRow, INVOICE, "move", moves)]
    return _Ledger(lines, frozenset(move for move in documents if move is not None))


def _payments(invoice: PaidInvoiceRow, ledger: _Ledger) -> DocumentPayments:
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
        (sign * _amount(line, currency) for line in ledger.credits(invoice)), Decimal(0)
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
    amounts = [round_to(sign * _amount(line, currency), places) for line in lines]
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


def _amount(line: LedgerLineRow, currency: str) -> Decimal:
    """What a line is debited with, in the document's currency."""
    second = line.second_currency
    if line.amount_second_currency is not None and second and second.code == currency:
        return line.amount_second_currency
    return line.debit - line.credit


async def _rows(
    client: TrytonClient, kind: type[R], model: str, field: str, numbers: Sequence[int]
) -> AsyncIterator[R]:
    if not numbers:
        return
    pages = client.pages(kind, model, [[field, "in", list(numbers)]], list)
    async for page in pages:
        for value in page:
            yield _row(kind, model, value)


def _row(kind: type[R], model: str, value: Any) -> R:
    try:
        return row_from(kind, value)
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{model} {error}") from None


def _portions(document_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(document_ids), _PORTION):
        yield document_ids[start : start + _PORTION]
