"""The state file of the simulated Harvest account: what a generator writes, and tests say.

Amounts are text ("7.25"), instants are UTC, dates are plain. `AccountState.model_dump_json()`
writes a file that `python -m connectors.harvest.simulator --state FILE` reads.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.exact import ExactDecimal, round_to

RecordId = Annotated[int, Field(gt=0, lt=10**12)]


class RefusedError(ValueError):
    """Harvest answers 422, with this message."""


class State(BaseModel):
    """What all parts share: closed, so that a misspelt member is noticed at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedMaster(State):
    """A master record; without `updated_at` it was made long ago, or changes as it is put."""

    updated_at: datetime | None = None


class SimulatedUser(SimulatedMaster):
    """A person; a role such as 'CC-100 Delivery' names the cost centre."""

    id: RecordId
    first_name: str
    last_name: str
    email: str
    roles: tuple[str, ...] = ()
    is_active: bool = True
    is_contractor: bool = False


class SimulatedClient(SimulatedMaster):
    """A customer."""

    id: RecordId
    name: str
    currency: str = "EUR"
    address: str | None = None
    is_active: bool = True


class SimulatedProject(SimulatedMaster):
    """A project; `code` is the ERP's number for it."""

    id: RecordId
    client_id: RecordId
    name: str
    code: str | None = None
    is_active: bool = True
    is_billable: bool = True


class SimulatedTask(SimulatedMaster):
    """A kind of work, known to the whole account."""

    id: RecordId
    name: str
    is_active: bool = True


class SimulatedAssignment(SimulatedMaster):
    """That a task may be booked on a project."""

    project_id: RecordId
    task_id: RecordId
    is_active: bool = True


class SimulatedEntry(State):
    """A line of work. `is_closed` is approved; a closed entry is locked, whatever `is_locked` says.

    Without `updated_at` it changed just now.
    """

    id: RecordId
    user_id: RecordId
    project_id: RecordId
    task_id: RecordId
    spent_date: date
    hours: ExactDecimal
    notes: str = ""
    billable: bool = True
    billable_rate: ExactDecimal | None = None
    is_closed: bool = False
    is_locked: bool = False
    is_running: bool = False
    is_billed: bool = False
    updated_at: datetime | None = None
    # What we were told became of it.
    reference: dict[str, str] | None = None


class SimulatedMasters(State):
    """Master records; given again under the same id, they replace what was there."""

    users: tuple[SimulatedUser, ...] = ()
    clients: tuple[SimulatedClient, ...] = ()
    projects: tuple[SimulatedProject, ...] = ()
    tasks: tuple[SimulatedTask, ...] = ()
    # An account that names none assigns every task to every project.
    assignments: tuple[SimulatedAssignment, ...] = ()


class SimulatedLineItem(State):
    """One line of an invoice."""

    id: RecordId
    kind: str
    description: str | None = None
    quantity: ExactDecimal = Decimal(1)
    unit_price: ExactDecimal

    @property
    def amount(self) -> Decimal:
        """What it comes to."""
        return round_to(self.quantity * self.unit_price, 2)


class SimulatedPayment(State):
    """One payment of an invoice; it can be removed and not changed."""

    id: RecordId
    amount: ExactDecimal
    paid_date: date
    notes: str | None = None
    created_at: datetime


class SimulatedMessage(State):
    """One entry of an invoice's history: a mail, or an event that moved its state."""

    id: RecordId
    event_type: str | None = None
    recipients: tuple[str, ...] = ()
    subject: str | None = None
    body: str | None = None
    created_at: datetime


class SimulatedInvoice(State):
    """An invoice with all that hangs on it; no tax, discount, retainer or estimate."""

    id: RecordId
    client_id: RecordId
    number: str
    currency: str
    issue_date: date
    due_date: date
    payment_term: str = "custom"
    purchase_order: str | None = None
    subject: str | None = None
    notes: str | None = None
    state: Literal["draft", "open", "paid", "closed"] = "draft"
    sent_at: datetime | None = None
    closed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    line_items: tuple[SimulatedLineItem, ...] = ()
    payments: tuple[SimulatedPayment, ...] = ()
    messages: tuple[SimulatedMessage, ...] = ()

    @property
    def amount(self) -> Decimal:
        """What it comes to."""
        return sum((one.amount for one in self.line_items), Decimal(0))

    @property
    def paid(self) -> Decimal:
        """What was paid."""
        return sum((one.amount for one in self.payments), Decimal(0))

    @property
    def due_amount(self) -> Decimal:
        """What is left to pay."""
        return self.amount - self.paid


class AccountState(SimulatedMasters):
    """A whole account."""

    account_id: str = "1234567"
    token: str = "simulated-token"  # noqa: S105  It opens nothing but the simulator.
    company: str = "Simulated Company"
    approval_feature: bool = True
    time_entries: tuple[SimulatedEntry, ...] = ()
    invoices: tuple[SimulatedInvoice, ...] = ()


class Selection(State):
    """Which time entries an order is for; all members that are given must fit.

    A week of one person is `users=(7,), first=<Monday>, last=<Sunday>`. Nothing given is nothing
    selected, so that nobody approves a whole account by mistake; `everything` says so.
    """

    ids: frozenset[int] | None = None
    users: frozenset[int] | None = None
    first: date | None = None
    last: date | None = None
    everything: bool = False


class Change(State):
    """What becomes of one entry; members that are not given stay as they are."""

    id: RecordId
    hours: ExactDecimal | None = None
    spent_date: date | None = None
    project_id: RecordId | None = None
    task_id: RecordId | None = None
    notes: str | None = None
    billable: bool | None = None
    billable_rate: ExactDecimal | None = None
    is_billed: bool | None = None


class Quirks(State):
    """How the simulated Harvest behaves, and misbehaves. Counted quirks are used up."""

    rate_limit_calls: int = 100
    rate_limit_seconds: int = 15
    retry_after_as_date: bool = False
    # Not documented at Harvest, so both must be survived.
    approval_moves_updated_at: bool = True
    refuses_reference_on_closed: bool = False
    drops_reference: bool = False
    # Whether a paid invoice may be edited is not documented either.
    refuses_changes_when_paid: bool = False
    # New invoices lose their currency to the client's; nothing is said about it.
    ignores_currency: bool = False
    # Pages by number, as older answers had them: records slip when something is deleted.
    page_numbers: bool = False
    # The list of time entries leads back to its start; every link leads to another server.
    circular_links: bool = False
    foreign_links: bool = False
    # JSON texts that stand as records on the first page of every list of time entries.
    poison: tuple[str, ...] = ()
    # The same for lists of master records, by the name of the list.
    poison_of: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    # Whether a name that another client has is refused is not documented.
    takes_taken_names: bool = False
    # Members of master records that are taken and not kept.
    drops: frozenset[str] = frozenset()
    slow_seconds: float = 0
    # How many of the next answers are broken, and how.
    broken_pages: int = 0
    failures: int = 0
    failures_after_write: int = 0
