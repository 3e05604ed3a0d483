"""The ERP in the single-write models: it may commit late, drop, refuse, or answer into the void."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.model.exploration import Step
from tests.model.ledger import NEVER
from tests.model.one_row import (
    VISIBLE,
    Guard,
    Outcome,
    Worker,
    World,
    name_of,
    revealed,
    with_worker,
)


@dataclass(frozen=True, slots=True)
class SingleWriteErp:
    """What each guard promises, and nothing more; `lag` is L in ticks."""

    guard: Guard
    lag: int

    def answers(self, state: World, number: int, worker: Worker) -> Iterator[tuple[Step, World]]:
        """What becomes of the request that a worker waits for."""
        who = f"the ERP, for {name_of(number)},"
        deaf = worker._replace(request=NEVER)
        committed, document = self._commits(state, worker.request)
        new = len(committed.documents) > len(state.documents)
        what = "commits" if new else "recognises a repeat"
        outcome: Outcome = "EXECUTED" if document else "UNKNOWN"
        heard = deaf._replace(at="answered", outcome=outcome, document=document)
        yield Step(who, f"{what} and answers"), with_worker(committed, number, heard)
        yield Step(who, f"{what}, the answer is lost"), with_worker(committed, number, deaf)
        yield Step(who, "drops the request"), with_worker(state, number, deaf)
        closed = state._replace(open_sends=max(0, state.open_sends - 1))
        for refusal in ("refused", "throttled"):
            said_no = deaf._replace(at="answered", outcome=refusal)
            yield Step(who, f"does nothing: {refusal}"), with_worker(closed, number, said_no)

    def acts_alone(self, state: World) -> Iterator[tuple[Step, World]]:
        """What becomes of requests that nobody waits for, and of new documents."""
        for index, age in enumerate(state.orphans):
            if index and age == state.orphans[index - 1]:
                continue
            rest = state._replace(orphans=state.orphans[:index] + state.orphans[index + 1 :])
            committed, _ = self._commits(rest, age)
            if committed != rest:
                yield Step("the ERP", "commits late, unheard"), committed
            yield Step("the ERP", "drops a late request"), rest
        for shown in revealed(state):
            yield Step("the ERP", "lets the document be found"), shown

    def _commits(self, state: World, age: int) -> tuple[World, int]:
        """Execute a request; give the id that the answer leads to, 0 if it cannot be told."""
        if self.guard == "UniqueReference" and state.documents:
            # "Already exists" names no id: the document must be found by its reference.
            return state, 1 if state.documents[0] == VISIBLE else 0
        if self.guard == "IdempotencyKey" and state.key_age != NEVER:
            return state, 1
        documents = (*state.documents, 0 if self.lag else VISIBLE)
        # The worst case: the ERP counts the key's life from when the request left.
        key_age = age if self.guard == "IdempotencyKey" else NEVER
        return state._replace(documents=documents, key_age=key_age), len(documents)
