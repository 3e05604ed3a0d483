"""Pairs: what the two journal entries of a line of intercompany work call for now, without I/O.

Each leg is a posting of its own, planned like any other. What makes them a pair is decided here:
their amounts are decided once per revision; and by policy a leg is not left alone in the books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from activities.draft import Draft, requeue_of
from activities.intents import Entry, Intents
from activities.line_checks import Ready, Stopped
from canonical.exception_case import RootCause
from canonical.money import Money
from canonical.posting import Decision, PostingState
from canonical.posting_period import PeriodDecision
from canonical.source_line import LineVersion
from rules.billing_intercompany import (
    IntercompanyPlan,
    Leg,
    LegState,
    PairAction,
    PlannedLeg,
    decide_pair,
)
from rules.billing_policy import BillingPolicy, OneLegFailed
from rules.corrections import LinePlan
from rules.intercompany_time import Intercompany, told
from rules.posting_period import PeriodTrouble
from store.postings import Moves, NewPosting, Posting

PAIR: Final = (Leg.CHARGE, Leg.OWE)
_DECIDED_BY: Final = "intercompany"
# Not there any more, or never was.
_NEVER_POSTED: Final = frozenset({PostingState.SUPERSEDED, PostingState.CANCELLED})
_ON_ITS_WAY: Final = frozenset({PostingState.PENDING, PostingState.SENDING, PostingState.POSTED})


@dataclass(frozen=True, slots=True)
class Legs:
    """The postings of both legs of one line, in all its revisions."""

    line: LineVersion
    of: Mapping[Leg, Sequence[Posting]]

    @classmethod
    def among(cls, line: LineVersion, postings: Sequence[Posting]) -> "Legs":
        """Find the legs among all postings of a line."""
        return cls(line, {leg: [one for one in postings if one.leg == leg] for leg in PAIR})

    @property
    def any(self) -> bool:
        """Whether the line ever had a pair."""
        return any(self.of.values())

    def latest(self, leg: Leg) -> Posting | None:
        """The posting of a leg that counts for the current revision."""
        current = [
            one
            for one in self.of[leg]
            if one.revision == self.line.revision
            and not one.kind.takes_back
            and one.state not in _NEVER_POSTED
        ]
        return max(current, key=lambda one: one.amendment, default=None)

    def other(self, leg: Leg) -> Posting | None:
        """The posting of the other leg that counts."""
        return self.latest(_opposite(leg))

    def is_reversed(self, leg: Leg) -> bool:
        """Whether it was taken back for the other leg's sake."""
        latest = self.latest(leg)
        return latest is not None and latest.state is PostingState.REVERSED

    @property
    def is_half(self) -> bool:
        """Whether one leg was taken back, and the other goes on all the same."""
        return any(self.is_reversed(leg) and self.ahead_of(leg, {}) for leg in PAIR)

    def ahead_of(self, leg: Leg, going: Mapping[Leg, UUID]) -> UUID | None:
        """The posting of the other leg, behind which a leg is posted anew; None if it is not sent.

        `going` are the postings of legs that are let go now.
        """
        other = self.other(leg)
        if other is not None and other.state in _ON_ITS_WAY:
            return other.key
        return going.get(_opposite(leg))

    @property
    def amounts(self) -> Mapping[Leg, Money]:
        """What was decided for the current revision."""
        found = ((leg, self.of[leg]) for leg in PAIR)
        return {
            leg: Money(amount=one.amount, currency=one.currency)
            for leg, postings in found
            for one in postings
            if one.revision == self.line.revision and not one.kind.takes_back
        }

    @property
    def documents(self) -> Mapping[Leg, str]:
        """The documents of the legs that are posted."""
        posted = ((leg, self.latest(leg)) for leg in PAIR)
        return {
            leg: one.erp_document_id
            for leg, one in posted
            if one and one.state is PostingState.POSTED and one.erp_document_id
        }

    def is_being_taken_back(self, leg: Leg, key: UUID) -> bool:
        """Whether its taking back is under way, or a person decided against it."""
        backs = [one for one in self.of[leg] if one.corrects == key]
        latest = max(backs, key=lambda one: one.amendment, default=None)
        return latest is not None and latest.state not in _NEVER_POSTED


@dataclass(slots=True)
class Fate:
    """What a draft makes of the legs: postings that go on from it, and legs that are stopped."""

    going: dict[Leg, UUID] = field(default_factory=dict)
    stopped: set[Leg] = field(default_factory=set)


def mended(
    plans: Mapping[Leg, LinePlan], legs: Legs, fate: Fate, policy: BillingPolicy
) -> dict[Leg, LinePlan]:
    """What the pair calls for beyond what each leg calls for by itself, which is in `plans`.

    One leg that failed takes the posted one back, if that is the policy of the worker's legal
    entity; and what was taken back so is posted anew, behind the other leg.
    """
    leaving = {key for plan in plans.values() for key in (*plan.cancel, *plan.take_back)}
    found = [legs.latest(leg) for leg in PAIR]
    if any(one is not None and one.key in leaving for one in found):
        return {}
    action = decide_pair([_state(legs, leg, fate) for leg in PAIR], policy)
    more: dict[Leg, LinePlan] = {}
    for leg, one in zip(PAIR, found, strict=True):
        if one is None:
            continue
        if action is PairAction.REVERSE_POSTED and one.state is PostingState.POSTED:
            more[leg] = LinePlan(take_back=(one.key,))
        elif one.state is PostingState.REVERSED and legs.ahead_of(leg, fate.going) is not None:
            more[leg] = LinePlan(post=True, amendment=one.amendment + 1)
    return more


