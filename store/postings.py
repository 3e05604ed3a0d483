"""Rows of the posting ledger, as they go in and as they come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from canonical.posting import PostingIntent, PostingKind, PostingState


@dataclass(frozen=True, slots=True)
class Who:
    """Who changes the ledger, why, and on whose behalf; goes into the audit row."""

    actor: str
    reason: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class NewPosting:
    """A posting to be written down; `intent` is missing only if the line could not be read."""

    key: UUID
    reference: str
    tenant: str
    target: str
    connection: str
    object: str
    source_id: str
    revision: int
    kind: PostingKind
    leg: str
    amendment: int
    document_id: str
    legal_entity: str
    state: PostingState
    case_id: UUID | None
    seconds: int
    amount: Decimal
    currency: str
    period: str | None = None
    posting_date: date | None = None
    original_date: date | None = None
    intent: PostingIntent | None = None
    corrects: UUID | None = None
    waits_for: UUID | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting as the ledger holds it."""

    key: UUID
    reference: str
    target: str
    connection: str
    object: str
    source_id: str
    revision: int
    kind: PostingKind
    leg: str
    amendment: int
    document_id: str
    legal_entity: str
    seconds: int
    amount: Decimal
    currency: str
    state: PostingState
    fence: int
    claimed_by: str | None
    sent_at: datetime | None
    unknown_since: datetime | None
    body_hash: str
    intent_json: str | None
    erp_document_id: str | None
    attested_at: datetime | None
    case_id: UUID | None
    released: bool
    corrects: UUID | None
    waits_for: UUID | None
    next_revision: int | None
    withdrawn: bool
    # Milliseconds since the last claim by the database's clock; None if never claimed.
    claimed_ms_ago: int | None
    # Milliseconds since the first attempt that was never settled; None if there is none.
    unknown_ms_ago: int | None
    # When the source line was approved (UTC), for the time from approval to posting.
    approved_at: datetime | None
    # Documents beside `erp_document_id` that carry the reference too.
    other_document_ids: tuple[str, ...] = ()
    # A person has seen that the ERP shows something else, and leaves it so.
    accepted: bool = False

    @property
    def unsettled(self) -> bool:
        """An earlier attempt was sent and may still take effect."""
        return self.state is PostingState.SENDING

    @property
    def intent(self) -> PostingIntent:
        """What we mean to send; ValueError if the line could not be read."""
        if self.intent_json is None:
            raise ValueError(f"posting {self.reference} has no intent")
        return _intent_from(self.intent_json)

    @property
    def has_news(self) -> bool:
        """The source changed or withdrew the line while this posting was under way."""
        return self.withdrawn or self.next_revision is not None


# One attempt asks for its intents some ten times; they are frozen, so all may have the same one.
@lru_cache(maxsize=2048)
def _intent_from(text: str) -> PostingIntent:
    return PostingIntent.model_validate_json(text)


# The last word on a posted document that a person accepts as the ERP shows it.
ACCEPTED: Final = "accepted"


class AttemptClass(StrEnum):
    """What one attempt came to (POSTING.md "class")."""

    EXECUTED = "executed"
    NOT_EXECUTED = "not_executed"
    REFUSED = "refused"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    # Looked up after the quiet time, and not there: the earlier attempts did nothing.
    PROVEN_ABSENT = "proven_absent"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What became of one claimed posting, under the fence of its claim."""

    key: UUID
    fence: int
    outcome: AttemptClass
    code: str = ""
    document_id: str | None = None
    attested: bool = False
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Moves:
    """Changes to postings that need no ERP, decided from news about their lines."""

    cancel: Sequence[UUID] = ()
    supersede: Sequence[UUID] = ()
    note_withdrawn: Sequence[UUID] = ()
    note_revision: Sequence[tuple[UUID, int]] = ()


@dataclass(frozen=True, slots=True)
class Requeue:
    """A stopped posting that passes now, with what is meant to be sent now."""

    key: UUID
    legal_entity: str
    seconds: int
    amount: Decimal
    currency: str
    intent: PostingIntent


@dataclass(frozen=True, slots=True)
class StillStopped:
    """A posting that was checked again and still needs a person."""

    key: UUID
    case_id: UUID
