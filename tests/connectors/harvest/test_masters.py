"""Harvest's masters: read in bulk, matched by what people call them, inactive ones kept."""

import logging

import pytest
from pydantic import SecretStr

from canonical.masters import Customer, Employee, Project, Task
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.harvest import HarvestOptions
from connectors.harvest.simulated_state import (
    SimulatedAssignment,
    SimulatedClient,
    SimulatedMasters,
    SimulatedProject,
    SimulatedTask,
    SimulatedUser,
)
from tests.connectors.harvest.world import (
    ACME,
    CODE,
    DESIGN,
    KIM,
    LEE,
    SHOP,
    STATE,
    WEBSITE,
    HarvestWorld,
)

AT = "harvest-emea"
STATE_TOKEN = SecretStr(STATE.token)


async def test_masters_are_mapped_field_by_field(world: HarvestWorld) -> None:
    masters = await world.connect().masters()
    by_id = {each.id: each for each in (*masters.employees, *masters.customers, *masters.projects)}
    assert by_id[str(KIM)] == Employee(
        connection=AT,
        id=str(KIM),
        code=str(KIM),
        name="Kim Allen",
        email="kim@firm.example",
        cost_centre="CC-100",
        role="Consultant",
    )
    assert by_id[str(ACME)] == Customer(
        connection=AT, id=str(ACME), code="Acme", name="Acme", currency="USD"
    )
    assert by_id[str(WEBSITE)] == Project(
        connection=AT, id=str(WEBSITE), code="P-1001", name="Website", customer=str(ACME)
    )
    assert (
        Task(
            connection=AT,
            id=f"{WEBSITE}/{DESIGN}",
            code="Design",
            name="Design",
            project=str(WEBSITE),
        )
        in masters.tasks
    )
    assert len(masters.tasks) == 4
    assert masters.legal_entities == masters.dimension_values == ()


async def test_they_are_read_in_bulk_however_many_projects_there_are(world: HarvestWorld) -> None:
    world.account.put(
        SimulatedMasters(
            projects=tuple(
                SimulatedProject(id=1000 + n, client_id=ACME, name=f"Project {n}", code=f"P-{n}")
                for n in range(300)
            )
        )
    )
    masters = await world.connect(page_size=2000).masters()
    assert len(masters.projects) == 302
    assert len(masters.tasks) == 604
    assert len(world.network.requests) == 5


async def test_lists_longer_than_a_page_come_whole(world: HarvestWorld) -> None:
    users = tuple(
        SimulatedUser(id=1 + n, first_name="U", last_name=str(n), email=f"u{n}@firm.example")
        for n in range(10)
    )
    world.account.put(SimulatedMasters(users=users))
    masters = await world.connect(page_size=4).masters()
    assert len({each.id for each in masters.employees}) == 12


async def test_who_or_what_is_archived_is_kept_as_inactive(world: HarvestWorld) -> None:
    project = STATE.projects[0].model_copy(update={"is_active": False})
    client = STATE.clients[0].model_copy(update={"is_active": False})
    world.account.put(SimulatedMasters(projects=(project,), clients=(client,)))
    masters = await world.connect().masters()
    everybody = (*masters.employees, *masters.customers, *masters.projects)
    inactive = {each.id for each in everybody if not each.active}
    assert inactive == {str(LEE), str(WEBSITE), str(ACME)}


async def test_a_task_is_active_only_if_assignment_and_account_say_so(world: HarvestWorld) -> None:
    world.account.put(
        SimulatedMasters(
            tasks=(SimulatedTask(id=CODE, name="Programming", is_active=False),),
            assignments=(
                SimulatedAssignment(project_id=WEBSITE, task_id=DESIGN),
                SimulatedAssignment(project_id=SHOP, task_id=DESIGN, is_active=False),
                SimulatedAssignment(project_id=SHOP, task_id=CODE),
            ),
        )
    )
    tasks = {each.id: each.active for each in (await world.connect().masters()).tasks}
    assert tasks == {
        f"{WEBSITE}/{DESIGN}": True,
        f"{SHOP}/{DESIGN}": False,
        f"{SHOP}/{CODE}": False,
    }


async def test_a_project_without_a_code_matches_nothing_by_accident(world: HarvestWorld) -> None:
    masters = await world.connect().masters()
    codes = {each.id: each.code for each in masters.projects}
    assert codes[str(SHOP)] == f"(no code: {SHOP})"


