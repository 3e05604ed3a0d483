"""What settles Tryton's documents: the lines of the general ledger around them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import Field

from connectors.base.errors import RejectedError
from connectors.tryton.client import TrytonClient
from connectors.tryton.customer_wire import LINE as _INVOICE_LINE
from connectors.tryton.document_wire import INVOICE, LedgerLineRow, MoveRow, PaidInvoiceRow
from connectors.tryton.wire import Row, row_from

_LINE: Final = "account.move.line"
R = TypeVar("R", bound=Row)


class CreditingLineRow(Row):
    """A line of a document, which may take back a line of another."""

    origin: str | None
    invoice: MoveRow = Field(alias="invoice.")


class CreditedLineRow(Row):
    """A line of a document, by the document."""

    invoice: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The lines of the general ledger around some documents."""

    lines: Mapping[int, LedgerLineRow]
    # Those that book a document: what they settle is no payment.
    documents: frozenset[int]
    # By such a move: the documents whose lines its own take back.
    about: Mapping[int, frozenset[int]]

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
        """The lines of other documents that settle a document, credit notes for instance.

        Where one transfer settles several documents at once, a credit note settles those that it
        is about, or whose payment lines it is among.
        """
        found = self.of_documents(invoice)
        if not self.is_shared(invoice):
            return found
        return [
            line
            for line in found
            if line.id in invoice.payment_lines or invoice.id in self.about.get(line.move, ())
        ]

    def of_documents(self, invoice: PaidInvoiceRow) -> list[LedgerLineRow]:
        """The lines of other documents that are settled together with a document."""
        found = [self.lines[each] for each in self._settling(invoice) if each in self.lines]
        return [line for line in found if line.move in self.documents]

    def is_shared(self, invoice: PaidInvoiceRow) -> bool:
        """Whether another document that is owed, too, is settled together with this one."""
        to_pay = [self.lines[each] for each in invoice.lines_to_pay if each in self.lines]
        sides = {line.debit > 0 for line in to_pay}
        return invoice.total_amount > 0 and any(
            (line.debit > 0) in sides for line in self.of_documents(invoice)
        )

    def _settling(self, invoice: PaidInvoiceRow) -> set[int]:
        linked = {*invoice.payment_lines, *invoice.reconciliation_lines}
        return linked - set(invoice.lines_to_pay)


async def ledger_around(client: TrytonClient, invoices: Sequence[PaidInvoiceRow]) -> Ledger:
    """Read all that settles some documents, and what else that settles."""
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
        line.id: line async for line in rows(client, LedgerLineRow, _LINE, "id", sorted(numbers))
    }
    settled = sorted({line.reconciliation for line in lines.values() if line.reconciliation})
    async for line in rows(client, LedgerLineRow, _LINE, "reconciliation", settled):
        lines[line.id] = line
    moves = sorted({line.move for line in lines.values()})
    documents = [row.move async for row in rows(client, MoveRow, INVOICE, "move", moves)]
    ledger = Ledger(lines, frozenset(move for move in documents if move is not None), {})
    shared = [each for each in invoices if ledger.is_shared(each)]
    moves = sorted({line.move for each in shared for line in ledger.of_documents(each)})
    return replace(ledger, about=await _credited(client, moves)) if moves else ledger


async def _credited(client: TrytonClient, moves: Sequence[int]) -> Mapping[int, frozenset[int]]:
    crediting = [
        (line.invoice.move, _line_id(line.origin))
        async for line in rows(client, CreditingLineRow, _INVOICE_LINE, "invoice.move", moves)
    ]
    numbers = sorted({number for _, number in crediting if number is not None})
    of = {
        line.id: line.invoice
        async for line in rows(client, CreditedLineRow, _INVOICE_LINE, "id", numbers)
    }
    return {
        move: frozenset(of[number] for at, number in crediting if at == move and number in of)
        for move in moves
    }


def _line_id(origin: str | None) -> int | None:
    model, _, number = (origin or "").partition(",")
    return int(number) if model == _INVOICE_LINE and number.isdecimal() else None


def amount_of(line: LedgerLineRow, currency: str) -> Decimal:
    """What a line is debited with, in the document's currency."""
    second = line.second_currency
    if line.amount_second_currency is not None and second and second.code == currency:
        return line.amount_second_currency
    return line.debit - line.credit


async def rows(
    client: TrytonClient, kind: type[R], model: str, field: str, numbers: Sequence[int]
) -> AsyncIterator[R]:
    """Read what has one of these numbers in a field; one that cannot be read is an error."""
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
