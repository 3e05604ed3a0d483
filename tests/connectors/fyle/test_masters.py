"""Fyle's masters: complete, in few calls, known by the codes that expenses name them by."""

import logging
from datetime import date
from decimal import Decimal

import pytest

from canonical.masters import COST_CENTRE
from connectors.base.errors import TransientError
from connectors.conformance.expense_source import ready
from connectors.conformance.http_contract import Tokens
from connectors.fyle.simulated_state import SimulatedMasters, SimulatedPerson
from tests.connectors.fyle.world import KIM, STATE, FyleWorld


def people(count: int) -> SimulatedMasters:
    return SimulatedMasters(
        people=tuple(
            SimulatedPerson(
                id=f"ou{n:06}", user_id=f"us{n:06}", full_name=f"P {n}", email=f"{n}@x.example"
            )
            for n in range(count)
        )
    )


async def test_each_list_is_read_once_and_whole(world: FyleWorld) -> None:
    world.fyle.put(people(450))
    masters = await world.connect(page_size=200).masters()
    assert len(masters.employees) == 453
    assert len(masters.projects) == len(masters.dimension_values) == 2
    assert len(masters.tax_codes) == 1
    lists = [path for path in world.paths() if path.startswith("GET")]
    assert lists == ["GET /employees"] * 3 + [
        "GET /projects",
        "GET /cost_centers",
        "GET /tax_groups",
    ]


async def test_an_employee_is_known_by_code_and_stays_when_disabled(world: FyleWorld) -> None:
    gone = STATE.people[1].model_copy(update={"is_enabled": False, "joined_on": date(2020, 2, 29)})
    world.fyle.put(SimulatedMasters(people=(gone,)))
    found = {each.id: each for each in (await world.connect().masters()).employees}
    assert (found[KIM].code, found[KIM].email, found[KIM].active) == (
        "E-1001",
        "kim@firm.example",
        True,
    )
    assert (found[gone.id].code, found[gone.id].active) == (gone.id, False)
    assert found[gone.id].active_from == date(2020, 2, 29)
    assert "kim@firm.example" not in repr(found[KIM])


async def test_cost_centres_and_projects_carry_the_codes_that_expenses_name(
    world: FyleWorld,
) -> None:
    world.report(
        world.expense("1.00", project_id=201, cost_center_id=301),
        world.expense(
            "1.00",
            project_id=202,
            cost_center_id=302,
            tax_group_id="tgVat19",
            tax_amount=Decimal("0.16"),
        ),
    )
    masters = await world.connect().masters()
    [report] = (await ready(world)).values()
    named = [each.allocations[0] for each in report.items]
    assert {each.project for each in named} == {each.code for each in masters.projects}
    assert {each.cost_centre for each in named} == {each.code for each in masters.dimension_values}
    assert {tax.code for each in named for tax in each.taxes} == {
        each.code for each in masters.tax_codes
    }
    assert {each.dimension for each in masters.dimension_values} == {COST_CENTRE}
    assert [each.active for each in masters.dimension_values] == [True, False]
    assert masters.tax_codes[0].rate == Decimal("19.0")


async def test_a_master_that_cannot_be_read_is_left_out_and_logged_by_its_id(
    world: FyleWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.spoil("201", name="5")
    world.spoil(KIM, user='"Kim Allen"')
    with caplog.at_level(logging.WARNING):
        masters = await world.connect().masters()
    assert [each.id for each in masters.projects] == ["202"]
    assert KIM not in {each.id for each in masters.employees}
    assert "ListedProject 201 left out: name" in caplog.text
    assert "Kim" not in caplog.text.replace(KIM, "")


async def test_with_little_budget_a_long_list_gets_to_its_end(world: FyleWorld) -> None:
    world.fyle.put(people(50))
    budget = Tokens(2)
    fyle = world.connect(budget)
    masters = None
    for _ in range(60):
        try:
            masters = await fyle.masters()
            break
        except TransientError:
            budget.left = 1
    assert masters is not None
    assert len(masters.employees) == 53
    assert world.paths().count("GET /employees") == 18


async def test_after_a_whole_reading_everything_is_read_anew(world: FyleWorld) -> None:
    fyle = world.connect()
    before = await fyle.masters()
    world.fyle.put(people(1))
    assert len((await fyle.masters()).employees) == len(before.employees) + 1


async def test_what_was_read_long_ago_is_not_remembered(world: FyleWorld) -> None:
    budget = Tokens(3)  # The token, the cluster, and a page.
    fyle = world.connect(budget)
    with pytest.raises(TransientError):
        await fyle.masters()
    budget.left = 1
    with pytest.raises(TransientError):
        await fyle.masters()
    assert world.paths()[2:] == ["GET /employees", "GET /projects"]
    world.pass_time(120)
    budget.left = 4
    await fyle.masters()
    assert world.paths()[4:] == [
        "GET /employees",
        "GET /projects",
        "GET /cost_centers",
        "GET /tax_groups",
    ]
