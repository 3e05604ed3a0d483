"""After billing: changed and withdrawn entries, credits of parts, lower prices and write-offs."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.billing import (
    AllocationKind,
    BlockReason,
    Exclusion,
    WorkRef,
    WorkState,
    WriteDown,
)
from canonical.contracts import BillingModel
from rules.billing_contract import frozen_changes
from rules.billing_credit import (
    CreditRefusedError,
    CreditRequest,
    credit_all,
    credit_event,
    requests_in_order,
    take_write_off_back,
    write_off,
)
from tests.unit.billing_building import (
    HOUR,
    INVOICED_ON,
    SOME_POUNDS,
    billed,
    card,
    contract_line,
    cost,
    credited,
    decided,
    due,
    engagement,
    euro,
    hard_cap,
    hourly,
    hours,
    of,
    parts,
    rate,
    total,
    why_not,
)


def test_an_entry_that_changed_after_billing_is_blocked_until_it_is_credited() -> None:
    first = decided(hours("1", 5, 2), hours("2", 6))
    now = [hours("1", 5, 3, revision=2), hours("2", 6)]

    before = decided(*now, allocations=billed(first))
    note = credited(first, of(first, "1"))
    after = decided(*now, allocations=billed(first) + note)

    assert not before.ready
    assert why_not(before) == {BlockReason.CHANGED_AFTER_BILLING: ("100.00", HOUR)}
    assert [one.work.id for one in before.credits_due] == ["1"]
    assert after.ready
    assert parts(after) == [("1", "300.00", 3 * HOUR)]
    assert after.credits_due == ()


def test_a_credit_of_a_part_is_not_enough_for_an_entry_that_changed() -> None:
    first = decided(hours("1", 5, 2))
    part = credited(first, of(first, "1", seconds=HOUR))

    now = decided(hours("1", 5, 3, revision=2), allocations=billed(first) + part)

    assert not now.ready
    assert now.events == ()


@pytest.mark.parametrize(
    "gone",
    [
        {"state": WorkState.WITHDRAWN},
        {"billable": False, "revision": 2},
        {"project": "P-9", "revision": 2},
    ],
)
def test_an_entry_that_was_withdrawn_after_billing_is_blocked_with_what_is_to_be_credited(
    gone: dict[str, Any],
) -> None:
    first = decided(hours("1", 5, 2))
    now = hours("1", 5, 2, **gone)

    before = decided(now, allocations=billed(first))
    after = decided(now, allocations=billed(first) + credited(first, of(first, "1")))

    assert why_not(before) == {BlockReason.WITHDRAWN_AFTER_BILLING: ("-200.00", -2 * HOUR)}
    assert not before.ready
    assert after.ready
    assert after.pieces == ()


def test_a_schedule_line_whose_amount_changed_or_that_is_gone_is_credited_first() -> None:
    def fee(*schedule: Any) -> Any:
        return engagement(contract_line("F", model=BillingModel.FIXED_FEE, schedule=schedule))

    first = decided(engagement=fee(due("1", 5, 100), due("2", 6, 50)))
    more = decided(engagement=fee(due("1", 5, 120), due("2", 6, 50)), allocations=billed(first))
    gone = decided(engagement=fee(due("1", 5, 100)), allocations=billed(first))

    assert total(first) == 150
    assert why_not(more) == {BlockReason.CHANGED_AFTER_BILLING: ("20.00", 0)}
    assert why_not(gone) == {BlockReason.WITHDRAWN_AFTER_BILLING: ("-50.00", 0)}


def test_a_fixed_fee_bills_by_its_schedule_and_its_hours_are_within_the_price() -> None:
    fee = contract_line(
        model=BillingModel.FIXED_FEE,
        schedule=(due("1", 5, 100),),
        expenses_billed=False,
    )
    changes: dict[str, Any] = {"engagement": engagement(fee)}
    first = decided(hours("1", 5, 8), cost("x", 5, 30), **changes)

    assert parts(first) == [("L-1/1", "100.00", 0)]
    assert decided(**changes, allocations=billed(first)).events == ()


@settings(max_examples=40)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6), st.integers(0, 9999))
def test_credits_of_parts_take_back_exactly_what_was_billed_in_all(
    cuts: list[int], price: int
) -> None:
    line = hours("1", 5, rate=hourly(Decimal(price) / 10)).model_copy(update={"seconds": sum(cuts)})
    first = decided(line)
    notes: list[Any] = []
    for seconds in cuts:
        notes += credited(first, of(first, "1", seconds=seconds), before=notes)
        open_now = decided(line, allocations=billed(first) + tuple(notes))
        assert sum(one.seconds for one in open_now.pieces) == -sum(one.seconds for one in notes)
        assert total(open_now) == -sum(one.amount.amount for one in notes)

    assert sum(one.amount.amount for one in notes) == -total(first)
    with pytest.raises(CreditRefusedError):
        credited(first, of(first, "1"), before=notes)


def test_a_cost_is_credited_by_its_amount_and_hours_by_their_seconds() -> None:
    first = decided(hours("1", 5), cost("x", 6, 50))
    costs = next(one for one in first.events[0].allocations if one.work.id == "x")
    ask = CreditRequest(costs.invoice_line or "", costs.work.key, amount=euro("20.00"))

    note = credited(first, ask)
    again = decided(hours("1", 5), cost("x", 6, 50), allocations=billed(first) + note)

    assert parts(again) == [("x", "20.00", 0)]
    with pytest.raises(CreditRefusedError, match="by their seconds"):
        credited(first, of(first, "1", amount=euro(20)))
    with pytest.raises(CreditRefusedError, match="not of both"):
        credited(first, of(first, "1", amount=euro(20), seconds=5))
    with pytest.raises(CreditRefusedError, match="more than is left"):
        credited(first, CreditRequest(ask.invoice_line, ask.work_key, amount=euro("50.01")))
    with pytest.raises(CreditRefusedError, match="takes back"):
        credited(first, of(first, "1", seconds=-1))


def test_a_credit_that_names_no_work_takes_the_latest_first_and_never_too_much() -> None:
    event = decided(hours("a", 7, 2), hours("b", 5, 2), hours("c", 6, 2)).events[0]
    line = event.invoice.lines[0].id

    asked = requests_in_order(event, (), line, 3 * HOUR)

    assert [(one.work_key[-1], one.seconds) for one in asked] == [("a", 2 * HOUR), ("c", HOUR)]
    with pytest.raises(CreditRefusedError):
        requests_in_order(event, (), line, 6 * HOUR + 1)


def test_a_credit_note_keeps_rates_and_taxes_and_names_what_it_takes_back() -> None:
    first = decided(hours("1", 5, 2))
    billed_line = first.events[0].invoice.lines[0]
    (back,) = credited(first, of(first, "1", seconds=HOUR))

    assert back.kind is AllocationKind.CREDITED
    assert (back.credits, back.seconds) == (billed_line.id, -HOUR)
    assert (back.approver, back.reason) == ("E-1", "agreed with the customer")
    assert credited(first, of(first, "1", seconds=HOUR)) == (back,)


def test_a_credit_note_that_is_asked_for_again_on_another_day_is_another_document() -> None:
    (invoice,) = decided(hours("1", 5, 2)).events

    def note(day: int, reason: str = "agreed") -> str:
        return credit_event(
            invoice,
            (),
            credit_all(invoice),
            credit_date=INVOICED_ON.replace(day=day),
            reason=reason,
            approver="E-1",
        ).id

    assert note(3) == note(3)
    assert len({note(3), note(4), note(3, "another one")}) == 3


def test_a_correction_takes_the_exchange_of_the_invoice_that_it_takes_back() -> None:

    first = decided(hours("1", 5, 2, rate=hourly(80, "GBP")), exchange_rates=(SOME_POUNDS,))
    (back,) = credited(first, of(first, "1", seconds=HOUR))

    assert (back.worth, back.amount) == (euro(-80, "GBP"), euro(-100))


LOWER = WriteDown(
    id="WD-1",
    contract_line="L-1",
    amount=euro(30),
    requested_by="E-1",
    approver="E-2",
    reason="goodwill for the delay",
)


def test_a_write_down_is_a_line_of_its_own_and_leaves_the_hours_as_they_are() -> None:
    now = decided(hours("1", 5, 2), write_downs=(LOWER,))

    work, lower = now.events[0].invoice.lines
    assert (str(work.amount), work.seconds) == ("200.00", 2 * HOUR)
    assert (str(lower.amount), lower.seconds) == ("-30.00", 0)
    assert lower.reason == "goodwill for the delay"
    assert [(one.approver, one.kind) for one in billed(now)][-1] == ("E-2", "write_down")
    again = decided(hours("1", 5, 2), write_downs=(LOWER,), allocations=billed(now))
    assert again.pieces == ()


def test_a_credited_invoice_gives_its_write_down_back_too() -> None:
    first = decided(hours("1", 5, 2), write_downs=(LOWER,))
    note = credited(first, *credit_all(first.events[0]))

    again = decided(hours("1", 5, 2), write_downs=(LOWER,), allocations=billed(first) + note)

    assert sum(one.amount.amount for one in note) == -170
    assert total(again) == 170


def test_a_write_down_frees_no_room_under_a_cap() -> None:

    under = engagement(contract_line(cap=hard_cap(200)))
    lines = [hours("1", 5, 3)]
    first = decided(*lines, engagement=under, write_downs=(LOWER,))

    then = decided(*lines, engagement=under, write_downs=(LOWER,), allocations=billed(first))

    assert total(first) == 170
    assert then.events == ()


def test_a_write_down_needs_a_price_to_lower_another_person_and_a_reason() -> None:
    too_large = decided(write_downs=(LOWER,))
    elsewhere = LOWER.model_copy(update={"contract_line": "L-9"})
    left_out = Exclusion(work_key="write_down:contracts:WD-1", by="E-1", reason="next month")

    assert why_not(too_large) == {BlockReason.WRITE_DOWN_TOO_LARGE: ("-30.00", 0)}
    assert BlockReason.NO_CONTRACT_LINE in why_not(decided(write_downs=(elsewhere,)))
    assert decided(write_downs=(LOWER,), exclusions=(left_out,)).ready
    for wrong in ({"approver": "E-1"}, {"reason": ""}, {"amount": euro(-1)}):
        with pytest.raises(ValidationError):
            WriteDown.model_validate({**LOWER.model_dump(), **wrong})


def test_what_is_written_off_is_no_longer_open_until_that_is_taken_back() -> None:
    line = hours("1", 5, 2)
    (piece,) = decided(line).pieces
    gone = write_off(piece, on=INVOICED_ON, reason="too old to bill", approver="E-2")
    back = take_write_off_back(gone, on=INVOICED_ON, reason="a mistake", approver="E-2")

    assert decided(line, allocations=(gone,)).pieces == ()
    assert parts(decided(line, allocations=(gone, back))) == [("1", "200.00", 2 * HOUR)]
    with pytest.raises(CreditRefusedError, match="approver and a reason"):
        write_off(piece, on=INVOICED_ON, reason=" ", approver="E-2")


def test_the_billing_model_of_a_used_contract_line_is_frozen() -> None:
    before = engagement(contract_line("L-1"), contract_line("L-2"))
    fee = contract_line("L-1", model=BillingModel.FIXED_FEE, schedule=(due("1", 5, 10),))
    after = engagement(fee, contract_line("L-3"))

    assert frozen_changes(before, before, {"L-1", "L-2"}) == []
    assert len(frozen_changes(before, after, {"L-1", "L-2"})) == 2
    assert frozen_changes(before, after, {"L-9"}) == []


def test_what_a_credit_reopens_is_billed_again_at_the_exchange_of_its_new_invoice() -> None:
    line = hours("1", 5, 2, rate=hourly(80, "GBP"))
    first = decided(line, exchange_rates=(SOME_POUNDS,))
    note = credited(first, of(first, "1", seconds=HOUR))
    moved = SOME_POUNDS.model_copy(update={"rate": Decimal("1.5")})

    then = decided(line, exchange_rates=(moved,), allocations=billed(first) + note)

    (again,) = billed(then)
    assert (again.worth, again.amount) == (euro(80, "GBP"), euro(120))


def test_what_was_all_credited_is_decided_anew_and_what_was_not_is_not() -> None:
    from_now_on = (card(rate(120)),)
    line = hours("1", 5, 2)
    first = decided(line)
    part = credited(first, of(first, "1", seconds=HOUR))
    rest = credited(first, of(first, "1"), before=part)

    after_part = decided(line, rate_cards=from_now_on, allocations=billed(first) + part)
    after_all = decided(line, rate_cards=from_now_on, allocations=billed(first) + part + rest)

    assert total(after_part) == 100
    assert total(after_all) == 240


def test_crediting_an_invoice_of_many_entries_looks_each_of_them_up_and_searches_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = 200
    (invoice,) = decided(*(hours(str(number), 5) for number in range(many))).events
    key_of, asked = vars(WorkRef)["key"], [0]

    def counted(work: WorkRef) -> str:
        asked[0] += 1
        return str(key_of.__get__(work))

    monkeypatch.setattr(WorkRef, "key", property(counted))
    note = credit_event(
        invoice,
        (),
        credit_all(invoice),
        credit_date=INVOICED_ON,
        reason="all of it",
        approver="E-1",
    )

    assert len(note.allocations) == many
    assert asked[0] < 20 * many