@pytest.mark.parametrize(
    ("roles", "cost_centre"),
    [
        (("CC-100",), "CC-100"),
        (("Founder", "CC-300 Design", "CC-400"), "CC-300"),
        (("Not CC-100",), None),
        (("CC-100x",), None),
        (("cc-100",), None),
        ((), None),
    ],
)
async def test_the_first_role_that_starts_with_a_cost_centre_names_it(
    world: HarvestWorld, roles: tuple[str, ...], cost_centre: str | None
) -> None:
    kim = STATE.users[0].model_copy(update={"roles": roles})
    world.account.put(SimulatedMasters(users=(kim,)))
    masters = await world.connect().masters()
    assert {each.id: each.cost_centre for each in masters.employees}[str(KIM)] == cost_centre


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (("Consultant", "CC-100 Delivery"), "Consultant"),
        (("CC-100 Delivery", "Senior consultant", "Manager"), "Senior consultant"),
        (("CC-100", "CC-200 Sales"), None),
        (("  ", " Manage\u0301r "), "Manag\u00e9r"),
        ((), None),
    ],
)
async def test_the_first_role_that_names_no_cost_centre_is_what_a_person_works_as(
    world: HarvestWorld, roles: tuple[str, ...], role: str | None
) -> None:
    kim = STATE.users[0].model_copy(update={"roles": roles})
    world.account.put(SimulatedMasters(users=(kim,)))
    masters = await world.connect().masters()
    assert {each.id: each.role for each in masters.employees}[str(KIM)] == role


async def test_codes_are_brought_to_one_form(world: HarvestWorld) -> None:
    decomposed = SimulatedProject(id=9, client_id=ACME, name="Cafe\u0301", code=" CAFE\u0301-1 ")
    world.account.put(SimulatedMasters(projects=(decomposed,)))
    masters = await world.connect().masters()
    assert {each.id: each.code for each in masters.projects}["9"] == "CAF\u00c9-1"


async def test_a_long_name_is_cut_and_not_refused(world: HarvestWorld) -> None:
    world.account.put(SimulatedMasters(clients=(SimulatedClient(id=9, name="N" * 400),)))
    found = {each.id: each for each in (await world.connect().masters()).customers}["9"]
    assert (len(found.code), len(found.name)) == (80, 250)


async def test_one_unreadable_master_is_left_out_and_logged_without_its_values(
    world: HarvestWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.spec.tolerant = True
    bad = STATE.clients[0].model_copy(update={"currency": "Zebedee's dollars"})
    world.account.put(SimulatedMasters(clients=(bad,)))
    with caplog.at_level(logging.WARNING):
        masters = await world.connect().masters()
    assert [each.name for each in masters.customers] == ["Studio"]
    assert f"Client {ACME} left out: currency" in caplog.text
    assert "Zebedee" not in caplog.text
    assert len(masters.employees) == 2


async def test_a_list_that_is_cut_off_is_transient(world: HarvestWorld) -> None:
    world.break_next_page()
    with pytest.raises(TransientError):
        await world.connect().masters()


async def test_check_says_if_nothing_can_ever_be_approved(world: HarvestWorld) -> None:
    assert "approval" not in await world.connect().check()
    world.account.approval_feature = False
    assert "nothing will be approved" in await world.connect().check()


@pytest.mark.parametrize(
    "wrong",
    [{"page_size": 0}, {"page_size": 2001}, {"cost_centre_role_pattern": "CC-[0-9]+"}],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"page|group"):
        HarvestOptions("c", "1", STATE_TOKEN, "Ledgerway (x@firm.example)", **wrong)  # type: ignore[arg-type]  # Wrong on purpose.


def test_options_show_no_secret() -> None:
    options = HarvestOptions("c", "1", STATE_TOKEN, "Ledgerway (x@firm.example)")
    assert STATE.token not in repr(options)


async def test_an_account_that_the_token_does_not_open_is_for_an_operator(
    world: HarvestWorld,
) -> None:
    world.network.answer_next(403)
    with pytest.raises(ConnectionConfigError):
        await world.connect().check()


async def test_an_archived_account_is_for_an_operator(world: HarvestWorld) -> None:
    world.network.answer_next(200, body=b'{"is_active": false}')
    with pytest.raises(ConnectionConfigError):
        await world.connect().check()
