"""Time entries: what of them is financial, and which week they belong to."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.money import HourlyRate
from canonical.time_entry import Approval, week_of
from tests.unit.building import DAY, NOON, time_entry


@pytest.mark.parametrize(
    "changes",
    [
        {"employee": "u2"},
        {"project": "sp2"},
        {"task": "st2"},
        {"work_date": DAY + timedelta(days=1)},
        {"seconds": 3601},
        {"billable": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_financial_field_changes_the_financial_hash(changes: dict[str, Any]) -> None:
    assert time_entry(**changes).financial_hash != time_entry().financial_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"note": "other words"},
        {"changed_at": NOON + timedelta(days=3)},
        {"bill_rate": HourlyRate(amount=Decimal(1), currency="EUR")},
        {"approval": Approval(approver="u9")},
        {"approval": None},
        {"timesheet": "moved"},
        {"customer": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_not_financial_leaves_the_hash_alone(changes: dict[str, Any]) -> None:
    # A source's stamp moves with our own write-back: it must not look like a correction.
    assert time_entry(**changes).financial_hash == time_entry().financial_hash


def test_the_financial_hash_stays_what_it_was() -> None:
    # A changed hash would raise the revision of every line there is, and correct them all.
    assert (
        time_entry().financial_hash
        == "4e5f04d43a465ab00da513f8cc9328dd11ddb898d042dfc39a611ef2fcaef088"
    )


@given(st.dates(min_value=date(1970, 1, 5), max_value=date(9999, 12, 20)))
def test_a_week_begins_on_its_monday(day: date) -> None:
    monday = week_of(day)
    assert monday.isoweekday() == 1
    assert timedelta(0) <= day - monday < timedelta(days=7)


@pytest.mark.parametrize("seconds", [-1, -3_600_000])
def test_a_negative_line_can_be_named_so_that_it_can_be_refused(seconds: int) -> None:
    assert time_entry(seconds=seconds).seconds == seconds
