"""The explorer itself, on models small enough to work out by hand."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import pytest

from tests.model.exploration import StateSpaceTooLargeError, Step, explore


@dataclass(frozen=True)
class Counting:
    """Add one or two up to a limit; two roads lead to most numbers."""

    limit: int = 6
    broken_at: int | None = None
    rests_at: frozenset[int] = frozenset({6})
    evens_are_equal: bool = False

    def initial(self) -> int:
        return 0

    def steps(self, state: int) -> Iterator[tuple[Step, int]]:
        for more in (1, 2):
            if state + more <= self.limit:
                yield Step("somebody", f"adds {more}"), state + more

    def violation(self, state: int) -> str | None:
        return f"reached {state}" if state == self.broken_at else None

    def at_rest(self, state: int) -> bool:
        return state in self.rests_at

    def key(self, state: int) -> Hashable:
        return state % 2 if self.evens_are_equal else state

    def summary(self, state: int) -> str:
        return f"at {state}"


def test_every_state_and_every_transition_is_seen_once() -> None:
    found = explore(Counting())

    assert found.safe
    assert found.verdict == "SAFE"
    assert (found.states, found.transitions) == (7, 11)
    assert found.fired == {"adds 1": 6, "adds 2": 5}


def test_the_counterexample_is_the_shortest_one_and_names_its_steps() -> None:
    found = explore(Counting(broken_at=5))

    assert found.counterexample is not None
    assert len(found.counterexample.steps) == 3
    assert found.verdict == "UNSAFE in 3 steps"
    text = str(found.counterexample)
    assert "somebody adds 2" in text
    assert "at 5" in text
    assert text.endswith("broken: reached 5")


def test_a_state_without_a_path_to_rest_is_found() -> None:
    found = explore(Counting(rests_at=frozenset({5})))

    assert found.counterexample is not None
    assert found.counterexample.summaries[-1] == "at 6"
    assert "no path leads to a decision" in found.counterexample.broken


def test_states_with_the_same_key_are_explored_once() -> None:
    assert explore(Counting(evens_are_equal=True, rests_at=frozenset({0}))).states == 2


def test_too_many_states_prove_nothing_and_say_so() -> None:
    with pytest.raises(StateSpaceTooLargeError):
        explore(Counting(limit=1_000, rests_at=frozenset({1_000})), states_max=100)
