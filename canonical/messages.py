"""The small models that cross Temporal: ids, counts and decisions, never payloads.

Workers of two versions run side by side, so unknown members are ignored and every member added
later has a default. No names, bank data or free text of people (DOMAIN rule 44).
"""

from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from canonical.exception_case import (
    AMENDABLE,
    Amend,
    ExceptionCase,
    PostToPeriod,
    Reject,
    Resolution,
    Retry,
    SettleMaster,
    Waive,
)
from canonical.posting import PostingKind
from canonical.text import storable

# Far below the 2 MB at which a payload hangs a workflow for ever.
MESSAGE_ITEMS_MAX: Final = 500
_BY_MAX: Final = 80
# The kinds of document: what is approved, and has a workflow, as one.
TIMESHEET: Final = "timesheet"
REPORT: Final = "expense_report"
# An engagement's month, whose lines are what was released of it; and a record of a contract.
BILLING: Final = "billing"
CONTRACT: Final = "contract"


class Message(BaseModel):
    """Tolerant on purpose: a newer worker may say more than an older one knows."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class DocumentRef(Message):
    """Which document of a source, of which kind, and which ERP it goes to."""

    connection: str
    document: str
    target: str
    kind: str = TIMESHEET
    starts_on: date | None = None


class MasterDataRef(Message):
    """A source and the ERP that its documents go to."""

    connection: str
    target: str


class MasterFeedRef(Message):
    """A connection whose masters are read: what changed since last time, or all there are."""

    connection: str
    whole: bool = False


class MasterFeedOutcome(Message):
    """How many identities may have something to be done about them."""

    marked: int = 0
    # Cases about what was posted before a system said otherwise.
    cases: tuple[UUID, ...] = ()


class MasterKindRef(Message):
    """A kind of master record to be brought to the systems that receive it."""

    kind: str


class MasterBatch(Message):
    """What became of some identities of a kind; `again_in_seconds` if there is more to do."""

    looked: int = 0
    written: int = 0
    linked: int = 0
    more: bool = False
    again_in_seconds: int | None = None
    # Cases that were opened or closed.
    cases: tuple[UUID, ...] = ()


class MasterSyncRef(Message):
    """A synchronisation of masters: of these connections' news, or of all that take part.

    `whole` reads everything, and so finds what drifted; without `feeds` nothing is read, because it
    is people who decided something.
    """

    connections: tuple[str, ...] = ()
    whole: bool = False
    feeds: bool = True


class MasterSyncPlan(Message):
    """Which systems take part in the synchronisation of masters, and the kinds in their order."""

    connections: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


class MasterSyncOutcome(Message):
    """What a synchronisation came to."""

    looked: int = 0
    written: int = 0
    linked: int = 0


class Prepared(Message):
    """What preparing a document came to."""

    # Postings that are ready to be sent, or were sent and are not settled.
    to_post: int = 0
    # Postings that wait for a person, and the cases they wait for.
    stopped: int = 0
    cases: tuple[UUID, ...] = ()
    # Cases that gained or lost lines by this preparation.
    touched_cases: tuple[UUID, ...] = ()
    # Master data or the calendar is too old to decide by; read it and prepare again.
    stale: bool = False


class Posted(Message):
    """What posting a document came to."""

    posted: int = 0
    uncertain: int = 0
    stopped: int = 0
    cases: tuple[UUID, ...] = ()
    # Something is left to be sent, not before so many seconds from now.
    again_in_seconds: int | None = None
    # Somebody said so: the ERP, or the time after which nothing can be in flight any more. Else it
    # is a guess, and the next one is longer.
    again_exactly: bool = False
    # The source changed a line meanwhile: prepare again.
    news: bool = False


class TimesheetOutcome(Message):
    """How a timesheet's run ended."""

    posted: int = 0
    rounds: int = 0


class CaseRef(Message):
    """Which exception case."""

    case_id: UUID


