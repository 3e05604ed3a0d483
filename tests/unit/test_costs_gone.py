"""Costs that their report no longer shows as billable after they were billed are credited first."""

import pytest

from canonical.billing import BlockReason, WorkState
from canonical.expense import ExpenseItem, ExpenseReport
from rules.billable_work import Work, gone_from_report, work_of_report
from tests.unit.billing_building import CUT_OFF, POLICY, billed, decided, why_not
from tests.unit.expense_building import allocation, item, report

TAXI, HOTEL = "i1", "i2"


def cost(amount: str, name: str, project: str = "P-1", *, billable: bool = True) -> ExpenseItem:
    on_project = (allocation(project=project),)
    return item(amount, name, billable=billable, transaction_date=CUT_OFF, allocations=on_project)


def works(of: ExpenseReport, revision: int) -> list[Work]:
    return [*work_of_report(of, revision, WorkState.POSTED, None, POLICY)]


@pytest.mark.parametrize(
    "left", [(), (cost("30.00", TAXI, billable=False),)], ids=["removed", "no longer billable"]
)
def test_a_cost_that_was_billed_and_is_gone_from_its_report_has_to_be_credited(
    left: tuple[ExpenseItem, ...],
) -> None:
    before = report(cost("30.00", TAXI))
    first = decided(*(one.line for one in works(before, 1)))
    assert first.ready
    after = report(*left)

    shown = works(after, 2)
    gone = [*gone_from_report(after, 2, shown, billed(first))]
    now = decided(*(one.line for one in (*shown, *gone)), allocations=billed(first))

    assert not now.ready
    assert why_not(now) == {BlockReason.WITHDRAWN_AFTER_BILLING: ("-30.00", 0)}
    assert now.credits_due == billed(first)


def test_what_its_report_still_shows_is_not_gone() -> None:
    both = report(cost("30.00", TAXI), cost("90.00", HOTEL))
    first = decided(*(one.line for one in works(both, 1)))
    assert [*gone_from_report(both, 1, works(both, 1), billed(first))] == []
    (gone,) = gone_from_report(
        report(cost("90.00", HOTEL)), 2, works(report(cost("90.00", HOTEL)), 2), billed(first)
    )
    assert (gone.part, gone.line.work.revision, gone.line.state) == (
        f"{TAXI}/P-1",
        2,
        WorkState.WITHDRAWN,
    )


def test_however_long_the_name_of_a_cost_it_begins_with_its_reports() -> None:
    of = report(cost("30.00", "i" * 100, project="P" * 40), id="R" * 60)
    (one,) = works(of, 1)
    assert one.line.work.id.startswith("R" * 60 + "/")
    assert len(one.line.work.id) <= 120
    (other,) = works(report(cost("30.00", "i" * 101, project="P" * 40), id="R" * 60), 1)
    assert other.line.work.id != one.line.work.id
