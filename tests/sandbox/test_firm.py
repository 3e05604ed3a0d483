"""The made-up firm is the same every time, plausible, and in disorder exactly where it says so."""

from datetime import date

import pytest

from sandbox.firm import DE01, OLD_PRACTICE, US01, Firm, Month, firm_of

OCTOBER = Month(2026, 10)
MONTHS = [Month(2024, 2), Month(2025, 12), Month(2026, 1), OCTOBER, Month(2027, 5)]


@pytest.fixture(params=MONTHS, ids=lambda month: month.name)
def firm(request: pytest.FixtureRequest) -> Firm:
    """The firm in several months."""
    return firm_of(request.param)


def test_it_is_the_same_every_time(firm: Firm) -> None:
    assert firm_of(firm.month) == firm


def test_only_leavers_depend_on_the_month() -> None:
    october, may = firm_of(OCTOBER), firm_of(Month(2027, 5))
    assert october.projects == may.projects
    assert [person.code for person in october.leavers] == [person.code for person in may.leavers]
    assert all(person.ended_on.month == 5 for person in may.leavers if person.ended_on)


def test_every_key_is_there_once(firm: Firm) -> None:
    for keys in (
        [person.code for person in firm.employees],
        [person.email for person in firm.employees],
        [project.code for project in firm.projects],
        [customer.code for customer in firm.customers],
        [(project.code, task) for project in firm.projects for task in project.tasks],
    ):
        assert len(keys) == len(set(keys))


def test_it_has_the_size_of_a_small_firm(firm: Firm) -> None:
    assert len(firm.employees) == 24
    assert len(firm.customers) == 6
    assert len([project for project in firm.projects if project.known_to_erp]) == 12
    assert {len(project.tasks) for project in firm.projects} == {3}
    assert len(firm.task_names) == 6


def test_in_each_legal_entity_one_person_leaves_with_work_before_and_after(firm: Firm) -> None:
    assert {person.legal_entity for person in firm.leavers} == {DE01, US01}
    assert len(firm.leavers) == 2
    working_days = firm.month.working_days()
    for person in firm.leavers:
        assert person.ended_on in working_days[5:-5]


def test_one_person_books_on_a_closed_cost_centre(firm: Firm) -> None:
    (person,) = [person for person in firm.employees if person.cost_centre.closed]
    assert person.cost_centre is OLD_PRACTICE
    assert person.cost_centre.role == "CC-900 Old practice"


def test_one_project_is_done_in_the_erp_and_one_was_never_set_up(firm: Firm) -> None:
    assert [project.code for project in firm.projects if project.done_in_erp] == ["PRJ-1006"]
    assert [project.code for project in firm.projects if not project.known_to_erp] == ["PRJ-1090"]


def test_people_earn_less_than_they_are_billed_for(firm: Firm) -> None:
    assert all(0 < person.cost_rate < person.bill_rate for person in firm.employees)


def test_everybody_joined_before_the_month(firm: Firm) -> None:
    assert all(person.started_on < firm.month.first_day for person in firm.employees)


def test_everything_belongs_to_one_of_the_legal_entities(firm: Firm) -> None:
    people = [firm.employees_of(entity) for entity in firm.legal_entities]
    projects = [firm.projects_of(entity) for entity in firm.legal_entities]
    assert sum(people, ()) == firm.employees
    assert sum(projects, ()) == firm.projects


@pytest.mark.parametrize(
    ("month", "last_day", "after", "before"),
    [
        (Month(2026, 1), date(2026, 1, 31), Month(2026, 2), Month(2025, 12)),
        (Month(2026, 12), date(2026, 12, 31), Month(2027, 1), Month(2026, 11)),
        (Month(2024, 2), date(2024, 2, 29), Month(2024, 3), Month(2024, 1)),
    ],
)
def test_a_month_knows_its_end_and_its_neighbours(
    month: Month, last_day: date, after: Month, before: Month
) -> None:
    assert (month.last_day, month.next(), month.before()) == (last_day, after, before)


def test_a_month_is_read_back_from_its_name() -> None:
    assert Month.parse("2026-10") == OCTOBER
    assert Month.parse(OCTOBER.name) == OCTOBER
    with pytest.raises(ValueError, match="month must be"):
        Month.parse("2026-13")


def test_working_days_are_mondays_to_fridays() -> None:
    days = OCTOBER.working_days()
    assert len(days) == 22
    assert {day.isoweekday() for day in days} == {1, 2, 3, 4, 5}
