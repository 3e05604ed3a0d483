"""Breadth-first exploration of a finite model: every state, the shortest way to a broken one."""

import gc
import time
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

STATES_MAX = 400_000

S = TypeVar("S")


class Step(NamedTuple):
    """One indivisible thing that somebody does, in the words a reader of the trace needs."""

    actor: str
    action: str

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"


class Model(Protocol[S]):
    """What the explorer must know; states are immutable and hashable."""

    def initial(self) -> S: ...

    def steps(self, state: S) -> Iterable[tuple[Step, S]]:
        """Give everything that can happen next, each with the state it leads to."""
        ...

    def violation(self, state: S) -> str | None:
        """Say which property this state breaks, or None."""
        ...

    def at_rest(self, state: S) -> bool:
        """Whether nothing is owed any more, or a person owns it."""
        ...

    def key(self, state: S) -> Hashable:
        """Give equal keys for states that differ only by the names of interchangeable parts."""
        ...

    def summary(self, state: S) -> str:
        """Describe a state in a few words, for the trace."""
        ...


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The shortest way from the start to a state that breaks a property."""

    broken: str
    steps: tuple[Step, ...]
    summaries: tuple[str, ...]

    def __str__(self) -> str:
        width = max(len(str(step)) for step in self.steps)
        lines = [
            f"  {number:2d}. {step!s:{width}s}   {summary}"
            for number, (step, summary) in enumerate(
                zip(self.steps, self.summaries, strict=True), start=1
            )
        ]
        return "\n".join([*lines, f"      broken: {self.broken}"])


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was seen; without a counterexample it was everything."""

    states: int
    transitions: int
    seconds: float
    fired: Counter[str]
    counterexample: Counterexample | None

    @property
    def safe(self) -> bool:
        return self.counterexample is None

    @property
    def verdict(self) -> str:
        if self.counterexample is None:
            return "SAFE"
        return f"UNSAFE in {len(self.counterexample.steps)} steps"


class StateSpaceTooLargeError(Exception):
    """The model has more states than allowed; nothing was proven."""


class _Search(Generic[S]):
    """The states found so far, numbered in the order of discovery, and how each was reached."""

    def __init__(self, model: Model[S]) -> None:
        start = model.initial()
        self.model = model
        self.states = [start]
        self.numbers = {model.key(start): 0}
        self.parents = [-1]
        self.steps = [Step("nobody", "does anything")]
        self.fired: Counter[str] = Counter()
        # Every transition, from which state to which.
        self.sources = array("L")
        self.targets = array("L")

    def expand(self, number: int) -> list[int]:
        """Take every step from a state; give the numbers of the states that are new."""
        new = []
        for step, state in self.model.steps(self.states[number]):
            self.fired[step.action] += 1
            key = self.model.key(state)
            known = self.numbers.get(key)
            if known is None:
                known = len(self.states)
                self.numbers[key] = known
                self.states.append(state)
                self.parents.append(number)
                self.steps.append(step)
                new.append(known)
            self.sources.append(number)
            self.targets.append(known)
        return new

    def counterexample(self, number: int, broken: str) -> Counterexample:
        path = []
        while number > 0:
            path.append(number)
            number = self.parents[number]
        path.reverse()
        return Counterexample(
            broken,
            tuple(self.steps[each] for each in path),
            tuple(self.model.summary(self.states[each]) for each in path),
        )

    def first_stuck(self) -> int | None:
        """Give the first state from which no path leads to rest."""
        live = [self.model.at_rest(state) for state in self.states]
        spreading = True
        while spreading:
            spreading = False
            # Backwards, because most transitions lead from an earlier state to a later one.
            for source, target in zip(reversed(self.sources), reversed(self.targets), strict=True):
                if live[target] and not live[source]:
                    live[source] = spreading = True
        return next((number for number, alive in enumerate(live) if not alive), None)


def explore(model: Model[S], states_max: int = STATES_MAX) -> Exploration:
    """Visit every reachable state, or stop at the first that breaks a property.

    Safety is checked in each state; if it holds everywhere, it is also checked that from each
    state some path leads to rest. Raises StateSpaceTooLargeError beyond `states_max`.
    """
    started = time.perf_counter()
    search = _Search(model)
    with _no_garbage_collection():
        found = _first_violation(search, states_max)
        if found is None:
            stuck = search.first_stuck()
            if stuck is not None:
                found = search.counterexample(stuck, "no path leads to a decision any more")
    return Exploration(
        len(search.states),
        len(search.sources),
        time.perf_counter() - started,
        search.fired,
        found,
    )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    # States are tuples without cycles: walking through all of them again and again finds nothing.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _first_violation(search: _Search[S], states_max: int) -> Counterexample | None:
    frontier = [0]
    while frontier:
        following: list[int] = []
        for number in frontier:
            for new in search.expand(number):
                broken = search.model.violation(search.states[new])
                if broken is not None:
                    return search.counterexample(new, broken)
                following.append(new)
        if len(search.states) > states_max:
            raise StateSpaceTooLargeError(f"more than {states_max} states")
        frontier = following
    return None
