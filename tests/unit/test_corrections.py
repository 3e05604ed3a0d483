"""What follows for a line's postings from what the source says now, case by case."""

from typing import Any

import pytest

from canonical.posting import PostingKind, PostingState
from rules.corrections import LinePlan, Standing, plan_line
from tests.unit.building import number

S = PostingState
# Names of postings: work of revision one and two, and the taking back of the first.
ONE, TWO, BACK = number("one"), number("two"), number("back")


def work(revision: int, state: PostingState, **changes: Any) -> Standing:
    values: dict[str, Any] = {
        "key": ONE if revision == 1 else TWO,
        "kind": PostingKind.TIME,
        "revision": revision,
        "amendment": 0,
        "state": state,
        "released": False,
        "corrects": None,
    }
    return Standing(**values | changes)


def back(
    state: PostingState, kind: PostingKind = PostingKind.UNDO, *, released: bool = False
) -> Standing:
    return work(1, state, key=BACK, kind=kind, corrects=ONE, released=released)


@pytest.mark.parametrize(
    ("state", "plan"),
    [
        (S.PENDING, LinePlan()),
        (S.SENDING, LinePlan()),
        (S.POSTED, LinePlan()),
        (S.EXCEPTION, LinePlan()),
        (S.IN_DOUBT, LinePlan()),
        (S.DUPLICATE, LinePlan()),
        (S.WAIVED, LinePlan()),
        (S.REVERSED, LinePlan()),
        # Never posted: a posting of the same revision gets a key of its own.
        (S.SUPERSEDED, LinePlan(post=True, amendment=1)),
        (S.CANCELLED, LinePlan(post=True, amendment=1)),
    ],
)
def test_a_line_that_stands_as_approved(state: PostingState, plan: LinePlan) -> None:
    assert plan_line(wanted=True, revision=1, standings=[work(1, state)]) == plan


@pytest.mark.parametrize(
    ("state", "plan"),
    [
        # Not yet posted: no ERP write.
        (S.PENDING, LinePlan(post=True, supersede=(ONE,))),
        (S.EXCEPTION, LinePlan(post=True, supersede=(ONE,))),
        # Uncertain: resolve first, then correct.
        (S.SENDING, LinePlan(note_revision=(ONE,))),
        (S.IN_DOUBT, LinePlan(note_revision=(ONE,))),
        (S.DUPLICATE, LinePlan(note_revision=(ONE,))),
        # Posted: take back and replace.
        (S.POSTED, LinePlan(post=True, take_back=(ONE,))),
        (S.REVERSED, LinePlan(post=True)),
        (S.SUPERSEDED, LinePlan(post=True)),
        (S.CANCELLED, LinePlan(post=True)),
        (S.WAIVED, LinePlan(post=True)),
    ],
)
def test_a_change_of_the_line(state: PostingState, plan: LinePlan) -> None:
    assert plan_line(wanted=True, revision=2, standings=[work(1, state)]) == plan


@pytest.mark.parametrize(
    ("state", "plan"),
    [
        (S.PENDING, LinePlan(cancel=(ONE,))),
        (S.EXCEPTION, LinePlan(cancel=(ONE,))),
        (S.SENDING, LinePlan(note_withdrawn=(ONE,))),
        (S.IN_DOUBT, LinePlan(note_withdrawn=(ONE,))),
        (S.DUPLICATE, LinePlan(note_withdrawn=(ONE,))),
        (S.POSTED, LinePlan(take_back=(ONE,))),
        (S.REVERSED, LinePlan()),
        (S.SUPERSEDED, LinePlan()),
        (S.CANCELLED, LinePlan()),
        (S.WAIVED, LinePlan()),
    ],
)
def test_a_withdrawal_of_the_line(state: PostingState, plan: LinePlan) -> None:
    assert plan_line(wanted=False, revision=1, standings=[work(1, state)]) == plan


def test_a_line_seen_for_the_first_time() -> None:
    assert plan_line(wanted=True, revision=1, standings=[]) == LinePlan(post=True)
    assert plan_line(wanted=False, revision=1, standings=[]) == LinePlan()


@pytest.mark.parametrize("kind", [PostingKind.UNDO, PostingKind.REVERSAL])
@pytest.mark.parametrize("state", [S.PENDING, S.SENDING, S.EXCEPTION, S.IN_DOUBT, S.DUPLICATE])
def test_a_taking_back_under_way_is_not_planned_again(
    kind: PostingKind, state: PostingState
) -> None:
    standings = [work(1, S.POSTED), back(state, kind)]
    assert plan_line(wanted=False, revision=1, standings=standings) == LinePlan()
    replaced = plan_line(wanted=True, revision=2, standings=standings)
    assert replaced == LinePlan(post=True, waits_for=BACK)


@pytest.mark.parametrize("state", [S.PENDING, S.EXCEPTION])
def test_a_second_change_supersedes_the_replacement_that_still_waits(state: PostingState) -> None:
    standings = [work(1, S.POSTED), back(S.PENDING), work(2, state)]
    plan = plan_line(wanted=True, revision=3, standings=standings)
    assert plan == LinePlan(post=True, supersede=(TWO,), waits_for=BACK)


def test_a_withdrawal_cancels_the_replacement_and_lets_the_taking_back_go_on() -> None:
    standings = [work(1, S.POSTED), back(S.SENDING), work(2, S.PENDING)]
    assert plan_line(wanted=False, revision=2, standings=standings) == LinePlan(cancel=(TWO,))


@pytest.mark.parametrize("state", [S.SUPERSEDED, S.CANCELLED])
def test_a_taking_back_that_was_never_posted_is_planned_anew(state: PostingState) -> None:
    standings = [work(1, S.POSTED), back(state)]
    assert plan_line(wanted=False, revision=1, standings=standings).take_back == (ONE,)


def test_a_released_line_is_checked_again() -> None:
    stopped = work(1, S.EXCEPTION, released=True)
    plan = plan_line(wanted=True, revision=1, standings=[stopped])
    assert plan == LinePlan(recheck=(ONE,))


@pytest.mark.parametrize("wanted", [True, False])
def test_a_released_taking_back_is_checked_again(wanted: bool) -> None:
    standings = [work(1, S.POSTED), back(S.EXCEPTION, released=True)]
    assert BACK in plan_line(wanted=wanted, revision=2, standings=standings).recheck


def test_a_released_line_that_changed_meanwhile_is_superseded_and_not_checked() -> None:
    stopped = work(1, S.EXCEPTION, released=True)
    plan = plan_line(wanted=True, revision=2, standings=[stopped])
    assert plan == LinePlan(post=True, supersede=(ONE,))


def test_each_amendment_of_a_revision_has_a_number_of_its_own() -> None:
    standings = [
        work(1, S.SUPERSEDED, amendment=2),
        work(1, S.CANCELLED, key=TWO, amendment=0),
    ]
    assert plan_line(wanted=True, revision=1, standings=standings).amendment == 3
