"""Capabilities: the small roles that a connector fills. Activities know these and nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from canonical.contracts import ContractRecord, ExchangeRate
from canonical.expense import ExpenseReport
from canonical.expense_document import DocumentPayments
from canonical.masters import CostCentreAssignment, CostRate, Masters
from canonical.money import Money
from canonical.posting import PostedDocument, PostingIntent, PostingOutcome
from canonical.posting_period import PostingPeriod
from canonical.time_entry import TimeEntry
from connectors.base.manifest import Manifest
from connectors.base.master_writes import (
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterWrite,
)

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class SourceRecord(Generic[T_co]):
    """One record of a page: what was read, or why it could not be read.

    Exactly one of `record` and `trouble` is set. `source_id`, `document_id`, `approved` and
    `work_date` are what could still be made out of an unreadable record; without an id it is a
    dead letter. `raw` is the record's JSON as it came, cut to what the inbox keeps.
    """

    source_id: str | None
    raw: str
    record: T_co | None = None
    trouble: str | None = None
    document_id: str | None = None
    employee: str | None = None
    work_date: date | None = None
    approved: bool | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourcePage(Generic[T_co]):
    """One page of a source's answer; `total` is the source's own count, where it gives one."""

    records: tuple[SourceRecord[T_co], ...]
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


class Claim(StrEnum):
    """A source's answer to a claim of one document."""

    # It is ours now, and can no longer be recalled.
    CLAIMED = "claimed"
    # It was claimed before; whether by us, only our own record can tell.
    CLAIMED_BEFORE = "claimed_before"
    # It was recalled, and will come again when it is approved again.
    RECALLED = "recalled"
    # It does not exist, or is of another kind: a person has to look.
    REFUSED = "refused"
    # The source cannot tell now; asking again does no harm.
    NOT_NOW = "not_now"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A source's answer for one document, with its own code for people.

    NOT_NOW without a code says that it was not even asked: no byte of its claim has left.
    """

    source_id: str
    claim: Claim
    code: str = ""

    @property
    def never_left(self) -> bool:
        """Whether this claim cannot have made the document ours, though no answer says so."""
        return self.claim is Claim.NOT_NOW and not self.code


class ReportStep(StrEnum):
    """What a source of expense reports is told, in this order."""

    POSTED = "posted"
    FAILED = "failed"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    PAYMENT_REVERSED = "payment_reversed"
    OBSOLETE = "obsolete"


@dataclass(frozen=True, slots=True)
class ReportNews:
    """One step of one report. `amount` is what was paid or taken back, in all for PAID.

    `id` is ours and the same for every attempt to tell it, so that a repeat can be recognised.
    """

    id: str
    source_id: str
    step: ReportStep
    reference: str
    # The ERP's own number of the document, and the legal entity that booked it.
    document: str = ""
    legal_entity: str = ""
    posting_date: date | None = None
    amount: Money | None = None
    on_date: date | None = None
    # The employee's code, whom the money goes to.
    employee: str = ""
    # For FAILED and OBSOLETE: a stable code, and a sentence for the source's processor.
    code: str = ""
    message: str = ""


class InvoiceStep(StrEnum):
    """What a source is told of the invoices for its contracts, in this order."""

    ISSUED = "issued"
    # A credit note; it names the invoice that it takes back, or a part of it.
    CREDITED = "credited"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    PAYMENT_REVERSED = "payment_reversed"


@dataclass(frozen=True, slots=True)
class InvoiceNewsLine:
    """One line of an issued document; `seconds` are what was billed, nothing for a fee."""

    label: str
    seconds: int
    amount: Money


@dataclass(frozen=True, slots=True)
class InvoiceNews:
    """One step of one invoice or credit note; amounts in its currency, a credit's below nothing.

    `id` is ours and the same for every attempt to tell it, so that a repeat can be recognised.
    `event` is the billing event, `number` the ERP's own, `customer` the customer's code.
    """

    id: str
    event: str
    step: InvoiceStep
    engagement: str
    customer: str
    legal_entity: str
    reference: str
    number: str
    invoice_date: date
    due_date: date | None
    # Without tax, and with it where the ERP has said.
    net: Money
    total: Money | None
    lines: tuple[InvoiceNewsLine, ...] = ()
    # What was paid or taken back, in all for PAID, never below nothing; and when, if the ERP says:
    # of a payment that bounced it may have nothing left to say.
    amount: Money | None = None
    on_date: date | None = None
    # The number of the invoice that a credit note is about.
    credits: str = ""


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
class ExpenseReportSource(Connected, Protocol):
    """A system of record for expenses: the reports that it has released for posting."""

    def expense_reports(self, since: datetime | None) -> AsyncIterator[SourcePage[ExpenseReport]]:
        """Page through reports that are ready, or changed at or after an instant (UTC).

        A source whose list holds just what waits to be claimed ignores `since`.
        """
        ...

    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        """Take reports over, so that they can no longer be recalled; one answer each, in order.

        Safe to repeat. A source that knows no such step answers CLAIMED.
        """
        ...


@runtime_checkable
class ExpenseReportSink(Connected, Protocol):
    """A source that is told what became of its reports, payment included."""

    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        """Tell as much as the budget allows now, in order; one answer per step told.

        Fewer answers than news: the rest waits. Told before counts as accepted.
        """
        ...


@runtime_checkable
class ReceiptSource(Connected, Protocol):
    """A source that hands out receipts."""

    async def receipt(self, source_id: str, receipt_id: str) -> bytes:
        """Fetch one receipt of one report; raises RejectedError if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A receipt for one posted document; `id` is the source's, and recognises a repeat."""

    id: str
    name: str
    data: bytes


