"""WIP: it rolls forward, closes to zero against the ERP, and a difference is never left out."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.billing import Allocation, WorkKind, WriteDown
from canonical.contracts import BillingModel
from rules.billing_credit import take_write_off_back, write_off
from rules.billing_policy import TimeRounding
from rules.wip import (
    ErpInvoiceLine,
    ErpTimeLine,
    WipPosting,
    WipRow,
    differences,
    erp_unbilled,
    roll_forward,
)
from tests.unit.billing_building import (
    CUT_OFF,
    HOUR,
    INVOICED_ON,
    SOME_POUNDS,
    billed,
    contract_line,
    credited,
    decided,
    due,
    engagement,
    euro,
    hourly,
    hours,
    october,
    of,
)

WORKED_ON = october(5)
OCTOBER = (october(1), CUT_OFF)
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def posted(amount: str | int, day: date = WORKED_ON, **changes: bool) -> WipPosting:
    return WipPosting("P-1", day, euro(amount), **changes)


def only(rows: Sequence[WipRow]) -> WipRow:
    (row,) = rows
    return row


def test_what_was_posted_is_wip_until_it_is_billed() -> None:
    first = decided(hours("1", 5, 2), cut_off_date=october(5))
    ledger, postings = billed(first), [posted(200), posted(300, october(6))]

    before = only(roll_forward(postings, ledger, *OCTOBER))
    after = only(roll_forward(postings, ledger, *NOVEMBER))

    assert (before.opening, before.posted, before.closing) == (euro(0), euro(500), euro(500))
    assert (after.opening, after.billed, after.closing) == (euro(500), euro(200), euro(300))


def test_a_credit_puts_back_what_it_credits_and_a_correction_is_told_apart() -> None:
    first = decided(hours("1", 5, 2))
    note = credited(first, of(first, "1", seconds=HOUR))
    postings = [
        posted(200),
        posted(-200, INVOICED_ON, correction=True),
        posted(300, INVOICED_ON, correction=True),
    ]

    row = only(roll_forward(postings, billed(first) + note, *NOVEMBER))

    assert (row.opening, row.posted) == (euro(200), euro(0))
    assert (row.corrections, row.billed, row.closing) == (euro(100), euro(100), euro(200))


def test_a_write_down_is_written_off_and_the_work_is_billed_for_less() -> None:
    lower = WriteDown(
        id="WD-1",
        contract_line="L-1",
        amount=euro(30),
        requested_by="E-1",
        approver="E-2",
        reason="goodwill",
    )
    first = decided(hours("1", 5, 2), write_downs=(lower,))

    row = only(roll_forward([posted(200)], billed(first), *NOVEMBER))

    assert (row.billed, row.written_off, row.closing) == (euro(170), euro(30), euro(0))


def test_a_write_off_closes_wip_and_taking_it_back_opens_it() -> None:
    (piece,) = decided(hours("1", 5, 2)).pieces
    gone = write_off(piece, on=INVOICED_ON, reason="too old", approver="E-2")
    back = take_write_off_back(gone, on=INVOICED_ON, reason="a mistake", approver="E-2")

    row = only(roll_forward([posted(200)], [gone], *NOVEMBER))
    again = only(roll_forward([posted(200)], [gone, back], *NOVEMBER))

    assert (row.written_off, row.closing) == (euro(200), euro(0))
    assert again.closing == euro(200)


def test_a_lower_price_that_is_given_up_leaves_wip_as_it_was() -> None:
    lower = WriteDown(
        id="WD-1",
        contract_line="L-1",
        project="P-1",
        amount=euro(30),
        requested_by="E-1",
        approver="E-2",
        reason="agreed",
    )
    now = decided(hours("1", 5, 2), write_downs=(lower,))
    (piece,) = [one for one in now.pieces if one.work.kind is WorkKind.WRITE_DOWN]
    gone = write_off(piece, on=INVOICED_ON, reason="not agreed after all", approver="E-2")
    after = decided(hours("1", 5, 2), write_downs=(lower,), allocations=(gone,))

    assert only(roll_forward([posted(200)], [gone], *NOVEMBER)).closing == euro(200)
    assert [one.work.kind for one in after.pieces] == [WorkKind.TIME]


def test_fees_and_prepayments_bill_no_work_and_drawn_work_is_billed() -> None:
    under = engagement(contract_line(model=BillingModel.RETAINER, schedule=(due("A", 1, 500),)))
    prepaid = decided(engagement=under)
    first = decided(hours("1", 5, 2), engagement=under, allocations=billed(prepaid))

    assert roll_forward([], billed(prepaid), *NOVEMBER) == ()
    row = only(roll_forward([posted(200)], billed(prepaid) + billed(first), *NOVEMBER))
    assert (row.billed, row.closing) == (euro(200), euro(0))


def test_wip_is_in_the_currency_of_the_price_whatever_the_invoice_is_in() -> None:
    first = decided(hours("1", 5, 2, rate=hourly(80, "GBP")), exchange_rates=(SOME_POUNDS,))
    worth = WipPosting("P-1", october(5), euro(160, "GBP"))

    row = only(roll_forward([worth], billed(first), *NOVEMBER))

    assert (row.currency, row.closing) == ("GBP", euro(0, "GBP"))


def test_the_erp_agrees_when_its_quantities_and_invoice_lines_leave_the_same() -> None:
    first = decided(hours("1", 5, 2), cut_off_date=october(5))
    rows = roll_forward([posted(200), posted("37.50", october(6))], billed(first), *NOVEMBER)
    time = [
        ErpTimeLine("P-1", 2 * HOUR, hourly(100)),
        ErpTimeLine("P-1", 1300, hourly(100)),
    ]
    invoices = [ErpInvoiceLine("P-1", euro(200))]

    def erp(*lines: ErpInvoiceLine, costs: Sequence[ErpInvoiceLine] = ()) -> Sequence[object]:
        quarter = TimeRounding(minutes=15, mode="up")
        left = erp_unbilled(time, costs, lines, time_rounding=quarter)
        return [(one.project, str(one.difference.amount)) for one in differences(rows, left)]

    assert only(rows).closing == euro("37.50")
    # 1,300 s are half an hour on an invoice that rounds up to quarters.
    assert erp(*invoices) == [("P-1", "-12.50")]
    assert erp(*invoices, ErpInvoiceLine("P-1", euro("12.50"))) == []
    assert erp(*invoices, costs=[ErpInvoiceLine("P-1", euro("-12.50"))]) == []
    assert erp(*invoices, ErpInvoiceLine("P-9", euro(1))) == [("P-1", "-12.50"), ("P-9", "1.00")]
    assert erp()[0] == ("P-1", "-212.50")


def test_a_project_that_only_one_side_knows_is_a_difference() -> None:
    rows = roll_forward([posted(5)], [], *OCTOBER)

    assert [one.erp for one in differences(rows, {})] == [euro(0)]
    assert differences((), {("P-9", "EUR"): euro(0)}) == ()


@st.composite
def months(draw: st.DrawFn) -> tuple[list[WipPosting], list[Allocation]]:
    postings = [
        WipPosting(
            draw(st.sampled_from(["P-1", "P-2"])),
            october(1) + timedelta(days=draw(st.integers(-40, 40))),
            euro(draw(st.integers(-500, 500)), draw(st.sampled_from(["EUR", "USD"]))),
            correction=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    (template,) = billed(decided(hours("1", 5, 2)))
    allocations = [
        template.model_copy(
            update={
                "project": draw(st.sampled_from(["P-1", "P-2"])),
                "billed_date": october(1) + timedelta(days=draw(st.integers(-40, 40))),
                "worth": euro(draw(st.integers(-500, 500))),
            }
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    return postings, allocations


@settings(max_examples=50)
@given(months())
def test_each_period_opens_with_what_the_one_before_closed_with(
    month: tuple[list[WipPosting], list[Allocation]],
) -> None:
    first = {(r.project, r.currency): r.closing for r in roll_forward(*month, *OCTOBER)}
    then = {(r.project, r.currency): r for r in roll_forward(*month, *NOVEMBER)}
    at_once = {
        (r.project, r.currency): r.closing for r in roll_forward(*month, date.min, NOVEMBER[1])
    }

    for place, row in then.items():
        assert row.opening == first.get(place, euro(0, place[1]))
        assert row.closing == at_once[place]
    assert sum((r.closing.amount for r in then.values()), Decimal(0)) == sum(
        (one.worth.amount for one in month[0] if one.posting_date <= NOVEMBER[1]), Decimal(0)
    ) - sum((one.worth.amount for one in month[1] if one.billed_date <= NOVEMBER[1]), Decimal(0))