def _opposite(leg: Leg) -> Leg:
    return Leg.OWE if leg is Leg.CHARGE else Leg.CHARGE


def _state(legs: Legs, leg: Leg, fate: Fate) -> LegState:
    one = legs.latest(leg)
    if leg in fate.going:
        return LegState.OPEN
    if leg in fate.stopped:
        return LegState.FAILED
    match one.state if one else None:
        case PostingState.POSTED:
            assert one is not None
            moving = legs.is_being_taken_back(leg, one.key)
            return LegState.OPEN if moving else LegState.POSTED
        case PostingState.EXCEPTION:
            return LegState.FAILED
        case PostingState.REVERSED:
            # It is posted anew if the other goes on.
            anew = legs.ahead_of(leg, fate.going) is not None
            return LegState.OPEN if anew else LegState.REVERSED
        case PostingState.WAIVED:
            # A person settled it elsewhere.
            return LegState.POSTED
        case _:
            return LegState.OPEN


@dataclass(frozen=True, slots=True)
class PairMaker:
    """Makes the legs of one line's pair, by what its check has found."""

    intents: Intents
    target: str
    legs: Legs
    pair: Intercompany

    @property
    def plan(self) -> IntercompanyPlan:
        """The plan, with the amounts that were decided before."""
        key = self.intents.pair_key(self.legs.line, self.target)
        return self.pair.plan(key).with_amounts(self.legs.amounts)

    def made(self, leg: Leg, amendment: int) -> tuple[NewPosting, RootCause | None]:
        """One leg as it would be posted now; and, if it must wait for a person, why."""
        plan = self.plan
        planned = next(one for one in plan.pair if one.leg is leg)
        trouble = self._trouble(planned, plan)
        # One that waits is never sent: when it counts is decided once it is let go.
        period = planned.period if trouble is None else _as_it_is(plan)
        assert isinstance(period, PeriodDecision)
        words = told(plan, self.legs.documents)
        entry = Entry(
            self.pair.entry(planned, plan, period.posting_date),
            period,
            Decision(rule=_DECIDED_BY, version=self.pair.policy.version, why=words[:1000]),
        )
        new = self.intents.entry(self.legs.line, self.target, planned, entry, amendment)
        if trouble is None:
            return new, None
        by, why = trouble
        cause = RootCause(
            legal_entity=by.legal_entity,
            cause=why.cause,
            subject=why.subject,
            sentence=f"{why.sentence} {words}"[:1000],
        )
        return replace(new, state=PostingState.EXCEPTION), cause

    def recheck(self, draft: Draft, posting: Posting, leg: Leg, fate: Fate) -> None:
        """Look at a stopped leg again."""
        again, cause = self.made(leg, posting.amendment)
        if cause is not None:
            draft.stopped_again.append((posting.key, cause))
            fate.stopped.add(leg)
            return
        assert again.intent is not None
        if posting.fence and again.intent.body.body_hash != posting.body_hash:
            # A key is never sent with two bodies.
            draft.add_moves(Moves(supersede=[posting.key]))
            again, _ = self.made(leg, posting.amendment + 1)
            draft.new.append(again)
        else:
            draft.requeue.append(requeue_of(posting.key, again))
        fate.going[leg] = again.key

    def post(
        self, draft: Draft, leg: Leg, fate: Fate, amendment: int, waits_for: UUID | None
    ) -> None:
        """Draft a leg that is not there yet."""
        new, cause = self.made(leg, amendment)
        new = replace(new, waits_for=waits_for)
        if cause is None:
            draft.new.append(new)
            fate.going[leg] = new.key
        else:
            draft.new_stopped.append((new, cause))
            fate.stopped.add(leg)

    def _trouble(
        self, leg: PlannedLeg, plan: IntercompanyPlan
    ) -> tuple[PlannedLeg, PeriodTrouble] | None:
        """Why a leg has to wait: its own period or, where none is left alone, the other's."""
        reverses = self.pair.policy.intercompany_one_leg_failed is OneLegFailed.REVERSE
        for one in (leg, *(plan.pair if reverses else ())):
            if isinstance(one.period, PeriodTrouble):
                return one, one.period
        return None


def _as_it_is(plan: IntercompanyPlan) -> PeriodDecision:
    day = plan.work_date
    return PeriodDecision(posting_date=day, period=f"{day:%Y-%m}", original_date=day)


def pair_of(result: Ready | Stopped | None) -> Intercompany | None:
    """What a check says about the pair, if there is one to be booked."""
    return result.intercompany if result else None
