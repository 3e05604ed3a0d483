"""Readiness: what can be billed, what blocks the rest in money, and that any drift is seen."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.billing import (
    BillableLine,
    BlockReason,
    Exclusion,
    OpenCase,
    WorkState,
)
from canonical.contracts import (
    Acceptance,
    BillingModel,
    ErpScheduleLine,
    ExchangeRate,
    PurchaseOrder,
)
from canonical.money import Money
from rules.billing_policy import BillingPolicy, TimeRounding
from rules.billing_release import Released, ReleaseRefusal, ReleaseRefused, decide_release
from rules.invoice_readiness import Readiness, hash_of, readiness
from tests.unit.billing_building import (
    CUT_OFF,
    INVOICED_ON,
    POLICY,
    SOME_POUNDS,
    billed,
    card,
    contract_line,
    cost,
    decided,
    due,
    engagement,
    euro,
    facts,
    hard_cap,
    hourly,
    hours,
    key,
    october,
    parts,
    rate,
    total,
    why_not,
)


def amounts(*money: Money) -> set[tuple[str, str]]:
    return {(str(one.amount), one.currency) for one in money}


def test_approved_posted_hours_up_to_the_cut_off_make_one_line_per_rate() -> None:
    now = decided(
        hours("1", 5, 2),
        hours("2", 6, 3),
        hours("3", 7, 1, rate=hourly(150)),
        hours("late", 31).model_copy(update={"work_date": CUT_OFF + timedelta(days=1)}),
    )

    assert now.ready
    (event,) = now.events
    assert [(str(one.amount), one.seconds) for one in event.invoice.lines] == [
        ("500.00", 5 * 3600),
        ("150.00", 3600),
    ]
    assert {one.tax for one in event.invoice.lines} == {"UST-19"}
    assert event.invoice.service_from == october(5)
    assert event.invoice.service_until == october(7)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (WorkState.UNAPPROVED, BlockReason.UNAPPROVED),
        (WorkState.UNPOSTED, BlockReason.UNPOSTED),
        (WorkState.IN_CASE, BlockReason.IN_CASE),
    ],
)
def test_what_is_not_posted_blocks_the_invoice_with_its_money(
    state: WorkState, reason: BlockReason
) -> None:
    now = decided(hours("1", 5, 2), hours("2", 6, 3, state=state))

    assert not now.ready
    assert why_not(now) == {reason: ("300.00", 3 * 3600)}
    assert amounts(*now.snapshot.billable) == {("500.00", "EUR")}
    assert amounts(*now.snapshot.ready_amounts) == {("200.00", "EUR")}


def test_an_open_case_holds_its_own_lines_or_its_whole_project() -> None:
    lines = (hours("1", 5, 2), hours("2", 6, 3))

    of_one = decided(*lines, open_cases=(OpenCase(id="CASE-1", project="P-1", work=("2",)),))
    of_all = decided(*lines, open_cases=(OpenCase(id="CASE-1", project="P-1"),))
    elsewhere = decided(*lines, open_cases=(OpenCase(id="CASE-1", project="P-1", work=("9",)),))

    assert why_not(of_one) == {BlockReason.IN_CASE: ("300.00", 10800)}
    assert why_not(of_all) == {BlockReason.IN_CASE: ("500.00", 18000)}
    assert why_not(elsewhere) == {}
    assert not any(one.ready for one in (of_one, of_all, elsewhere))


def test_an_excluded_line_is_decided_and_no_longer_holds_the_invoice() -> None:
    left_out = Exclusion(work_key=key("2"), by="E-1", reason="goes on the next invoice")
    now = decided(
        hours("1", 5, 2), hours("2", 6, 3, state=WorkState.UNPOSTED), exclusions=(left_out,)
    )

    assert now.ready
    assert total(now) == 200
    assert why_not(now) == {BlockReason.EXCLUDED: ("300.00", 10800)}


def test_hours_without_a_rate_are_worth_nothing_and_are_shown() -> None:
    now = decided(hours("1", 5, 2), rate_cards=())

    assert why_not(now) == {BlockReason.NO_RATE: ("0.00", 7200)}
    assert not now.ready
    assert "no rate" in now.pieces[0].why


def test_work_that_no_contract_line_or_two_are_about_is_blocked() -> None:
    unknown = decided(hours("1", 5), engagement=engagement(contract_line(tasks=("T-9",))))
    two = engagement(contract_line("L-1"), contract_line("L-2"))
    twice = decided(hours("1", 5), engagement=two)

    assert why_not(unknown) == {BlockReason.NO_CONTRACT_LINE: ("0.00", 3600)}
    assert "L-1, L-2" in twice.pieces[0].why


def test_the_contract_line_that_names_the_task_counts_before_one_for_all() -> None:
    both = engagement(contract_line("L-1"), contract_line("L-2", tasks=("T-1",)))

    now = decided(hours("1", 5), hours("2", 5, task="T-2"), engagement=both)

    assert [(one.work.id, one.contract_line) for one in billed(now)] == [("2", "L-1"), ("1", "L-2")]


def test_work_that_is_not_billable_or_withdrawn_before_billing_is_no_part_of_it() -> None:
    now = decided(hours("1", 5, billable=False), hours("2", 5, state=WorkState.WITHDRAWN))

    assert now.ready
    assert now.pieces == ()
    assert now.snapshot.billable == ()


def test_no_row_of_the_tax_table_means_not_ready() -> None:
    now = decided(hours("1", 5), policy=BillingPolicy())

    assert why_not(now) == {BlockReason.TAX_MISSING: ("100.00", 3600)}
    assert not now.ready


def test_a_foreign_invoice_without_an_exchange_rate_into_the_books_is_not_ready() -> None:
    dollars = contract_line(currency="USD")
    lines = (hours("1", 5),)
    changes: dict[str, Any] = {
        "engagement": engagement(dollars),
        "rate_cards": (card(rate(100, currency="USD")),),
    }
    known = ExchangeRate(
        source_currency="USD",
        target_currency="EUR",
        rate=Decimal("0.9"),
        on_date=INVOICED_ON,
        origin="ECB",
    )

    without = decided(*lines, **changes)
    with_it = decided(*lines, **changes, exchange_rates=(known,))
    too_old = known.model_copy(update={"on_date": INVOICED_ON - timedelta(days=5)})
    outdated = decided(*lines, **changes, exchange_rates=(too_old,))

    assert why_not(without) == {BlockReason.FX_MISSING: ("100.00", 3600)}
    assert amounts(*without.snapshot.billable) == {("100.00", "USD")}
    assert with_it.ready
    assert with_it.events[0].invoice.total == euro(100, "USD")
    assert not outdated.ready


def test_a_rate_in_another_currency_is_converted_once_and_says_how() -> None:
    pounds = ExchangeRate(
        source_currency="EUR",
        target_currency="GBP",
        rate=Decimal("0.8"),
        on_date=INVOICED_ON,
        origin="ECB",
    )
    now = decided(
        hours("1", 5, 2),
        rate_cards=(card(rate(80, currency="GBP")),),
        exchange_rates=(pounds,),
    )

    (line,) = now.events[0].invoice.lines
    (allocation,) = billed(now)
    assert str(line.amount) == "200.00"
    assert line.exchange == "GBP divided by 0.8, ECB 2026-11-02"
    assert (allocation.worth, allocation.amount) == (euro(160, "GBP"), euro(200))


def test_a_missing_unknown_expired_or_exhausted_purchase_order_blocks() -> None:
    needs = engagement(contract_line(purchase_order_required=True))
    names = engagement(contract_line(purchase_order="PO-1"))
    order = PurchaseOrder(id="PO-1", number="4500-1")
    limited = order.model_copy(update={"amount": euro(150)})
    expired = order.model_copy(update={"valid_until": CUT_OFF})

    def with_orders(under: Any, *orders: PurchaseOrder) -> Readiness:
        return decided(hours("1", 5, 2), engagement=under, purchase_orders=orders)

    assert why_not(with_orders(needs)) == {BlockReason.NO_PURCHASE_ORDER: ("200.00", 7200)}
    assert why_not(with_orders(names)) == {BlockReason.NO_PURCHASE_ORDER: ("200.00", 7200)}
    assert not with_orders(names, expired).ready
    assert with_orders(names, order).events[0].invoice.purchase_order == "4500-1"
    assert why_not(with_orders(names, limited)) == {BlockReason.NO_PURCHASE_ORDER: ("50.00", 1800)}


def test_what_was_billed_on_a_purchase_order_is_no_longer_left_of_it() -> None:
    under = engagement(contract_line(purchase_order="PO-1"))
    orders = (PurchaseOrder(id="PO-1", number="4500-1", amount=euro(150)),)
    first = decided(hours("1", 5, 1), engagement=under, purchase_orders=orders)

    then = decided(
        hours("1", 5, 1),
        hours("2", 6, 1),
        engagement=under,
        purchase_orders=orders,
        allocations=billed(first),
    )

    assert parts(then) == [("2", "50.00", 1800)]


def milestone(**changes: Any) -> Any:
    return contract_line(
        "M-1",
        model=BillingModel.MILESTONE,
        schedule=(due("GO-LIVE", 20, 5000, erp_key="RS-7", **changes),),
    )


ACCEPTED = Acceptance(
    engagement="ENG-1",
    contract_line="M-1",
    schedule_line="GO-LIVE",
    accepted_date=october(21),
    evidence="DOC-9",
)
IN_ERP = ErpScheduleLine(key="RS-7", amount=euro(5000))


def test_a_milestone_is_ready_when_it_is_accepted_and_the_erp_agrees() -> None:
    now = decided(
        hours("1", 5),
        engagement=engagement(milestone(performance_obligation="PO-A")),
        acceptances=(ACCEPTED,),
        erp_schedule=(IN_ERP,),
    )

    assert now.ready
    (line,) = now.events[0].invoice.lines
    assert (str(line.amount), line.billing_schedule) == ("5000.00", "GO-LIVE")
    assert line.performance_obligation == "PO-A"
    assert "DOC-9" in now.pieces[0].why


@pytest.mark.parametrize(
    ("acceptances", "in_erp", "reason"),
    [
        ((), (IN_ERP,), BlockReason.MILESTONE_UNSIGNED),
        (
            (ACCEPTED.model_copy(update={"accepted_date": CUT_OFF + timedelta(days=1)}),),
            (IN_ERP,),
            BlockReason.MILESTONE_UNSIGNED,
        ),
        ((ACCEPTED,), (), BlockReason.SCHEDULE_MISMATCH),
        ((ACCEPTED,), (IN_ERP, IN_ERP), BlockReason.SCHEDULE_MISMATCH),
        (
            (ACCEPTED,),
            (ErpScheduleLine(key="RS-7", amount=euro("4999.99")),),
            BlockReason.SCHEDULE_MISMATCH,
        ),
        (
            (ACCEPTED,),
            (ErpScheduleLine(key="RS-7", amount=euro(5000, "USD")),),
            BlockReason.SCHEDULE_MISMATCH,
        ),
    ],
)
def test_a_due_milestone_blocks_with_its_money_until_it_is_signed_and_aligned(
    acceptances: tuple[Acceptance, ...], in_erp: tuple[ErpScheduleLine, ...], reason: BlockReason
) -> None:
    now = decided(engagement=engagement(milestone()), acceptances=acceptances, erp_schedule=in_erp)

    assert why_not(now) == {reason: ("5000.00", 0)}
    assert not now.ready


def test_a_milestone_that_is_neither_due_nor_accepted_is_no_part_of_the_period() -> None:
    later = contract_line(
        "M-1",
        model=BillingModel.MILESTONE,
        schedule=(due("GO-LIVE", 20, 5000).model_copy(update={"due_date": INVOICED_ON}),),
    )

    now = decided(engagement=engagement(later))

    assert now.ready
    assert now.snapshot.billable == ()


@pytest.mark.parametrize(
    ("rounding", "seconds"),
    [
        (TimeRounding(), 3001),
        (TimeRounding(minutes=6, mode="up"), 3240),
        (TimeRounding(minutes=6), 2880),
        (TimeRounding(minutes=15, mode="up"), 3600),
        (TimeRounding(minutes=15), 2700),
    ],
)
def test_time_is_rounded_for_the_invoice_only(rounding: TimeRounding, seconds: int) -> None:
    line = hours("1", 5).model_copy(update={"seconds": 3001})

    now = decided(line, policy=POLICY.model_copy(update={"time_rounding": rounding}))

    assert [one.seconds for one in billed(now)] == [seconds]
    assert line.seconds == 3001


def test_a_later_setting_of_rounding_or_rate_bills_nothing_more_of_an_old_line() -> None:
    line = hours("1", 5).model_copy(update={"seconds": 3001})
    nearest = POLICY.model_copy(update={"time_rounding": TimeRounding(minutes=15)})
    up = POLICY.model_copy(update={"time_rounding": TimeRounding(minutes=15, mode="up")})
    first = decided(line, policy=nearest)

    again = decided(line, policy=up, allocations=billed(first), rate_cards=(card(rate(900)),))

    assert total(first) == 75
    assert again.events == ()
    assert again.pieces == ()


@st.composite
def worlds(draw: st.DrawFn) -> tuple[BillableLine, ...]:
    states = st.sampled_from([one for one in WorkState if one is not WorkState.WITHDRAWN])
    rates = st.sampled_from([None, hourly(100), hourly("33.3333"), hourly(0), hourly(80, "GBP")])
    return tuple(
        hours(
            str(number),
            draw(st.integers(1, 31)),
            draw(st.integers(0, 9)),
            state=draw(states),
            rate=draw(rates),
            task=draw(st.sampled_from(["T-1", "T-2"])),
            billable=draw(st.booleans()),
        )
        if draw(st.integers(0, 3))
        else cost(str(number), draw(st.integers(1, 31)), draw(st.integers(-50, 50)))
        for number in range(draw(st.integers(0, 8)))
    )


@given(worlds(), st.integers(0, 2000), st.booleans(), st.randoms(use_true_random=False))
def test_billable_is_ready_plus_blocked_and_invoices_are_their_allocations(
    lines: tuple[BillableLine, ...], cap: int, included: bool, shuffle: random.Random
) -> None:
    capped = contract_line(cap=hard_cap(cap, expenses_included=included))
    changes: dict[str, Any] = {"engagement": engagement(capped), "rate_cards": ()}
    shuffled = list(lines)
    shuffle.shuffle(shuffled)

    now = decided(*lines, **changes)
    again = decided(*shuffled, **changes)

    sums: dict[str, Decimal] = {}
    for one in (*now.snapshot.ready_amounts, *(part.amount for part in now.snapshot.blocked)):
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    assert sums == {one.currency: one.amount for one in now.snapshot.billable}
    assert total(now) == sum((one.amount for one in now.snapshot.ready_amounts), Decimal(0))
    assert again.snapshot.hash == now.snapshot.hash
    assert again.events == now.events


DRIFTS: dict[str, Any] = {
    "more hours": {"lines": (hours("1", 5, 3),)},
    "another revision": {"lines": (hours("1", 5, 2, revision=2),)},
    "a line more": {"lines": (hours("1", 5, 2), hours("2", 5))},
    "a withdrawn line": {"lines": (hours("1", 5, 2, state=WorkState.WITHDRAWN),)},
    "another rate": {"rate_cards": (card(rate(101)),)},
    "a rate for somebody": {"rate_cards": (card(rate(100), rate(1, valid_from=CUT_OFF)),)},
    "a case": {"open_cases": (OpenCase(id="CASE-1", project="P-1"),)},
    "another invoice date": {"invoice_date": INVOICED_ON + timedelta(days=1)},
    "another cut-off": {"cut_off_date": CUT_OFF - timedelta(days=1)},
    "a cap": {"engagement": engagement(contract_line(cap=hard_cap(900)))},
    "an exclusion": {"exclusions": (Exclusion(work_key=key("1"), by="E-1", reason="later"),)},
    "a purchase order": {"purchase_orders": (PurchaseOrder(id="PO-1", number="1"),)},
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS.keys())
def test_any_drift_gives_another_snapshot_and_the_release_is_refused(drift: Any) -> None:
    before = facts(hours("1", 5, 2))
    seen = readiness(before, POLICY)
    now = readiness(before.model_copy(update=drift), POLICY)

    assert now.snapshot.hash != seen.snapshot.hash
    refused = decide_release(now, seen.snapshot.hash, ("E-1",), POLICY)
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal is ReleaseRefusal.DRIFTED


def test_a_changed_table_is_drift_and_work_after_the_cut_off_is_none() -> None:
    before = facts(hours("1", 5, 2))
    tomorrow = hours("9", 31).model_copy(update={"work_date": CUT_OFF + timedelta(days=1)})
    more = facts(hours("1", 5, 2), tomorrow)
    tables = POLICY.model_copy(update={"rounding": "HALF_EVEN"})
    tomorrows = SOME_POUNDS.model_copy(update={"on_date": INVOICED_ON + timedelta(days=1)})

    assert hash_of(before, POLICY) == hash_of(more, POLICY)
    assert hash_of(before, POLICY) == hash_of(
        before.model_copy(update={"exchange_rates": (tomorrows,)}), POLICY
    )
    assert hash_of(before, POLICY) != hash_of(
        before.model_copy(update={"exchange_rates": (SOME_POUNDS,)}), POLICY
    )
    assert hash_of(before, POLICY) != hash_of(before, tables)


def test_the_same_snapshot_gives_the_same_event_so_a_repeated_release_bills_once() -> None:
    first, second = decided(hours("1", 5, 2)), decided(hours("1", 5, 2))

    released = [
        decide_release(one, first.snapshot.hash, ("E-1",), POLICY) for one in (first, second)
    ]

    assert released[0] == released[1]
    assert isinstance(released[0], Released)
    assert released[0].events == first.events


def test_release_needs_readiness_something_to_bill_a_person_and_above_the_limit_two() -> None:
    limit = POLICY.model_copy(update={"four_eyes_above": {"EUR": Decimal("199.99")}})
    itself = POLICY.model_copy(update={"releases_itself": True})

    def refusal(
        line: BillableLine | None, people: tuple[str, ...], policy: BillingPolicy
    ) -> ReleaseRefusal | None:
        now = decided(*([line] if line else []), policy=policy)
        result = decide_release(now, now.snapshot.hash, people, policy)
        return result.refusal if isinstance(result, ReleaseRefused) else None

    two_hours = hours("1", 5, 2)
    assert refusal(hours("1", 5, state=WorkState.UNPOSTED), ("E-1",), POLICY) is (
        ReleaseRefusal.NOT_READY
    )
    assert refusal(None, ("E-1",), POLICY) is ReleaseRefusal.NOTHING_TO_BILL
    assert refusal(two_hours, (), POLICY) is ReleaseRefusal.NEEDS_PERSON
    assert refusal(two_hours, (), itself) is None
    assert refusal(two_hours, ("E-1",), limit) is ReleaseRefusal.NEEDS_SECOND_PERSON
    assert refusal(two_hours, ("E-1", "E-1"), limit) is ReleaseRefusal.NEEDS_SECOND_PERSON
    assert refusal(two_hours, ("E-1", "E-2"), limit) is None
    assert refusal(hours("1", 5), ("E-1",), limit) is None
