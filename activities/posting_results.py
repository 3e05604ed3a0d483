"""What attempts came to: from an ERP's answer to a row's new state, and the count of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID

from activities import metrics, posting_causes
from activities.attestation import agrees
from activities.intents import MAIN_LEG
from canonical.exception_case import RootCause
from canonical.messages import Posted
from canonical.posting import (
    Conflict,
    Executed,
    NotExecuted,
    PostedDocument,
    PostingKind,
    PostingOutcome,
    PostingState,
    Unknown,
)
from store.posting_attempts import Recorded
from store.postings import AttemptClass, AttemptResult, Posting


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one posting, and the root cause if a person is needed."""

    posting: Posting
    result: AttemptResult
    cause: RootCause | None = None

    def with_case(self, case_of: Mapping[RootCause, UUID]) -> AttemptResult:
        """The row's outcome, hung on the case of its cause."""
        return (
            self.result if self.cause is None else replace(self.result, case_id=case_of[self.cause])
        )

    @property
    def to_be_read_back(self) -> bool:
        """The ERP said yes and has not shown what it booked."""
        result = self.result
        return (
            result.outcome is AttemptClass.EXECUTED and not result.attested and self.cause is None
        )

    @property
    def posted(self) -> Posting:
        """The posting as it stands after the ERP said yes."""
        return replace(
            self.posting,
            state=PostingState.POSTED,
            fence=self.result.fence,
            erp_document_id=self.result.document_id,
        )


def executed(posting: Posting, document_id: str | None, document: PostedDocument | None) -> Result:
    """The ERP did it; what it shows is compared with what was sent."""
    same = document is not None and agrees(posting.intent, document)
    attested = same or posting.kind is PostingKind.UNDO
    cause = posting_causes.altered(posting) if document is not None and not attested else None
    return Result(
        posting,
        AttemptResult(
            posting.key,
            posting.fence,
            AttemptClass.EXECUTED,
            code="altered" if cause else "",
            document_id=document_id,
            attested=attested,
        ),
        cause,
    )


def read_back(posting: Posting, documents: Sequence[PostedDocument]) -> list[Result]:
    """What the ERP shows for a reference: one document is the posting, more are duplicates."""
    first, *others = sorted(documents, key=lambda one: (len(one.document_id), one.document_id))
    if posting.erp_document_id is not None:
        known = [one for one in documents if one.document_id == posting.erp_document_id]
        first = (known or [first])[0]
        others = [one for one in documents if one is not first]
    only = executed(posting, first.document_id, first)
    if posting.state is PostingState.DUPLICATE and not others and only.cause is None:
        # The other documents were removed: what is left is the posting.
        only = replace(only, result=replace(only.result, code="single"))
    results = [only]
    for document in others:
        again = executed(posting, document.document_id, document)
        results.append(
            replace(
                again,
                result=replace(again.result, attested=False, code="duplicate"),
                cause=posting_causes.twice(posting),
            )
        )
    return results


def missing(posting: Posting) -> Result:
    """The ERP confirmed it and does not show it: somebody is called, nothing is sent."""
    result = AttemptResult(
        posting.key,
        posting.fence,
        AttemptClass.EXECUTED,
        code="missing",
        document_id=posting.erp_document_id,
    )
    return Result(posting, result, posting_causes.missing(posting))


def stray(posting: Posting, document: PostedDocument) -> Result:
    """The ERP holds a document that the ledger says was never posted, or was taken back."""
    result = AttemptResult(
        posting.key,
        posting.fence,
        AttemptClass.EXECUTED,
        code="stray",
        document_id=document.document_id,
    )
    return Result(posting, result, posting_causes.stray(posting))


def not_posted(posting: Posting, outcome: AttemptClass, code: str = "") -> Result:
    """An attempt that booked nothing, or of which nobody knows what it did."""
    return Result(posting, AttemptResult(posting.key, posting.fence, outcome, code=code))


