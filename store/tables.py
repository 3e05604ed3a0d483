"""The ledger's tables as code knows them; a test compares them with the migrated database.

Writing goes through bulk statements on asyncpg (`store.posting_ledger` and its neighbours),
reading for people through these models. Indexes, checks and triggers live in the migrations.
"""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as a declared_attr and takes a plain string.

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text
from sqlmodel import Field, SQLModel

from store.columns import big_column, instant_column, number_column, text_column

# SQLModel's annotation knows classes only; SQLAlchemy takes instances as well.
_TEXTS: Any = ARRAY(Text)
_INSTANTS: Any = ARRAY(DateTime(timezone=True))


class InboxRow(SQLModel, table=True):
    """A version of a source record as it came; the same version is kept once."""

    __tablename__ = "inbox"

    id: int = big_column(primary_key=True)
    connection: str = text_column()
    object: str = text_column()
    source_id: str = text_column()
    content_hash: str = text_column()
    payload: str = text_column()
    received_at: datetime = instant_column()


class DeadLetterRow(SQLModel, table=True):
    """An event that could not even be read; it names no line yet."""

    __tablename__ = "dead_letter"

    id: int = big_column(primary_key=True)
    connection: str = text_column()
    object: str = text_column()
    content_hash: str = text_column()
    source_id: str | None = text_column()
    reason: str = text_column()
    payload: str = text_column()
    times: int
    first_seen_at: datetime = instant_column()
    last_seen_at: datetime = instant_column()
    settled_at: datetime | None = instant_column()


class SourceCursorRow(SQLModel, table=True):
    """How far a source has been read; changes up to `watermark` are in the inbox."""

    __tablename__ = "source_cursor"

    connection: str = text_column(primary_key=True)
    object: str = text_column(primary_key=True)
    watermark: datetime = instant_column()
    last_polled_at: datetime | None = instant_column()
    last_error: str | None = text_column()


class DocumentRow(SQLModel, table=True):
    """A timesheet or report, with how much of its news a workflow was told, and decided on."""

    __tablename__ = "document"

    connection: str = text_column(primary_key=True)
    kind: str = text_column(primary_key=True)
    document_id: str = text_column(primary_key=True)
    employee: str = text_column()
    starts_on: date
    news_seq: int = big_column()
    dispatched_seq: int = big_column()
    prepared_seq: int = big_column()
    told_at: datetime | None = instant_column()


class SourceLineRow(SQLModel, table=True):
    """A source line as it stands now; `revision` is our ordinal of its financial versions."""

    __tablename__ = "source_line"

    connection: str = text_column(primary_key=True)
    object: str = text_column(primary_key=True)
    source_id: str = text_column(primary_key=True)
    document_id: str = text_column()
    employee: str = text_column()
    work_date: date | None
    revision: int
    financial_hash: str = text_column()
    status: str = text_column()
    approved_at: datetime | None = instant_column()
    approved_at_from: str | None = text_column()
    trouble: str | None = text_column()
    entry: str | None = text_column()
    changed_at: datetime = instant_column()
    seen_at: datetime = instant_column()


class ExceptionCaseRow(SQLModel, table=True):
    """One root cause that a person must decide."""

    __tablename__ = "exception_case"

    id: UUID = Field(primary_key=True)
    tenant: str = text_column()
    connection: str = text_column()
    target: str = text_column()
    legal_entity: str = text_column()
    cause: str = text_column()
    subject: str = text_column()
    sentence: str = text_column()
    period: str | None = text_column()
    state: str = text_column()
    owner: str = text_column()
    opened_at: datetime = instant_column()
    deadline_at: datetime = instant_column()
    resolution: str | None = text_column()
    resolved_by: str | None = text_column()
    resolved_at: datetime | None = instant_column()
    actor: str = text_column()
    reason: str = text_column()
    correlation_id: str = text_column()


class PostingRow(SQLModel, table=True):
    """One posting in the ledger, with the attempt that holds it and what came of it."""

    __tablename__ = "posting"

    key: UUID = Field(primary_key=True)
    reference: str = text_column()
    tenant: str = text_column()
    target: str = text_column()
    connection: str = text_column()
    object: str = text_column()
    source_id: str = text_column()
    revision: int
    kind: str = text_column()
    leg: str = text_column()
    amendment: int
    document_id: str = text_column()
    legal_entity: str = text_column()
    period: str | None = text_column()
    posting_date: date | None
    original_date: date | None
    seconds: int
    amount: Decimal = number_column()
    currency: str = text_column()
    intent: str | None = text_column()
    body_hash: str = text_column()
    state: str = text_column()
    fence: int = big_column()
    claimed_by: str | None = text_column()
    sent_at: datetime | None = instant_column()
    unknown_since: datetime | None = instant_column()
    evidence: str | None = text_column()
    last_outcome: str | None = text_column()
    erp_document_id: str | None = text_column()
    posted_at: datetime | None = instant_column()
    attested_at: datetime | None = instant_column()
    other_document_ids: list[str] = Field(sa_type=_TEXTS)
    case_id: UUID | None
    released_at: datetime | None = instant_column()
    corrects: UUID | None
    waits_for: UUID | None
    next_revision: int | None
    withdrawn: bool
    created_at: datetime = instant_column()
    actor: str = text_column()
    reason: str = text_column()
    correlation_id: str = text_column()


