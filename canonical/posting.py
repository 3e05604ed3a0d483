"""Postings: one write to the ERP for one revision of one source line, from intent to receipt."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from canonical.base import Canonical, Day
from canonical.billing import CustomerInvoice
from canonical.expense_document import ExpenseDocument
from canonical.identity import content_hash
from canonical.journal import JournalEntry
from canonical.money import Money
from canonical.posting_period import PeriodDecision
from canonical.source_line import ObjectName
from canonical.text import Code, ExternalId, Note, Sentence


class PostingState(StrEnum):
    """Where a posting stands (POSTING.md section 2); the database enforces the transitions."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    POSTED = "POSTED"
    EXCEPTION = "EXCEPTION"
    IN_DOUBT = "IN_DOUBT"
    DUPLICATE = "DUPLICATE"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"
    WAIVED = "WAIVED"
    REVERSED = "REVERSED"


# Not decided yet: at most one such posting per source line, leg and kind.
UNSETTLED: Final = frozenset(
    {PostingState.PENDING, PostingState.SENDING, PostingState.EXCEPTION, PostingState.IN_DOUBT}
)


class PostingKind(StrEnum):
    """What a posting does: book work or cost, take it back by its opposite, or remove it.

    UNDO exists only where the manifest says that the ERP knows no reversal of that kind. A credit
    note is an INVOICE of its own, since it may take back a part.
    """

    TIME = "time"
    EXPENSE = "expense"
    INVOICE = "invoice"
    JOURNAL = "journal"
    REVERSAL = "reversal"
    UNDO = "undo"

    @property
    def takes_back(self) -> bool:
        """Whether it takes an earlier posting back."""
        return self in (PostingKind.REVERSAL, PostingKind.UNDO)


class SourceLine(Canonical):
    """Which source line, in which of its revisions."""

    CONTRACT: ClassVar[str] = "source_line/v1"

    connection: Code
    object: ObjectName
    id: ExternalId
    revision: Annotated[int, Field(ge=1)]


class TimeLine(Canonical):
    """What the ERP is told about one line of work; ids are the ERP's own."""

    CONTRACT: ClassVar[str] = "time_line/v1"

    legal_entity: ExternalId
    employee: ExternalId
    task: ExternalId
    # Always the date of the work, never the posting date.
    work_date: Day
    seconds: Annotated[int, Field(ge=0, strict=True)]
    note: Note = ""

    @property
    def body_hash(self) -> str:
        """Hash of the body: one key is never sent with two of them."""
        return content_hash(self)


# What an ERP is told: the members tell the kinds apart, each being closed, so the first that fits
# is the one; lines of time come first, being the many.
PostingBody = Annotated[
    TimeLine | ExpenseDocument | CustomerInvoice | JournalEntry,
    Field(union_mode="left_to_right"),
]


class Dimension(Canonical):
    """One value on one analytic axis of a posting."""

    CONTRACT: ClassVar[str] = "dimension/v1"

    name: Code
    value: Code


class Decision(Canonical):
    """The rule that decided a line, in its version, and what it went by."""

    CONTRACT: ClassVar[str] = "decision/v1"

    rule: Code
    version: Code
    why: Sentence


class PostingIntent(Canonical):
    """What we mean to send, written down before the first byte leaves."""

    CONTRACT: ClassVar[str] = "posting_intent/v1"

    key: UUID
    # What the ERP carries of the key; at most 21 characters.
    reference: ExternalId
    target: Code
    source: SourceLine
    kind: PostingKind
    leg: Code = "main"
    amendment: Annotated[int, Field(ge=0)] = 0
    legal_entity: Code
    period: PeriodDecision
    dimensions: tuple[Dimension, ...] = ()
    # At the source's bill rate; nothing for work that is not billable.
    value: Money
    body: PostingBody
    # The posting that this one takes back, and the ERP document that it is about.
    corrects: UUID | None = None
    corrects_document: ExternalId | None = None
    # Which rule decided each line of the body, in the order of the lines; what was decided stays,
    # whatever the tables say later (DOMAIN rule 16).
    decisions: tuple[Decision, ...] = ()
    # Warnings of the ERP, by the connector's codes, that a person has answered with yes.
    accepted: tuple[Code, ...] = ()

    @property
    def time_line(self) -> TimeLine:
        """The body of a posting of time; TypeError if it is another kind's."""
        return _time_line(self.body)

    @property
    def expense_document(self) -> ExpenseDocument:
        """The body of a posting of expenses; TypeError if it is another kind's."""
        return _expense_document(self.body)

    @property
    def customer_invoice(self) -> CustomerInvoice:
        """The body of a posting of an invoice; TypeError if it is another kind's."""
        return _customer_invoice(self.body)

    @property
    def journal_entry(self) -> JournalEntry:
        """The body of a posting to the journal; TypeError if it is another kind's."""
        return _journal_entry(self.body)


