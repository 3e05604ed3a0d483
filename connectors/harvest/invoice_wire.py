"""Harvest's invoices and payments in JSON, as far as we read them."""

from pydantic import Field

from connectors.harvest.wire import Id, Number, PlainDate, Ref, Wire


class LineItem(Wire):
    """One line of an invoice; `amount` is quantity times price."""

    id: Id
    description: str | None = None
    amount: Number


class Invoice(Wire):
    """An invoice. `amount` and `due_amount` include tax; `number` is unique in the account."""

    id: Id
    client: Ref
    number: str
    amount: Number
    due_amount: Number
    currency: str
    state: str
    notes: str | None = None
    line_items: list[LineItem] = Field(default_factory=list)


class Payment(Wire):
    """One payment of an invoice. Harvest lets it be removed, not changed."""

    id: Id
    amount: Number
    paid_date: PlainDate | None = None
    notes: str | None = None


class Message(Wire):
    """One entry of an invoice's history; `event_type` is what it did to the invoice."""

    id: Id
    event_type: str | None = None
