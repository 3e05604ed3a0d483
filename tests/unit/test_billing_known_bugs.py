"""Bugs that Odoo and ERPNext have documented of their billing of time, which are not to be ours.

Each test follows the steps of the report that it names.
"""

from datetime import timedelta

import pytest

from canonical.billing import BillableLine
from canonical.contracts import BillingModel
from rules.billing_credit import CreditRefusedError, credit_all, requests_in_order
from tests.unit.billing_building import (
    HOUR,
    billed,
    card,
    contract_line,
    cost,
    credited,
    decided,
    due,
    engagement,
    hours,
    october,
    of,
    parts,
    rate,
    total,
)


def test_odoo_a_partial_refund_does_not_make_billed_hours_billable_again() -> None:
    """odoo/odoo pull requests 280536 and 277727: 4.5 h and 3.5 h billed, 3.5 h credited, 1 h new.

    What is due is 4.5 h; Odoo billed all 9 h again.
    """
    june, july = hours("june", 5, "4.5"), hours("july", 23, "3.5")
    first = decided(june, july)
    line = first.events[0].invoice.lines[0].id
    requests = requests_in_order(first.events[0], (), line, int(3.5 * HOUR))
    note = credited(first, *requests)

    then = decided(june, july, hours("new", 31), allocations=billed(first) + note)

    assert [one.work_key for one in requests] == ["time:harvest:july"]
    assert sum(one.seconds for one in billed(then)) == int(4.5 * HOUR)
    assert parts(then) == [("july", "350.00", int(3.5 * HOUR)), ("new", "100.00", HOUR)]


def test_odoo_a_credit_reopens_only_the_part_that_was_credited() -> None:
    """odoo/odoo pull request 254332: one hour of five is credited, one hour is due again."""
    line = hours("1", 5, 5)
    first = decided(line)

    then = decided(line, allocations=billed(first) + credited(first, of(first, "1", seconds=HOUR)))

    assert parts(then) == [("1", "100.00", HOUR)]


def test_odoo_a_credit_of_one_line_does_not_bill_the_other_line_again() -> None:
    """odoo/odoo pull request 265840: line 1 is credited; line 2 came on the invoice again."""
    both = engagement(contract_line("L-1", tasks=("T-1",)), contract_line("L-2", tasks=("T-2",)))
    lines = [hours("1", 5, 5), hours("2", 5, 1, task="T-2")]
    first = decided(*lines, engagement=both)

    then = decided(
        *lines, engagement=both, allocations=billed(first) + credited(first, of(first, "1"))
    )

    assert parts(then) == [("1", "500.00", 5 * HOUR)]


def test_odoo_a_credit_of_a_product_does_not_make_any_hours_billable() -> None:
    """odoo/odoo pull request 254332, first case: only the goods are refunded."""
    fee = contract_line(
        "F-1", model=BillingModel.FIXED_FEE, projects=("P-2",), schedule=(due("1", 2, 70),)
    )
    both = engagement(contract_line(), fee)
    january, february = hours("jan", 5), hours("feb", 20, 2)
    first = decided(january, engagement=both)
    goods = next(one for one in credit_all(first.events[0]) if "schedule" in one.work_key)

    then = decided(
        january, february, engagement=both, allocations=billed(first) + credited(first, goods)
    )

    assert sorted(parts(then)) == [("F-1/1", "70.00", 0), ("feb", "200.00", 2 * HOUR)]


def test_erpnext_a_credit_note_does_not_leave_its_hours_billed() -> None:
    """frappe/erpnext issues 22558 and 51131: hours of a returned invoice stayed billed."""
    lines = [hours("1", 5, 2), hours("2", 6, 3)]
    first = decided(*lines)
    note = credited(first, *credit_all(first.events[0]))

    then = decided(*lines, allocations=billed(first) + note)

    assert then.ready
    assert parts(then) == parts(first)
    assert then.events[0].id != first.events[0].id


def test_erpnext_billing_one_project_does_not_mark_the_whole_timesheet_billed() -> None:
    """frappe/erpnext issue 44167: 10 h of one project are billed, 10 h of another are lost."""
    sheet: list[BillableLine] = [hours("1", 5, 10), hours("2", 5, 10, project="P-2")]
    one = engagement(contract_line())
    other = engagement(contract_line("L-2", projects=("P-2",)), id="ENG-2")

    first = decided(*sheet, engagement=one)
    second = decided(*sheet, engagement=other)

    assert parts(first) == [("1", "1000.00", 10 * HOUR)]
    assert parts(second) == [("2", "1000.00", 10 * HOUR)]


def test_erpnext_billing_up_to_a_day_leaves_the_rest_of_the_sheet_open() -> None:
    """frappe/erpnext pull request 53996: part of a sheet is billed, then the rest of it."""
    lines = [hours("1", 5, 2), hours("2", 6, 3)]
    first = decided(*lines, cut_off_date=october(5))

    then = decided(*lines, allocations=billed(first))

    assert parts(first) == [("1", "200.00", 2 * HOUR)]
    assert parts(then) == [("2", "300.00", 3 * HOUR)]


def test_erpnext_hours_at_a_price_of_nothing_are_billed_once_too() -> None:
    """frappe/erpnext pull request 33984: what is billed at 0.00 was never marked as billed."""
    free = contract_line()
    line = hours("1", 5, 2).model_copy(update={"rate": None})

    first = decided(line, engagement=engagement(free), rate_cards=(card(rate(0)),))
    then = decided(
        line, engagement=engagement(free), rate_cards=(card(rate(0)),), allocations=billed(first)
    )

    assert parts(first) == [("1", "0.00", 2 * HOUR)]
    assert then.events == ()


def test_odoo_no_credit_takes_back_more_than_was_billed_however_often_it_is_asked() -> None:
    """odoo/odoo pull request 254332: a partial credit may reopen no more than it credits."""
    first = decided(hours("1", 5, 2), cost("x", 6, 50))
    once = credited(first, of(first, "1", seconds=HOUR))

    with pytest.raises(CreditRefusedError, match="more than is left"):
        credited(first, of(first, "1", seconds=HOUR + 1), before=once)
    assert total(first) == 250
    assert timedelta(seconds=-once[0].seconds) == timedelta(hours=1)