@runtime_checkable
class AttachmentTarget(Connected, Protocol):
    """An ERP that keeps receipts with its documents."""

    async def attached(self, document_id: str) -> frozenset[str]:
        """The ids of the receipts that a document of ours has already."""
        ...

    async def attach(self, document_id: str, attachments: Sequence[Attachment]) -> None:
        """Add receipts to a document, in one call; raises like `PostingTarget.post`."""
        ...


@runtime_checkable
class DraftKeeper(Connected, Protocol):
    """An ERP where a lost request may leave drafts of ours behind, which do no harm."""

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Delete drafts that carry a reference of ours and were made before an instant (UTC)."""
        ...


@runtime_checkable
class PaymentSource(Connected, Protocol):
    """An ERP that tells how far its documents are paid."""

    async def payments_of(self, document_ids: Sequence[str]) -> Sequence[DocumentPayments]:
        """Read the payments of our documents, in bulk; one that is gone is not in the answer."""
        ...


@runtime_checkable
class ContractSource(Connected, Protocol):
    """A system of record for contracts."""

    def contracts(self) -> AsyncIterator[SourcePage[ContractRecord]]:
        """Page through all engagements, rate cards and purchase orders that there are now.

        What is not shown any more is gone. A record that cannot be read is shown as one.
        """
        ...


@runtime_checkable
class MilestoneSource(Connected, Protocol):
    """A system that knows which milestones were accepted, and what the ERP's schedule says."""

    def milestones(self) -> AsyncIterator[SourcePage[ContractRecord]]:
        """Page through all acceptances and schedule lines of the ERP that there are now."""
        ...


@runtime_checkable
class InvoiceStatusSink(Connected, Protocol):
    """A system that is told what became of invoices: issued, paid, credited."""

    async def tell_invoices(self, news: Sequence[InvoiceNews]) -> Sequence[Acknowledged]:
        """Tell as much as the budget allows now, in order; one answer per step told.

        Fewer answers than news: the rest waits. Told before counts as accepted.
        """
        ...


@runtime_checkable
class ExchangeRateSource(Connected, Protocol):
    """A system that keeps exchange rates."""

    async def exchange_rates(self, first: date, last: date) -> Sequence[ExchangeRate]:
        """Read the rates of a window of days, ends included."""
        ...


@runtime_checkable
class CostRateSource(Connected, Protocol):
    """A system that owns what an hour of a person costs (DOMAIN rule 27)."""

    async def cost_rates(self) -> Sequence[CostRate]:
        """Read all cost rates, past ones included, in bulk."""
        ...


@runtime_checkable
class MasterDataSource(Connected, Protocol):
    """A system that knows employees, customers, projects, tasks, dimensions or companies."""

    async def masters(self) -> Masters:
        """Read everything the system masters or mirrors; bulk calls, no call per record."""
        ...


@runtime_checkable
class MasterChangeSource(MasterDataSource, Protocol):
    """A system that tells what changed in its master data, so that nobody has to read it all."""

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        """Read what changed at or after an instant (UTC), deletions included, in bulk.

        Older than the vendor's feed reaches, it is all there is (`whole`).
        """
        ...


@runtime_checkable
class MasterDataTarget(MasterDataSource, Protocol):
    """A system in which master records can be made and changed."""

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Look records up anew, in bulk, by id or exact key."""
        ...

    async def write_masters(
        self, writes: Sequence[MasterWrite], evidence: GuardEvidence
    ) -> Sequence[MasterAnswer]:
        """Make or change records of one kind, each with one attempt; answers in order.

        Fewer answers than writes: the rest was not tried, and waits. An unsettled one is the last
        that was tried. `evidence` is from the look that found what is to be made missing. Raises
        TransientError or ConflictError (nothing of it was done), ConnectionConfigError.
        """
        ...


@runtime_checkable
class CostCentreSource(Connected, Protocol):
    """A system that knows from which day on people work for which cost centre."""

    async def cost_centre_assignments(self) -> Sequence[CostCentreAssignment]:
        """Read all of them, past and coming ones included, in bulk."""
        ...


@runtime_checkable
class WebhookSource(Connected, Protocol):
    """A system that says by HTTP that something changed; what it says is only a hint."""

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether the system itself has sent this, lately; `headers` have lower-case names."""
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
