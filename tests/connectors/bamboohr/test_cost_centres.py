"""From when on people work for which cost centre: rows with days, past and coming ones."""

from collections.abc import Sequence
from datetime import date

import pytest

from canonical.masters import CostCentreAssignment
from connectors.bamboohr.simulated_state import SimulatedJob
from connectors.base.errors import ConnectionConfigError, TransientError
from tests.connectors.bamboohr.world import BambooWorld


def row(day: str, department: str, **more: str) -> SimulatedJob:
    return SimulatedJob(day=date.fromisoformat(day), department=department, **more)


def told(employee: str, day: str, cost_centre: str) -> CostCentreAssignment:
    return CostCentreAssignment(
        employee=employee, valid_from=date.fromisoformat(day), cost_centre=cost_centre
    )


def by_day(found: Sequence[CostCentreAssignment]) -> list[CostCentreAssignment]:
    return sorted(found, key=lambda one: one.valid_from)


async def test_all_rows_of_everybody_come_in_one_call(world: BambooWorld) -> None:
    kim = world.hire("E-1", jobs=(row("2024-03-01", "CC-100 Delivery"),))
    lee = world.hire("E-2", jobs=(row("2025-01-01", "Sales"), row("2026-07-01", "CC-300")))
    found = await world.connect().cost_centre_assignments()
    assert by_day(found) == [
        told(kim, "2024-03-01", "CC-100"),
        told(lee, "2025-01-01", "Sales"),
        told(lee, "2026-07-01", "CC-300"),
    ]
    assert len(world.network.requests) == 1


async def test_a_row_with_a_day_in_the_past_is_told_with_that_day(world: BambooWorld) -> None:
    kim = world.hire(jobs=(row("2024-03-01", "CC-100"),))
    world.company.move(int(kim), row("2025-11-01", "CC-200"))
    found = await world.connect().cost_centre_assignments()
    assert by_day(found) == [told(kim, "2024-03-01", "CC-100"), told(kim, "2025-11-01", "CC-200")]


async def test_of_several_rows_of_one_day_the_last_that_was_made_counts(
    world: BambooWorld,
) -> None:
    kim = world.hire(jobs=(row("2024-03-01", "CC-100"), row("2024-03-01", "CC-200")))
    assert await world.connect().cost_centre_assignments() == (told(kim, "2024-03-01", "CC-200"),)
    [employee] = (await world.connect().masters()).employees
    assert employee.cost_centre == "CC-200"


async def test_who_left_keeps_their_rows(world: BambooWorld) -> None:
    kim = world.hire(jobs=(row("2024-03-01", "CC-100"),))
    world.company.terminate(int(kim), date(2025, 6, 30))
    assert await world.connect().cost_centre_assignments() == (told(kim, "2024-03-01", "CC-100"),)


async def test_a_row_that_names_no_cost_centre_is_no_assignment(world: BambooWorld) -> None:
    kim = world.hire(jobs=(row("2024-03-01", "CC-100"), row("2025-01-01", "", title="Lead")))
    assert await world.connect().cost_centre_assignments() == (told(kim, "2024-03-01", "CC-100"),)


@pytest.mark.parametrize("hidden", ["department", "date"])
async def test_a_hidden_column_is_trouble_that_names_it(world: BambooWorld, hidden: str) -> None:
    world.hire()
    world.hide(hidden)
    with pytest.raises(ConnectionConfigError, match=hidden):
        await world.connect().cost_centre_assignments()


WRONG = (
    b'[{"id":"1","employeeId":"101","date":"Zebedee","department":"x","employmentStatus":"x"},'
    b'{"id":"2","employeeId":"101","date":"2024-03-01","department":"x","employmentStatus":"x"}]'
)


async def test_a_row_that_cannot_be_read_is_not_taken_for_one_taken_away(
    world: BambooWorld,
) -> None:
    world.hire(jobs=(row("2024-03-01", "CC-100"),))
    connector = world.connect()
    for read in (connector.cost_centre_assignments, connector.masters):
        if read == connector.masters:
            world.network.let_pass()  # The list of employees.
        world.network.answer_next(200, body=WRONG)
        with pytest.raises(TransientError) as trouble:
            await read()
        assert trouble.value.code == "row_unreadable"
        assert "date: " in str(trouble.value)
        assert "Zebedee" not in str(trouble.value)


async def test_the_column_is_the_one_that_options_name(world: BambooWorld) -> None:
    kim = world.hire(jobs=(row("2024-03-01", "CC-100", location="Berlin"),))
    connector = world.connect(cost_centre_field="location", cost_centres={"Berlin": "CC-B"})
    assert await connector.cost_centre_assignments() == (told(kim, "2024-03-01", "CC-B"),)
