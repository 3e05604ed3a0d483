"""Model of DraftThenPost as a connector may carry it out: drafts differ, and are used again.

Three liberties beyond the model of the guard itself. A draft that is not exactly what is meant
is deleted wherever it stands in the order, so that any draft may be the one that is kept. A draft
that is there already is posted without creating another. And only the answer to posting counts: a
creation or deletion that is not answered is NOT_EXECUTED of that attempt.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.model.draft_then_post import DraftThenPost
from tests.model.drafts import IDLE, Worker, World, in_state, name_of, orphaned, with_worker
from tests.model.exploration import Step

_NOTHING_DONE = "none"


@dataclass(frozen=True)
class FitDrafts(DraftThenPost):
    """Create a draft or take what is there, keep one that fits, delete all others, post it."""

    def _searches(self, state: World, number: int, worker: Worker) -> Iterator[tuple[Step, World]]:
        who, drafts = name_of(number), in_state(state, "draft")
        if in_state(state, "posted"):
            yield from super()._searches(state, number, worker)
            return
        if not drafts:
            nothing = Worker("answered", current=worker.current, outcome=_NOTHING_DONE)
            yield Step(who, "searches: its draft is gone"), with_worker(state, number, nothing)
        for keep in drafts:
            others = tuple(draft for draft in drafts if draft != keep)
            chosen = worker._replace(at="chosen", own=0, keep=keep, others=others)
            yield Step(who, f"searches: keeps draft {keep}"), with_worker(state, number, chosen)

    def _worker_acts(
        self, state: World, number: int, worker: Worker
    ) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        if worker.at in {"creating", "deleting"}:
            silent = Worker("answered", current=worker.current, outcome=_NOTHING_DONE)
            after = with_worker(orphaned(state, worker), number, silent)
            yield Step(who, f"gets no answer in time to {worker.at}: nothing was done"), after
            return
        if worker.at == "claimed" and not worker.expired and in_state(state, "draft"):
            searching = worker._replace(at="searching", own=0)
            yield Step(who, "takes a draft that is there"), with_worker(state, number, searching)
        yield from super()._worker_acts(state, number, worker)

    def _records(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        if worker.outcome != _NOTHING_DONE:
            return super()._records(state, number, worker)
        row = self.ledger.not_executed(state.row, current=worker.current, refused=False)
        after = with_worker(state._replace(row=row), number, IDLE)
        return Step(name_of(number), "tx 2: NOT_EXECUTED"), after
