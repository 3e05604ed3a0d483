"""The ledger's tables about billing as code knows them; as `store.tables`, for what is invoiced."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as a declared_attr and takes a plain string.

from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Field, SQLModel

from store.columns import big_column, instant_column, number_column, text_column


class WorkProjectRow(SQLModel, table=True):
    """A project that a source line is or was on, as its source names it."""

    __tablename__ = "work_project"

    connection: str = text_column(primary_key=True)
    object: str = text_column(primary_key=True)
    source_id: str = text_column(primary_key=True)
    project: str = text_column(primary_key=True)


class BillingNewsRow(SQLModel, table=True):
    """That a line or its posting changed, until those who bill have heard of it."""

    __tablename__ = "billing_news"

    id: int = big_column(primary_key=True)
    connection: str = text_column()
    object: str = text_column()
    source_id: str = text_column()


class EngagementProjectRow(SQLModel, table=True):
    """A project that an engagement is about, by its code."""

    __tablename__ = "engagement_project"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column(primary_key=True)
    project: str = text_column(primary_key=True)


class WorkValueRow(SQLModel, table=True):
    """What a revision of a line is worth and costs, as decided at its approval."""

    __tablename__ = "work_value"

    connection: str = text_column(primary_key=True)
    object: str = text_column(primary_key=True)
    source_id: str = text_column(primary_key=True)
    part: str = text_column(primary_key=True)
    revision: int = Field(primary_key=True)
    project: str = text_column()
    employee: str = text_column()
    work_date: date
    billable: bool
    seconds: int
    billed_seconds: int
    rate: Decimal | None = number_column()
    worth: Decimal | None = number_column()
    currency: str | None = text_column()
    why: str = text_column()
    cost: Decimal | None = number_column()
    cost_currency: str | None = text_column()
    decided_at: datetime = instant_column()


class ExchangeRateRow(SQLModel, table=True):
    """What one unit of a currency is worth in another, on a day."""

    __tablename__ = "exchange_rate"

    connection: str = text_column(primary_key=True)
    source_currency: str = text_column(primary_key=True)
    target_currency: str = text_column(primary_key=True)
    on_date: date = Field(primary_key=True)
    rate: Decimal = number_column()
    origin: str = text_column(primary_key=True)


class CostRateRow(SQLModel, table=True):
    """What an hour of a person costs from a day on."""

    __tablename__ = "cost_rate"

    connection: str = text_column(primary_key=True)
    employee: str = text_column(primary_key=True)
    valid_from: date = Field(primary_key=True)
    rate: Decimal = number_column()
    currency: str = text_column()


class BillingAllocationRow(SQLModel, table=True):
    """Which part of an invoice line is which work; never changed, only added to."""

    __tablename__ = "billing_allocation"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column()
    legal_entity: str = text_column()
    event_id: str = text_column(primary_key=True)
    ordinal: int = Field(primary_key=True)
    kind: str = text_column()
    invoice_line: str | None = text_column()
    role: str | None = text_column()
    contract_line: str = text_column()
    work_key: str = text_column()
    work_kind: str = text_column()
    revision: int
    project: str | None = text_column()
    work_date: date
    billed_date: date
    seconds: int = big_column()
    worth: Decimal = number_column()
    worth_currency: str = text_column()
    amount: Decimal = number_column()
    currency: str = text_column()
    body: str = text_column()
    made_at: datetime = instant_column()


class BillingExclusionRow(SQLModel, table=True):
    """Work that a person leaves out of a period's invoice."""

    __tablename__ = "billing_exclusion"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column(primary_key=True)
    period: str = text_column(primary_key=True)
    work_key: str = text_column(primary_key=True)
    made_by: str = text_column()
    reason: str = text_column()
    made_at: datetime = instant_column()
    lifted_by: str | None = text_column()
    lifted_at: datetime | None = instant_column()


class BillingWriteDownRow(SQLModel, table=True):
    """A lower price, with its approver and reason."""

    __tablename__ = "billing_write_down"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column(primary_key=True)
    id: str = text_column(primary_key=True)
    body: str = text_column()
    made_at: datetime = instant_column()


class ReadinessRow(SQLModel, table=True):
    """How an engagement's period stood when it was looked at last."""

    __tablename__ = "readiness"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column(primary_key=True)
    period: str = text_column(primary_key=True)
    legal_entity: str = text_column()
    ready: bool
    snapshot_hash: str = text_column()
    snapshot: str = text_column()
    assessed_at: datetime = instant_column()


class ReadinessPieceRow(SQLModel, table=True):
    """A part of open work and what blocks it; without a reason it is ready."""

    __tablename__ = "readiness_piece"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column(primary_key=True)
    period: str = text_column(primary_key=True)
    ordinal: int = Field(primary_key=True)
    work_key: str = text_column()
    work_kind: str = text_column()
    revision: int
    contract_line: str | None = text_column()
    project: str | None = text_column()
    work_date: date
    seconds: int = big_column()
    amount: Decimal = number_column()
    currency: str = text_column()
    fund: str | None = text_column()
    reason: str | None = text_column()
    why: str = text_column()


class ReadinessSnapshotRow(SQLModel, table=True):
    """A snapshot by which something could be released."""

    __tablename__ = "readiness_snapshot"

    connection: str = text_column(primary_key=True)
    engagement: str = text_column(primary_key=True)
    period: str = text_column(primary_key=True)
    hash: str = text_column(primary_key=True)
    snapshot: str = text_column()
    made_at: datetime = instant_column()


class BillingReleaseRow(SQLModel, table=True):
    """That a person let what a snapshot says go."""

    __tablename__ = "billing_release"

    id: int = big_column(primary_key=True)
    connection: str = text_column()
    engagement: str = text_column()
    period: str = text_column()
    snapshot_hash: str = text_column()
    released_by: str = text_column()
    released_at: datetime = instant_column()


class BillingDecisionRow(SQLModel, table=True):
    """What a person decided about an engagement's month, and what came of it."""

    __tablename__ = "billing_decision"

    id: str = text_column(primary_key=True)
    connection: str = text_column()
    engagement: str = text_column()
    period: str = text_column()
    kind: str = text_column()
    made_by: str = text_column()
    request: str = text_column()
    answer: str = text_column()
    made_at: datetime = instant_column()