class CaseNews(Message):
    """Cases that gained or lost lines."""

    case_ids: Annotated[tuple[UUID, ...], Field(max_length=MESSAGE_ITEMS_MAX)]


class CaseResolution(Message):
    """A case and what a person decided about it."""

    case_id: UUID
    request: "ResolutionRequest"
    # The document of the line that was tried first; it goes on like those of the others.
    tried: DocumentRef | None = None


class CaseView(Message):
    """A case as Temporal's UI shows it: codes, counts and amounts."""

    case_id: UUID
    cause: str
    legal_entity: str
    subject: str
    sentence: str
    state: str
    owner: str
    connection: str
    target: str
    period: str | None = None
    # The earliest open period that the lines could be counted in, for a case about a period.
    open_period: str | None = None
    lines: int = 0
    seconds: int = 0
    amounts: tuple[str, ...] = ()
    amount_minor: int = 0
    deadline_at: datetime
    # The platform can tell the source of a rejection; otherwise people have to.
    tells_rejections: bool = False

    @classmethod
    def of(
        cls,
        case: ExceptionCase,
        open_period: str | None = None,
        *,
        tells_rejections: bool = False,
    ) -> "CaseView":
        """Make the view of a case."""
        return cls(
            open_period=open_period,
            tells_rejections=tells_rejections,
            case_id=UUID(case.id),
            cause=case.root_cause.cause,
            legal_entity=case.root_cause.legal_entity,
            subject=case.root_cause.subject,
            sentence=case.root_cause.sentence,
            state=case.state,
            owner=case.owner,
            connection=case.connection,
            target=case.target,
            period=case.period,
            lines=case.lines,
            seconds=case.seconds,
            amounts=tuple(f"{money.amount} {money.currency}" for money in case.amounts),
            amount_minor=max((money.amount_minor for money in case.amounts), default=0),
            deadline_at=case.deadline_at,
        )


class ResolutionRequest(Message):
    """What a person types to resolve a case; flat, so that it can be pasted and edited.

    Whatever is typed can be read, and is answered in words by `resolution`.
    """

    kind: str = ""
    by: str = ""
    reason: str = ""
    period: str = ""
    # For a case about a master record: the id of the one that is meant.
    record: str = ""
    changes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _as_typed(cls, typed: Any) -> Any:
        if not isinstance(typed, dict):
            return {}
        changes = typed.get("changes")
        texts = {
            name: "" if value is None else storable(str(value))
            for name, value in typed.items()
            if name != "changes"
        }
        given = changes.items() if isinstance(changes, dict) else ()
        return texts | {"changes": {str(name): storable(str(value)) for name, value in given}}

    def resolution(self) -> Resolution:
        """Turn it into a resolution; ValueError says what is missing, for the person to read."""
        try:
            resolution = self._resolution()
        except ValidationError as error:
            raise ValueError(_first_problem(error)) from None
        if not 1 <= len(self.by.strip()) <= _BY_MAX:
            raise ValueError('"by" is missing: say who decides, in at most 80 characters')
        return resolution

    def _resolution(self) -> Resolution:
        match self.kind:
            case "retry":
                return Retry()
            case "amend":
                return Amend(changes=_checked(self.changes), reason=self.reason)
            case "post_to_period":
                if not self.period:
                    raise ValueError("post_to_period needs a period, for example '2026-11'")
                return PostToPeriod(period=self.period)
            case "reject":
                return Reject(reason=_given(self.reason, "reject"))
            case "waive":
                return Waive(reason=_given(self.reason, "waive"))
            case (
                "restore" | "accept" | "change_owner" | "link" | "apart" | "recreate" | "apply"
            ) as settled:
                return SettleMaster(kind=settled, record=self.record or None, reason=self.reason)
            case _:
                raise ValueError(
                    f"'{self.kind}' is no resolution; use retry, amend, post_to_period, reject "
                    "or waive; for a case about a master record restore, accept, change_owner, "
                    "link, apart, recreate or apply"
                )


