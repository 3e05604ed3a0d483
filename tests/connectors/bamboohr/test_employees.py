"""Employees as BambooHR masters them: mapped field by field, read in bulk, hidden fields told."""

import logging
from datetime import date

import pytest

from canonical.masters import DimensionValue, Employee
from connectors.bamboohr.people import FEW
from connectors.bamboohr.simulated_state import SimulatedJob, SimulatedOption, SimulatedStatus
from connectors.base.errors import TransientError
from tests.connectors.bamboohr.world import AT, ENTITIES, BambooWorld


async def only(world: BambooWorld, **options: object) -> Employee:
    """The one employee that there is, as our connector reads them."""
    [employee] = (await world.connect(**options).masters()).employees  # type: ignore[arg-type]
    return employee


async def test_an_employee_is_mapped_field_by_field(world: BambooWorld) -> None:
    own = world.hire("E-17")
    assert await only(world, **ENTITIES) == Employee(
        connection=AT,
        id=own,
        code="E-17",
        name="Kim Allen",
        legal_entity="DE01",
        active=True,
        active_from=date(2024, 3, 1),
        email="E-17@firm.example",
        cost_centre="CC-100",
        role="Consultant",
    )


async def test_what_is_empty_is_none(world: BambooWorld) -> None:
    own = world.hire(None, email=None, hire_date=None, jobs=(), statuses=())
    assert await only(world) == Employee(
        connection=AT, id=own, code=f"(no number: {own})", name="Kim Allen"
    )


async def test_the_id_can_be_the_code_and_costs_no_call(world: BambooWorld) -> None:
    own = world.hire("E-17")
    employee = await only(world, code_field="id")
    assert employee.code == own
    assert [each.url.path for each in world.network.requests] == [
        "/api/v1/employees",
        "/api/v1/employees/all/tables/employmentStatus",
        "/api/v1/meta/lists",
    ]


async def test_however_many_there_are_calls_grow_with_pages(world: BambooWorld) -> None:
    for number in range(300):
        world.hire(f"E-{number}")
    masters = await world.connect(page_size=100).masters()
    assert {one.code for one in masters.employees} == {f"E-{number}" for number in range(300)}
    # Three pages of the list, three of the dataset, one table, the lists.
    assert len(world.network.requests) == 8


async def test_whom_a_dataset_has_not_heard_of_yet_is_asked_for_alone(world: BambooWorld) -> None:
    for number in range(FEW + 1):
        world.hire(f"E-{number}")
    await world.connect().masters()
    world.misbehave(dataset_lags=True)
    new = world.hire("E-new")
    masters = await world.connect().masters()
    assert {one.id: one.code for one in masters.employees}[new] == "E-new"


async def test_a_row_of_a_dataset_that_says_another_name_is_nobodys_number(
    world: BambooWorld,
) -> None:
    # Each names the next as supervisor: a dataset asked for the wrong id has all in disorder.
    for number in range(FEW + 1):
        following = {"supervisorId": str(102 + number)}
        world.hire(f"E-{number}", first_name=f"Kim{number}", others=following)
    masters = await world.connect(dataset_id_field="supervisorId").masters()
    assert [one.code for one in masters.employees] == [f"E-{n}" for n in range(FEW + 1)]


async def test_somebody_deleted_while_others_were_read_is_not_shown(world: BambooWorld) -> None:
    world.hire("E-1")
    stays = world.hire("E-2")
    world.network.let_pass(2)  # The list and the table; then the first is asked for alone.
    world.network.answer_next(404, body=b"")
    employees = (await world.connect().masters()).employees
    assert [one.id for one in employees] == [stays]


@pytest.mark.parametrize(
    ("department", "code"),
    [
        ("CC-100 Delivery", "CC-100"),
        ("CC-100", "CC-100"),
        ("  CC-100 Delivery ", "CC-100"),
        ("CC-100x", "CC-100x"),
        ("Sales", "CC-900"),
        ("Legal", "Legal"),
        ("", None),
    ],
)
async def test_a_cost_centre_is_found_by_table_by_pattern_or_by_its_name(
    world: BambooWorld, department: str, code: str | None
) -> None:
    world.hire(jobs=(SimulatedJob(day=date(2024, 3, 1), department=department),))
    employee = await only(world, cost_centres={"Sales": "CC-900"})
    assert employee.cost_centre == code


async def test_cost_centres_are_the_values_of_the_list_archived_ones_included(
    world: BambooWorld,
) -> None:
    world.company.lists["department"] = [
        SimulatedOption(id=18001, name="CC-100 Delivery"),
        SimulatedOption(id=18002, name="Sales", archived=True),
    ]
    masters = await world.connect(cost_centres={"Sales": "CC-900"}).masters()
    assert masters.dimension_values == (
        DimensionValue(
            connection=AT,
            id="18001",
            code="CC-100",
            name="CC-100 Delivery",
            dimension="cost_centre",
        ),
        DimensionValue(
            connection=AT,
            id="18002",
            code="CC-900",
            name="Sales",
            active=False,
            dimension="cost_centre",
        ),
    )


