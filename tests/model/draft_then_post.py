"""Model of DraftThenPost: a draft is harmless, posting it is a second request.

There is no clock, as in the model of CompareAndSet: every request may be in flight for ever, and
"makes the row quiet" stands for Q. Ids say nothing about time: the ERP gives them out when a
request arrives and shows the draft when it pleases, so that a lower id can appear later.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.model.drafts import (
    HOLDS_CLAIM,
    IDLE,
    Worker,
    World,
    all_is_quiet,
    deleted,
    documents_of,
    found,
    in_state,
    name_of,
    orphaned,
    put,
    with_worker,
)
from tests.model.exploration import Step
from tests.model.ledger import AT_REST, NEVER, Flaw, Ledger, Row, row_violation


@dataclass(frozen=True)
class DraftThenPost:
    """Create a draft, search, delete the other drafts, post the lowest, read it back."""

    drafts: int = 2
    workers: int = 2
    news: bool = True
    flaws: frozenset[Flaw] = frozenset()

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(quiet=1, flaws=self.flaws)

    def initial(self) -> World:
        return World(Row(), (IDLE,) * self.workers, ("free",) * self.drafts)

    def key(self, state: World) -> Hashable:
        row, workers, *rest = state
        return (row, tuple(sorted(workers)), *rest)

    def at_rest(self, state: World) -> bool:
        return state.row.state in AT_REST

    def summary(self, state: World) -> str:
        row = state.row
        text = row.state + " unsettled" * (row.unsettled != NEVER) + " news" * row.news
        return f"{text} | {', '.join(f'{n}: {slot}' for n, slot in documents_of(state))}"

    def violation(self, state: World) -> str | None:
        posted = in_state(state, "posted")
        if len(posted) == 1 and state.row.state == "POSTED" and state.row.document != posted[0]:
            return f"the row is POSTED as {state.row.document}, and {posted[0]} is posted"
        row = state.row
        known = row._replace(document=1) if row.document in posted else row
        return row_violation(known, len(posted))

    def steps(self, state: World) -> Iterator[tuple[Step, World]]:
        yield from self._surroundings(state)
        if IDLE in state.workers:
            yield from self._attempt_starts(state, state.workers.index(IDLE))
        for number, worker in enumerate(state.workers):
            if worker.at != "idle":
                dead = orphaned(state, worker)
                yield Step(name_of(number), "dies"), with_worker(dead, number, IDLE)
                yield from self._worker_acts(state, number, worker)
            if worker.flying:
                yield from self._erp_answers(state, number, worker)
        yield from self._erp_alone(state)

    def _surroundings(self, state: World) -> Iterator[tuple[Step, World]]:
        """Time, people, the source and the sweep."""
        row = state.row
        if row.state == "SENDING" and row.age == 0 and all_is_quiet(state):
            workers = tuple(
                each._replace(expired=True) if each.at in HOLDS_CLAIM else each
                for each in state.workers
            )
            older = state._replace(row=row._replace(age=1), workers=workers)
            yield Step("time", "makes the row quiet"), older
        if self.news and not row.news:
            yield Step("the source", "withdraws"), state._replace(row=self.ledger.heard_news(row))
        if row.state == "EXCEPTION":
            again = state._replace(row=Row("PENDING"))
            yield Step("a person", "has the exception sent again"), again
        for draft in in_state(state, "draft"):
            yield Step("the sweep", f"deletes draft {draft}"), deleted(state, draft)

    # Workers

    def _attempt_starts(self, state: World, number: int) -> Iterator[tuple[Step, World]]:
        row, who = state.row, name_of(number)
        if row.state == "PENDING":
            begun = Worker("begun", pending=True)
            yield Step(who, "finds the row PENDING"), with_worker(state, number, begun)
        elif row.state == "SENDING":
            posted = in_state(state, "posted")
            if posted:
                adopting = found(IDLE, posted)
                yield Step(who, "looks up: posted"), with_worker(state, number, adopting)
            else:
                proven = row.age >= self.ledger.quiet
                begun = Worker("begun", proven=proven, current=True)
                what = "proven" if proven else "unproven"
                yield (
                    Step(who, f"looks up: nothing posted, {what}"),
                    with_worker(state, number, begun),
                )

    def _worker_acts(
        self, state: World, number: int, worker: Worker
    ) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        match worker.at:
            case "begun":
                yield self._claims(state, number, worker)
            case "claimed" | "chosen" if worker.expired and self._lease_matters(worker):
                back = self.ledger.given_back(state.row, current=worker.current)
                step = Step(who, "gives back its claim")
                yield step, with_worker(state._replace(row=back), number, IDLE)
            case "claimed":
                for free in in_state(state, "free"):
                    creating = worker._replace(at="creating", own=free, flying=True)
                    asked = with_worker(put(state, free, "creating"), number, creating)
                    yield Step(who, f"sends: create a draft ({free})"), asked
            case "searching":
                yield from self._searches(state, number, worker)
            case "chosen":
                yield self._sends(state, number, worker)
            case "creating" | "deleting" | "posting":
                silent = Worker("answered", current=worker.current, outcome="UNKNOWN")
                step = Step(who, f"gets no answer in time to {worker.at}")
                yield step, with_worker(orphaned(state, worker), number, silent)
            case "answered":
                yield self._records(state, number, worker)
            case "idle":
                pass

    def _lease_matters(self, worker: Worker) -> bool:
        return worker.at == "claimed" or Flaw.LEASE_ON_FIRST_STEP_ONLY not in self.flaws

    def _claims(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        row, who = state.row, name_of(number)
        if worker.pending:
            if row.state != "PENDING":
                return Step(who, "finds the row taken"), with_worker(state, number, IDLE)
            claimed = self.ledger.claimed(row)
        elif row.state != "SENDING" or not worker.current:
            return Step(who, "finds its fence stale"), with_worker(state, number, IDLE)
        elif row.news:
            if not worker.proven:
                return Step(who, "leaves the withdrawn row"), with_worker(state, number, IDLE)
            decided = state._replace(row=self.ledger.proven_absent(row))
            return Step(who, "cancels the withdrawn row"), with_worker(decided, number, IDLE)
        else:
            claimed = self.ledger.reclaimed(row, proven=worker.proven)
        others = tuple(each._replace(current=False) for each in state.workers)
        after = state._replace(row=claimed, workers=others)
        return Step(who, "tx 1: claims"), with_worker(
            after, number, Worker("claimed", current=True)
        )

    def _searches(self, state: World, number: int, worker: Worker) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        posted, drafts = in_state(state, "posted"), in_state(state, "draft")
        if worker.own and Flaw.POSTS_UNSEEN_DRAFT in self.flaws:
            drafts = sorted({*drafts, worker.own})
        if posted:
            adopting = found(worker, posted)
            yield Step(who, "searches: posted"), with_worker(state, number, adopting)
        elif drafts:
            yield self._chooses(state, number, drafts)
            if Flaw.SEARCHES_DISAGREE in self.flaws and len(drafts) > 1:
                yield self._chooses(state, number, drafts[1:])
        else:
            # Its own draft does not show, or somebody deleted it.
            nothing = Worker("answered", current=worker.current, outcome="UNKNOWN")
            yield Step(who, "searches: no draft to be seen"), with_worker(state, number, nothing)

    def _chooses(self, state: World, number: int, drafts: list[int]) -> tuple[Step, World]:
        keep, *others = drafts
        worker = state.workers[number]
        chosen = worker._replace(at="chosen", own=0, keep=keep, others=tuple(others))
        step = Step(name_of(number), f"searches: finds {' and '.join(map(str, drafts))}")
        return step, with_worker(state, number, chosen)

    def _sends(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        who = name_of(number)
        if worker.others:
            deleting = worker._replace(at="deleting", flying=True)
            what = f"sends: delete draft {worker.others[0] or 'that is gone'}"
            return Step(who, what), with_worker(state, number, deleting)
        posting = worker._replace(at="posting", flying=True)
        what = f"sends: post {worker.keep or 'a draft that is gone'}"
        return Step(who, what), with_worker(state, number, posting)

    def _records(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        """tx 2."""
        row, current = state.row, worker.current
        match worker.outcome:
            case "EXECUTED":
                row = self.ledger.executed(row, worker.keep)
            case "SEVERAL":
                row = self.ledger.several(row)
            case "UNKNOWN":
                row = self.ledger.unknown(row, current=current)
            case "refused":
                row = self.ledger.not_executed(row, current=current, refused=True)
            case "none":
                pass
        fence = "" if current else " with a stale fence"
        step = Step(name_of(number), f"tx 2: {worker.outcome}{fence}")
        return step, with_worker(state._replace(row=row), number, IDLE)

    # The ERP

    def _erp_answers(
        self, state: World, number: int, worker: Worker
    ) -> Iterator[tuple[Step, World]]:
        who = f"the ERP, for {name_of(number)},"
        if worker.at == "creating":
            yield from self._creates(state, number, worker)
            return
        deaf = worker._replace(flying=False)
        rest = with_worker(state, number, deaf)
        again = worker._replace(at="searching", own=0, keep=0, others=(), flying=False)
        yield Step(who, f"drops the request: {worker.at}"), rest
        target = worker.others[0] if worker.at == "deleting" else worker.keep
        possible = target and state.slots[target - 1] == "draft"
        if worker.at == "deleting":
            gone_on = worker._replace(at="chosen", others=worker.others[1:], flying=False)
            if possible:
                after = deleted(rest, target)
                yield Step(who, "deletes and answers"), with_worker(after, number, gone_on)
                yield Step(who, "deletes, the answer is lost"), after
            failed = gone_on if Flaw.POSTS_AFTER_FAILED_DELETE in self.flaws else again
            yield Step(who, "refuses to delete"), with_worker(state, number, failed)
            return
        if possible:
            after = put(rest, target, "posted")
            # Only what is read back as posted is EXECUTED.
            done = found(worker, [target])
            yield Step(who, "posts and answers"), with_worker(after, number, done)
            yield Step(who, "posts, the answer is lost"), after
            said_no = Worker("answered", current=worker.current, outcome="refused")
            yield Step(who, "refuses the content"), with_worker(state, number, said_no)
        else:
            yield Step(who, "refuses: not a draft"), with_worker(state, number, again)

    def _creates(self, state: World, number: int, worker: Worker) -> Iterator[tuple[Step, World]]:
        who = f"the ERP, for {name_of(number)},"
        answered = worker._replace(at="searching", flying=False)
        if Flaw.DRAFT_IS_EXECUTED in self.flaws:
            answered = found(worker, [worker.own])
        created = put(state, worker.own, "hidden")
        deaf = worker._replace(flying=False)
        yield Step(who, "creates and answers"), with_worker(created, number, answered)
        yield Step(who, "creates, the answer is lost"), with_worker(created, number, deaf)
        nothing = put(state, worker.own, "free")
        refused = Worker("answered", current=worker.current, outcome="refused")
        yield Step(who, "refuses to create"), with_worker(nothing, number, refused)
        dropped = with_worker(nothing, number, deaf._replace(own=0))
        yield Step(who, "drops the request: creating"), dropped

    def _erp_alone(self, state: World) -> Iterator[tuple[Step, World]]:
        heard = {each.own for each in state.workers if each.at == "creating" and each.flying}
        for draft in in_state(state, "hidden"):
            yield Step("the ERP", f"lets draft {draft} be found"), put(state, draft, "draft")
        for draft in set(in_state(state, "creating")) - heard:
            yield Step("the ERP", f"creates {draft} late"), put(state, draft, "hidden")
            yield Step("the ERP", "drops a late create"), put(state, draft, "free")
        for draft in sorted(state.late_posts):
            rest = state._replace(late_posts=state.late_posts - {draft})
            yield Step("the ERP", "drops a late post"), rest
            if state.slots[draft - 1] == "draft":
                yield Step("the ERP", f"posts {draft} late"), put(rest, draft, "posted")
