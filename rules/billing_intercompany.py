"""Intercompany: work of one legal entity's people on another's project (DOMAIN rule 39).

A pair of postings with one reference: the worker's entity charges, the project's entity owes;
each in its own base currency and calendar. This is a plan; sending it is the ledger's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from canonical.identity import reference_of
from canonical.money import Money
from canonical.posting_period import PeriodDecision, PostingPeriod
from rules.billing_exchange import Exchange
from rules.billing_policy import BillingPolicy, OneLegFailed
from rules.policies import ClosedPeriodPolicy
from rules.posting_period import PeriodTrouble, decide_period


class Leg(StrEnum):
    """COST is the work itself, booked in the worker's entity; the other two are the pair."""

    COST = "cost"
    CHARGE = "charge"
    OWE = "owe"


@dataclass(frozen=True, slots=True)
class Side:
    """One legal entity of the pair: its calendar, and what it does about closed periods."""

    legal_entity: str
    currency: str
    calendar: Sequence[PostingPeriod]
    closed_period: ClosedPeriodPolicy = ClosedPeriodPolicy.NEXT_OPEN

    def period_of(self, day: date, chosen: str | None = None) -> PeriodDecision | PeriodTrouble:
        """Decide in its own calendar; what a person chose counts only where that cannot tell.

        A line's legs share what people decide about it, and its other entity may have no trouble.
        """
        own = decide_period(day, self.calendar, self.closed_period)
        if chosen is None or isinstance(own, PeriodDecision):
            return own
        return decide_period(day, self.calendar, self.closed_period, chosen)


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """One leg: who books how much, when, against whom; or why it has no period yet."""

    leg: Leg
    legal_entity: str
    against: str
    amount: Money
    period: PeriodDecision | PeriodTrouble


@dataclass(frozen=True, slots=True)
class IntercompanyPlan:
    """The legs of one line of work; they share the reference."""

    reference: str
    work_date: date
    legs: tuple[PlannedLeg, ...]
    exchange: str

    @property
    def pair(self) -> tuple[PlannedLeg, ...]:
        """The legs that are entries in the journals of both sides; none for an empty amount."""
        pair = [one for one in self.legs if one.leg is not Leg.COST]
        return tuple(pair) if all(one.amount.amount for one in pair) else ()

    def with_amounts(self, amounts: Mapping[Leg, Money]) -> "IntercompanyPlan":
        """The plan with amounts that were decided before: a pair's never change on their own."""
        legs = (replace(one, amount=amounts.get(one.leg, one.amount)) for one in self.legs)
        return replace(self, legs=tuple(legs))


def plan_intercompany(
    key: UUID,
    work_date: date,
    cost: Money,
    *,
    worker: Side,
    project: Side,
    exchange: Exchange,
    policy: BillingPolicy,
    chosen: str | None = None,
) -> IntercompanyPlan | None:
    """Plan the legs of a line of work; None where both sides are one entity.

    `cost` is in the worker's entity's base currency; `exchange` leads from it to the project's
    entity's at the work date (DOMAIN rule 18); `policy` is the worker's entity's, which charges.
    The markup is rounded once, in the currency of the one who charges, and then converted once.
    `chosen` is a period that a person chose for this line.
    """
    if worker.legal_entity == project.legal_entity:
        return None
    _check(cost, worker, project, exchange)
    charged = Money.rounded(
        cost.amount * (100 + policy.intercompany_markup_percent) / 100,
        worker.currency,
        policy.rounding,
    )
    owed = exchange.convert(charged, policy.rounding)
    here, there = worker.period_of(work_date, chosen), project.period_of(work_date, chosen)
    one, other = worker.legal_entity, project.legal_entity
    return IntercompanyPlan(
        reference=reference_of(key),
        work_date=work_date,
        legs=(
            PlannedLeg(Leg.COST, one, other, cost, here),
            PlannedLeg(Leg.CHARGE, one, other, charged, here),
            PlannedLeg(Leg.OWE, other, one, owed, there),
        ),
        exchange=exchange.why,
    )


def _check(cost: Money, worker: Side, project: Side, exchange: Exchange) -> None:
    if cost.currency != worker.currency:
        raise ValueError("the cost of work is in the base currency of the worker's legal entity")
    if (exchange.source, exchange.target) != (worker.currency, project.currency):
        raise ValueError("the exchange leads from the worker's entity's currency to the project's")


class LegState(StrEnum):
    """Where a leg stands, as far as the pair has to know."""

    OPEN = "open"
    POSTED = "posted"
    FAILED = "failed"
    REVERSED = "reversed"


class PairAction(StrEnum):
    """What becomes of a pair now."""

    COMPLETE = "complete"
    WAIT = "wait"
    # Both legs are shown, the posted one stays, and a person decides.
    HOLD = "hold"
    REVERSE_POSTED = "reverse_posted"
    # Nothing of it is in any books.
    FAILED = "failed"


def decide_pair(states: Sequence[LegState], policy: BillingPolicy) -> PairAction:
    """Decide on a pair: complete only when all its legs are posted.

    What is still under way is waited for before anything is reversed, because it may be posted
    yet.
    """
    found = set(states)
    if found == {LegState.POSTED}:
        return PairAction.COMPLETE
    if LegState.OPEN in found:
        return PairAction.WAIT
    if LegState.POSTED not in found:
        return PairAction.FAILED
    if policy.intercompany_one_leg_failed is OneLegFailed.REVERSE:
        return PairAction.REVERSE_POSTED
    return PairAction.HOLD