class PostedDocument(Canonical):
    """A document of ours as the ERP shows it when asked."""

    CONTRACT: ClassVar[str] = "posted_document/v1"

    document_id: ExternalId
    reference: ExternalId
    body: PostingBody
    # The ERP no longer lets it be changed, for instance because it is on an invoice.
    locked: bool = False

    @property
    def time_line(self) -> TimeLine:
        """The body of a posting of time; TypeError if it is another kind's."""
        return _time_line(self.body)

    @property
    def expense_document(self) -> ExpenseDocument:
        """The body of a posting of expenses; TypeError if it is another kind's."""
        return _expense_document(self.body)

    @property
    def customer_invoice(self) -> CustomerInvoice:
        """The body of a posting of an invoice; TypeError if it is another kind's."""
        return _customer_invoice(self.body)

    @property
    def journal_entry(self) -> JournalEntry:
        """The body of a posting to the journal; TypeError if it is another kind's."""
        return _journal_entry(self.body)


class Executed(Canonical):
    """The ERP did it; `document` is what it shows when read back, where it was read back."""

    CONTRACT: ClassVar[str] = "executed/v1"
    outcome: Literal["executed"] = "executed"

    reference: ExternalId
    document_id: ExternalId
    document: PostedDocument | None = None


class NotExecuted(Canonical):
    """The ERP certainly did nothing.

    `refused` is True if it looked at the content and said no: a person decides. Otherwise the
    line can be sent again, after `retry_after_seconds` if that is given.
    """

    CONTRACT: ClassVar[str] = "not_executed/v1"
    outcome: Literal["not_executed"] = "not_executed"

    reference: ExternalId
    refused: bool
    code: Code
    message: Sentence = ""
    retry_after_seconds: Annotated[int, Field(ge=0)] | None = None


class Conflict(Canonical):
    """An optimistic lock refused: this attempt did nothing, read again and try again."""

    CONTRACT: ClassVar[str] = "conflict/v1"
    outcome: Literal["conflict"] = "conflict"

    reference: ExternalId


class Unknown(Canonical):
    """It was sent and no clear answer came; only a look-up can tell."""

    CONTRACT: ClassVar[str] = "unknown/v1"
    outcome: Literal["unknown"] = "unknown"

    reference: ExternalId
    code: Code


PostingOutcome = Annotated[
    Executed | NotExecuted | Conflict | Unknown, Field(discriminator="outcome")
]


def _time_line(body: PostingBody) -> TimeLine:
    if not isinstance(body, TimeLine):
        raise TypeError(f"{body.CONTRACT} is not a line of time")
    return body


def _expense_document(body: PostingBody) -> ExpenseDocument:
    if not isinstance(body, ExpenseDocument):
        raise TypeError(f"{body.CONTRACT} is not an expense document")
    return body


def _customer_invoice(body: PostingBody) -> CustomerInvoice:
    if not isinstance(body, CustomerInvoice):
        raise TypeError(f"{body.CONTRACT} is not an invoice")
    return body


def _journal_entry(body: PostingBody) -> JournalEntry:
    if not isinstance(body, JournalEntry):
        raise TypeError(f"{body.CONTRACT} is not a journal entry")
    return body
