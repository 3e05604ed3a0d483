"""Capacity: what a person could have worked in a month, and what of it was billable."""

from datetime import date
from decimal import Decimal

from canonical.billing import BillableLine, WorkKind, WorkRef, WorkState
from rules.billing_measures import capacity_of, utilisation
from rules.billing_policy import BillingPolicy

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)


def time(
    number: str, hours: int, *, task: str = "Analysis", day: int = 5, **more: object
) -> BillableLine:
    """Some hours of somebody."""
    values: dict[str, object] = {
        "work": WorkRef(kind=WorkKind.TIME, connection="psa", id=number),
        "state": WorkState.POSTED,
        "employee": "E-1",
        "project": "P-1",
        "task": task,
        "work_date": date(2026, 10, day),
        "seconds": hours * 3600,
    }
    return BillableLine.model_validate(values | more)


def test_weekdays_count_less_holidays_and_leave() -> None:
    policy = BillingPolicy(
        hours_per_day=Decimal("7.5"),
        # A Friday and a Saturday: nobody works on the latter anyway.
        holidays=(date(2026, 10, 2), date(2026, 10, 3)),
        leave_tasks=("Vacation",),
    )
    lines = [
        time("1", 15, task="Vacation", billable=False),
        time("2", 8, task="Vacation", state=WorkState.WITHDRAWN),
        time("3", 8, task="Vacation", employee="E-2"),
    ]

    capacity = capacity_of(FIRST, LAST, lines, "E-1", policy)

    assert capacity.calendar == 22 * 7.5 * 3600
    assert capacity.holidays == 7.5 * 3600
    assert capacity.leave == 15 * 3600
    assert capacity.available == (22 * 7.5 - 7.5 - 15) * 3600


def test_only_approved_billable_raw_hours_of_the_month_count() -> None:
    lines = [
        time("1", 40),
        time("2", 8, billable=False),
        time("3", 8, state=WorkState.UNAPPROVED),
        time("4", 8, employee="E-2"),
        time("5", 8, work_date=date(2026, 11, 2)),
    ]
    capacity = capacity_of(FIRST, LAST, lines, "E-1", BillingPolicy())

    assert utilisation(lines, "E-1", FIRST, LAST, capacity) == Decimal("0.2273")
