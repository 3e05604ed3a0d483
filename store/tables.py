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

from sqlalchemy import ARRAY, BigInteger, DateTime, Numeric, Text
from sqlmodel import Field, SQLModel

# SQLModel's annotation knows classes only; SQLAlchemy takes instances as well.
_UTC: Any = DateTime(timezone=True)
_TEXTS: Any = ARRAY(Text)
_INSTANTS: Any = ARRAY(DateTime(timezone=True))


def _text(**more: Any) -> Any:
    return Field(sa_type=Text, **more)


def _instant(**more: Any) -> Any:
    return Field(sa_type=_UTC, **more)


def _big(**more: Any) -> Any:
    return Field(sa_type=BigInteger, **more)


class InboxRow(SQLModel, table=True):
    """A version of a source record as it came; the same version is kept once."""

    __tablename__ = "inbox"

    id: int = _big(primary_key=True)
    connection: str = _text()
    object: str = _text()
    source_id: str = _text()
    content_hash: str = _text()
    payload: str = _text()
    received_at: datetime = _instant()


class DeadLetterRow(SQLModel, table=True):
    """An event that could not even be read; it names no line yet."""

    __tablename__ = "dead_letter"

    id: int = _big(primary_key=True)
    connection: str = _text()
    object: str = _text()
    content_hash: str = _text()
    source_id: str | None = _text()
    reason: str = _text()
    payload: str = _text()
    times: int
    first_seen_at: datetime = _instant()
    last_seen_at: datetime = _instant()
    settled_at: datetime | None = _instant()


class SourceCursorRow(SQLModel, table=True):
    """How far a source has been read; changes up to `watermark` are in the inbox."""

    __tablename__ = "source_cursor"

    connection: str = _text(primary_key=True)
    object: str = _text(primary_key=True)
    watermark: datetime = _instant()
    last_polled_at: datetime | None = _instant()
    last_error: str | None = _text()


class DocumentRow(SQLModel, table=True):
    """A timesheet or report, with how much of its news a workflow was told, and decided on."""

    __tablename__ = "document"

    connection: str = _text(primary_key=True)
    kind: str = _text(primary_key=True)
    document_id: str = _text(primary_key=True)
    employee: str = _text()
    starts_on: date
    news_seq: int = _big()
    dispatched_seq: int = _big()
    prepared_seq: int = _big()
    told_at: datetime | None = _instant()


class SourceLineRow(SQLModel, table=True):
    """A source line as it stands now; `revision` is our ordinal of its financial versions."""

    __tablename__ = "source_line"

    connection: str = _text(primary_key=True)
    object: str = _text(primary_key=True)
    source_id: str = _text(primary_key=True)
    document_id: str = _text()
    employee: str = _text()
    work_date: date | None
    revision: int
    financial_hash: str = _text()
    status: str = _text()
    approved_at: datetime | None = _instant()
    approved_at_from: str | None = _text()
    trouble: str | None = _text()
    entry: str | None = _text()
    changed_at: datetime = _instant()
    seen_at: datetime = _instant()


class ExceptionCaseRow(SQLModel, table=True):
    """One root cause that a person must decide."""

    __tablename__ = "exception_case"

    id: UUID = Field(primary_key=True)
    tenant: str = _text()
    connection: str = _text()
    target: str = _text()
    legal_entity: str = _text()
    cause: str = _text()
    subject: str = _text()
    sentence: str = _text()
    period: str | None = _text()
    state: str = _text()
    owner: str = _text()
    opened_at: datetime = _instant()
    deadline_at: datetime = _instant()
    resolution: str | None = _text()
    resolved_by: str | None = _text()
    resolved_at: datetime | None = _instant()
    actor: str = _text()
    reason: str = _text()
    correlation_id: str = _text()


class PostingRow(SQLModel, table=True):
    """One posting in the ledger, with the attempt that holds it and what came of it."""

    __tablename__ = "posting"

    key: UUID = Field(primary_key=True)
    reference: str = _text()
    tenant: str = _text()
    target: str = _text()
    connection: str = _text()
    object: str = _text()
    source_id: str = _text()
    revision: int
    kind: str = _text()
    leg: str = _text()
    amendment: int
    document_id: str = _text()
    legal_entity: str = _text()
    period: str | None = _text()
    posting_date: date | None
    original_date: date | None
    seconds: int
    amount: Decimal = Field(sa_type=Numeric)
    currency: str = _text()
    intent: str | None = _text()
    body_hash: str = _text()
    state: str = _text()
    fence: int = _big()
    claimed_by: str | None = _text()
    sent_at: datetime | None = _instant()
    unknown_since: datetime | None = _instant()
    evidence: str | None = _text()
    last_outcome: str | None = _text()
    erp_document_id: str | None = _text()
    posted_at: datetime | None = _instant()
    attested_at: datetime | None = _instant()
    other_document_ids: list[str] = Field(sa_type=_TEXTS)
    case_id: UUID | None
    released_at: datetime | None = _instant()
    corrects: UUID | None
    waits_for: UUID | None
    next_revision: int | None
    withdrawn: bool
    created_at: datetime = _instant()
    actor: str = _text()
    reason: str = _text()
    correlation_id: str = _text()


