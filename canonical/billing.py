"""Billing: what can be invoiced, which entries an invoice line is made of, and what blocks it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from canonical.base import Canonical, Day
from canonical.contracts import (
    Acceptance,
    Engagement,
    ErpScheduleLine,
    ExchangeRate,
    PurchaseOrder,
    RateCard,
)
from canonical.exact import ExactDecimal
from canonical.hours import HOURS_MAX, SECONDS_PER_HOUR
from canonical.identity import content_hash
from canonical.money import CurrencyCode, HourlyRate, Money
from canonical.text import Code, ExternalId, Name, Sentence

WORK_MAX = 50_000
Revision = Annotated[int, Field(ge=1, strict=True)]
# One line of an invoice sums many entries.
SignedSeconds = Annotated[int, Field(strict=True)]


class WorkKind(StrEnum):
    """What is on an invoice: hours, a cost, what falls due by a schedule, or a lower price."""

    TIME = "time"
    EXPENSE = "expense"
    SCHEDULE = "schedule"
    WRITE_DOWN = "write_down"


class WorkRef(Canonical):
    """Which thing is billed, in which of its revisions; for a schedule `id` is line/schedule."""

    CONTRACT: ClassVar[str] = "work_ref/v1"

    kind: WorkKind
    connection: Code
    id: ExternalId
    revision: Revision = 1

    @property
    def key(self) -> str:
        """The same for all revisions of one thing."""
        return f"{self.kind}:{self.connection}:{self.id}"


class WorkState(StrEnum):
    """How far a line of work is on its way into the ERP."""

    UNAPPROVED = "unapproved"
    UNPOSTED = "unposted"
    IN_CASE = "in_case"
    POSTED = "posted"
    # Withdrawn, deleted or moved to another engagement: nothing of it is to be billed here.
    WITHDRAWN = "withdrawn"


class BillableLine(Canonical):
    """One line of approved or expected work as the store knows it now.

    `rate` is what was decided at approval and stays (DOMAIN rule 27); None means the tables
    decide. `seconds` are raw. `cost` is a billable cost net of recovered tax, in its own currency.
    """

    CONTRACT: ClassVar[str] = "billable_line/v1"

    work: WorkRef
    state: WorkState
    employee: ExternalId
    role: Code | None = None
    project: ExternalId
    task: ExternalId | None = None
    work_date: Day
    seconds: Annotated[int, Field(ge=0, le=HOURS_MAX * SECONDS_PER_HOUR, strict=True)] = 0
    billable: bool = True
    rate: HourlyRate | None = None
    cost: Money | None = None
    # Where it is taxed in another way than the contract line's service is.
    service: Code | None = None
    # The customer's own liability, passed on exactly and by itself; it needs evidence (rule 24).
    disbursement: bool = False
    evidence: ExternalId | None = None

    @model_validator(mode="after")
    def _is_time_or_cost(self) -> Self:
        if self.work.kind not in (WorkKind.TIME, WorkKind.EXPENSE):
            raise ValueError("a line of work is time or a cost")
        if (self.work.kind is WorkKind.EXPENSE) != (self.cost is not None):
            raise ValueError("a cost has an amount, and time has none")
        if self.cost is not None and self.seconds:
            raise ValueError("a cost has no hours")
        if self.disbursement and (self.cost is None or self.evidence is None):
            raise ValueError("a disbursement is a cost with evidence")
        return self


class AllocationKind(StrEnum):
    """What an allocation does to the open quantity of its work, and to its contract."""

    BILLED = "billed"
    CREDITED = "credited"
    # Given up without an invoice: no longer open, and nothing the customer ever sees.
    WRITTEN_OFF = "written_off"
    # A line of its own that lowers a price; it opens and closes no quantity (DOMAIN rule 34).
    WRITE_DOWN = "write_down"
    # The retainer's side of a draw: what the prepayment pays of the work on the same invoice.
    DRAWN = "drawn"


class Basis(Canonical):
    """What a revision was worth in all when it was first billed: later settings do not touch it."""

    CONTRACT: ClassVar[str] = "billing_basis/v1"

    seconds: Annotated[int, Field(ge=0, strict=True)]
    worth: Money
    rate: HourlyRate | None


class Allocation(Canonical):
    """Which part of an invoice line is which work: the record that open quantities come from.

    `seconds`, `worth` and `amount` are signed: above nothing bills, below credits. `worth` is in
    the currency of the rate or cost, `amount` in the invoice's (DOMAIN rule 19). A credit names
    the invoice line that it takes back.
    """

    CONTRACT: ClassVar[str] = "billing_allocation/v1"

    kind: AllocationKind
    # None for what was written off, which is on no invoice.
    invoice_line: ExternalId | None
    contract_line: ExternalId
    work: WorkRef
    project: ExternalId | None
    work_date: Day
    # The invoice date, or the day on which it was written off.
    billed_date: Day
    seconds: SignedSeconds
    worth: Money
    amount: Money
    basis: Basis
    purchase_order: ExternalId | None = None
    # The retainer's schedule line that pays it.
    fund: ExternalId | None = None
    credits: ExternalId | None = None
    approver: ExternalId | None = None
    reason: Sentence = ""


# Begins the id of what stands for a case where a contract's record cannot be read.
UNREADABLE: Final = "unreadable "
# Begins the id of what stands for work that another engagement bills already.
BILLED_BY: Final = "billed by engagement "
_CASE_SHOWN: Final = 8


def open_case_called(case_id: str) -> str:
    """How people are told of a case that holds an engagement up, such as `open case 1a2b3c4d`."""
    if case_id.startswith((UNREADABLE, BILLED_BY)):
        return case_id
    return f"open case {case_id[:_CASE_SHOWN]}"


class OpenCase(Canonical):
    """An open exception case; one that names no work concerns all of its project's."""

    CONTRACT: ClassVar[str] = "open_case/v1"

    id: ExternalId
    project: ExternalId
    work: Annotated[tuple[ExternalId, ...], Field(max_length=WORK_MAX)] = ()