class ResolutionOutcome(Message):
    """What a resolution came to, in a sentence for the person who gave it."""

    state: str
    released: int = 0
    message: str = ""


class Canary(Message):
    """The one line that is tried before everything else is released; none if nothing waits."""

    case_id: UUID
    document: DocumentRef | None = None
    source_id: str = ""
    kind: PostingKind = PostingKind.TIME


class CanaryOutcome(Message):
    """What became of the canary: posted, stopped again (and why), or not known yet."""

    posted: bool = False
    settled: bool = True
    sentence: str = ""


class SourceRef(Message):
    """A source to be polled; a first poll looks back so many days, or to `read_from` (UTC)."""

    connection: str
    target: str = ""
    first_poll_days: int = 60
    reread_days: int = 45
    read_from: datetime | None = None


class PollOutcome(Message):
    """What a poll of a source found."""

    records: int = 0
    news: int = 0
    unreadable: int = 0
    deleted: int = 0


class BackfillWindow(Message):
    """A window of work dates, ends included, to be read again from a source."""

    connection: str
    target: str
    first: date
    last: date


class DispatchOutcome(Message):
    """How many workflows were started or told."""

    started: int = 0
    told: int = 0
    more: bool = False


class AcknowledgementOutcome(Message):
    """How many lines a source was told about; `more` if its budget ran out first."""

    told: int = 0
    refused: int = 0
    more: bool = False


class SweepRequest(Message):
    """Which ERP to ask; `full` lists everything, and so finds what is missing."""

    target: str
    full: bool = False


class SweepOutcome(Message):
    """What asking the ERP for all our documents found."""

    documents: int = 0
    adopted: int = 0
    duplicates: int = 0
    altered: int = 0
    missing: int = 0
    unknown: int = 0
    cases: tuple[UUID, ...] = ()


class PaymentRef(Message):
    """The ERP whose payments are watched."""

    target: str


class PaymentOutcome(Message):
    """How many documents were looked at, and how many steps follow for their sources."""

    documents: int = 0
    steps: int = 0


class Reimbursed(Message):
    """How far one report is on its way to the employee's account; amounts as text."""

    # Posted, read back, and seen by the watch of payments.
    posted: bool = False
    state: str = "none"
    number: str = ""
    total: str = ""
    paid: str = ""
    currency: str = ""
    due_on: date | None = None
    to_be_told: int = 0
    posted_at: datetime | None = None
    # What people find it by.
    report: str = ""
    legal_entity: str = ""
    amount_minor: int = 0

    @property
    def ended(self) -> bool:
        """The money has arrived, and the source knows."""
        return self.posted and self.state == "paid" and not self.to_be_told


class Attached(Message):
    """How many receipts stand with a report's document now, and how many are still missing."""

    receipts: int = 0
    missing: int = 0
    # Asking again may help: somebody did not answer, or not now.
    later: bool = False


def posting_queue(target: str, kind: str = TIMESHEET) -> str:
    """The task queue on which an ERP's postings of a kind of document run, and nothing else.

    Ledger documents have one of their own: an ERP numbers them without gaps, one after the other.
    """
    return f"post.{target}" if kind == TIMESHEET else f"post.{target}.documents"


def _checked(changes: dict[str, str]) -> dict[str, str]:
    wrong = sorted(set(changes) - AMENDABLE)
    if wrong or not changes:
        raise ValueError(
            f"amend takes changes to {', '.join(sorted(AMENDABLE))}"
            + (f"; '{wrong[0]}' is none of them" if wrong else "")
        )
    return changes


def _first_problem(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"


def _given(reason: str, kind: str) -> str:
    if len(reason.strip()) < 3:  # noqa: PLR2004  Shorter is no reason.
        raise ValueError(f"{kind} needs a reason that an auditor can read")
    return reason