class PostingTransitionRow(SQLModel, table=True):
    """A legal step of a posting."""

    __tablename__ = "posting_transition"

    from_state: str = _text(primary_key=True)
    to_state: str = _text(primary_key=True)


class AuditRow(SQLModel, table=True):
    """One state change, written by the database in the transaction that made it."""

    __tablename__ = "audit"

    id: int = _big(primary_key=True)
    at: datetime = _instant()
    subject_kind: str = _text()
    subject: str = _text()
    from_state: str | None = _text()
    to_state: str = _text()
    fence: int | None = _big()
    outcome: str | None = _text()
    actor: str = _text()
    reason: str = _text()
    correlation_id: str = _text()


class AmendmentRow(SQLModel, table=True):
    """A value that a person put in place of the source's, for one revision of one line."""

    __tablename__ = "amendment"

    connection: str = _text(primary_key=True)
    object: str = _text(primary_key=True)
    source_id: str = _text(primary_key=True)
    revision: int = Field(primary_key=True)
    field: str = _text(primary_key=True)
    value: str = _text()
    case_id: UUID
    made_by: str = _text()
    made_at: datetime = _instant()


class OutboxRow(SQLModel, table=True):
    """Something a source is still to be told."""

    __tablename__ = "outbox"

    id: int = _big(primary_key=True)
    connection: str = _text()
    object: str = _text()
    source_id: str = _text()
    posting_key: UUID
    kind: str = _text()
    reference: str = _text()
    document_id: str = _text()
    state: str = _text()
    code: str | None = _text()
    created_at: datetime = _instant()
    done_at: datetime | None = _instant()
    ordinal: int
    detail: str | None = _text()
    attempts: int
    not_before: datetime | None = _instant()


class SourceClaimRow(SQLModel, table=True):
    """A document that a source was asked to give over to us, and its answer."""

    __tablename__ = "source_claim"

    connection: str = _text(primary_key=True)
    object: str = _text(primary_key=True)
    source_id: str = _text(primary_key=True)
    state: str = _text()
    attempts: int
    code: str = _text()
    asked_at: datetime = _instant()
    answered_at: datetime | None = _instant()


class DocumentPaymentRow(SQLModel, table=True):
    """How far a posted document is paid, as the ERP last said; `steps` were told to the source."""

    __tablename__ = "document_payment"

    posting_key: UUID = Field(primary_key=True)
    target: str = _text()
    document_id: str = _text()
    number: str = _text()
    state: str = _text()
    currency: str = _text()
    total: Decimal = Field(sa_type=Numeric)
    paid: Decimal = Field(sa_type=Numeric)
    due_on: date | None
    last_paid_on: date | None
    changed_at: datetime = _instant()
    seen_at: datetime = _instant()
    steps: int


class MasterRecordRow(SQLModel, table=True):
    """A master record as its system shows it."""

    __tablename__ = "master_record"

    connection: str = _text(primary_key=True)
    kind: str = _text(primary_key=True)
    id: str = _text(primary_key=True)
    code: str = _text()
    body: str = _text()
    gone_at: datetime | None = _instant()


class PostingPeriodRow(SQLModel, table=True):
    """A period of an ERP's calendar."""

    __tablename__ = "posting_period"

    connection: str = _text(primary_key=True)
    id: str = _text(primary_key=True)
    legal_entity: str = _text()
    body: str = _text()


class MasterSnapshotRow(SQLModel, table=True):
    """When a connection's masters and calendar were read; `version` rises with each change."""

    __tablename__ = "master_snapshot"

    connection: str = _text(primary_key=True)
    version: int = _big()
    masters_read_at: datetime | None = _instant()
    calendar_read_at: datetime | None = _instant()


class CrossReferenceRow(SQLModel, table=True):
    """A's id is B's id."""

    __tablename__ = "cross_reference"

    kind: str = _text(primary_key=True)
    source: str = _text(primary_key=True)
    source_id: str = _text(primary_key=True)
    target: str = _text(primary_key=True)
    target_id: str = _text()
    made_by: str = _text()
    made_at: datetime = _instant()


class RateWindowRow(SQLModel, table=True):
    """The calls that a connection has made lately, and the pause that its vendor asked for."""

    __tablename__ = "rate_window"

    connection: str = _text(primary_key=True)
    calls: list[datetime] = Field(sa_type=_INSTANTS)
    paused_until: datetime | None = _instant()