async def test_another_column_can_be_the_cost_centre(world: BambooWorld) -> None:
    world.hire()
    masters = await world.connect(cost_centre_field="division").masters()
    assert [one.cost_centre for one in masters.employees] == ["Services"]
    assert [one.code for one in masters.dimension_values] == ["Services"]


async def test_a_place_of_no_legal_entity_leaves_nobody_out(
    world: BambooWorld, caplog: pytest.LogCaptureFixture
) -> None:
    own = world.hire(jobs=(SimulatedJob(day=date(2024, 3, 1), location="Atlantis"),))
    with caplog.at_level(logging.WARNING):
        assert (await only(world, **ENTITIES)).legal_entity is None
    assert f"employee {own}: no legal entity" in caplog.text
    assert "Atlantis" not in caplog.text


FULL, ENDED = "Full-Time", "Terminated"


@pytest.mark.parametrize(
    ("rows", "active", "until"),
    [
        ([("2024-03-01", FULL)], True, None),
        ([("2024-03-01", FULL), ("2025-12-31", ENDED)], False, "2025-12-31"),
        # Given notice: known before its day.
        ([("2024-03-01", FULL), ("2026-06-30", ENDED)], True, "2026-06-30"),
        # Hired again after leaving, and rows in another order.
        ([("2026-01-01", FULL), ("2024-06-30", ENDED), ("2024-03-01", FULL)], True, None),
        # Will be hired again, and has left until then.
        ([("2024-03-01", FULL), ("2025-06-30", ENDED), ("2026-06-01", FULL)], False, "2025-06-30"),
        # Left, came back, left again.
        (
            [
                ("2024-03-01", FULL),
                ("2024-06-30", ENDED),
                ("2025-01-01", FULL),
                ("2025-09-30", ENDED),
            ],
            False,
            "2025-09-30",
        ),
        # Rehired on the day of the termination.
        ([("2024-03-01", FULL), ("2025-06-30", ENDED), ("2025-06-30", FULL)], True, None),
        ([], True, None),
    ],
)
async def test_the_last_day_is_that_of_the_last_termination(
    world: BambooWorld, rows: list[tuple[str, str]], active: bool, until: str | None
) -> None:
    statuses = tuple(
        SimulatedStatus(day=date.fromisoformat(day), status=status) for day, status in rows
    )
    world.hire(statuses=statuses)
    employee = await only(world)
    assert (employee.active, employee.active_until) == (
        active,
        date.fromisoformat(until) if until else None,
    )


async def test_a_company_has_its_own_words_for_who_left(world: BambooWorld) -> None:
    left = SimulatedStatus(day=date(2026, 6, 30), status="Retired")
    world.hire(statuses=(left,))
    assert (await only(world)).active_until is None
    employee = await only(world, terminated_statuses=("Terminated", "Retired"))
    assert employee.active_until == date(2026, 6, 30)


async def test_who_begins_later_is_inactive_with_the_day_told(world: BambooWorld) -> None:
    world.hire(hire_date=date(2026, 3, 1), statuses=())
    employee = await only(world)
    assert (employee.active, employee.active_from) == (False, date(2026, 3, 1))


@pytest.mark.parametrize("day", ["1968-10-01", "1999-12-31"])
async def test_who_was_hired_before_this_century_works_here_too(
    world: BambooWorld, day: str
) -> None:
    hired = date.fromisoformat(day)
    first = SimulatedStatus(day=hired, status=FULL)
    world.hire(hire_date=hired, statuses=(first,))
    assert (await only(world)).active_from == hired


async def test_the_empty_day_of_old_parts_is_no_day(world: BambooWorld) -> None:
    own = world.hire()
    world.spec.tolerant = True
    connector = world.connect(code_field="id", without_fields=("active_until",))
    record = (
        b'{"data":[{"employeeId":"%s","firstName":"Kim","lastName":"Allen","status":"Active",'
        b'"jobTitleName":null,"workEmail":"","hireDate":"0000-00-00","departmentName":null,'
        b'"_restrictedFields":[]}],"meta":{"total":1,"page":{"nextCursor":null}}}' % own.encode()
    )
    world.network.answer_next(200, body=record)
    [employee] = (await connector.masters()).employees
    assert (employee.active_from, employee.email) == (None, None)


async def test_pages_that_shift_are_read_again(world: BambooWorld) -> None:
    for number in range(world.page_size + 1):
        world.hire(f"E-{number}")
    connector = world.connect()
    world.network.let_pass()

    world.network.answer_next(400, body=b'{"error":{"code":"BadPage","message":"gone"}}')
    with pytest.raises(TransientError) as told:
        await connector.masters()
    assert told.value.code == "bad_page"


async def test_pages_in_a_circle_end(world: BambooWorld) -> None:
    page = b'{"data":[],"meta":{"total":9,"page":{"limit":4,"nextCursor":"104","prevCursor":null}}}'
    for _ in range(2):
        world.network.answer_next(200, body=page)
    with pytest.raises(TransientError) as told:
        await world.connect().masters()
    assert told.value.code == "pages_in_a_circle"
