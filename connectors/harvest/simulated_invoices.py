"""The invoices of a simulated account: how they are made, moved, paid, and no longer paid."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from connectors.harvest.simulated_invoice_bodies import (
    InvoiceChange,
    ItemBody,
    NewInvoice,
    NewMessage,
    NewPayment,
    days_of,
)
from connectors.harvest.simulated_state import (
    Quirks,
    RefusedError,
    SimulatedClient,
    SimulatedInvoice,
    SimulatedLineItem,
    SimulatedMessage,
    SimulatedPayment,
)

# The categories that a new account has.
_KINDS: Final = ("Service", "Product")
# From which state to which an event leads.
_EVENTS: Final = {
    "send": ("draft", "open"),
    "draft": ("open", "draft"),
    "close": ("open", "closed"),
    "re-open": ("closed", "open"),
}


class InvoiceBook:
    """All invoices of an account. Methods raise KeyError for 404 and RefusedError for 422."""

    def __init__(
        self,
        invoices: Iterable[SimulatedInvoice],
        clients: Mapping[int, SimulatedClient],
        clock: Callable[[], datetime],
    ) -> None:
        self._invoices = {one.id: one for one in invoices}
        self._clients = clients
        self._clock = clock
        # How many mails customers got.
        self.mails = 0
        self._last_id = max(map(_highest_id, self._invoices.values()), default=13_150_000)

    @property
    def invoices(self) -> tuple[SimulatedInvoice, ...]:
        """Every invoice, in the order in which they were made."""
        return tuple(self._invoices.values())

    def listed(self, fits: Callable[[SimulatedInvoice], bool]) -> list[SimulatedInvoice]:
        """Those that fit, the latest issued first."""
        found = filter(fits, self._invoices.values())
        return sorted(found, key=lambda one: (one.issue_date, one.id), reverse=True)

    def invoice(self, invoice_id: int) -> SimulatedInvoice:
        """One invoice."""
        return self._invoices[invoice_id]

    def client_of(self, invoice: SimulatedInvoice) -> SimulatedClient:
        """Whom it is for."""
        return self._clients[invoice.client_id]

    def create(self, body: NewInvoice, quirks: Quirks) -> SimulatedInvoice:
        """Make a draft."""
        client = self._clients.get(body.client_id)
        if client is None:
            raise RefusedError("Client doesn't exist")
        issued = body.issue_date or self._now().date()
        asked = None if quirks.ignores_currency else body.currency
        invoice = SimulatedInvoice(
            id=self._next_id(),
            client_id=client.id,
            number=self._number(body.number),
            currency=asked or client.currency,
            issue_date=issued,
            due_date=_due(issued, body.due_date, body.payment_term),
            payment_term=body.payment_term or "custom",
            purchase_order=body.purchase_order,
            subject=body.subject,
            notes=body.notes,
            created_at=self._now(),
            updated_at=self._now(),
            line_items=self._items((), body.line_items),
        )
        return self._keep(invoice)

    def change(self, invoice_id: int, body: InvoiceChange, quirks: Quirks) -> SimulatedInvoice:
        """Change an invoice; lines that are not named stay."""
        invoice = self._invoices[invoice_id]
        if invoice.state == "paid" and quirks.refuses_changes_when_paid:
            raise RefusedError("A paid invoice cannot be changed")
        news: dict[str, Any] = body.model_dump(
            include={"purchase_order", "subject", "notes", "issue_date", "payment_term"},
            exclude_unset=True,
        )
        if body.number is not None and body.number != invoice.number:
            news["number"] = self._number(body.number)
        issued = body.issue_date or invoice.issue_date
        term = body.payment_term or invoice.payment_term
        news["due_date"] = _due(issued, body.due_date or invoice.due_date, term)
        news["line_items"] = self._items(invoice.line_items, body.line_items)
        return self._keep(invoice.model_copy(update=news))

    def remove(self, invoice_id: int) -> None:
        """Delete an invoice and all that hangs on it."""
        del self._invoices[invoice_id]

    def say(self, invoice_id: int, body: NewMessage) -> SimulatedMessage:
        """Write into an invoice's history: a mail, or an event that moves its state."""
        invoice = self._invoices[invoice_id]
        if body.event_type is None and not body.recipients:
            raise RefusedError("Recipients can't be blank")
        news: dict[str, Any] = {}
        if body.event_type is not None:
            before, after = _EVENTS[body.event_type]
            if invoice.state != before:
                raise RefusedError(f"Invoice is {invoice.state}")
            news = {"state": after}
            if body.event_type == "send":
                news["sent_at"] = self._now()
            news["closed_at"] = self._now() if after == "closed" else None
        message = SimulatedMessage(
            id=self._next_id(),
            event_type=body.event_type,
            recipients=tuple(one.email for one in body.recipients),
            subject=body.subject,
            body=body.body,
            created_at=self._now(),
        )
        self.mails += len(body.recipients)
        news["messages"] = (*invoice.messages, message)
        self._keep(invoice.model_copy(update=news))
        return message

    def pay(self, invoice_id: int, body: NewPayment) -> SimulatedPayment:
        """Record a payment of an invoice that was sent."""
        invoice = self._invoices[invoice_id]
        if invoice.state == "draft":
            raise RefusedError("Invoice is a draft")
        if body.paid_at is not None and body.paid_date is not None:
            raise RefusedError("Pass either paid_at or paid_date, but not both")
        at = (body.paid_at or self._now()).astimezone(UTC).date()
        payment = SimulatedPayment(
            id=self._next_id(),
            amount=body.amount,
            paid_date=body.paid_date or at,
            notes=body.notes,
            created_at=self._now(),
        )
        paid = invoice.model_copy(update={"payments": (*invoice.payments, payment)})
        if self._keep(paid).state == "paid" and body.send_thank_you:
            self.mails += 1
        return payment

    def unpay(self, invoice_id: int, payment_id: int) -> None:
        """Remove a payment."""
        invoice = self._invoices[invoice_id]
        left = tuple(one for one in invoice.payments if one.id != payment_id)
        if len(left) == len(invoice.payments):
            raise KeyError(payment_id)
        self._keep(invoice.model_copy(update={"payments": left}))

    def _keep(self, invoice: SimulatedInvoice) -> SimulatedInvoice:
        news: dict[str, Any] = {"updated_at": self._now()}
        if invoice.state in ("open", "paid"):
            settled = invoice.due_amount <= 0 and invoice.amount > 0
            news["state"] = "paid" if settled else "open"
        kept = invoice.model_copy(update=news)
        self._invoices[kept.id] = kept
        return kept

    def _items(
        self, before: tuple[SimulatedLineItem, ...], bodies: Iterable[ItemBody]
    ) -> tuple[SimulatedLineItem, ...]:
        items = {one.id: one for one in before}
        for body in bodies:
            if body.id is not None and body.id not in items:
                raise RefusedError("Line item doesn't exist")
            if body.kind is not None and body.kind not in _KINDS:
                raise RefusedError("Kind is not an invoice item category")
            if body.id is None:
                item = self._item(body)
                items[item.id] = item
            elif body.destroy:
                del items[body.id]
            else:
                told = body.model_dump(
                    include={"kind", "description", "quantity", "unit_price"}, exclude_unset=True
                )
                items[body.id] = items[body.id].model_copy(update=told)
        return tuple(items.values())

    def _item(self, body: ItemBody) -> SimulatedLineItem:
        if body.kind is None or body.unit_price is None:
            raise RefusedError("A line item needs a kind and a unit price")
        return SimulatedLineItem(
            id=self._next_id(),
            kind=body.kind,
            description=body.description,
            quantity=Decimal(1) if body.quantity is None else body.quantity,
            unit_price=body.unit_price,
        )

    def _number(self, asked: str | None) -> str:
        taken = {one.number for one in self._invoices.values()}
        if asked is not None and asked in taken:
            raise RefusedError("Invoice ID has already been taken")
        numbers = [int(one) for one in taken if one.isascii() and one.isdigit()]
        return asked or str(max(numbers, default=0) + 1)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC).replace(microsecond=0)


def _highest_id(invoice: SimulatedInvoice) -> int:
    ids = [invoice.id]
    ids += (one.id for one in invoice.line_items)
    ids += (one.id for one in invoice.payments)
    ids += (one.id for one in invoice.messages)
    return max(ids)


def _due(issued: date, asked: date | None, term: str | None) -> date:
    """A date of one's own counts with the term `custom` only."""
    if term == "custom" and asked is not None:
        return asked
    return issued + timedelta(days=days_of(term or "upon receipt") or 0)
