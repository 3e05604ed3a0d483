"""Fields that the key may not see: missing is not empty, in any of the forms that it has."""

from datetime import date

import pytest

from connectors.bamboohr.people import FEW
from connectors.base.errors import ConnectionConfigError
from connectors.base.master_writes import MasterQuery
from tests.connectors.bamboohr.world import ENTITIES, BambooWorld

HIDDEN = [
    ("workEmail", "email", "workEmail"),
    ("jobTitle", "role", "jobTitleName"),
    ("hireDate", "active_from", "hireDate"),
    ("employmentStatus", "active_until", "employmentStatus"),
    ("department", "cost_centre", "departmentName"),
    ("location", "legal_entity", "locationName"),
]


@pytest.mark.parametrize(("hidden", "ours", "named"), HIDDEN)
async def test_a_hidden_field_is_trouble_that_names_it_and_never_an_empty_value(
    world: BambooWorld, hidden: str, ours: str, named: str
) -> None:
    world.hire()
    world.hide(hidden)
    with pytest.raises(ConnectionConfigError, match=named) as told:
        await world.connect(**ENTITIES).masters()
    assert told.value.code == "hidden_field"
    assert "Kim" not in str(told.value)


@pytest.mark.parametrize(("hidden", "ours", "named"), HIDDEN)
async def test_what_a_connection_does_without_is_none_for_everybody(
    world: BambooWorld, hidden: str, ours: str, named: str
) -> None:
    world.hire()
    world.company.terminate(101, date(2025, 6, 30))
    # Seen or not: a value that comes and goes with a permission would be told as a change.
    connector = world.connect(**ENTITIES, without_fields=(ours,))
    everybody = [MasterQuery(world.kind, keys=("E-1",))]
    [seen] = (await connector.find_masters(everybody)).masters.employees
    world.hide(hidden)
    [unseen] = (await connector.find_masters(everybody)).masters.employees
    assert seen == unseen
    assert getattr(seen, ours) is None


@pytest.mark.parametrize("hidden", ["firstName", "status", "employeeNumber"])
@pytest.mark.parametrize("people", [1, FEW + 1])
async def test_nobody_is_read_without_name_status_and_number(
    world: BambooWorld, hidden: str, people: int
) -> None:
    for number in range(people):
        world.hire(f"E-{number}")
    world.hide(hidden)
    with pytest.raises(ConnectionConfigError, match=hidden):
        await world.connect().masters()


async def test_a_hidden_list_of_cost_centres_is_trouble(world: BambooWorld) -> None:
    world.hide("department")
    with pytest.raises(ConnectionConfigError, match="department"):
        await world.connect().masters()


async def test_check_finds_what_the_key_may_not_see(world: BambooWorld) -> None:
    world.hire()
    assert "1 employees" in await world.connect().check()
    world.hide("workEmail")
    with pytest.raises(ConnectionConfigError, match="workEmail"):
        await world.connect().check()
