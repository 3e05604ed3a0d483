"""The ledger's tables about billing as code knows them; as `store.tables`, for what is invoiced."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as a declared_attr and takes a plain string.

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Numeric, Text
from sqlmodel import Field, SQLModel

_UTC: Any = DateTime(timezone=True)


def _text(**more: Any) -> Any:
    return Field(sa_type=Text, **more)


def _instant(**more: Any) -> Any:
    return Field(sa_type=_UTC, **more)


def _big(**more: Any) -> Any:
    return Field(sa_type=BigInteger, **more)


def _number(**more: Any) -> Any:
    return Field(sa_type=Numeric, **more)


class WorkProjectRow(SQLModel, table=True):
    """A project that a source line is or was on, as its source names it."""

    __tablename__ = "work_project"

    connection: str = _text(primary_key=True)
    object: str = _text(primary_key=True)
    source_id: str = _text(primary_key=True)
    project: str = _text(primary_key=True)


class BillingNewsRow(SQLModel, table=True):
    """That a line or its posting changed, until those who bill have heard of it."""

    __tablename__ = "billing_news"

    id: int = _big(primary_key=True)
    connection: str = _text()
    object: str = _text()
    source_id: str = _text()


class EngagementProjectRow(SQLModel, table=True):
    """A project that an engagement is about, by its code."""

    __tablename__ = "engagement_project"

    connection: str = _text(primary_key=True)
    engagement: str = _text(primary_key=True)
    project: str = _text(primary_key=True)


class WorkValueRow(SQLModel, table=True):
    """What a revision of a line is worth and costs, as decided at its approval."""

    __tablename__ = "work_value"

    connection: str = _text(primary_key=True)
    object: str = _text(primary_key=True)
    source_id: str = _text(primary_key=True)
    part: str = _text(primary_key=True)
    revision: int = Field(primary_key=True)
    project: str = _text()
    employee: str = _text()
    work_date: date
    billable: bool
    seconds: int
    billed_seconds: int
    rate: Decimal | None = _number()
    worth: Decimal | None = _number()
    currency: str | None = _text()
    why: str = _text()
    cost: Decimal | None = _number()
    cost_currency: str | None = _text()
    decided_at: datetime = _instant()


class ExchangeRateRow(SQLModel, table=True):
    """What one unit of a currency is worth in another, on a day."""

    __tablename__ = "exchange_rate"

    connection: str = _text(primary_key=True)
    source_currency: str = _text(primary_key=True)
    target_currency: str = _text(primary_key=True)
    on_date: date = Field(primary_key=True)
    rate: Decimal = _number()
    origin: str = _text(primary_key=True)


class CostRateRow(SQLModel, table=True):
    """What an hour of a person costs from a day on."""

    __tablename__ = "cost_rate"

    connection: str = _text(primary_key=True)
    employee: str = _text(primary_key=True)
    valid_from: date = Field(primary_key=True)
    rate: Decimal = _number()
    currency: str = _text()


class BillingAllocationRow(SQLModel, table=True):
    """Which part of an invoice line is which work; never changed, only added to."""

    __tablename__ = "billing_allocation"

    connection: str = _text(primary_key=True)
    engagement: str = _text()
    legal_entity: str = _text()
    event_id: str = _text(primary_key=True)
    ordinal: int = Field(primary_key=True)
    kind: str = _text()
    invoice_line: str | None = _text()
    role: str | None = _text()
    contract_line: str = _text()
    work_key: str = _text()
    work_kind: str = _text()
    revision: int
    project: str | None = _text()
    work_date: date
    billed_date: date
    seconds: int = _big()
    worth: Decimal = _number()
    worth_currency: str = _text()
    amount: Decimal = _number()
    currency: str = _text()
    body: str = _text()
    made_at: datetime = _instant()


class BillingExclusionRow(SQLModel, table=True):
    """Work that a person leaves out of a period's invoice."""

    __tablename__ = "billing_exclusion"

    connection: str = _text(primary_key=True)
    engagement: str = _text(primary_key=True)
    period: str = _text(primary_key=True)
    work_key: str = _text(primary_key=True)
    made_by: str = _text()
    reason: str = _text()
    made_at: datetime = _instant()
    lifted_by: str | None = _text()
    lifted_at: datetime | None = _instant()


class BillingWriteDownRow(SQLModel, table=True):
    """A lower price, with its approver and reason."""

    __tablename__ = "billing_write_down"

    connection: str = _text(primary_key=True)
    engagement: str = _text(primary_key=True)
    id: str = _text(primary_key=True)
    body: str = _text()
    made_at: datetime = _instant()


class ReadinessRow(SQLModel, table=True):
    """How an engagement's period stood when it was looked at last."""

    __tablename__ = "readiness"

    connection: str = _text(primary_key=True)
    engagement: str = _text(primary_key=True)
    period: str = _text(primary_key=True)
    legal_entity: str = _text()
    ready: bool
    snapshot_hash: str = _text()
    snapshot: str = _text()
    assessed_at: datetime = _instant()


class ReadinessPieceRow(SQLModel, table=True):
    """A part of open work and what blocks it; without a reason it is ready."""

    __tablename__ = "readiness_piece"

    connection: str = _text(primary_key=True)
    engagement: str = _text(primary_key=True)
    period: str = _text(primary_key=True)
    ordinal: int = Field(primary_key=True)
    work_key: str = _text()
    work_kind: str = _text()
    revision: int
    contract_line: str | None = _text()
    project: str | None = _text()
    work_date: date
    seconds: int = _big()
    amount: Decimal = _number()
    currency: str = _text()
    fund: str | None = _text()
    reason: str | None = _text()
    why: str = _text()


class ReadinessSnapshotRow(SQLModel, table=True):
    """A snapshot by which something could be released."""

    __tablename__ = "readiness_snapshot"

    connection: str = _text(primary_key=True)
    engagement: str = _text(primary_key=True)
    period: str = _text(primary_key=True)
    hash: str = _text(primary_key=True)
    snapshot: str = _text()
    made_at: datetime = _instant()


class BillingReleaseRow(SQLModel, table=True):
    """That a person let what a snapshot says go."""

    __tablename__ = "billing_release"

    id: int = _big(primary_key=True)
    connection: str = _text()
    engagement: str = _text()
    period: str = _text()
    snapshot_hash: str = _text()
    released_by: str = _text()
    released_at: datetime = _instant()


class BillingDecisionRow(SQLModel, table=True):
    """What a person decided about an engagement's month, and what came of it."""

    __tablename__ = "billing_decision"

    id: str = _text(primary_key=True)
    connection: str = _text()
    engagement: str = _text()
    period: str = _text()
    kind: str = _text()
    made_by: str = _text()
    request: str = _text()
    answer: str = _text()
    made_at: datetime = _instant()
