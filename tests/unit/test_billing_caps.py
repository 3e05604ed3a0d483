"""Caps, retainers and purchase orders: used up in order, split exactly, freed exactly."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.billing import Allocation, AllocationKind, BillingEvent, BlockReason, WorkState
from canonical.contracts import BillingModel, Cap, ChangeOrder, PurchaseOrder
from rules.billing_caps import funds_of
from rules.billing_credit import (
    CreditRefusedError,
    CreditRequest,
    credit_all,
    credit_event,
    refuse_what_is_drawn,
)
from rules.billing_pieces import Piece, cut
from rules.billing_pricing import Books
from tests.unit.billing_building import (
    CUT_OFF,
    INVOICED_ON,
    POLICY,
    SOME_POUNDS,
    billed,
    contract_line,
    cost,
    credited,
    decided,
    due,
    engagement,
    euro,
    facts,
    hard_cap,
    hourly,
    hours,
    of,
    parts,
    total,
    why_not,
)


def capped(cap: Cap, **changes: Any) -> Any:
    return engagement(contract_line(cap=cap, **changes))


def test_the_line_that_reaches_the_cap_is_split_exactly_and_the_rest_is_over_it() -> None:
    now = decided(
        hours("1", 5, 6), hours("2", 6, 6), hours("3", 7), engagement=capped(hard_cap(1000))
    )

    assert parts(now) == [("1", "600.00", 21600), ("2", "400.00", 14400)]
    assert why_not(now) == {BlockReason.OVER_CAP: ("300.00", 10800)}
    assert now.ready


def test_a_cap_is_used_up_by_work_date_then_entry_id_whatever_comes_first() -> None:
    lines = [hours("b", 6), hours("a", 6), hours("c", 5)]

    now = decided(*lines, engagement=capped(hard_cap(150)))

    assert parts(now) == [("c", "100.00", 3600), ("a", "50.00", 1800)]


def test_a_cap_between_two_seconds_is_reached_to_the_cent() -> None:
    now = decided(hours("1", 5, 10, rate=hourly(110)), engagement=capped(hard_cap(1000)))

    assert parts(now) == [("1", "1000.00", 32727)]
    assert why_not(now) == {BlockReason.OVER_CAP: ("100.00", 36000 - 32727)}


def test_a_late_entry_of_an_earlier_day_does_not_move_what_is_on_an_invoice() -> None:
    under = capped(hard_cap(1000))
    first = decided(hours("2", 6, 8), engagement=under)

    then = decided(hours("2", 6, 8), hours("1", 5, 8), engagement=under, allocations=billed(first))

    assert parts(first) == [("2", "800.00", 28800)]
    assert parts(then) == [("1", "200.00", 7200)]
    assert why_not(then) == {BlockReason.OVER_CAP: ("600.00", 21600)}
    assert then.credits_due == ()


def test_a_reversal_frees_exactly_its_own_room_and_it_goes_to_what_was_over_in_order() -> None:
    under = capped(hard_cap(1000))
    lines = [hours("1", 5, 4), hours("2", 6, 6), hours("3", 7, 1), hours("4", 8, 5)]
    first = decided(*lines, engagement=under)
    assert parts(first) == [("1", "400.00", 14400), ("2", "600.00", 21600)]

    gone = [hours("1", 5, 4, state=WorkState.WITHDRAWN), *lines[1:]]
    uncredited = decided(*gone, engagement=under, allocations=billed(first))
    note = credited(first, of(first, "1"))
    then = decided(*gone, engagement=under, allocations=billed(first) + note)

    assert uncredited.events == ()
    assert not uncredited.ready
    assert parts(then) == [("3", "100.00", 3600), ("4", "300.00", 10800)]
    assert why_not(then) == {BlockReason.OVER_CAP: ("200.00", 7200)}


def test_whether_costs_count_for_a_cap_is_what_the_cap_says() -> None:
    lines = [hours("1", 5, 8), cost("x", 6, 500)]

    without = decided(*lines, engagement=capped(hard_cap(1000)))
    with_them = decided(*lines, engagement=capped(hard_cap(1000, expenses_included=True)))

    assert total(without) == 1300
    assert parts(with_them) == [("1", "800.00", 28800), ("x", "200.00", 0)]


def test_a_refunded_cost_makes_room_for_what_comes_after_it() -> None:
    now = decided(
        cost("x", 5, -50),
        hours("1", 6, 2),
        engagement=capped(hard_cap(100, expenses_included=True)),
    )

    assert total(now) == 100
    assert why_not(now) == {BlockReason.OVER_CAP: ("50.00", 1800)}


def test_work_that_waits_keeps_its_place_under_the_cap() -> None:
    now = decided(
        hours("1", 5, 6, state=WorkState.UNAPPROVED),
        hours("2", 6, 6),
        engagement=capped(hard_cap(1000)),
    )

    assert parts(now) == [("2", "400.00", 14400)]
    assert why_not(now) == {
        BlockReason.UNAPPROVED: ("600.00", 21600),
        BlockReason.OVER_CAP: ("200.00", 7200),
    }


@pytest.mark.parametrize(
    ("worked", "said"),
    [(7, ""), (8, "80.0 % of its soft cap"), (10, "100.0 % of its soft cap")],
)
def test_a_soft_cap_warns_at_eighty_and_at_a_hundred_percent(worked: int, said: str) -> None:
    soft = Cap(kind="soft", amount=euro(1000), expenses_included=False)

    warnings = decided(hours("1", 5, worked), engagement=capped(soft)).snapshot.warnings

    assert len(warnings) == (1 if said else 0)
    assert said in " ".join(warnings)


def test_a_soft_cap_is_passed_by_a_change_order_and_not_before_it_was_agreed() -> None:
    soft = Cap(kind="soft", amount=euro(1000), expenses_included=False)
    order = ChangeOrder(id="CO-1", agreed_date=CUT_OFF, amount=euro(500))
    later = order.model_copy(update={"agreed_date": date(2026, 12, 1)})

    def with_orders(*orders: ChangeOrder) -> Any:
        return capped(soft.model_copy(update={"change_orders": orders}))

    line = hours("1", 5, 12)
    stopped = decided(line, engagement=with_orders(later))
    passed = decided(line, engagement=with_orders(order))

    assert total(stopped) == 1000
    assert "needs a change order" in stopped.snapshot.warnings[0]
    assert total(passed) == 1200
    assert why_not(passed) == {}


def test_a_hard_cap_knows_no_change_orders_and_each_cap_is_in_its_lines_currency() -> None:
    order = ChangeOrder(id="CO-1", agreed_date=CUT_OFF, amount=euro(500))
    with pytest.raises(ValidationError, match="no change orders"):
        hard_cap(1000, change_orders=(order,))
    with pytest.raises(ValidationError, match="currency"):
        contract_line(cap=Cap(kind="hard", amount=euro(1000, "USD"), expenses_included=False))


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.decimals("0.01", "999", places=4))
def test_the_parts_of_a_split_sum_to_the_whole(seconds: int, room: int, price: Decimal) -> None:
    (piece,) = decided(
        hours("1", 5, rate=hourly(price)).model_copy(update={"seconds": seconds})
    ).pieces
    limit = Decimal(room).scaleb(-2)

    within, rest = cut(piece, limit, "HALF_UP")
    both: list[Piece] = [one for one in (within, rest) if one is not None]

    assert sum(one.seconds for one in both) == piece.seconds
    assert sum(one.amount.amount for one in both) == piece.amount.amount
    assert sum(one.worth.amount for one in both) == piece.worth.amount
    assert all(one.seconds >= 0 and one.amount.amount >= 0 for one in both)
    if rest is not None and within is not None:
        assert within.amount.amount == limit


def retainer(*schedule: Any) -> Any:
    return engagement(contract_line(model=BillingModel.RETAINER, schedule=schedule))


JUNE = due("JUN", 1, 300)
JULY = due("JUL", 2, 200, draw_from=date(2026, 10, 10))


def test_a_prepayment_is_drawn_in_order_once_it_is_invoiced_and_overage_is_billed() -> None:
    under = retainer(JUNE)
    prepaid = decided(engagement=under)
    assert [line.role for line in prepaid.events[0].invoice.lines] == ["prepayment"]

    then = decided(
        hours("2", 6, 2), hours("1", 5, 2), engagement=under, allocations=billed(prepaid)
    )

    drawn = [(one.work.id, str(one.amount.amount), one.fund) for one in billed(then)]
    assert drawn == [
        ("1", "200.00", "JUN"),
        ("2", "100.00", None),
        ("2", "100.00", "JUN"),
        ("1", "-200.00", "JUN"),
        ("2", "-100.00", "JUN"),
    ]
    assert total(then) == 100
    assert str(then.snapshot.drawn[0].amount) == "300.00"
    assert str(then.snapshot.ready_amounts[0].amount) == "400.00"


def test_a_prepayment_that_is_not_invoiced_yet_pays_nothing() -> None:
    now = decided(hours("1", 5, 2), engagement=retainer(JUNE))

    assert total(now) == 500
    assert now.snapshot.drawn == ()


def test_rollover_and_expiry_are_what_the_schedule_says() -> None:
    expires = due("A", 1, 300, draw_until=date(2026, 10, 5))
    under = retainer(expires, JULY)
    prepaid = decided(engagement=under)

    then = decided(
        hours("1", 5, 1),
        hours("2", 9, 1),
        hours("3", 12, 1),
        engagement=under,
        allocations=billed(prepaid),
    )

    by_fund = {one.work.id: one.fund for one in then.pieces}
    assert by_fund == {"1": "A", "2": None, "3": "JUL"}


def test_crediting_drawn_work_gives_the_prepayment_back_what_it_paid() -> None:
    under = retainer(JUNE)
    prepaid = decided(engagement=under)
    lines = [hours("1", 5, 2), hours("2", 6, 2)]
    first = decided(*lines, engagement=under, allocations=billed(prepaid))
    before = billed(prepaid) + billed(first)

    note = credited(first, of(first, "1", seconds=3600))
    books = Books.of(facts(engagement=under, allocations=before + note), POLICY)
    (fund,) = funds_of(under.lines[0], books)
    again = decided(*lines, engagement=under, allocations=before + note)

    assert sum(one.amount.amount for one in note) == 0
    assert fund.left == euro(100)
    assert [(one.work.id, one.seconds, one.fund) for one in again.pieces] == [("1", 3600, "JUN")]


def test_a_prepayment_is_credited_no_further_than_work_has_left_of_it() -> None:
    under = retainer(JUNE)
    prepaid = decided(engagement=under)
    first = decided(hours("1", 5, 2), engagement=under, allocations=billed(prepaid))
    standing = billed(prepaid) + billed(first)
    (invoice,) = prepaid.events
    (line,) = invoice.invoice.lines
    (part,) = invoice.allocations

    def note(amount: str, before: Sequence[Allocation] = ()) -> BillingEvent:
        asked = CreditRequest(line.id, part.work.key, amount=euro(amount))
        return credit_event(
            invoice, before, [asked], credit_date=INVOICED_ON, reason="ends", approver="E-1"
        )

    left = note("100.00")
    refuse_what_is_drawn(left, standing)
    with pytest.raises(CreditRefusedError, match=r"200\.00 EUR of the prepayment"):
        refuse_what_is_drawn(note("100.01"), standing)
    with pytest.raises(CreditRefusedError):
        refuse_what_is_drawn(note("0.01", left.allocations), standing + left.allocations)
    work_back = credited(first, of(first, "1"))
    refuse_what_is_drawn(note("300.00"), standing + work_back)


def test_crediting_a_whole_invoice_reopens_it_whole() -> None:
    under = retainer(JUNE)
    prepaid = decided(engagement=under)
    lines = [hours("1", 5, 2), hours("2", 6, 2), cost("x", 7, 30)]
    first = decided(*lines, engagement=under, allocations=billed(prepaid))

    note = credited(first, *credit_all(first.events[0]))
    again = decided(*lines, engagement=under, allocations=billed(prepaid) + billed(first) + note)

    assert parts(again) == parts(first)
    assert total(again) == total(first)


@given(
    st.lists(st.tuples(st.integers(1, 31), st.integers(0, 20_000)), min_size=1, max_size=7),
    st.integers(0, 2000),
    st.data(),
)
def test_whatever_is_reversed_frees_its_own_room_and_nothing_issued_moves(
    worked: list[tuple[int, int]], cap: int, data: st.DataObject
) -> None:
    under = engagement(contract_line(cap=hard_cap(cap)))
    lines = [
        hours(str(number), day, rate=hourly("123.45")).model_copy(update={"seconds": seconds})
        for number, (day, seconds) in enumerate(worked)
    ]
    first = decided(*lines, engagement=under)
    if not first.events:
        return
    name = data.draw(st.sampled_from(sorted({one.work.id for one in billed(first)})))
    note = credited(first, of(first, name))
    late = hours("late", 1, 1)
    left = [one for one in lines if one.work.id != name]
    gone = next(one for one in lines if one.work.id == name)

    then = decided(
        *left,
        late,
        gone.model_copy(update={"state": WorkState.WITHDRAWN}),
        engagement=under,
        allocations=billed(first) + note,
    )

    freed = -sum(one.amount.amount for one in note)
    unused = cap - total(first)
    over = sum(
        one.amount.amount
        for one in first.pieces
        if one.reason is BlockReason.OVER_CAP and one.work.id != name
    )
    assert total(then) == min(freed + unused, over + 100)
    assert then.ready
    assert then.credits_due == ()
    assert total(first) + total(then) - freed <= cap


def test_a_cap_counts_in_its_own_currency_what_is_priced_in_another() -> None:
    now = decided(
        hours("1", 5, 2, rate=hourly(80, "GBP")),
        engagement=engagement(contract_line(cap=hard_cap(150))),
        exchange_rates=(SOME_POUNDS,),
    )

    (allocation,) = billed(now)
    assert (allocation.worth, allocation.amount) == (euro(120, "GBP"), euro(150))
    assert allocation.seconds == 5400
    assert why_not(now) == {BlockReason.OVER_CAP: ("50.00", 1800)}


def test_what_a_prepayment_pays_uses_up_nothing_of_a_purchase_order() -> None:
    line = contract_line(
        model=BillingModel.RETAINER, schedule=(due("JUN", 1, 300),), purchase_order="PO-1"
    )
    changes: dict[str, Any] = {
        "engagement": engagement(line),
        "purchase_orders": (PurchaseOrder(id="PO-1", number="4500-1", amount=euro(350)),),
    }
    prepaid = decided(**changes)

    then = decided(hours("1", 5, 4), **changes, allocations=billed(prepaid))

    assert total(then) == 50
    assert why_not(then) == {BlockReason.NO_PURCHASE_ORDER: ("50.00", 1800)}


def test_a_draw_is_given_back_with_its_work_and_never_by_itself() -> None:
    under = retainer(JUNE)
    prepaid = decided(engagement=under)
    first = decided(hours("1", 5, 2), engagement=under, allocations=billed(prepaid))
    draw = next(one for one in billed(first) if one.kind is AllocationKind.DRAWN)

    with pytest.raises(CreditRefusedError):
        credited(first, CreditRequest(draw.invoice_line or "", draw.work.key, amount=euro(-200)))


def test_a_refund_reaches_the_customer_even_where_the_cap_is_overdrawn() -> None:
    counts = {"expenses_included": True}
    first = decided(hours("1", 5, 2), engagement=capped(hard_cap(200, **counts)))

    then = decided(
        hours("1", 5, 2),
        cost("x", 6, -30),
        hours("2", 7),
        engagement=capped(hard_cap(100, **counts)),
        allocations=billed(first),
    )

    assert parts(then) == [("x", "-30.00", 0)]
    assert why_not(then) == {BlockReason.OVER_CAP: ("100.00", 3600)}
