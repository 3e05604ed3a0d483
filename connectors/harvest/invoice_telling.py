"""What Harvest is told of invoices: issued, credited, paid, and payments taken back."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.base.capabilities import Acknowledged, InvoiceNews, InvoiceStep
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.harvest.client import HarvestClient
from connectors.harvest.invoice_books import InvoiceBooks
from connectors.harvest.invoice_mapping import (
    TakenBack,
    amount_told,
    as_issued,
    credit_body,
    credit_lines,
    invoice_body,
    invoice_name,
    is_twin,
    marked,
    payment_body,
    taken_back,
    taken_back_before,
)
from connectors.harvest.invoice_wire import Invoice, Message, Payment

_ACCEPTED: Final = "accepted"
_TOLD_BEFORE: Final = "told_before"
_DRAFT: Final = "draft"


class InvoiceTelling:
    """Tells step by step. What a step writes is looked for first, so that it never shows twice."""

    def __init__(
        self, client: HarvestClient, customer_code: re.Pattern[str], item_kind: str
    ) -> None:
        self._client: Final = client
        self._customer_code: Final = customer_code
        self._kind: Final = item_kind
        self._ways: Final[
            Mapping[InvoiceStep, Callable[[InvoiceNews, InvoiceBooks], Awaitable[str]]]
        ] = {
            InvoiceStep.ISSUED: self._issued,
            InvoiceStep.CREDITED: self._credited,
            InvoiceStep.PARTLY_PAID: self._paid,
            InvoiceStep.PAID: self._paid_in_all,
            InvoiceStep.PAYMENT_REVERSED: self._reversed,
        }

    async def tell(self, news: Sequence[InvoiceNews]) -> tuple[Acknowledged, ...]:
        """Tell in order, until the budget or the answers end; a refusal stops nobody else."""
        told: list[Acknowledged] = []
        books = InvoiceBooks(self._client, self._customer_code)
        for each in news:
            try:
                code = await self._ways[each.step](each, books)
            except RejectedError as refusal:
                told.append(Acknowledged(each.id, accepted=False, code=refusal.code))
            except (TransientError, OutcomeUnknownError):
                break
            except ConnectionConfigError:
                if not told:
                    raise
                break
            else:
                told.append(Acknowledged(each.id, accepted=True, code=code))
        return tuple(told)

    async def _issued(self, news: InvoiceNews, books: InvoiceBooks) -> str:
        """Make the invoice, and mark it as sent once Harvest shows what the ERP says."""
        client = await books.client_of(news.customer)
        invoice = await books.find(client, news.number)
        if invoice is None:
            body = invoice_body(news, client, self._kind)
            invoice = await self._client.create("/invoices", body, Invoice)
            books.keep(invoice)
        elif not marked(invoice.notes, invoice_name(news)):
            raise RejectedError("number_taken")
        if (as_issued(invoice), invoice.currency) != (amount_told(news), news.net.currency):
            raise RejectedError("not_kept")
        if invoice.state != _DRAFT:
            return _TOLD_BEFORE
        # Without recipients it is an entry in the history, and nobody gets a mail.
        event = {"event_type": "send"}
        await self._client.create(f"/invoices/{invoice.id}/messages", event, Message)
        books.keep(invoice.model_copy(update={"state": "open"}))
        return _ACCEPTED

    async def _credited(self, news: InvoiceNews, books: InvoiceBooks) -> str:
        """Take the credit off the invoice that it is about: Harvest knows no credit notes."""
        invoice = await books.known(await books.client_of(news.customer), news.credits)
        if any(marked(line.description, news.id) for line in credit_lines(invoice)):
            return _TOLD_BEFORE
        credit = -amount_told(news)
        if credit <= 0 or news.net.currency != invoice.currency:
            raise RejectedError("no_credit")
        if credit > invoice.due_amount:
            # Harvest would show that we owe something, and has no way to say that it was paid.
            raise RejectedError("credit_beyond_due")
        body = credit_body(news, self._kind)
        changed = await self._client.change(f"/invoices/{invoice.id}", body, Invoice)
        books.keep(changed)
        if changed.amount != invoice.amount - credit:
            raise RejectedError("not_kept")
        return _ACCEPTED

    async def _paid(self, news: InvoiceNews, books: InvoiceBooks) -> str:
        """Record a payment, once; one that was taken back meanwhile stays so."""
        invoice, payments = await self._standing(news, books)
        amount = _moved(news, invoice)
        if _is_recorded(news.id, invoice, payments):
            return _TOLD_BEFORE
        await self._record(invoice, books, payment_body(amount, news.on_date, news.id), amount)
        return _ACCEPTED

    async def _paid_in_all(self, news: InvoiceNews, books: InvoiceBooks) -> str:
        """Record what is still missing from all that was paid, whoever recorded the rest."""
        if news.amount is not None and not news.amount.amount:
            return _ACCEPTED  # Settled without money, as a credit note is: nothing to show.
        invoice, payments = await self._standing(news, books)
        in_all = _moved(news, invoice)
        missing = in_all - sum((each.amount for each in payments), Decimal(0))
        if missing <= 0 or _is_recorded(news.id, invoice, payments):
            return _TOLD_BEFORE
        await self._record(invoice, books, payment_body(missing, news.on_date, news.id), missing)
        return _ACCEPTED

    async def _standing(
        self, news: InvoiceNews, books: InvoiceBooks
    ) -> tuple[Invoice, list[Payment]]:
        """An invoice and what was paid of it, once each.

        Harvest has no key that recognises a repeat: a request that was given up for lost and came
        through after the next attempt is a twin. Twins of ours go, and nobody else's payment.
        """
        invoice = await books.known(await books.client_of(news.customer), news.number)
        payments: list[Payment] = []
        for each in sorted(await books.payments(invoice), key=lambda one: one.id):
            if is_twin(each, payments, invoice.notes):
                await self._client.remove(f"/invoices/{invoice.id}/payments/{each.id}")
                due = {"due_amount": invoice.due_amount + each.amount}
                invoice = invoice.model_copy(update=due)
                books.keep(invoice)
            else:
                payments.append(each)
        return invoice, payments

    async def _record(
        self, invoice: Invoice, books: InvoiceBooks, body: Mapping[str, object], amount: Decimal
    ) -> None:
        payment = await self._client.create(f"/invoices/{invoice.id}/payments", body, Payment)
        left = {"due_amount": invoice.due_amount - payment.amount}
        books.keep(invoice.model_copy(update=left))
        if payment.amount != amount:
            raise RejectedError("not_kept")

    async def _reversed(self, news: InvoiceNews, books: InvoiceBooks) -> str:
        """Remove the payment, or so much of the latest ones as was taken back.

        Which ones go is written into the invoice's notes before the first goes, so that a second
        telling finishes this reversal and does not begin another.
        """
        invoice, payments = await self._standing(news, books)
        begun = taken_back_before(invoice.notes, news.id)
        choice = begun or taken_back(payments, _moved(news, invoice))
        if begun is None:
            notes = "\n".join(filter(None, (invoice.notes, choice.line(news.id))))
            path = f"/invoices/{invoice.id}"
            invoice = await self._client.change(path, {"notes": notes}, Invoice)
            if taken_back_before(invoice.notes, news.id) is None:
                raise RejectedError("not_kept")
        wrote = await self._finish(news.id, choice, invoice, payments, books)
        return _ACCEPTED if wrote or begun is None else _TOLD_BEFORE

    async def _finish(
        self,
        name: str,
        choice: TakenBack,
        invoice: Invoice,
        payments: Sequence[Payment],
        books: InvoiceBooks,
    ) -> bool:
        """Remove what is still there and record what stays; whether there was anything to do."""
        left = [each for each in payments if each.id in choice.payments]
        for each in left:
            await self._client.remove(f"/invoices/{invoice.id}/payments/{each.id}")
        due = invoice.due_amount + sum((each.amount for each in left), Decimal(0))
        invoice = invoice.model_copy(update={"due_amount": due})
        books.keep(invoice)
        if not choice.rest or _is_recorded(name, invoice, payments):
            return bool(left)
        body = payment_body(choice.rest, choice.paid_date, name)
        await self._record(invoice, books, body, choice.rest)
        return True


def _is_recorded(name: str, invoice: Invoice, payments: Sequence[Payment]) -> bool:
    """Whether a payment of this name is there, or was and has been taken back."""
    return marked(invoice.notes, name) or any(marked(each.notes, name) for each in payments)


def _moved(news: InvoiceNews, invoice: Invoice) -> Decimal:
    """How much was paid or taken back; raises RejectedError if that is no payment."""
    if news.amount is None or news.amount.amount <= 0:
        raise RejectedError("no_amount")
    if news.amount.currency != invoice.currency:
        raise RejectedError("other_currency")
    return news.amount.amount