class Exclusion(Canonical):
    """That one line is explicitly left out of this period's invoice, by whom and why.

    `work_key` is `WorkRef.key`.
    """

    CONTRACT: ClassVar[str] = "billing_exclusion/v1"

    work_key: Annotated[str, Field(max_length=250)]
    by: ExternalId
    reason: Annotated[Sentence, Field(min_length=3)]


class WriteDown(Canonical):
    """A lower price for work on a contract line: a line of its own; hours stay as they are."""

    CONTRACT: ClassVar[str] = "write_down/v1"

    id: ExternalId
    contract_line: ExternalId
    project: ExternalId | None = None
    amount: Money
    requested_by: ExternalId
    approver: ExternalId
    reason: Annotated[Sentence, Field(min_length=3)]

    @model_validator(mode="after")
    def _lowers_and_is_approved(self) -> Self:
        if self.amount.amount <= 0:
            raise ValueError("a write-down says by how much the price falls, above nothing")
        if self.approver == self.requested_by:
            raise ValueError("nobody approves their own write-down")
        return self


class BillingFacts(Canonical):
    """All that readiness is decided by; the order within each member says nothing.

    `lines` are all of the engagement's projects up to the cut-off, and every line with standing
    allocations here, wherever it is now. `allocations` are those of all events that stand,
    released or issued, credits included.
    """

    CONTRACT: ClassVar[str] = "billing_facts/v1"

    engagement: Engagement
    cut_off_date: Day
    invoice_date: Day
    base_currency: CurrencyCode
    lines: Annotated[tuple[BillableLine, ...], Field(max_length=WORK_MAX)] = ()
    rate_cards: tuple[RateCard, ...] = ()
    purchase_orders: tuple[PurchaseOrder, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    erp_schedule: tuple[ErpScheduleLine, ...] = ()
    allocations: Annotated[tuple[Allocation, ...], Field(max_length=4 * WORK_MAX)] = ()
    open_cases: tuple[OpenCase, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    write_downs: tuple[WriteDown, ...] = ()
    exchange_rates: tuple[ExchangeRate, ...] = ()

    @model_validator(mode="after")
    def _names_work_once(self) -> Self:
        keys = {one.work.key for one in self.lines}
        if len(keys) != len(self.lines):
            raise ValueError("each line of work is there once, in its newest revision")
        return self


class BlockReason(StrEnum):
    """Why work is not on the proposed invoice; the first that applies is told."""

    WITHDRAWN_AFTER_BILLING = "withdrawn_after_billing"
    CHANGED_AFTER_BILLING = "changed_after_billing"
    EXCLUDED = "excluded"
    UNAPPROVED = "unapproved"
    IN_CASE = "in_case"
    UNPOSTED = "unposted"
    NO_CONTRACT_LINE = "no_contract_line"
    NO_RATE = "no_rate"
    FX_MISSING = "fx_missing"
    MILESTONE_UNSIGNED = "milestone_unsigned"
    SCHEDULE_MISMATCH = "schedule_mismatch"
    OVER_CAP = "over_cap"
    NO_PURCHASE_ORDER = "no_purchase_order"
    TAX_MISSING = "tax_missing"
    WRITE_DOWN_TOO_LARGE = "write_down_too_large"

    @property
    def holds_release(self) -> bool:
        """Whether the invoice waits for it; what is excluded or over the cap is decided."""
        return self not in (BlockReason.EXCLUDED, BlockReason.OVER_CAP)


class Blocked(Canonical):
    """One reason, in money. Work without a rate is worth nothing, and its hours are shown."""

    CONTRACT: ClassVar[str] = "blocked/v1"

    reason: BlockReason
    amount: Money
    seconds: int
    lines: Annotated[int, Field(ge=0)]


class InvoiceRole(StrEnum):
    """What a line of a customer invoice is for; policies give each role its account."""

    WORK = "work"
    EXPENSE = "expense"
    DISBURSEMENT = "disbursement"
    FEE = "fee"
    MILESTONE = "milestone"
    PREPAYMENT = "prepayment"
    DRAW = "draw"
    WRITE_DOWN = "write_down"


class CustomerInvoiceLine(Canonical):
    """One line: one contract line at one rate and one tax; `amount` is what counts, to the cent.

    `amount` is the sum of its allocations. An ERP that multiplies is given
    `rules.billing_invoice.erp_quantity`, whose product is this amount.
    """

    CONTRACT: ClassVar[str] = "customer_invoice_line/v1"

    id: ExternalId
    role: InvoiceRole
    contract_line: ExternalId
    label: Name
    seconds: SignedSeconds = 0
    # In the invoice's currency or, where that was converted, in the rate's own.
    rate: HourlyRate | None = None
    amount: ExactDecimal
    tax: Code | None
    tax_rate: ExactDecimal
    tax_note: Name = ""
    # Billing is not revenue: what falls due and what is performed stay apart (DOMAIN rule 37).
    billing_schedule: ExternalId | None = None
    performance_obligation: ExternalId | None = None
    # The exchange that the amounts were converted with: rate, direction and origin.
    exchange: Name = ""
    # The line of the invoice that this one credits.
    credits: ExternalId | None = None
    reason: Sentence = ""


class CustomerInvoice(Canonical):
    """What the ERP is told: an invoice, or a credit note if it takes one back."""

    CONTRACT: ClassVar[str] = "customer_invoice/v1"

    legal_entity: Code
    customer: ExternalId
    engagement: ExternalId
    currency: CurrencyCode
    invoice_date: Day
    tax_point_date: Day
    service_from: Day
    service_until: Day
    purchase_order: Code | None = None
    lines: Annotated[tuple[CustomerInvoiceLine, ...], Field(min_length=1, max_length=5000)]
    # The billing event whose invoice a credit note is about.
    credits: ExternalId | None = None

    @property
    def total(self) -> Money:
        """What the lines come to, without tax."""
        return Money(
            amount=sum((one.amount for one in self.lines), Decimal(0)), currency=self.currency
        )

    @property
    def body_hash(self) -> str:
        """Hash of the body: one key is never sent with two of them."""
        return content_hash(self)


class BillingEvent(Canonical):
    """One thing to invoice, and the work that each of its lines is made of.

    `id` follows from what was frozen: the same snapshot gives the same event, so that a release
    that is repeated makes nothing twice.
    """

    CONTRACT: ClassVar[str] = "billing_event/v1"

    id: ExternalId
    engagement: ExternalId
    invoice: CustomerInvoice
    allocations: Annotated[tuple[Allocation, ...], Field(min_length=1, max_length=2 * WORK_MAX)]

    @model_validator(mode="after")
    def _is_all_allocated(self) -> Self:
        sums: dict[str | None, Decimal] = {}
        for one in self.allocations:
            sums[one.invoice_line] = sums.get(one.invoice_line, Decimal(0)) + one.amount.amount
        if sums != {line.id: line.amount for line in self.invoice.lines}:
            raise ValueError("each invoice line is the sum of its allocations, to the cent")
        return self


class ReadinessSnapshot(Canonical):
    """What was decided, by which facts; frozen, stored, and compared before a release."""

    CONTRACT: ClassVar[str] = "readiness_snapshot/v1"

    engagement: ExternalId
    legal_entity: Code
    cut_off_date: Day
    invoice_date: Day
    policy_version: Code
    facts_hash: Code
    ready: bool
    billable: tuple[Money, ...]
    ready_amounts: tuple[Money, ...]
    drawn: tuple[Money, ...]
    blocked: tuple[Blocked, ...]
    warnings: tuple[Sentence, ...]
    events: tuple[ExternalId, ...]
    # Cases that hold the whole of it, even where no open work is in them.
    open_cases: tuple[ExternalId, ...] = ()

    @property
    def hash(self) -> str:
        """Any drift of facts, tables or outcome gives another one."""
        return content_hash(self)
