"""Model of CompareAndSet: two rows, each under a parent of its own, written alone or in one call.

There is no clock: a request may be in flight for ever, a worker may sleep for ever. Time is
needed for one thing only, to prove that a row was never posted. The step "makes the row quiet"
stands for Q and is possible exactly when the Lookup model allows a proof: nothing of the row is
in flight any more, and whoever still holds a claim on it finds the claim too old.
A stamp is not a number here: what counts is whether the parent has moved since it was read.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tests.model.exploration import Step
from tests.model.ledger import AT_REST, Flaw, Ledger, Row, row_violation
from tests.model.two_parents import (
    IDLE,
    Request,
    Rows,
    Worker,
    World,
    bits,
    canonical,
    flying,
    in_state,
    moved,
    name_of,
    named,
    quiet,
    summary,
    unnamed,
    with_row,
    with_worker,
)

# What proves that a row was never posted: Q, or the stamp of its last claim being outdated.
Proof = Literal["quiet", "stamps", "none"]


@dataclass(frozen=True)
class CompareAndSet:
    """Read all stamps, then search, then claim, then one write with all stamps."""

    rows: int = 2
    workers: int = 2
    # Calls in flight that nobody waits for.
    orphans: int = 1
    news: bool = True
    # Whether others write to the same parents.
    others: bool = True
    proof: Proof = "quiet"
    # After CONFLICT: read, search and send again within the claim, instead of a new claim.
    conflict_within_claim: bool = False
    flaws: frozenset[Flaw] = frozenset()

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(quiet=1, flaws=self.flaws)

    def initial(self) -> World:
        return World((Row(),) * self.rows, (IDLE,) * self.workers, (0,) * self.rows)

    def key(self, state: World) -> Hashable:
        one_sided = Flaw.ONE_STAMP_FOR_TWO in self.flaws
        return unnamed(state) if one_sided else canonical(state)

    def at_rest(self, state: World) -> bool:
        return all(row.state in AT_REST for row in state.rows)

    def summary(self, state: World) -> str:
        return summary(state)

    def violation(self, state: World) -> str | None:
        for row, documents in zip(state.rows, state.documents, strict=True):
            broken = row_violation(row, documents)
            if broken is not None:
                return broken
        return None

    def steps(self, state: World) -> Iterator[tuple[Step, World]]:
        for bit, row in bits(state):
            yield from self._surroundings(state, bit, row)
        if IDLE in state.workers:
            yield from self._attempts_start(state, state.workers.index(IDLE))
        for number, worker in enumerate(state.workers):
            if worker.at != "idle":
                yield from self._worker_acts(state, number, worker)
            if worker.flying:
                yield from self._erp_answers(state, number, worker)
        for index, request in enumerate(state.orphans):
            rest = state._replace(orphans=state.orphans[:index] + state.orphans[index + 1 :])
            yield (
                Step("the ERP", "commits a late call, unheard"),
                self._committed(rest, request.rows),
            )
            yield Step("the ERP", "drops a late call"), rest

    def _surroundings(self, state: World, bit: Rows, row: Row) -> Iterator[tuple[Step, World]]:
        """Time, people, the source, and others who write to the same parents."""
        young = row.state == "SENDING" and row.age == 0
        if self.proof == "quiet" and young and not flying(state, bit):
            yield Step("time", f"makes {named(bit)} quiet"), quiet(state, bit, row)
        if self.news and not row.news:
            heard = with_row(state, bit, self.ledger.heard_news(row))
            yield Step("the source", f"withdraws {named(bit)}"), heard
        if row.state == "EXCEPTION":
            again = with_row(state, bit, Row("PENDING"))
            yield Step("a person", f"has {named(bit)} sent again"), again
        if state.hidden & bit:
            shown = state._replace(hidden=state.hidden & ~bit)
            yield Step("the ERP", f"lets {named(bit)} be found"), shown
        other = self._moved(state, bit)
        if self.others and other != state:
            yield Step("somebody else", f"writes to the parent of {named(bit)}"), other

    # Workers

    def _attempts_start(self, state: World, number: int) -> Iterator[tuple[Step, World]]:
        pending = in_state(state, "PENDING")
        claimable = pending | in_state(state, "SENDING")
        aged = sum(bit for bit, row in bits(state) if row.age)
        for rows in range(1, 1 << self.rows):
            if not rows & ~claimable:
                begun = Worker("begun", rows, rows & pending, rows & aged, current=rows)
                yield (
                    Step(name_of(number), f"takes up {named(rows)}"),
                    with_worker(state, number, begun),
                )

    def _worker_acts(
        self, state: World, number: int, worker: Worker
    ) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        dead = self._abandoned(state, worker)
        if dead is not None:
            yield Step(who, "dies"), with_worker(dead, number, IDLE)
        touched = self._moved(state, worker.rows)
        if self.proof == "stamps" and worker.at == "begun" and touched != state:
            yield Step(who, "touches the parents"), touched
        stamps_first = Flaw.STAMPS_AFTER_SEARCH not in self.flaws
        match worker.at:
            case "begun" | "half informed":
                at = "half informed" if worker.at == "begun" else "informed"
                if stamps_first == (worker.at == "begun"):
                    known = worker._replace(at=at, fresh=worker.rows)
                    if self.proof == "stamps" and not worker.again:
                        known = known._replace(proven=worker.rows & ~state.exposed)
                    yield Step(who, "reads all stamps"), with_worker(state, number, known)
                else:
                    known = worker._replace(at=at, found=self._shown(state, worker))
                    what = f"searches and finds {named(known.found)}"
                    yield Step(who, what), with_worker(state, number, known)
            case "informed" if worker.again:
                yield self._goes_on(state, number, worker)
            case "informed":
                yield self._claims(state, number, worker)
            case "ready":
                yield from self._sends(state, number, worker)
            case "waiting" if dead is not None:
                silent = worker._replace(at="answered", flying=False, fresh=0, outcome="UNKNOWN")
                yield Step(who, "gets no answer in time"), with_worker(dead, number, silent)
            case "answered":
                yield self._records(state, number, worker)
            case _:
                pass

    def _shown(self, state: World, worker: Worker) -> Rows:
        # What was PENDING was never sent, or proven absent: there is nothing to search for.
        sought = worker.rows if worker.again else worker.rows & ~worker.pending
        existing = sum(1 << index for index, count in enumerate(state.documents) if count)
        return sought & existing & ~state.hidden

    def _claims(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        """tx 1: adopt what was found and claim the rest."""
        after = self._all_executed(state, worker.found)
        claimed = cancelled = 0
        for bit, row in bits(state):
            if bit & worker.rows & ~worker.found:
                changed = self._claimed(row, worker, bit)
                if changed is not None:
                    after = with_row(after, bit, changed)
                    claimed |= bit if changed.state == "SENDING" else 0
                    cancelled |= bit if changed.state == "CANCELLED" else 0
        others = tuple(
            each._replace(current=each.current & ~claimed) if each.current else each
            for each in after.workers
        )
        ready = Worker("ready", claimed, current=claimed, fresh=worker.fresh & claimed)
        exposed = (after.exposed & ~claimed) | (claimed & worker.fresh)
        after = after._replace(workers=others, exposed=exposed if self.proof == "stamps" else 0)
        done = (("adopts", worker.found), ("claims", claimed), ("cancels", cancelled))
        what = ", ".join(f"{verb} {named(rows)}" for verb, rows in done if rows)
        step = Step(name_of(number), f"tx 1: {what or 'comes too late'}")
        return step, with_worker(after, number, ready if claimed else IDLE)

    def _claimed(self, row: Row, worker: Worker, bit: Rows) -> Row | None:
        """Give the row as this transaction leaves it, None if its WHERE does not match."""
        if worker.pending & bit:
            return self.ledger.claimed(row) if row.state == "PENDING" else None
        if row.state != "SENDING" or not worker.current & bit:
            return None
        proven = bool(worker.proven & bit)
        if row.news:
            return self.ledger.proven_absent(row) if proven else None
        return self.ledger.reclaimed(row, proven=proven)

    def _goes_on(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        """After CONFLICT, within the claim: adopt what was found, send the rest again."""
        rest = worker.rows & ~worker.found
        adopted = self._all_executed(state, worker.found)
        current, fresh = worker.current & rest, worker.fresh & rest
        ready = Worker("ready", rest, current=current, fresh=fresh, expired=worker.expired)
        step = Step(name_of(number), f"goes on with {named(rest)}")
        return step, with_worker(adopted, number, ready if rest else IDLE)

    def _sends(self, state: World, number: int, worker: Worker) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        if not worker.expired:
            sent = worker._replace(at="waiting", flying=True)
            yield Step(who, f"sends {named(worker.rows)}"), with_worker(state, number, sent)
        back = state
        for bit, row in bits(state):
            if bit & worker.rows:
                mine = bool(worker.current & bit)
                back = with_row(back, bit, self.ledger.given_back(row, current=mine))
        yield Step(who, "gives back its claim"), with_worker(back, number, IDLE)

    def _records(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        """tx 2, or another try within the claim."""
        who = name_of(number)
        if worker.outcome == "CONFLICT" and Flaw.CONFLICT_UNSEARCHED in self.flaws:
            ready = worker._replace(at="ready", fresh=worker.rows, outcome="none")
            return Step(who, "reads the stamps again only"), with_worker(state, number, ready)
        if worker.outcome == "CONFLICT" and self.conflict_within_claim:
            again = worker._replace(at="begun", outcome="none", again=True)
            return Step(who, "tries again within its claim"), with_worker(state, number, again)
        after = state
        if worker.outcome == "EXECUTED":
            after = self._all_executed(state, worker.rows)
        else:
            for bit, row in bits(state):
                if bit & worker.rows:
                    after = with_row(after, bit, self._not_posted(row, worker, bit))
        fence = "" if worker.current == worker.rows else " with a stale fence"
        return Step(who, f"tx 2: {worker.outcome}{fence}"), with_worker(after, number, IDLE)

    def _not_posted(self, row: Row, worker: Worker, bit: Rows) -> Row:
        mine = bool(worker.current & bit)
        if worker.outcome == "UNKNOWN":
            return self.ledger.unknown(row, current=mine)
        # A call that is refused as a whole is halved; only a call of one is an exception.
        refused = worker.outcome == "refused" and worker.rows == bit
        return self.ledger.not_executed(row, current=mine, refused=refused)

    def _all_executed(self, state: World, rows: Rows) -> World:
        for bit, row in bits(state):
            if bit & rows:
                state = with_row(state, bit, self.ledger.executed(row, 1))
        return state

    def _abandoned(self, state: World, worker: Worker) -> World | None:
        """Leave a call in flight without a hearer; None if that would be one too many."""
        if not worker.flying or not self._can_commit(worker):
            return state  # A call that can never commit is as good as gone.
        if len(state.orphans) >= self.orphans:
            return None
        late = Request(worker.rows, worker.fresh)
        return state._replace(orphans=tuple(sorted((*state.orphans, late))))

    # The ERP

    def _erp_answers(
        self, state: World, number: int, worker: Worker
    ) -> Iterator[tuple[Step, World]]:
        who = f"the ERP, for {name_of(number)},"
        unheard = worker._replace(flying=False, fresh=0)
        rest = with_worker(state, number, unheard)
        if self._can_commit(worker):
            after = self._committed(rest, worker.rows)
            executed = unheard._replace(at="answered", outcome="EXECUTED")
            yield Step(who, "commits and answers"), with_worker(after, number, executed)
            yield Step(who, "commits, the answer is lost"), after
        else:
            conflict = unheard._replace(at="answered", outcome="CONFLICT")
            yield Step(who, "sees a moved parent"), with_worker(state, number, conflict)
        refused = unheard._replace(at="answered", outcome="refused")
        yield Step(who, "refuses the content"), with_worker(state, number, refused)
        yield Step(who, "drops the call"), rest

    def _stamped(self, rows: Rows) -> Rows:
        """Give the parents of a call whose stamps the ERP compares."""
        if Flaw.ONE_STAMP_FOR_TWO in self.flaws:
            return rows & -rows
        return rows

    def _can_commit(self, call: Worker | Request) -> bool:
        """Compare all stamps with the parents, in the transaction of the write."""
        return not self._stamped(call.rows) & ~call.fresh

    def _committed(self, state: World, rows: Rows) -> World:
        documents = tuple(
            count + (rows >> index & 1) for index, count in enumerate(state.documents)
        )
        after = self._moved(state, rows)
        hidden = state.hidden | (rows if Flaw.SEARCH_LAGS in self.flaws else 0)
        return after._replace(documents=documents, hidden=hidden)

    def _moved(self, state: World, parents: Rows) -> World:
        """Move parents; late calls that can never commit any more are gone."""
        after = moved(state, parents)
        possible = tuple(sorted(each for each in after.orphans if self._can_commit(each)))
        return after._replace(orphans=possible)