class PostingTransitionRow(SQLModel, table=True):
    """A legal step of a posting."""

    __tablename__ = "posting_transition"

    from_state: str = text_column(primary_key=True)
    to_state: str = text_column(primary_key=True)


class AuditRow(SQLModel, table=True):
    """One state change, written by the database in the transaction that made it."""

    __tablename__ = "audit"

    id: int = big_column(primary_key=True)
    at: datetime = instant_column()
    subject_kind: str = text_column()
    subject: str = text_column()
    from_state: str | None = text_column()
    to_state: str = text_column()
    fence: int | None = big_column()
    outcome: str | None = text_column()
    actor: str = text_column()
    reason: str = text_column()
    correlation_id: str = text_column()


class AmendmentRow(SQLModel, table=True):
    """A value that a person put in place of the source's, for one revision of one line."""

    __tablename__ = "amendment"

    connection: str = text_column(primary_key=True)
    object: str = text_column(primary_key=True)
    source_id: str = text_column(primary_key=True)
    revision: int = Field(primary_key=True)
    field: str = text_column(primary_key=True)
    value: str = text_column()
    case_id: UUID
    made_by: str = text_column()
    made_at: datetime = instant_column()


class OutboxRow(SQLModel, table=True):
    """Something a source is still to be told."""

    __tablename__ = "outbox"

    id: int = big_column(primary_key=True)
    connection: str = text_column()
    object: str = text_column()
    source_id: str = text_column()
    posting_key: UUID
    kind: str = text_column()
    reference: str = text_column()
    document_id: str = text_column()
    state: str = text_column()
    code: str | None = text_column()
    created_at: datetime = instant_column()
    done_at: datetime | None = instant_column()
    ordinal: int
    detail: str | None = text_column()
    attempts: int
    not_before: datetime | None = instant_column()


class SourceClaimRow(SQLModel, table=True):
    """A document that a source was asked to give over to us, and its answer."""

    __tablename__ = "source_claim"

    connection: str = text_column(primary_key=True)
    object: str = text_column(primary_key=True)
    source_id: str = text_column(primary_key=True)
    state: str = text_column()
    attempts: int
    code: str = text_column()
    asked_at: datetime = instant_column()
    answered_at: datetime | None = instant_column()


class DocumentPaymentRow(SQLModel, table=True):
    """How far a posted document is paid, as the ERP last said; `steps` were told to the source."""

    __tablename__ = "document_payment"

    posting_key: UUID = Field(primary_key=True)
    target: str = text_column()
    document_id: str = text_column()
    number: str = text_column()
    state: str = text_column()
    currency: str = text_column()
    total: Decimal = number_column()
    paid: Decimal = number_column()
    due_on: date | None
    last_paid_on: date | None
    changed_at: datetime = instant_column()
    seen_at: datetime = instant_column()
    steps: int


class MasterRecordRow(SQLModel, table=True):
    """A master record as its system shows it."""

    __tablename__ = "master_record"

    connection: str = text_column(primary_key=True)
    kind: str = text_column(primary_key=True)
    id: str = text_column(primary_key=True)
    code: str = text_column()
    body: str = text_column()
    gone_at: datetime | None = instant_column()
    gone_said: bool


class PostingPeriodRow(SQLModel, table=True):
    """A period of an ERP's calendar."""

    __tablename__ = "posting_period"

    connection: str = text_column(primary_key=True)
    id: str = text_column(primary_key=True)
    legal_entity: str = text_column()
    body: str = text_column()


class MasterSnapshotRow(SQLModel, table=True):
    """When a connection's masters and calendar were read; `version` rises with each change."""

    __tablename__ = "master_snapshot"

    connection: str = text_column(primary_key=True)
    version: int = big_column()
    masters_read_at: datetime | None = instant_column()
    calendar_read_at: datetime | None = instant_column()


class CrossReferenceRow(SQLModel, table=True):
    """A's id is B's id."""

    __tablename__ = "cross_reference"

    kind: str = text_column(primary_key=True)
    source: str = text_column(primary_key=True)
    source_id: str = text_column(primary_key=True)
    target: str = text_column(primary_key=True)
    target_id: str = text_column()
    made_by: str = text_column()
    made_at: datetime = instant_column()


class RateWindowRow(SQLModel, table=True):
    """The calls that a connection has made lately, and the pause that its vendor asked for."""

    __tablename__ = "rate_window"

    connection: str = text_column(primary_key=True)
    calls: list[datetime] = Field(sa_type=_INSTANTS)
    paused_until: datetime | None = instant_column()
