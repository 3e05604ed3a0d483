"""The posting protocol's decisions: what may be done now with one posting, by the ERP's guard.

Pure, so that it can be read beside POSTING.md section 2. Times are milliseconds since the last
claim, by the database's clock.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from canonical.posting import PostingState
from connectors.base.guard import (
    CompareAndSet,
    DraftThenPost,
    IdempotencyKey,
    Lookup,
    NoGuard,
    UniqueReference,
)
from connectors.base.manifest import PostingOperation
from store.postings import Posting


class Step(StrEnum):
    """What may be done now."""

    # Never sent, or proven not executed.
    SEND = "send"
    # Look it up by reference; if it is not there, send it again under a new claim.
    LOOK_UP_AND_SEND = "look_up_and_send"
    # Look it up by reference; nothing can be in flight any more, so absence is proof.
    LOOK_UP = "look_up"
    # The ERP recognises the key: send the same body again.
    SEND_AGAIN = "send_again"
    WAIT = "wait"
    # Neither key nor look-up can tell: a person must.
    GIVE_TO_PERSON = "give_to_person"
    # Posted, but never read back.
    ATTEST = "attest"


@dataclass(frozen=True, slots=True)
class NextStep:
    """A step, and for WAIT how long."""

    step: Step
    wait_seconds: int = 0


def decide(posting: Posting, operation: PostingOperation, lane: str) -> NextStep:
    """Decide for one posting; `lane` is who asks, and knows its own unanswered attempts."""
    if posting.state in (PostingState.POSTED, PostingState.DUPLICATE):
        return NextStep(Step.ATTEST)
    if posting.state is PostingState.PENDING:
        return NextStep(Step.SEND)
    assert posting.state is PostingState.SENDING
    elapsed_ms = posting.claimed_ms_ago or 0
    if elapsed_ms > operation.quiet_seconds * 1000:
        # Without a guard a person can tell, but only now that nothing can appear any more.
        return NextStep(
            Step.GIVE_TO_PERSON if isinstance(operation.guard, NoGuard) else Step.LOOK_UP
        )
    if posting.has_news:
        # It must not be sent again; so it is settled once nothing can be in flight any more.
        return _wait_until(operation.quiet_seconds, elapsed_ms)
    takeover_seconds = operation.send_window_seconds + operation.in_flight_max_seconds
    if posting.claimed_by != lane and elapsed_ms <= takeover_seconds * 1000:
        return _wait_until(takeover_seconds, elapsed_ms)
    return _retry(posting, operation, elapsed_ms)


def _retry(posting: Posting, operation: PostingOperation, elapsed_ms: int) -> NextStep:
    match operation.guard:
        case CompareAndSet() | UniqueReference() | DraftThenPost():
            return NextStep(Step.LOOK_UP_AND_SEND)
        case IdempotencyKey():
            # The key lives from the first attempt on; the claim checks its age once more.
            first_ms = posting.unknown_ms_ago or elapsed_ms
            if first_ms < (key_age_max_seconds(operation) or 0) * 1000:
                return NextStep(Step.SEND_AGAIN)
            return _wait_until(operation.quiet_seconds, elapsed_ms)
        case Lookup() | NoGuard():
            return _wait_until(operation.quiet_seconds, elapsed_ms)
        case _:
            assert_never(operation.guard)


def key_age_max_seconds(operation: PostingOperation) -> int | None:
    """How long after its first attempt a key may be sent again; None where no key expires."""
    guard = operation.guard
    return guard.ttl_seconds // 2 if isinstance(guard, IdempotencyKey) else None


def _wait_until(age_seconds: int, elapsed_ms: int) -> NextStep:
    return NextStep(Step.WAIT, max(1, age_seconds + 1 - elapsed_ms // 1000))
