"""Which date and period a posting counts in (DOMAIN rules 1 to 5)."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from canonical.exception_case import Cause
from canonical.posting_period import PeriodDecision, PeriodState, PostingPeriod
from rules.policies import ClosedPeriodPolicy
from rules.posting_period import PeriodTrouble, decide_period
from tests.unit.building import period

OPEN, CLOSED = PeriodState.OPEN, PeriodState.CLOSED
NEXT_OPEN, HOLD, REOPEN = ClosedPeriodPolicy
AUTUMN = [period("2026-09", CLOSED), period("2026-10", CLOSED), period("2026-11")]
WORK = date(2026, 10, 14)


def decided(*args: object, **more: object) -> PeriodDecision:
    result = decide_period(*args, **more)  # type: ignore[arg-type]  # Passed through as they are.
    assert isinstance(result, PeriodDecision)
    return result


def trouble(*args: object, **more: object) -> PeriodTrouble:
    result = decide_period(*args, **more)  # type: ignore[arg-type]  # Passed through as they are.
    assert isinstance(result, PeriodTrouble)
    return result


@pytest.mark.parametrize("policy", ClosedPeriodPolicy)
def test_work_of_an_open_period_counts_on_its_own_date(policy: ClosedPeriodPolicy) -> None:
    decision = decided(WORK, [period("2026-10")], policy)
    assert decision.posting_date == decision.original_date == WORK
    assert (decision.period, decision.prior_period) == ("2026-10", False)


@pytest.mark.parametrize("day", [date(2026, 10, 1), date(2026, 10, 31)])
def test_the_first_and_the_last_day_belong_to_the_period(day: date) -> None:
    calendar = [period("2026-09"), period("2026-10"), period("2026-11")]
    assert decided(day, calendar, NEXT_OPEN).period == "2026-10"


def test_work_of_a_closed_period_counts_on_the_first_day_of_the_next_open_one() -> None:
    decision = decided(WORK, AUTUMN, NEXT_OPEN)
    assert decision == PeriodDecision(
        posting_date=date(2026, 11, 1),
        period="2026-11",
        original_date=WORK,
        prior_period=True,
        reason="period 2026-10 is closed, policy NEXT_OPEN",
    )


def test_the_earliest_open_period_is_taken_however_the_calendar_is_sorted() -> None:
    calendar = [period("2026-12"), period("2026-11"), period("2026-10", CLOSED)]
    assert decided(WORK, calendar, NEXT_OPEN).period == "2026-11"


def test_an_earlier_open_period_is_never_taken() -> None:
    found = trouble(WORK, [period("2026-09"), period("2026-10", CLOSED)], NEXT_OPEN)
    assert (found.cause, found.subject) == (Cause.CLOSED_PERIOD, "2026-10")
    assert "no later period is open" in found.sentence


@pytest.mark.parametrize(
    ("policy", "asks"), [(HOLD, "Reopen it in the ERP"), (REOPEN, "Ask the controller")]
)
def test_a_policy_may_keep_work_of_a_closed_period_for_a_person(
    policy: ClosedPeriodPolicy, asks: str
) -> None:
    found = trouble(WORK, AUTUMN, policy)
    assert (found.cause, found.subject) == (Cause.CLOSED_PERIOD, "2026-10")
    assert asks in found.sentence
    assert "post the lines to another open period" in found.sentence


def test_crossing_a_fiscal_year_is_a_persons_decision() -> None:
    calendar = [period("2026-12", CLOSED), period("2027-01")]
    found = trouble(date(2026, 12, 30), calendar, NEXT_OPEN)
    assert (found.cause, found.subject) == (Cause.FISCAL_YEAR_CROSSED, "2026-12")
    chosen = decided(date(2026, 12, 30), calendar, NEXT_OPEN, chosen="2027-01")
    assert (chosen.posting_date, chosen.prior_period) == (date(2027, 1, 1), True)


@pytest.mark.parametrize("policy", ClosedPeriodPolicy)
@pytest.mark.parametrize("calendar", [[], [period("2026-11")], [period("2026-09")]])
def test_a_date_that_the_calendar_does_not_know_is_a_case(
    policy: ClosedPeriodPolicy, calendar: list[PostingPeriod]
) -> None:
    found = trouble(WORK, calendar, policy)
    assert (found.cause, found.subject) == (Cause.NO_POSTING_PERIOD, "2026-10")
    assert "Create the fiscal year" in found.sentence


@pytest.mark.parametrize("policy", ClosedPeriodPolicy)
def test_a_period_that_a_person_chose_overrules_the_policy(policy: ClosedPeriodPolicy) -> None:
    decision = decided(WORK, AUTUMN, policy, chosen="2026-11")
    assert (decision.posting_date, decision.period) == (date(2026, 11, 1), "2026-11")
    assert decision.reason == "period chosen by a person"


def test_the_lines_own_period_may_be_chosen_once_it_is_open_again() -> None:
    decision = decided(WORK, [period("2026-10")], HOLD, chosen="2026-10")
    assert (decision.posting_date, decision.prior_period) == (WORK, False)


@pytest.mark.parametrize("chosen", ["2026-10", "2026-09", "2026-12"])
def test_a_closed_or_unknown_period_cannot_be_chosen(chosen: str) -> None:
    found = trouble(WORK, AUTUMN, NEXT_OPEN, chosen=chosen)
    assert found.cause is Cause.CLOSED_PERIOD
    assert "Choose an open period" in found.sentence


def test_an_earlier_period_cannot_be_chosen_even_if_it_is_open() -> None:
    found = trouble(WORK, [period("2026-09"), *AUTUMN[1:]], NEXT_OPEN, chosen="2026-09")
    assert "which is earlier" in found.sentence


months = st.lists(
    st.tuples(st.sampled_from([OPEN, CLOSED]), st.booleans()), min_size=1, max_size=18
)


def calendar_of(states: list[tuple[PeriodState, bool]]) -> list[PostingPeriod]:
    """Months from 2026-07 on; a month with False is missing from the calendar."""
    found, first = [], date(2026, 7, 1)
    for state, known in states:
        if known:
            found.append(period(f"{first:%Y-%m}", state))
        first = (first + timedelta(days=31)).replace(day=1)
    return found


@given(
    months,
    st.integers(min_value=0, max_value=580),
    st.sampled_from(ClosedPeriodPolicy),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_a_decision_lies_in_an_open_period_and_never_in_an_earlier_one(
    states: list[tuple[PeriodState, bool]],
    offset: int,
    policy: ClosedPeriodPolicy,
    shuffle: Random,
    by_person: bool,
) -> None:
    calendar = calendar_of(states)
    assume(calendar)
    shuffle.shuffle(calendar)
    day = date(2026, 7, 1) + timedelta(days=offset)
    chosen = calendar[offset % len(calendar)].name if by_person else None
    result = decide_period(day, calendar, policy, chosen)
    own = next((one for one in calendar if one.holds(day)), None)
    if isinstance(result, PeriodTrouble):
        assert own is None or own.state is CLOSED or by_person
        return
    taken = next(one for one in calendar if one.name == result.period)
    assert own is not None
    assert taken.state is OPEN
    assert taken.holds(result.posting_date)
    assert taken.starts_on >= own.starts_on
    assert result.posting_date >= day
    assert result.original_date == day
    assert result.prior_period == (taken.id != own.id)
    if not by_person:
        assert taken.fiscal_year == own.fiscal_year
        between = [one for one in calendar if own.starts_on <= one.starts_on < taken.starts_on]
        assert all(one.state is CLOSED for one in between)
