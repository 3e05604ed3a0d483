"""Contracts: what was agreed with a customer about how work becomes money.

What a source of contracts gives: engagements with their lines, rates, schedules, caps, retainers,
purchase orders, and the acceptances that its milestones have. Ids are the source's own; legal
entities, customers, projects, tasks, roles and employees are named by the codes that people know
them by in every system.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from canonical.base import Canonical, Day, Instant
from canonical.exact import ExactDecimal
from canonical.identity import content_hash
from canonical.money import CurrencyCode, HourlyRate, Money
from canonical.text import Code, CountryCode, ExternalId, Name

LINES_MAX = 500
ID_MAX: Final = 120


class BillingModel(StrEnum):
    """How a contract line bills; frozen once time is approved on it (DOMAIN rule 32)."""

    TIME_AND_MATERIALS = "time_and_materials"
    FIXED_FEE = "fixed_fee"
    MILESTONE = "milestone"
    RETAINER = "retainer"


class Dated(Canonical):
    """Something that counts on some days only; both ends are inclusive."""

    valid_from: Day | None = None
    valid_until: Day | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("what is valid ends on a day that is not before its first")
        return self

    def valid_on(self, day: date) -> bool:
        """Whether it counts on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class ChangeOrder(Canonical):
    """The customer's agreement to pass a soft cap, by how much and since when."""

    CONTRACT: ClassVar[str] = "change_order/v1"

    id: ExternalId
    agreed_date: Day
    amount: Money


