"""How Harvest's masters are written: codes in names, roles kept, and Harvest's own conditions."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError, RejectedError
from connectors.base.master_writes import (
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.harvest.master_bodies import client_body, new_roles
from connectors.harvest.master_mapping import client_name, customer_name
from connectors.harvest.simulated_state import SimulatedMasters, SimulatedProject
from tests.connectors.harvest.master_world import HarvestMasterWorld
from tests.connectors.harvest.world import KIM, HarvestWorld

CODES = re.compile(r"^(CUST-[0-9]+)\b")
CENTRES = re.compile(r"^(CC-[0-9]+)\b")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("CUST-1 Halden AG", "Halden AG"),
        ("CUST-1 \N{EN DASH} Halden AG", "Halden AG"),
        ("CUST-1: Halden (Kiel)", "Halden (Kiel)"),
        ("CUST-1 (ACME) Ltd", "(ACME) Ltd"),
        ("CUST-1 -4 degrees", "-4 degrees"),
        ("CUST-1", "CUST-1"),
        ("Halden AG", "Halden AG"),
    ],
)
def test_a_clients_name_is_read_without_its_code(name: str, read: str) -> None:
    assert customer_name(name, CODES) == read


@pytest.mark.parametrize(
    ("pattern", "code", "written"),
    [
        (r"^(CUST-[0-9]+)\b", "CUST-7", "CUST-7 Halden AG"),
        (r"\(([0-9]+)\)$", "4711", "Halden AG (4711)"),
        (r"(K[0-9]+)$", "K12", "Halden AG K12"),
        (r"^(CUST-[0-9]+)\b", "4711", None),
    ],
)
def test_a_code_is_written_where_the_pattern_finds_it(
    pattern: str, code: str, written: str | None
) -> None:
    assert client_name(code, "Halden AG", re.compile(pattern)) == written
    if written is not None:
        assert customer_name(written, re.compile(pattern)) == "Halden AG"


@pytest.mark.parametrize(
    "name", ["(ACME) Ltd", "A  B", "Zu\u0308rich AG", "-4 degrees", "CUST-2 AG"]
)
def test_a_name_is_written_however_it_is_spelled(name: str) -> None:
    assert client_name("CUST-1", name, CODES) == f"CUST-1 {name}"


def test_a_client_whose_name_is_its_code_keeps_that_way() -> None:
    assert client_name("Acme", "Acme", CODES) == "Acme"


def test_a_code_that_the_pattern_does_not_find_is_refused_and_not_lost() -> None:
    write = MasterWrite(MasterKind.CUSTOMER, "4711", {"name": "Halden AG"})
    with pytest.raises(RejectedError) as told:
        client_body(write, CODES)
    assert told.value.code == "code_not_in_pattern"


@pytest.mark.parametrize(
    ("values", "roles", "after"),
    [
        ({"role": "Analyst"}, ["Consultant", "CC-100 Delivery"], ["Analyst", "CC-100 Delivery"]),
        ({"cost_centre": "CC-300"}, ["Consultant", "CC-100 Delivery"], ["Consultant", "CC-300"]),
        ({"cost_centre": "CC-300"}, ["Lead", "Coach"], ["Lead", "Coach", "CC-300"]),
        ({"role": "Lead"}, ["CC-100"], ["Lead", "CC-100"]),
        ({"role": "Lead"}, ["Analyst", "Coach", "CC-100"], ["Lead", "Coach", "CC-100"]),
        ({"cost_centre": ""}, ["Lead", "CC-100", "CC-200 Sales"], ["Lead"]),
        ({"role": "", "cost_centre": "CC-1"}, ["Lead", "CC-100"], ["CC-1"]),
        ({}, ["Lead", "CC-100"], ["Lead", "CC-100"]),
    ],
)
def test_of_a_persons_roles_only_what_is_meant_changes(
    values: dict[str, str], roles: list[str], after: list[str]
) -> None:
    assert new_roles(values, roles, CENTRES) == after


@pytest.mark.parametrize("values", [{"cost_centre": "Sales"}, {"role": "CC-9 Lead"}])
def test_a_role_that_would_be_read_as_something_else_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(RejectedError):
        new_roles(values, [], CENTRES)


async def test_other_roles_of_a_person_stay(world: HarvestWorld) -> None:
    change = MasterWrite(
        MasterKind.EMPLOYEE, str(KIM), {"cost_centre": "CC-300", "role": "Analyst"}, id=str(KIM)
    )
    assert await world.connect().write_masters([change], {}) == (MasterWritten(str(KIM)),)
    assert world.account.book.users[KIM].roles == ("Analyst", "CC-300", "CC-200 Sales")


async def test_who_comes_back_is_active_before_the_name_is_changed() -> None:
    world = HarvestMasterWorld(MasterKind.EMPLOYEE)
    made = world.make(world.sample(1))
    world.change(made, {"active": "no"})
    back = replace(world.sample(2), id=made)
    assert await world.connect().write_masters([back], {}) == (MasterWritten(made),)
    assert [json.loads(each.content).get("first_name") for each in world.network.writes] == [
        None,
        "Ännchen",
    ]
    assert world.held()[0].values == back.values


async def test_of_two_steps_the_second_is_never_called_undone() -> None:
    world = HarvestMasterWorld(MasterKind.EMPLOYEE)
    made = world.make(world.sample(1))
    world.make(world.sample(3))
    world.change(made, {"active": "no"})
    taken = {**world.sample(2).values, "email": world.sample(3).values["email"]}
    back = replace(world.sample(2), id=made, values=taken)
    # The address is somebody else's: Harvest refuses the second step, and the first is done.
    [answer] = await world.connect().write_masters([back], {})
    assert answer == MasterUnsettled("half_done")


async def test_the_name_of_who_is_inactive_is_refused_in_harvests_words() -> None:
    world = HarvestMasterWorld(MasterKind.EMPLOYEE)
    made = world.make(world.sample(1))
    world.change(made, {"active": "no"})
    change = replace(world.sample(2), id=made, values={"name": "Another Name"})
    [answer] = await world.connect().write_masters([change], {})
    assert isinstance(answer, MasterRefused)
    assert answer.code == "http_422"
    assert "inactive" in answer.message


async def test_a_client_with_active_projects_is_not_archived() -> None:
    world = HarvestMasterWorld(MasterKind.CUSTOMER)
    made = world.make(world.sample(1))
    project = SimulatedProject(id=1, client_id=int(made), name="Website")
    world.account.put(SimulatedMasters(projects=(project,)))
    change = replace(world.sample(1), id=made, values={"active": "no"})
    [answer] = await world.connect().write_masters([change], {})
    assert isinstance(answer, MasterRefused)
    assert world.held()[0].values["active"] == "yes"


@pytest.mark.parametrize("kind", [MasterKind.CUSTOMER, MasterKind.EMPLOYEE, MasterKind.TASK])
async def test_what_is_refused_because_it_is_there_is_looked_for_again(kind: MasterKind) -> None:
    world = HarvestMasterWorld(kind)
    sample = world.sample(1)
    world.make(sample)
    with pytest.raises(ConflictError):
        await world.connect().write_masters([sample], {})
    assert len(world.held()) == 1


async def test_a_name_that_somebody_elses_record_has_is_a_refusal() -> None:
    world = HarvestMasterWorld(MasterKind.EMPLOYEE)
    world.make(world.sample(1))
    address = world.sample(1).values["email"].upper()
    other = replace(world.sample(2), values={**world.sample(2).values, "email": address})
    [answer] = await world.connect().write_masters([other], {})
    # Nobody whom a look finds: people decide.
    assert isinstance(answer, MasterRefused)


async def test_a_change_of_nothing_asks_for_nothing() -> None:
    world = HarvestMasterWorld(MasterKind.EMPLOYEE)
    made = world.make(world.sample(1))
    same = {"role": "Consultant 1", "cost_centre": "CC-101"}
    change = replace(world.sample(1), id=made, values=same)
    assert await world.connect().write_masters([change], {}) == (MasterWritten(made),)
    assert world.network.writes == []


async def test_masters_are_read_whole_once_a_day(world: HarvestWorld) -> None:
    harvest, since = world.connect(), world.now - timedelta(hours=1)
    assert not (await harvest.masters_changed_since(since)).whole
    world.now = world.now.replace(hour=0, minute=1) + timedelta(days=1)
    first = await harvest.masters_changed_since(since)
    assert first.whole
    assert first.until == world.now - timedelta(seconds=120)
    world.pass_time(600)
    # Asked until just before midnight, so once more; and then no more that day.
    second = await harvest.masters_changed_since(first.until)
    assert second.whole
    assert not (await harvest.masters_changed_since(second.until)).whole


async def test_without_a_date_nothing_is_skipped(
    world: HarvestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = world.spec.handle_async_request

    async def undated(request: httpx.Request) -> httpx.Response:
        answer = await answered(request)
        del answer.headers["date"]
        return answer

    monkeypatch.setattr(world.spec, "handle_async_request", undated)
    since = world.now - timedelta(days=3)
    changes = await world.connect().masters_changed_since(since)
    assert (changes.until, changes.whole) == (since, False)


async def test_an_archived_task_of_the_account_is_news_on_every_project(
    world: HarvestWorld,
) -> None:
    since = world.now = world.now + timedelta(seconds=60)
    task = next(iter(world.account.book.tasks.values()))
    archived = task.model_copy(update={"is_active": False, "updated_at": None})
    world.account.put(SimulatedMasters(tasks=(archived,)))
    changes = await world.connect().masters_changed_since(since)
    assert len(changes.masters.tasks) == 2
    assert not any(each.active for each in changes.masters.tasks)


async def test_a_task_that_the_account_does_not_have_is_not_made_up() -> None:
    world = HarvestMasterWorld(MasterKind.TASK)
    write = replace(world.sample(1), code="Never heard of")
    [answer] = await world.connect().write_masters([write], {})
    assert isinstance(answer, MasterRefused)
    assert answer.code == "unknown_task"


async def test_several_kinds_are_looked_for_at_once(world: HarvestWorld) -> None:
    look = await world.connect().find_masters(
        [
            MasterQuery(MasterKind.CUSTOMER, keys=("Acme",)),
            MasterQuery(MasterKind.PROJECT, keys=("P-1001",)),
            MasterQuery(MasterKind.EMPLOYEE, keys=("kim@firm.example",)),
            MasterQuery(MasterKind.DIMENSION_VALUE, keys=("CC-100",)),
        ]
    )
    masters = look.masters
    assert [len(one) for one in (masters.customers, masters.projects, masters.employees)] == [1] * 3
