"""The ledger's tables about masters as code knows them; as `store.tables`, for who owns what."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as a declared_attr and takes a plain string.

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlmodel import Field, SQLModel

from store.columns import big_column, instant_column, text_column

# SQLModel's annotation knows classes only; SQLAlchemy takes instances as well.
_TEXTS: Any = ARRAY(Text)


class MasterNewsRow(SQLModel, table=True):
    """An identity that may have something to be done about it."""

    __tablename__ = "master_news"

    kind: str = text_column(primary_key=True)
    owner: str = text_column(primary_key=True)
    owner_id: str = text_column(primary_key=True)
    seq: int = big_column()
    noted_at: datetime = instant_column()
    not_before: datetime = instant_column()


class MasterAgreementRow(SQLModel, table=True):
    """A value that was last seen to be the same in a system and with the field's owner."""

    __tablename__ = "master_agreement"

    kind: str = text_column(primary_key=True)
    owner: str = text_column(primary_key=True)
    owner_id: str = text_column(primary_key=True)
    connection: str = text_column(primary_key=True)
    field: str = text_column(primary_key=True)
    value: str = text_column()
    agreed_at: datetime = instant_column()


class MasterWriteRow(SQLModel, table=True):
    """One record made or changed in one system, and what came of it."""

    __tablename__ = "master_write"

    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    owner: str = text_column()
    owner_id: str = text_column()
    connection: str = text_column()
    record_id: str | None = text_column(nullable=True)
    code: str = text_column()
    body: str = text_column()
    state: str = text_column()
    said: str = text_column()
    sent_at: datetime = instant_column()
    settled_at: datetime | None = instant_column(nullable=True)
    correlation_id: str = text_column()


class MasterIssueRow(SQLModel, table=True):
    """What people have to decide about one identity in one system."""

    __tablename__ = "master_issue"

    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    owner: str = text_column()
    owner_id: str = text_column()
    code: str = text_column()
    legal_entity: str = text_column()
    connection: str = text_column()
    cause: str = text_column()
    field: str = text_column()
    field_owner: str = text_column()
    owner_value: str = text_column()
    value: str = text_column()
    candidates: list[str] = Field(sa_type=_TEXTS)
    case_id: UUID | None = Field(nullable=True)
    decision: str | None = text_column(nullable=True)
    decided_by: str | None = text_column(nullable=True)
    opened_at: datetime = instant_column()
    closed_at: datetime | None = instant_column(nullable=True)


class MasterApartRow(SQLModel, table=True):
    """A record of which a person said that it is something else."""

    __tablename__ = "master_apart"

    kind: str = text_column(primary_key=True)
    owner: str = text_column(primary_key=True)
    owner_id: str = text_column(primary_key=True)
    connection: str = text_column(primary_key=True)
    record_id: str = text_column(primary_key=True)
    decided_by: str = text_column()


class MasterFieldOwnerRow(SQLModel, table=True):
    """Who owns a field of one record, where a person decided otherwise than the policy."""

    __tablename__ = "master_field_owner"

    kind: str = text_column(primary_key=True)
    owner: str = text_column(primary_key=True)
    owner_id: str = text_column(primary_key=True)
    field: str = text_column(primary_key=True)
    connection: str = text_column()
    once: bool
    decided_by: str = text_column()
    reason: str = text_column()


class CostCentreAssignmentRow(SQLModel, table=True):
    """From which day on a person works for which cost centre."""

    __tablename__ = "cost_centre_assignment"

    connection: str = text_column(primary_key=True)
    employee: str = text_column(primary_key=True)
    valid_from: date = Field(primary_key=True)
    cost_centre: str = text_column()