class Cap(Canonical):
    """How much a line may bill in all; its currency and whether expenses count are explicit.

    A hard cap stops billing. A soft cap warns, and is passed by change orders only (DOMAIN
    rules 28 and 29); a hard one is raised by another amount in the contract itself.
    """

    CONTRACT: ClassVar[str] = "cap/v1"

    kind: Literal["hard", "soft"]
    amount: Money
    expenses_included: bool
    change_orders: tuple[ChangeOrder, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.amount.amount < 0:
            raise ValueError("a cap is not below nothing")
        if self.kind == "hard" and self.change_orders:
            raise ValueError("a hard cap has no change orders: the contract names another amount")
        if any(one.amount.currency != self.amount.currency for one in self.change_orders):
            raise ValueError("a change order is in the currency of its cap")
        return self

    def room_on(self, day: date) -> Money:
        """What may be billed in all, by what was agreed up to that day."""
        agreed = (one.amount for one in self.change_orders if one.agreed_date <= day)
        return sum(agreed, self.amount)


class ScheduleLine(Canonical):
    """One amount that falls due: an instalment, a milestone, or a retainer's prepayment.

    `erp_key` is the key of the ERP's own billing or revenue schedule line, which has to agree
    (DOMAIN rule 30). For a prepayment, `draw_from` and `draw_until` say which work may draw on
    it: a later `draw_until` is a rollover, none at all means that it never expires (rule 31).
    """

    CONTRACT: ClassVar[str] = "schedule_line/v1"

    id: ExternalId
    label: Name = ""
    due_date: Day
    amount: Money
    erp_key: Code | None = None
    performance_obligation: ExternalId | None = None
    draw_from: Day | None = None
    draw_until: Day | None = None

    @model_validator(mode="after")
    def _is_due(self) -> Self:
        if self.amount.amount <= 0:
            raise ValueError("what falls due is above nothing")
        if self.draw_from and self.draw_until and self.draw_until < self.draw_from:
            raise ValueError("a prepayment expires on a day that is not before its first")
        return self


class ContractLine(Dated):
    """One commercial promise of an engagement: which work it is about, and how that bills.

    `tasks` empty means all tasks of its projects. Of several lines that fit, the one that names
    the task counts; two that fit equally well are a contradiction, and nothing is billed by it.
    """

    CONTRACT: ClassVar[str] = "contract_line/v1"

    id: ExternalId
    label: Name
    model: BillingModel
    currency: CurrencyCode
    projects: Annotated[tuple[ExternalId, ...], Field(min_length=1, max_length=LINES_MAX)]
    tasks: Annotated[tuple[ExternalId, ...], Field(max_length=LINES_MAX)] = ()
    # The kind of service, by which the invoice tax is found (DOMAIN rule 45).
    service: Code
    # Whether billable costs are passed on; if not, they are within the price.
    expenses_billed: bool
    cap: Cap | None = None
    schedule: Annotated[tuple[ScheduleLine, ...], Field(max_length=LINES_MAX)] = ()
    purchase_order_required: bool = False
    purchase_order: ExternalId | None = None
    performance_obligation: ExternalId | None = None

    @model_validator(mode="after")
    def _fits_its_model(self) -> Self:
        amounts = [one.amount for one in self.schedule] + ([self.cap.amount] if self.cap else [])
        if any(one.currency != self.currency for one in amounts):
            raise ValueError("caps and schedules are in the currency that the line is billed in")
        if self.cap is not None and self.model is not BillingModel.TIME_AND_MATERIALS:
            raise ValueError("only time and materials are capped")
        if bool(self.schedule) == (self.model is BillingModel.TIME_AND_MATERIALS):
            raise ValueError("a fee, a milestone and a retainer have a schedule, and nothing else")
        if len({one.id for one in self.schedule}) != len(self.schedule):
            raise ValueError("each line of a schedule has an id of its own")
        return self


class TaxParty(Canonical):
    """Where a customer is, and whether it is registered for tax there."""

    CONTRACT: ClassVar[str] = "tax_party/v1"

    country: CountryCode
    registered: bool


class Engagement(Canonical):
    """The commercial frame: one customer, one legal entity of ours, and its contract lines."""

    CONTRACT: ClassVar[str] = "engagement/v1"

    connection: Code
    # Shorter than other ids: that of its billing period is made of it.
    id: Annotated[ExternalId, Field(max_length=100)]
    code: Code
    name: Name
    legal_entity: Code
    customer: ExternalId
    customer_tax: TaxParty
    lines: Annotated[tuple[ContractLine, ...], Field(min_length=1, max_length=LINES_MAX)]

    @model_validator(mode="after")
    def _has_lines_apart(self) -> Self:
        if len({one.id for one in self.lines}) != len(self.lines):
            raise ValueError("each contract line has an id of its own")
        return self

    @property
    def projects(self) -> frozenset[str]:
        """All projects that its lines are about."""
        return frozenset(project for one in self.lines for project in one.projects)

    def line(self, line_id: str) -> ContractLine | None:
        """The contract line of that id."""
        return next((one for one in self.lines if one.id == line_id), None)


class RateScope(StrEnum):
    """Whose price it is, from the one that counts first to the last (DOMAIN rule 27)."""

    PERSON = "person"
    ROLE = "role"
    CUSTOMER = "customer"
    STANDARD = "standard"


class BillRate(Dated):
    """The price of an hour, by work date. A person's and a role's are of one engagement.

    Customers' and standard prices may name a role, and count before those that name none.
    """

    CONTRACT: ClassVar[str] = "bill_rate/v1"

    scope: RateScope
    engagement: ExternalId | None = None
    contract_line: ExternalId | None = None
    customer: ExternalId | None = None
    employee: ExternalId | None = None
    role: Code | None = None
    rate: HourlyRate

    @model_validator(mode="after")
    def _names_whose(self) -> Self:
        needed = {
            RateScope.PERSON: self.engagement and self.employee,
            RateScope.ROLE: self.engagement and self.role,
            RateScope.CUSTOMER: self.customer,
            RateScope.STANDARD: True,
        }
        if not needed[self.scope]:
            raise ValueError(f"the rate of a {self.scope} does not say whose it is")
        return self


class RateCard(Canonical):
    """Rates that were agreed together; `version` is the source's."""

    CONTRACT: ClassVar[str] = "rate_card/v1"

    connection: Code
    id: ExternalId
    version: Code
    rates: Annotated[tuple[BillRate, ...], Field(max_length=5000)]


class PurchaseOrder(Dated):
    """The customer's order that invoices must name; `amount` is its limit, if it has one."""

    CONTRACT: ClassVar[str] = "purchase_order/v1"

    id: ExternalId
    number: Code
    amount: Money | None = None


class Acceptance(Canonical):
    """That the customer accepted a milestone, and what proves it (DOMAIN rule 30)."""

    CONTRACT: ClassVar[str] = "acceptance/v1"

    engagement: ExternalId
    contract_line: ExternalId
    schedule_line: ExternalId
    accepted_date: Day
    evidence: ExternalId


class ErpScheduleLine(Canonical):
    """One line of the ERP's own billing or revenue schedule, as the ERP shows it."""

    CONTRACT: ClassVar[str] = "erp_schedule_line/v1"

    key: Code
    amount: Money


class ExchangeRate(Canonical):
    """What one unit of a currency is worth in another, on a day, by whom."""

    CONTRACT: ClassVar[str] = "exchange_rate/v1"

    source_currency: CurrencyCode
    target_currency: CurrencyCode
    rate: Annotated[ExactDecimal, Field(gt=0)]
    on_date: Day
    origin: Code


CONTRACT_RECORD: Final[Literal["contract_record"]] = "contract_record"


class ContractRecord(Canonical):
    """One record of a source of contracts, as it is shown now.

    `id` is unique among all records of its connection, whatever they are.
    """

    CONTRACT: ClassVar[str] = "contract_record/v1"

    connection: Code
    id: ExternalId
    record: Annotated[
        Engagement | RateCard | PurchaseOrder | Acceptance | ErpScheduleLine,
        Field(union_mode="left_to_right"),
    ]
    changed_at: Instant

    @property
    def content_hash(self) -> str:
        """Hash of what was agreed; when it was written down does not count."""
        return content_hash(self.record)


def contract_record_id(kind: str, *names: str) -> str:
    """Name a record: kind and own id, such as `engagement/ACME-1`, within what an id may be."""
    name = "/".join((kind, *names))
    return name if len(name) <= ID_MAX else f"{kind}/{content_hash(name)}"
