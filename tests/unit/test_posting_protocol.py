"""What may be done now with one posting, as a table over all guards (POSTING.md section 2)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.posting_protocol import NextStep, Step, decide, key_age_max_seconds
from canonical.posting import PostingKind, PostingState
from connectors.base.guard import (
    Bulk,
    CompareAndSet,
    DraftThenPost,
    Guard,
    IdempotencyKey,
    Lookup,
    NoGuard,
    UniqueReference,
)
from connectors.base.manifest import PostingOperation, ReferenceField
from tests.unit.building import posting

# Send window, longest time in flight, longest lag, and what follows from them: W+F and Q.
W, F, L = 40, 120, 30
TAKEOVER, QUIET = W + F, W + F + L + 1
TTL = 2 * QUIET + 40
GUARDS: tuple[Guard, ...] = (
    UniqueReference(),
    IdempotencyKey(TTL),
    CompareAndSet(),
    DraftThenPost(),
    Lookup(),
    NoGuard(),
)
MINE, OTHER = "mine", "other"
SECOND = 1000


def operation(guard: Guard) -> PostingOperation:
    return PostingOperation(
        kind=PostingKind.TIME,
        guard=guard,
        bulk=Bulk("ATOMIC", 10),
        reference=ReferenceField("description", 21),
        send_window_seconds=W,
        in_flight_max_seconds=F,
        lag_max_seconds=L,
    )


def decided(guard: Guard, state: PostingState = PostingState.SENDING, **row: Any) -> NextStep:
    """Decide for a row that was claimed by `claimed_by`, so many milliseconds ago."""
    return decide(posting(state=state, fence=1, **row), operation(guard), MINE)


def sent(milliseconds: int, by: str = MINE, **row: Any) -> dict[str, Any]:
    return {"claimed_ms_ago": milliseconds, "claimed_by": by, **row}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
@pytest.mark.parametrize("state", [PostingState.POSTED, PostingState.DUPLICATE])
def test_what_is_posted_is_read_back(guard: Guard, state: PostingState) -> None:
    assert decided(guard, state, erp_document_id="5") == NextStep(Step.ATTEST)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
def test_what_was_never_sent_or_proven_not_executed_is_sent(guard: Guard) -> None:
    assert decided(guard, PostingState.PENDING) == NextStep(Step.SEND)
    # However long ago, and by whomever, an attempt was that is settled now.
    assert decided(guard, PostingState.PENDING, **sent(5, OTHER)) == NextStep(Step.SEND)


def wait_until(age_seconds: int, elapsed_ms: int) -> NextStep:
    return NextStep(Step.WAIT, age_seconds + 1 - elapsed_ms // SECOND)


AGAIN = {
    UniqueReference: NextStep(Step.LOOK_UP_AND_SEND),
    CompareAndSet: NextStep(Step.LOOK_UP_AND_SEND),
    DraftThenPost: NextStep(Step.LOOK_UP_AND_SEND),
    IdempotencyKey: NextStep(Step.SEND_AGAIN),
}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
@pytest.mark.parametrize("elapsed_ms", [0, 1, SECOND, TAKEOVER * SECOND])
def test_our_own_unanswered_attempt(guard: Guard, elapsed_ms: int) -> None:
    expected = AGAIN.get(type(guard), wait_until(QUIET, elapsed_ms))
    assert decided(guard, **sent(elapsed_ms)) == expected


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
@pytest.mark.parametrize("elapsed_ms", [0, SECOND, TAKEOVER * SECOND - 1, TAKEOVER * SECOND])
def test_another_lanes_attempt_is_left_alone_while_it_may_still_be_under_way(
    guard: Guard, elapsed_ms: int
) -> None:
    assert decided(guard, **sent(elapsed_ms, OTHER)) == wait_until(TAKEOVER, elapsed_ms)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
@pytest.mark.parametrize("elapsed_ms", [TAKEOVER * SECOND + 1, QUIET * SECOND])
def test_another_lanes_attempt_is_taken_over_once_it_cannot_be_under_way(
    guard: Guard, elapsed_ms: int
) -> None:
    expected = AGAIN.get(type(guard), wait_until(QUIET, elapsed_ms))
    assert decided(guard, **sent(elapsed_ms, OTHER)) == expected


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
@pytest.mark.parametrize("lane", [MINE, OTHER])
@pytest.mark.parametrize("news", [{}, {"withdrawn": True}, {"next_revision": 2}], ids=str)
def test_after_the_quiet_time_absence_is_proof(
    guard: Guard, lane: str, news: dict[str, Any]
) -> None:
    late = sent(QUIET * SECOND + 1, lane, **news)
    # Without a guard nothing can be looked up: a person must.
    person = isinstance(guard, NoGuard)
    assert decided(guard, **late).step is (Step.GIVE_TO_PERSON if person else Step.LOOK_UP)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: type(guard).__name__)
@pytest.mark.parametrize("lane", [MINE, OTHER])
@pytest.mark.parametrize("news", [{"withdrawn": True}, {"next_revision": 2}], ids=str)
def test_what_has_news_is_never_sent_again(guard: Guard, lane: str, news: dict[str, Any]) -> None:
    for elapsed_ms in (0, TAKEOVER * SECOND + 1, QUIET * SECOND):
        assert decided(guard, **sent(elapsed_ms, lane, **news)) == wait_until(QUIET, elapsed_ms)


@pytest.mark.parametrize(
    ("first_ms", "step"),
    [
        (0, Step.SEND_AGAIN),
        (TTL // 2 * SECOND - 1, Step.SEND_AGAIN),
        (TTL // 2 * SECOND, Step.WAIT),
        (TTL * SECOND * 10, Step.WAIT),
    ],
)
def test_a_key_is_used_again_only_in_the_first_half_of_its_life(first_ms: int, step: Step) -> None:
    # The last claim is fresh; what counts is the first attempt that was never settled.
    row = sent(SECOND, unknown_ms_ago=first_ms)
    assert decided(IdempotencyKey(TTL), **row).step is step


def test_only_keys_that_expire_have_an_age() -> None:
    ages = {type(guard): key_age_max_seconds(operation(guard)) for guard in GUARDS}
    assert ages.pop(IdempotencyKey) == TTL // 2
    assert set(ages.values()) == {None}


def test_a_key_that_may_expire_under_way_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="declare Lookup instead"):
        operation(IdempotencyKey(2 * TAKEOVER - 1))
    assert key_age_max_seconds(operation(IdempotencyKey(2 * TAKEOVER))) == TAKEOVER


def test_the_quiet_time_is_longer_than_all_that_may_pass() -> None:
    assert operation(Lookup()).quiet_seconds > W + F + L


@given(
    st.sampled_from(GUARDS),
    st.integers(min_value=0, max_value=3 * QUIET * SECOND),
    st.integers(min_value=0, max_value=3 * TTL * SECOND),
    st.sampled_from([MINE, OTHER]),
    st.booleans(),
)
def test_waiting_as_long_as_was_asked_brings_it_on(
    guard: Guard, elapsed_ms: int, first_ms: int, lane: str, withdrawn: bool
) -> None:
    """No decision sends blindly, and no wait has to be waited for twice with the same answer."""
    unknown = {"unknown_ms_ago": max(first_ms, elapsed_ms), "withdrawn": withdrawn}
    now = decided(guard, **sent(elapsed_ms, lane, **unknown))
    assert now.step is not Step.SEND
    if now.step is not Step.WAIT:
        return
    assert 1 <= now.wait_seconds <= QUIET + 1
    passed_ms = now.wait_seconds * SECOND
    unknown["unknown_ms_ago"] += passed_ms
    then = decided(guard, **sent(elapsed_ms + passed_ms, lane, **unknown))
    if then.step is Step.WAIT:
        # Taken over from another lane: now it is the quiet time that is waited for.
        assert elapsed_ms <= TAKEOVER * SECOND < elapsed_ms + passed_ms <= QUIET * SECOND
