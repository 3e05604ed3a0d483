"""Leakage, margin, utilisation, and the intercompany pair."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from canonical.billing import WorkKind, WorkState
from canonical.contracts import BillingModel
from canonical.money import Money
from canonical.posting_period import PeriodDecision, PeriodState
from rules.billing_exchange import Exchange, find_exchange
from rules.billing_intercompany import (
    IntercompanyPlan,
    Leg,
    LegState,
    PairAction,
    Side,
    decide_pair,
    plan_intercompany,
)
from rules.billing_measures import (
    Capacity,
    billed_by_project,
    leakage,
    project_margin,
    utilisation,
)
from rules.billing_policy import BillingPolicy, OneLegFailed
from rules.policies import ClosedPeriodPolicy
from rules.posting_period import PeriodTrouble
from tests.unit.billing_building import (
    CUT_OFF,
    HOUR,
    INVOICED_ON,
    POLICY,
    SOME_POUNDS,
    billed,
    contract_line,
    cost,
    decided,
    due,
    engagement,
    euro,
    hard_cap,
    hours,
    october,
)
from tests.unit.building import number, period


def test_leakage_is_approved_old_work_with_its_money_and_its_cause() -> None:
    under = engagement(contract_line(cap=hard_cap(300)))
    now = decided(
        hours("1", 1, 1),
        hours("2", 2, 4),
        hours("3", 3, 1, state=WorkState.UNAPPROVED),
        hours("4", 30, 1),
        cost("x", 4, 20, state=WorkState.UNPOSTED),
        engagement=under,
    )
    policy = POLICY.model_copy(update={"leakage_days": 10})

    leaks = leakage(now, CUT_OFF, policy)

    assert [
        (one.piece.work.id, str(one.amount.amount), one.age_days, one.cause) for one in leaks
    ] == [
        ("1", "100.00", 30, "ready_not_released"),
        ("2", "200.00", 29, "ready_not_released"),
        ("2", "200.00", 29, "over_cap"),
        ("x", "20.00", 27, "unposted"),
    ]


def test_margin_is_billed_and_wip_less_cost_in_one_currency() -> None:
    exchange = find_exchange("GBP", "EUR", INVOICED_ON, (SOME_POUNDS,), days_max=0)
    assert exchange is not None

    def in_euros(amount: Money) -> Money:
        return exchange.convert(amount, "HALF_UP") if amount.currency == "GBP" else amount

    margin = project_margin(
        "P-1",
        billed=[euro(500), euro(80, "GBP")],
        wip=[euro(200)],
        cost=[euro(600)],
        currency="EUR",
        convert=in_euros,
    )
    nothing = project_margin(
        "P-1", billed=(), wip=(), cost=[euro(5)], currency="EUR", convert=in_euros
    )

    assert margin.margin == euro(200)
    assert margin.percent == Decimal("25.0")
    assert (nothing.margin, nothing.percent) == (euro(-5), None)


def test_a_prepayment_is_earned_as_it_is_drawn_and_not_before() -> None:
    under = engagement(contract_line(model=BillingModel.RETAINER, schedule=(due("A", 1, 500),)))
    prepaid = decided(engagement=under)
    first = decided(hours("1", 5, 2), engagement=under, allocations=billed(prepaid))

    assert billed_by_project(billed(prepaid), [under]) == {}
    assert billed_by_project(billed(prepaid) + billed(first), [under]) == {"P-1": (euro(200),)}


def test_utilisation_is_of_raw_approved_billable_hours_by_work_date() -> None:
    lines = [
        hours("1", 5, 6),
        hours("2", 6, 2, state=WorkState.UNPOSTED),
        hours("3", 7, 8, billable=False),
        hours("4", 8, 8, state=WorkState.UNAPPROVED),
        hours("5", 9, 8, employee="E-8"),
        hours("6", 31, 8),
    ]
    capacity = Capacity(calendar=40 * HOUR, holidays=8 * HOUR, leave=16 * HOUR)

    share = utilisation(lines, "E-7", october(1), october(30), capacity)

    assert share == Decimal("0.5")
    assert utilisation(lines, "E-7", october(1), october(30), Capacity(0)) is None
    corrected = [hours("1", 5, 4, revision=2), *lines[1:]]
    assert utilisation(corrected, "E-7", october(1), october(30), capacity) == Decimal("0.375")
    assert {one.work.kind for one in lines} == {WorkKind.TIME}


def side(entity: str, currency: str, state: PeriodState = PeriodState.OPEN) -> Side:
    own = period("2026-10", legal_entity=entity, state=state)
    later = period("2026-11", legal_entity=entity)
    return Side(entity, currency, (own, later))


POUNDS = Exchange("EUR", "GBP", SOME_POUNDS, "divide")
MARKUP = BillingPolicy(intercompany_markup_percent=Decimal("7.5"))


def planned(worker: Side, project: Side, exchange: Exchange = POUNDS) -> Any:
    return plan_intercompany(
        number("line"),
        october(20),
        euro("333.33"),
        worker=worker,
        project=project,
        exchange=exchange,
        policy=MARKUP,
    )


def test_an_intercompany_pair_shares_a_reference_and_each_leg_has_its_own_books() -> None:
    plan = planned(side("DE01", "EUR"), side("UK01", "GBP", PeriodState.CLOSED))

    assert isinstance(plan, IntercompanyPlan)
    legs = [(one.leg, one.legal_entity, one.against, one.amount) for one in plan.legs]
    assert legs == [
        (Leg.COST, "DE01", "UK01", euro("333.33")),
        (Leg.CHARGE, "DE01", "UK01", euro("358.33")),
        (Leg.OWE, "UK01", "DE01", euro("286.66", "GBP")),
    ]
    periods = [one.period for one in plan.legs]
    decided_periods = [one.period for one in periods if isinstance(one, PeriodDecision)]
    assert decided_periods == ["2026-10", "2026-10", "2026-11"]
    assert plan.reference == planned(side("DE01", "EUR"), side("UK01", "GBP")).reference
    assert plan.exchange == "EUR divided by 1.25, ECB 2026-11-02"


def test_one_entity_needs_no_pair_and_a_leg_without_a_period_says_why_by_itself() -> None:
    nowhere = Side("UK01", "GBP", ())

    assert planned(side("DE01", "EUR"), side("DE01", "EUR")) is None
    plan = planned(side("DE01", "EUR"), nowhere)
    periods = [type(one.period) for one in plan.legs]
    assert periods == [PeriodDecision, PeriodDecision, PeriodTrouble]
    with pytest.raises(ValueError, match="exchange leads"):
        planned(side("DE01", "EUR"), side("US01", "USD"))
    with pytest.raises(ValueError, match="base currency"):
        planned(side("UK01", "GBP"), side("US01", "USD"))


def test_a_period_that_a_person_chose_counts_for_the_side_that_cannot_tell_alone() -> None:
    held = replace(side("UK01", "GBP", PeriodState.CLOSED), closed_period=ClosedPeriodPolicy.HOLD)

    assert isinstance(held.period_of(october(20)), PeriodTrouble)
    for one, name in ((held, "2026-11"), (side("DE01", "EUR"), "2026-10")):
        chosen = one.period_of(october(20), "2026-11")
        assert isinstance(chosen, PeriodDecision)
        assert chosen.period == name


def test_an_amount_that_one_currency_cannot_express_makes_no_pair() -> None:
    dust = Exchange("EUR", "GBP", SOME_POUNDS.model_copy(update={"rate": Decimal(1000)}), "divide")
    plan = plan_intercompany(
        number("line"),
        october(20),
        euro("0.01"),
        worker=side("DE01", "EUR"),
        project=side("UK01", "GBP"),
        exchange=dust,
        policy=MARKUP,
    )

    assert plan is not None
    assert plan.pair == ()


@pytest.mark.parametrize(
    ("states", "hold", "reverse"),
    [
        ("posted posted posted", PairAction.COMPLETE, PairAction.COMPLETE),
        ("posted open failed", PairAction.WAIT, PairAction.WAIT),
        ("posted posted failed", PairAction.HOLD, PairAction.REVERSE_POSTED),
        ("failed failed failed", PairAction.FAILED, PairAction.FAILED),
        ("reversed reversed failed", PairAction.FAILED, PairAction.FAILED),
    ],
)
def test_a_pair_with_one_leg_failed_is_held_or_reversed_by_policy(
    states: str, hold: PairAction, reverse: PairAction
) -> None:
    legs = [LegState(one) for one in states.split()]
    reverses = BillingPolicy(intercompany_one_leg_failed=OneLegFailed.REVERSE)

    assert decide_pair(legs, BillingPolicy()) is hold
    assert decide_pair(legs, reverses) is reverse
