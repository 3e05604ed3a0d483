"""Checks on time that the ERP does not make: each cause, its words, and which comes first."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from canonical.exception_case import Cause, RootCause
from canonical.money import HourlyRate, Money
from canonical.posting import Dimension
from canonical.posting_period import PeriodState
from rules.facts import Facts
from rules.policies import ClosedPeriodPolicy, Policies, Policy
from rules.time_checks import NO_LEGAL_ENTITY, Line, Ready, Stopped, check_timesheet
from tests.unit.building import (
    DAY,
    cost_centre,
    employee,
    facts,
    legal_entity,
    period,
    project,
    task,
    time_entry,
)

BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
ENTITY_US = legal_entity("US01", id="2", currency="USD")


def line(entry_id: str = "100", *, posted: bool = False, **changes: Any) -> Line:
    amendments = changes.pop("amendments", {})
    return Line(time_entry(entry_id, **changes), 1, amendments, posted=posted)


def check(
    *lines: Line, known: Facts | None = None, policy: Policy | None = None
) -> list[Ready | Stopped]:
    policies = Policies(default=policy or Policy())
    return list(check_timesheet(lines, known or facts(), policies))


def ready(*lines: Line, **more: Any) -> Ready:
    (result,) = check(*lines, **more)
    assert isinstance(result, Ready)
    return result


def cause_of(*lines: Line, **more: Any) -> RootCause:
    """The root cause of the last line."""
    result = check(*lines, **more)[-1]
    assert isinstance(result, Stopped)
    return result.root_cause


def known(**changes: Any) -> Facts:
    return facts(**changes)


# For each cause: the line, what is known, the policy, and the subject by which it is grouped.
TROUBLES: dict[Cause, tuple[Line, Facts, Policy, str]] = {
    Cause.NEGATIVE_HOURS: (line(seconds=-60), known(), Policy(), "100"),
    Cause.UNKNOWN_EMPLOYEE: (line(), known(employees={}), Policy(), "harvest user u1"),
    Cause.UNKNOWN_PROJECT: (line(), known(projects={}), Policy(), "P-1"),
    Cause.UNKNOWN_TASK: (line(), known(tasks={}), Policy(), "P-1 / Design"),
    Cause.OTHER_LEGAL_ENTITY: (
        line(),
        known(employees={"u1": employee(legal_entity="US01")}),
        Policy(),
        "E-7 on P-1",
    ),
    Cause.CLOSED_PROJECT: (
        line(),
        known(projects={"sp1": project(active_until=BEFORE)}),
        Policy(),
        "P-1",
    ),
    Cause.CLOSED_TASK: (
        line(),
        known(tasks={"st1": task(active_until=BEFORE)}),
        Policy(),
        "T-Design",
    ),
    Cause.LEAVER: (
        line(),
        known(employees={"u1": employee(active_until=BEFORE)}),
        Policy(),
        "E-7",
    ),
    Cause.NOT_YET_EMPLOYED: (
        line(),
        known(employees={"u1": employee(active_from=AFTER)}),
        Policy(),
        "E-7",
    ),
    Cause.OVER_24_HOURS: (line(seconds=86_401), known(), Policy(), f"E-7 on {DAY}"),
    Cause.MISSING_DIMENSION: (
        line(),
        known(employees={"u1": employee(cost_centre=None)}),
        Policy(),
        "cost centre of E-7",
    ),
    Cause.INACTIVE_DIMENSION: (
        line(),
        known(cost_centres={("DE01", "CC-100"): cost_centre(active=False)}),
        Policy(),
        "CC-100",
    ),
    Cause.CLOSED_PERIOD: (
        line(),
        known(calendars={"DE01": [period("2026-10", PeriodState.CLOSED)]}),
        Policy(closed_period=ClosedPeriodPolicy.HOLD),
        "2026-10",
    ),
    Cause.NO_POSTING_PERIOD: (line(), known(calendars={}), Policy(), "2026-10"),
    Cause.FISCAL_YEAR_CROSSED: (
        line(),
        known(calendars={"DE01": [period("2026-10", PeriodState.CLOSED), period("2027-01")]}),
        Policy(),
        "2026-10",
    ),
}


def test_a_good_line_is_ready_with_the_erps_own_ids() -> None:
    result = ready(line(note="wrote the design"))
    assert result.legal_entity == "DE01"
    assert result.body.model_dump() == {
        "legal_entity": "1",
        "employee": "7",
        "task": "13",
        "work_date": DAY,
        "seconds": 3600,
        "note": "wrote the design",
    }
    assert result.dimensions == (Dimension(name="cost_centre", value="CC-100"),)
    assert (result.period.period, result.period.posting_date) == ("2026-10", DAY)
    assert result.value == Money(amount=Decimal("120.00"), currency="EUR")


@pytest.mark.parametrize("cause", TROUBLES)
def test_each_trouble_is_found_and_named(cause: Cause) -> None:
    bad, about, policy, subject = TROUBLES[cause]
    found = cause_of(bad, known=about, policy=policy)
    assert (found.cause, found.subject) == (cause, subject)


@pytest.mark.parametrize("cause", TROUBLES)
def test_each_sentence_says_what_it_is_about_and_what_to_do_next(cause: Cause) -> None:
    bad, about, policy, _ = TROUBLES[cause]
    sentence = cause_of(bad, known=about, policy=policy).sentence
    assert re.search(r"E-7|u1\b|P-1|T-Design|CC-100|2026-10|\b100\b", sentence)
    assert re.search(r"retry|[Aa]mend|waive|withdrawn", sentence)
    assert sentence.endswith(".")


@pytest.mark.parametrize("cause", TROUBLES)
def test_no_sentence_names_a_person(cause: Cause) -> None:
    bad, about, policy, _ = TROUBLES[cause]
    told = cause_of(bad, known=about, policy=policy).model_dump_json().casefold()
    assert [word for word in ("quentin", "tell-nobody", "@") if word in told] == []


OF_ONE_LINE = (Cause.NEGATIVE_HOURS, Cause.OVER_24_HOURS)


@pytest.mark.parametrize("cause", [cause for cause in TROUBLES if cause not in OF_ONE_LINE])
def test_lines_with_the_same_trouble_share_one_cause(cause: Cause) -> None:
    _, about, policy, _ = TROUBLES[cause]
    results = check(line("100"), line("101", seconds=60), known=about, policy=policy)
    causes = {result.root_cause for result in results if isinstance(result, Stopped)}
    assert len(results) == 2
    assert len(causes) == 1


def test_a_good_line_never_waits_for_a_bad_one() -> None:
    results = check(line("100", seconds=-60), line("101"), line("102", task="nowhere"))
    assert [type(result) for result in results] == [Stopped, Ready, Stopped]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (Cause.NEGATIVE_HOURS, {"employees": {}}),
        (Cause.UNKNOWN_EMPLOYEE, {"projects": {}}),
        (Cause.UNKNOWN_PROJECT, {"tasks": {}}),
        (Cause.UNKNOWN_TASK, {"employees": {"u1": employee(legal_entity="US01")}}),
        (Cause.OTHER_LEGAL_ENTITY, {"projects": {"sp1": project(active=False)}}),
        (Cause.CLOSED_PROJECT, {"tasks": {"st1": task(active=False)}}),
        (Cause.CLOSED_TASK, {"employees": {"u1": employee(active_until=BEFORE)}}),
        (Cause.LEAVER, {"cost_centres": {}}),
        (Cause.MISSING_DIMENSION, {"calendars": {}}),
        (Cause.INACTIVE_DIMENSION, {"calendars": {}}),
    ],
)
def test_the_first_cause_in_order_is_the_one_that_is_told(
    first: Cause, later: dict[str, Any]
) -> None:
    bad, about, policy, _ = TROUBLES[first]
    assert cause_of(bad, known=replace(about, **later), policy=policy).cause is first


def test_a_day_of_24_hours_is_a_day() -> None:
    results = check(line("100", seconds=80_000), line("101", seconds=6_400))
    assert all(isinstance(result, Ready) for result in results)


def test_more_than_24_hours_stop_every_line_of_that_day_and_no_other() -> None:
    results = check(
        line("100", seconds=80_000),
        line("101", seconds=6_401),
        line("102", work_date=AFTER),
        line("103", employee="u2"),
    )
    causes = [result.root_cause.cause for result in results if isinstance(result, Stopped)]
    assert causes == [Cause.OVER_24_HOURS, Cause.OVER_24_HOURS, Cause.UNKNOWN_EMPLOYEE]
    assert isinstance(results[2], Ready)


def test_what_is_in_the_erp_already_counts_for_the_day() -> None:
    found = cause_of(line("100", seconds=80_000, posted=True), line("101", seconds=6_401))
    assert found.cause is Cause.OVER_24_HOURS


def test_a_negative_line_does_not_make_room_in_a_day() -> None:
    results = check(line("100", seconds=86_401), line("101", seconds=-3_600))
    causes = [result.root_cause.cause for result in results if isinstance(result, Stopped)]
    assert causes == [Cause.OVER_24_HOURS, Cause.NEGATIVE_HOURS]


def test_a_person_may_vouch_for_a_long_day() -> None:
    vouched = line(seconds=86_401, amendments={"accept:over_24_hours": "yes"})
    assert ready(vouched).body.seconds == 86_401


def test_the_later_of_two_equal_lines_is_a_duplicate() -> None:
    results = check(line("101", note="same"), line("99", note="same"))
    assert isinstance(results[1], Ready)
    found = results[0]
    assert isinstance(found, Stopped)
    assert (found.root_cause.cause, found.root_cause.subject) == (Cause.DUPLICATE_IN_SOURCE, "101")
    assert "Time entry 101 says exactly what 99 says" in found.root_cause.sentence


def test_a_line_that_is_posted_is_never_the_duplicate() -> None:
    results = check(line("99", note="same"), line("101", note="same", posted=True))
    assert isinstance(results[0], Stopped)
    assert isinstance(results[1], Ready)


@pytest.mark.parametrize("other", [{"note": "else"}, {"seconds": 60}, {"billable": False}])
def test_lines_that_differ_are_no_duplicates(other: dict[str, Any]) -> None:
    results = check(line("100", note="same"), line("101", **{"note": "same", **other}))
    assert all(isinstance(result, Ready) for result in results)


def test_a_person_may_vouch_for_two_equal_lines() -> None:
    vouched = line("101", note="same", amendments={"accept:duplicate_in_source": "yes"})
    assert isinstance(check(line("100", note="same"), vouched)[1], Ready)


def test_vouching_for_one_thing_is_not_vouching_for_another() -> None:
    vouched = line("101", note="same", amendments={"accept:over_24_hours": "yes"})
    assert cause_of(line("100", note="same"), vouched).cause is Cause.DUPLICATE_IN_SOURCE


def test_amended_values_take_the_place_of_the_sources() -> None:
    about = facts(
        employees={},
        projects={},
        tasks={},
        employees_by_code={"E-8": employee("E-8", id="8")},
        projects_by_code={"P-2": project("P-2", id="12")},
        tasks_by_code={"T-Build": task("Build", id="14", project="12")},
        cost_centres={("DE01", "CC-200"): cost_centre("CC-200")},
    )
    changes = {"employee": "E-8", "project": "P-2", "task": "T-Build", "cost_centre": "CC-200"}
    result = ready(line(amendments=changes), known=about)
    assert (result.body.employee, result.body.task) == ("8", "14")
    assert result.dimensions == (Dimension(name="cost_centre", value="CC-200"),)


def test_an_amended_project_takes_its_own_task_of_the_same_name() -> None:
    other = {"T-Design": task(), "T-2": task("Design", id="14", project="12", code="T-2")}
    about = facts(projects_by_code={"P-2": project("P-2", id="12")}, tasks_by_code=other)
    assert ready(line(amendments={"project": "P-2"}), known=about).body.task == "14"


@pytest.mark.parametrize(
    ("changes", "cause", "subject"),
    [
        ({"employee": "E-9"}, Cause.UNKNOWN_EMPLOYEE, "E-9"),
        ({"project": "P-9"}, Cause.UNKNOWN_PROJECT, "P-9"),
        ({"task": "T-9"}, Cause.UNKNOWN_TASK, "P-1 / T-9"),
        ({"cost_centre": "CC-9"}, Cause.INACTIVE_DIMENSION, "CC-9"),
    ],
)
def test_an_amended_value_that_the_erp_does_not_know_is_told(
    changes: dict[str, str], cause: Cause, subject: str
) -> None:
    found = cause_of(line(amendments=changes))
    assert (found.cause, found.subject) == (cause, subject)


def test_a_task_of_another_project_is_no_task_of_this_one() -> None:
    about = facts(tasks_by_code={"T-Else": task("Else", id="15", project="99")})
    assert cause_of(line(amendments={"task": "T-Else"}), known=about).cause is Cause.UNKNOWN_TASK


def test_a_period_that_a_person_chose_is_taken() -> None:
    calendar = {"DE01": [period("2026-10", PeriodState.CLOSED), period("2026-11")]}
    hold = Policy(closed_period=ClosedPeriodPolicy.HOLD)
    chosen = line(amendments={"period": "2026-11"})
    result = ready(chosen, known=facts(calendars=calendar), policy=hold)
    assert result.period.posting_date == date(2026, 11, 1)


def test_a_leavers_last_days_are_still_posted() -> None:
    assert ready(line(), known=facts(employees={"u1": employee(active_until=DAY)}))


def test_somebody_who_is_not_active_in_the_erp_and_never_left_is_a_case() -> None:
    found = cause_of(line(), known=facts(employees={"u1": employee(active=False)}))
    assert (found.cause, found.subject) == (Cause.LEAVER, "E-7")
    left = employee(active=False, active_until=DAY)
    assert ready(line(), known=facts(employees={"u1": left}))


def test_the_sources_cost_centre_goes_before_the_erps() -> None:
    about = facts(
        source_employees={"u1": employee(id="u1", cost_centre="CC-200")},
        cost_centres={("DE01", "CC-200"): cost_centre("CC-200")},
    )
    assert ready(line(), known=about).dimensions[0].value == "CC-200"


def test_a_legal_entity_that_asks_for_no_dimension_gets_none() -> None:
    free = Policy(required_dimensions=())
    assert ready(line(), known=facts(cost_centres={}), policy=free).dimensions == ()


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"seconds": 1200, "bill_rate": HourlyRate(amount=Decimal(100), currency="EUR")}, "33.33"),
        ({"billable": False}, "0.00"),
        ({"bill_rate": None}, "0.00"),
    ],
)
def test_a_line_is_worth_its_hours_at_the_bill_rate(changes: dict[str, Any], value: str) -> None:
    assert str(ready(line(**changes)).value.amount) == value


def test_work_without_a_price_is_counted_in_the_entitys_currency() -> None:
    about = facts(
        employees={"u1": employee(legal_entity="US01")},
        projects={"sp1": project(legal_entity="US01")},
        legal_entities={"US01": ENTITY_US},
        cost_centres={("US01", "CC-100"): cost_centre()},
        calendars={"US01": [period("2026-10")]},
    )
    assert ready(line(bill_rate=None), known=about).value == Money.zero("USD")


def test_a_line_that_names_nothing_the_erp_knows_belongs_to_no_legal_entity() -> None:
    found = cause_of(line(), known=facts(employees={}, projects={}))
    assert found.legal_entity == NO_LEGAL_ENTITY


LONG = "9" * 119


@pytest.mark.parametrize(
    ("bad", "about"),
    [
        (line(LONG, seconds=-60), facts()),
        (line(employee=LONG), facts()),
        (line(project=LONG), facts()),
        (line(), facts(tasks={}, source_tasks={"st1": task("x" * 250)})),
        (line(), facts(tasks={}, source_tasks={"st1": task("Design\n& Build")})),
        (line(), facts(employees={"u1": employee("E" * 80, cost_centre=None)})),
        (line(seconds=86_401), facts(employees={"u1": employee("E" * 80)})),
        (line(), facts(employees={"u1": employee("E" * 80, legal_entity="US01")})),
        (line(), facts(projects={"sp1": project("P" * 80)}, tasks={})),
    ],
)
def test_long_and_odd_names_do_not_sink_the_timesheet(bad: Line, about: Facts) -> None:
    # A root cause that could not be made would stop every other line of the week, for ever.
    results = check(bad, line("101", employee="nobody"), known=about)
    assert all(isinstance(result, Stopped) for result in results)


def test_a_long_id_does_not_sink_its_duplicate() -> None:
    results = check(line(LONG + "1", note="same"), line(LONG + "2", note="same"))
    assert isinstance(results[1], Stopped)
