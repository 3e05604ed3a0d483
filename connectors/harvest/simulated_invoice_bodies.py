"""What the simulated Harvest takes for invoices: the documented members that it knows."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from connectors.harvest.simulated_state import RecordId, State
from connectors.harvest.wire import Number

_DAYS: Final = {"upon receipt": 0, "net 15": 15, "net 30": 30, "net 45": 45, "net 60": 60}
Term = Literal["upon receipt", "net 15", "net 30", "net 45", "net 60", "custom"]


def _text(value: object) -> object:
    """Say no to a number where a text belongs."""
    if value is not None and not isinstance(value, str):
        raise ValueError("not a text")
    return value


Text = Annotated[str | None, BeforeValidator(_text)]


class ItemBody(State):
    """A line: new, or with an `id` the new content of one that is there."""

    id: RecordId | None = None
    kind: Text = None
    description: Text = None
    quantity: Number | None = None
    unit_price: Number | None = None
    project_id: RecordId | None = None
    taxed: Literal[False] = False
    taxed2: Literal[False] = False
    destroy: bool = Field(default=False, alias="_destroy")


class InvoiceChange(State):
    """What becomes of an invoice; members that are not given stay as they are."""

    number: Text = None
    purchase_order: Text = None
    subject: Text = None
    notes: Text = None
    issue_date: date | None = None
    due_date: date | None = None
    payment_term: Term | None = None
    line_items: tuple[ItemBody, ...] = ()


class NewInvoice(InvoiceChange):
    """A free-form invoice."""

    client_id: RecordId
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None


class Recipient(State):
    """Who gets a mail."""

    email: str
    name: str = ""


class NewMessage(State):
    """A mail, or an event without recipients."""

    event_type: Literal["close", "draft", "re-open", "send"] | None = None
    recipients: tuple[Recipient, ...] = ()
    subject: Text = None
    body: Text = None
    attach_pdf: bool = False
    send_me_a_copy: bool = False
    thank_you: bool = False


class NewPayment(State):
    """A payment; by default the customer is thanked by mail once all is paid."""

    amount: Number
    paid_at: datetime | None = None
    paid_date: date | None = None
    notes: Text = None
    send_thank_you: bool = True


def days_of(term: str) -> int | None:
    """How long a customer has by this term; None if a date says it."""
    return _DAYS.get(term)
