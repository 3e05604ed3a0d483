"""Model of the guards that send one request per attempt, on one posting row, in ticks.

Those are UniqueReference, IdempotencyKey, Lookup and NoGuard. Time is kept as ages that stop
growing where no rule can tell them apart, so that the exploration has no horizon. Any number of
attempts may start, one after the other; at most `workers` live at once, zombies included, and
at most `requests` are in flight at once.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tests.model.exploration import Step
from tests.model.ledger import AT_REST, NEVER, Flaw, Ledger, Row, row_violation
from tests.model.one_row import (
    IDLE,
    VISIBLE,
    At,
    Basis,
    Guard,
    Outcome,
    Worker,
    World,
    fence_raised,
    in_flight,
    later,
    name_of,
    orphaned,
    still_coming,
    summary,
    visible,
    with_worker,
)
from tests.model.single_write_erp import SingleWriteErp

# rows: what must hold of a row and its documents · all: that, and that nothing comes after Q ·
# duplicates: I4 alone · ledger: what the row makes of an ERP that broke its promise.
Checked = Literal["all", "rows", "duplicates", "ledger"]


@dataclass(frozen=True)
class SingleWrite:
    """The protocol of one guard, with true bounds W, F, L and the quiet time Q, all in ticks."""

    guard: Guard
    # How old a claim may be when it is checked, and how long the last byte may take from there;
    # together they are W.
    window: int = 1
    sending: int = 0
    in_flight: int = 1
    lag: int = 1
    quiet: int = 4
    ttl: int = 0
    workers: int = 2
    requests: int = 2
    checked: Checked = "all"
    flaws: frozenset[Flaw] = frozenset()

    @cached_property
    def ledger(self) -> Ledger:
        unsettled_max = self.quiet if Flaw.QUIET_SINCE_FIRST in self.flaws else self.ttl // 2
        return Ledger(self.quiet, unsettled_max, self.flaws)

    @cached_property
    def _erp(self) -> SingleWriteErp:
        return SingleWriteErp(self.guard, self.lag)

    def initial(self) -> World:
        return World(Row(), (IDLE,) * self.workers)

    def key(self, state: World) -> Hashable:
        row, workers, *rest = state
        return (row, tuple(sorted(workers)), *rest)

    def at_rest(self, state: World) -> bool:
        return state.row.state in AT_REST

    def summary(self, state: World) -> str:
        return summary(state)

    def violation(self, state: World) -> str | None:
        row = state.row
        if len(state.reported) > 1 and row.state != "DUPLICATE":
            return f"two documents were reported and the row is {row.state}"
        if self.checked == "ledger":
            return None
        if self.checked == "duplicates" and len(state.documents) < 2:
            return None
        if state.open_sends > 1:
            return "sent a second time while the first send is open"
        over = row.state in {"SENDING", "IN_DOUBT"} and row.age >= self.quiet
        if self.checked == "all" and over and still_coming(state, self.window):
            return "Q has passed and a document may still appear"
        return row_violation(row, len(state.documents))

    def steps(self, state: World) -> Iterator[tuple[Step, World]]:
        yield from self._time_passes(state)
        yield from self._source_and_people(state)
        if IDLE in state.workers:
            yield from self._attempt_starts(state, state.workers.index(IDLE))
        for number, worker in enumerate(state.workers):
            if worker.at != "idle":
                dead = with_worker(orphaned(state, worker), number, IDLE)
                yield Step(name_of(number), "dies"), dead
                yield from self._worker_acts(state, number, worker)
            if worker.request != NEVER:
                yield from self._erp.answers(state, number, worker)
        yield from self._erp.acts_alone(state)

    # Time, people and the source

    def _time_passes(self, state: World) -> Iterator[tuple[Step, World]]:
        if max(in_flight(state), default=NEVER) >= self.in_flight:
            return  # F is a true bound: what is in flight ends before time passes.
        if max(state.documents, default=VISIBLE) >= self.lag > 0:
            return  # So is L.
        leaving = [each.lease for each in state.workers if each.at == "leaving"]
        if Flaw.FROZEN_BEFORE_SEND not in self.flaws and max(leaving, default=-1) >= self.sending:
            return  # So is W, if nobody is frozen between the check and the send.
        after = later(state, self.ledger.older(state.row), self.window, self.ttl)
        if after != state:
            yield Step("time", "passes"), after

    def _source_and_people(self, state: World) -> Iterator[tuple[Step, World]]:
        row = state.row
        if not row.news and row.state != "DUPLICATE":
            yield Step("the source", "withdraws"), state._replace(row=self.ledger.heard_news(row))
        if row.state == "EXCEPTION":
            again = state._replace(row=Row("PENDING"))
            yield Step("a person", "has the exception sent again"), again
        early = Flaw.PERSON_DECIDES_EARLY in self.flaws
        if row.state == "IN_DOUBT" and (row.age >= self.quiet or early):
            found = visible(state)
            if found:
                posted = self.ledger.executed(row, found[0])
                seen = state._replace(reported=state.reported | {found[0]}, open_sends=0)
                yield Step("a person", "finds the document"), seen._replace(row=posted)
            else:
                absent = self.ledger.proven_absent(row)
                step = Step("a person", "finds nothing")
                yield step, state._replace(row=absent, open_sends=0)

    # Workers

    def _attempt_starts(self, state: World, number: int) -> Iterator[tuple[Step, World]]:
        row, who = state.row, name_of(number)
        if row.state == "PENDING":
            yield Step(who, "finds the row PENDING"), with_worker(state, number, Worker("asking"))
        elif row.state == "SENDING" and self.guard == "NoGuard":
            if Flaw.BLIND_SECOND_SEND in self.flaws:
                blind = Worker("asking", current=True, basis="unproven")
                yield Step(who, "starts a second send"), with_worker(state, number, blind)
            else:
                doubtful = fence_raised(state)._replace(row=self.ledger.in_doubt(row))
                yield Step(who, "puts the row IN_DOUBT"), doubtful
        elif row.state == "SENDING" and self._may_retry(row):
            basis: Basis = "proven" if self._is_quiet(row) else "unproven"
            at: At = "absent" if Flaw.RETRY_AT_ONCE in self.flaws else "looking"
            looking = Worker(at, current=True, basis=basis)
            yield Step(who, "finds the row SENDING"), with_worker(state, number, looking)

    def _is_quiet(self, row: Row) -> bool:
        """Whether a look-up that starts now and finds nothing is a proof of absence."""
        if Flaw.NEVER_PROVEN_ABSENT in self.flaws:
            return False
        since_first = row.unsettled if Flaw.QUIET_SINCE_FIRST in self.flaws else NEVER
        at_once = Flaw.LOOKUP_SETTLES_AT_ONCE in self.flaws
        return at_once or max(row.age, since_first) >= self.quiet

    def _may_retry(self, row: Row) -> bool:
        always = self.guard == "UniqueReference" or Flaw.RETRY_AT_ONCE in self.flaws
        return always or self._is_quiet(row) or self._key_holds(row)

    def _key_holds(self, row: Row) -> bool:
        """Whether the idempotency key still protects a second send."""
        if self.guard != "IdempotencyKey":
            return False
        first = row.unsettled if row.unsettled != NEVER else row.age
        return first < self.ttl // 2 or Flaw.KEY_PAST_TTL in self.flaws

    def _worker_acts(
        self, state: World, number: int, worker: Worker
    ) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        match worker.at:
            case "looking":
                yield self._looks_up(state, number, worker)
            case "absent":
                # The lease starts before tx 1, which may be long after the look-up.
                asking = worker._replace(at="asking")
                yield Step(who, "turns to claim again"), with_worker(state, number, asking)
            case "asking":
                yield self._claims(state, number, worker)
            case "reading":
                read = worker._replace(at="ready", lease=0)
                yield Step(who, "reads the claim's reply"), with_worker(state, number, read)
            case "ready" | "leaving":
                yield from self._sends(state, number, worker)
            case "waiting":
                silent = Worker("answered", current=worker.current, outcome="UNKNOWN")
                gone = with_worker(orphaned(state, worker), number, silent)
                yield Step(who, "gets no answer in time"), gone
            case "answered":
                yield self._records(state, number, worker)
            case "idle":
                pass

    def _looks_up(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        found = visible(state)
        if not found:
            step = Step(name_of(number), f"looks up: nothing, {worker.basis}")
            return step, with_worker(state, number, worker._replace(at="absent"))
        outcome: Outcome = "EXECUTED" if len(found) == 1 else "SEVERAL"
        answer = Worker("answered", current=worker.current, outcome=outcome, document=found[0])
        return Step(name_of(number), "looks up: found"), with_worker(state, number, answer)

    def _claims(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        """tx 1, all of it in one WHERE clause; also for a row that waited for a proof."""
        row, who = state.row, name_of(number)
        given_up = with_worker(state, number, IDLE)
        if worker.basis == "pending":
            if row.state != "PENDING":
                return Step(who, "finds the row taken"), given_up
            after = state._replace(row=self.ledger.claimed(row))
            return Step(who, "claims"), self._claimed(after, number, worker)
        fenced = worker.current or Flaw.RECLAIM_WITHOUT_FENCE in self.flaws
        if row.state != "SENDING" or not fenced:
            return Step(who, "finds its fence stale"), given_up
        proven = worker.basis == "proven"
        if row.news and not proven:
            return Step(who, "leaves the withdrawn row"), given_up
        if row.news:
            decided = self.ledger.proven_absent(row)
            return Step(who, "cancels the withdrawn row"), given_up._replace(row=decided)
        if not proven and not self._may_send_again(row):
            return Step(who, "finds the key too old"), given_up
        after = state._replace(row=self.ledger.reclaimed(row, proven=proven))
        return Step(who, f"claims again, {worker.basis}"), self._claimed(after, number, worker)

    def _may_send_again(self, row: Row) -> bool:
        """Whether a send is safe though an earlier one may still be executed."""
        careless = {Flaw.KEY_AGE_CHECKED_EARLY, Flaw.RETRY_AT_ONCE} & self.flaws
        return (
            bool(careless) or self.guard in {"UniqueReference", "NoGuard"} or self._key_holds(row)
        )

    def _claimed(self, state: World, number: int, worker: Worker) -> World:
        at: At = "reading" if Flaw.LEASE_FROM_REPLY in self.flaws else "ready"
        claimed = Worker(at, lease=worker.lease, current=True)
        return with_worker(fence_raised(state), number, claimed)

    def _sends(self, state: World, number: int, worker: Worker) -> Iterator[tuple[Step, World]]:
        who = name_of(number)
        good = worker.lease <= self.window or Flaw.NO_LEASE in self.flaws
        takes_time = self.sending > 0 or Flaw.FROZEN_BEFORE_SEND in self.flaws
        if good and worker.at == "ready" and takes_time:
            leaving = worker._replace(at="leaving", lease=0)
            yield Step(who, "finds its lease good"), with_worker(state, number, leaving)
        elif good or worker.at == "leaving":
            # An ERP that breaks its promise does so once: two documents are enough.
            done = len(state.documents) if self.checked == "ledger" else 0
            if len(in_flight(state)) + done < self.requests:
                sent = with_worker(state, number, worker._replace(at="waiting", lease=0, request=0))
                opened = state.open_sends + 1 if self.guard == "NoGuard" else 0
                yield Step(who, "sends"), sent._replace(open_sends=opened)
        else:
            back = self.ledger.given_back(state.row, current=worker.current)
            step = Step(who, "gives back its claim" if worker.current else "drops a stale claim")
            yield step, with_worker(state._replace(row=back), number, IDLE)

    def _records(self, state: World, number: int, worker: Worker) -> tuple[Step, World]:
        """tx 2."""
        row, reported, current = state.row, state.reported, worker.current
        match worker.outcome:
            case "EXECUTED":
                row = self.ledger.executed(row, worker.document)
                reported |= {worker.document}
            case "SEVERAL":
                row = self.ledger.several(row)
            case "UNKNOWN" if self.guard == "NoGuard":
                row = self.ledger.in_doubt(row) if row.state == "SENDING" and current else row
            case "UNKNOWN":
                row = self.ledger.unknown(row, current=current)
            case "refused" | "throttled":
                refused = worker.outcome == "refused"
                row = self.ledger.not_executed(row, current=current, refused=refused)
            case "none":
                pass
        fence = "" if current else " with a stale fence"
        step = Step(name_of(number), f"tx 2: {worker.outcome}{fence}")
        return step, with_worker(state._replace(row=row, reported=reported), number, IDLE)
