"""Capabilities: the small roles that a connector fills. Activities know these and nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar, runtime_checkable

from canonical.masters import Masters
from canonical.posting import PostedDocument, PostingIntent, PostingOutcome
from canonical.posting_period import PostingPeriod
from canonical.time_entry import TimeEntry
from connectors.base.manifest import Manifest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceRecord(Generic[T]):
    """One record of a page: what was read, or why it could not be read.

    Exactly one of `record` and `trouble` is set. `source_id`, `document_id`, `approved` and
    `work_date` are what could still be made out of an unreadable record; without an id it is a
    dead letter. `raw` is the record's JSON as it came, cut to what the inbox keeps.
    """

    source_id: str | None
    raw: str
    record: T | None = None
    trouble: str | None = None
    document_id: str | None = None
    employee: str | None = None
    work_date: date | None = None
    approved: bool | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourcePage(Generic[T]):
    """One page of a source's answer; `total` is the source's own count, where it gives one."""

    records: tuple[SourceRecord[T], ...]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a source is told about one of its lines: it is posted, and under which reference."""

    source_id: str
    reference: str
    document_id: str
    permalink: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A source's answer to an acknowledgement; a refusal is normal and final."""

    source_id: str
    accepted: bool
    code: str = "accepted"


# What a guard needs to be read before the claim: for compare-and-set the stamp of each parent.
GuardEvidence = Mapping[str, str]


@runtime_checkable
class Connected(Protocol):
    """Every connector: it says what it is, and lets go of its sockets."""

    @property
    def manifest(self) -> Manifest: ...

    async def check(self) -> str:
        """Prove that address, credentials and permissions are good; say who we are there.

        Raises ConnectionConfigError or TransientError.
        """
        ...

    async def close(self) -> None: ...


@runtime_checkable
class TimeEntrySource(Connected, Protocol):
    """A system of record for time: its entries, approved or not, and news about them."""

    def time_entries_changed_since(self, since: datetime) -> AsyncIterator[SourcePage[TimeEntry]]:
        """Page through entries that changed at or after an instant (UTC); approved or not."""
        ...

    def time_entries_between(self, first: date, last: date) -> AsyncIterator[SourcePage[TimeEntry]]:
        """Page through all entries with a work date in the window, ends included."""
        ...


@runtime_checkable
class AcknowledgementSink(Connected, Protocol):
    """A source that can be told what became of a line."""

    async def acknowledge(
        self, acknowledgements: Sequence[Acknowledgement]
    ) -> Sequence[Acknowledged]:
        """Tell the source about as many lines as its budget allows now, in order.

        Returns one answer per line told, which may be fewer than were given; the rest waits.
        """
        ...


@runtime_checkable
class MasterDataSource(Connected, Protocol):
    """A system that knows employees, customers, projects, tasks, dimensions or companies."""

    async def masters(self) -> Masters:
        """Read everything the system masters or mirrors; bulk calls, no call per record."""
        ...


@runtime_checkable
class PostingCalendar(Connected, Protocol):
    """The ERP's own calendar."""

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the periods of all legal entities, open and closed."""
        ...


@runtime_checkable
class PostingTarget(Connected, Protocol):
    """An ERP that takes postings.

    All lines of one call are of one kind and one legal entity. The platform decides when to
    call what (POSTING.md); the connector makes exactly one attempt and says what came of it.
    """

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read what the guard needs before a claim; empty for guards that need nothing."""
        ...

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look documents up by reference; a reference that is not found is not in the answer.

        For a posting of kind UNDO, the documents that still stand are what is found.
        """
        ...

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Write the lines with one HTTP attempt; one outcome per line, in order.

        `last_byte_by` is when the claim ends, by the monotonic clock: a write that might not be
        out by then does not begin (TransientError). None stands for a claim that is made now.
        Raises TransientError (nothing was done), RejectedError (an ATOMIC call was refused as a
        whole), ConflictError, OutcomeUnknownError, ConnectionConfigError.
        """
        ...

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through the documents that carry our reference, changed since an instant (UTC)."""
        ...

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through our documents of one legal entity (its id) and window of work dates."""
        ...