def refusal(posting: Posting, code: str, words: str) -> Result:
    """The ERP refused this one line; a person decides once no earlier attempt can interfere."""
    if posting.unsettled:
        return not_posted(posting, AttemptClass.NOT_EXECUTED, words)
    result = AttemptResult(posting.key, posting.fence, AttemptClass.REFUSED, code=words)
    return Result(posting, result, posting_causes.refused(posting, code))


def in_doubt(posting: Posting) -> Result:
    """Neither a key nor a look-up can tell."""
    result = AttemptResult(posting.key, posting.fence, AttemptClass.IN_DOUBT)
    return Result(posting, result, posting_causes.in_doubt(posting))


def result_of(posting: Posting, outcome: PostingOutcome) -> Result:
    """Turn one line's outcome into what is recorded."""
    match outcome:
        case Executed(document_id=document_id, document=document):
            return executed(posting, document_id, document)
        case NotExecuted(refused=True, code=code, message=message):
            return refusal(posting, code, f"{code} {message}".strip()[:500])
        case NotExecuted(code=code):
            return not_posted(posting, AttemptClass.NOT_EXECUTED, code)
        case Conflict():
            return not_posted(posting, AttemptClass.CONFLICT)
        case Unknown(code=code):
            return not_posted(posting, AttemptClass.UNKNOWN, code)
        case _:
            assert_never(outcome)


def after(posting: Posting) -> Posting:
    """A posting after an attempt that did nothing: what was unsettled before still is."""
    return replace(
        posting, state=PostingState.SENDING if posting.unsettled else PostingState.PENDING
    )


def _observe_time_to_post(posting: Posting) -> None:
    if posting.approved_at is not None:
        waited = datetime.now(UTC) - posting.approved_at
        metrics.TIME_TO_POST.labels(posting.target).observe(waited.total_seconds())


def _is_of_a_pair(posting: Posting) -> bool:
    return posting.leg != MAIN_LEG


@dataclass(slots=True)
class Tally:
    """What a run has come to so far."""

    posted: int = 0
    uncertain: int = 0
    stopped: int = 0
    cases: set[UUID] = field(default_factory=set)
    again_in_seconds: int | None = None
    again_exactly: bool = False
    news: bool = False

    def again(self, seconds: int, *, exactly: bool = False) -> None:
        """Come back no later than in so many seconds; `exactly` if it is known, not guessed."""
        known = self.again_in_seconds
        if known is None or seconds < known:
            self.again_in_seconds, self.again_exactly = seconds, exactly

    def again_as_asked(self, retry_after_seconds: int | None) -> None:
        """Come back when the ERP said, or soon if it did not say."""
        if retry_after_seconds:
            self.again(retry_after_seconds, exactly=True)
        else:
            self.again(2)

    def count(self, row: Recorded, result: "Result") -> None:
        """Count a row after transaction 2."""
        target, posting = result.posting.target, result.posting
        self.news = self.news or row.has_news
        match row.state:
            case PostingState.POSTED if result.result.outcome is AttemptClass.EXECUTED:
                if posting.state is not PostingState.POSTED:
                    # The other leg may have failed, or been let go, in the meantime.
                    self.news = self.news or _is_of_a_pair(posting)
                    self.posted += 1
                    metrics.POSTED.labels(target, posting.kind).inc()
                    _observe_time_to_post(posting)
            case PostingState.SENDING:
                self.uncertain += 1
                self.again(1)
            case PostingState.EXCEPTION | PostingState.IN_DOUBT | PostingState.DUPLICATE:
                self.stopped += 1
                # The other leg of its pair may have to be taken back.
                self.news = self.news or _is_of_a_pair(posting)
                metrics.STOPPED.labels(target, result.result.code.partition(" ")[0]).inc()
            case PostingState.CANCELLED | PostingState.SUPERSEDED:
                self.news = True
            case _:
                pass

    def message(self) -> Posted:
        """Say it to the workflow."""
        return Posted(
            posted=self.posted,
            uncertain=self.uncertain,
            stopped=self.stopped,
            cases=tuple(sorted(self.cases)),
            again_in_seconds=self.again_in_seconds,
            again_exactly=self.again_exactly,
            news=self.news,
        )
