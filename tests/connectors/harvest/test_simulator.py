"""The simulated Harvest: inside the vendor's specification, with the vendor's limits and quirks."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from connectors.base.capabilities import Acknowledgement
from connectors.base.errors import TransientError
from connectors.base.rate_budget import Unlimited
from connectors.conformance.http_contract import Tokens
from connectors.conformance.time_source import MONDAY, changed, in_window
from connectors.harvest import HarvestOptions, connect
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_state import AccountState, Selection, SimulatedEntry
from connectors.harvest.simulator import simulated_harvest
from tests.connectors.harvest.spec_check import BASE_URL, SpecChecked
from tests.connectors.harvest.world import DESIGN, KIM, LEE, STATE, WEBSITE, HarvestWorld

GOOD = {
    "Authorization": f"Bearer {STATE.token}",
    "Harvest-Account-Id": STATE.account_id,
    "User-Agent": "Test (x@firm.example)",
}


def raw(world: HarvestWorld, **headers: str) -> httpx.AsyncClient:
    """Speak to the simulator without the connector in between."""
    return httpx.AsyncClient(
        transport=world.network, base_url=BASE_URL, headers=GOOD | headers, timeout=5
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Harvest-Account-Id": "999"}, 403),
        ({"User-Agent": ""}, 400),
    ],
)
async def test_it_lets_in_only_who_says_who_they_are(
    world: HarvestWorld, headers: dict[str, str], status: int
) -> None:
    async with raw(world, **headers) as client:
        assert (await client.get("/company")).status_code == status


async def test_it_counts_calls_and_throttles_like_the_vendor(world: HarvestWorld) -> None:
    async with raw(world) as client:
        answers = [await client.get("/company") for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 15


async def test_it_throttles_for_as_long_as_it_says_and_no_longer() -> None:
    account = HarvestAccount(STATE)
    account.quirks = account.quirks.model_copy(update={"rate_limit_calls": 2})
    assert [account.admit(at) for at in (0.0, 5.0, 6.0)] == [0, 0, 9]
    assert account.admit(14.9) == 1
    assert account.admit(15.0) == 0
    assert account.admit(15.1) == 5


async def test_it_can_say_retry_after_as_a_date(world: HarvestWorld) -> None:
    world.misbehave(rate_limit_calls=1, retry_after_as_date=True)
    async with raw(world) as client:
        await client.get("/company")
        answer = await client.get("/company")
    assert answer.status_code == 429
    seconds = (parsedate_to_datetime(answer.headers["retry-after"]) - world.now).total_seconds()
    assert 1 <= seconds <= 15


async def test_per_page_has_the_vendors_limit(world: HarvestWorld) -> None:
    async with raw(world) as client:
        assert (await client.get("/time_entries?per_page=2000")).status_code == 200
        assert (await client.get("/time_entries?per_page=2001")).status_code == 422


async def test_filters_select(world: HarvestWorld) -> None:
    kim = world.add(MONDAY, "1")
    lee = world.add(MONDAY, "1", person=2)
    world.account.refer(int(lee), {"id": "LREF"})
    async with raw(world) as client:
        for query, expected in [
            (f"user_id={KIM}", [kim]),
            (f"user_id={LEE}", [lee]),
            ("external_reference_id=LREF", [lee]),
            ("external_reference_id=other", []),
            ("from=2026-01-06", []),
            ("to=2026-01-05", [lee, kim]),
        ]:
            answer = (await client.get(f"/time_entries?{query}")).json()
            assert [str(entry["id"]) for entry in answer["time_entries"]] == expected, query
            assert answer["total_entries"] == len(expected)


async def test_one_entry_can_be_asked_for(world: HarvestWorld) -> None:
    entry = world.add(MONDAY, "1.50")
    async with raw(world) as client:
        assert '"hours":1.50,' in (await client.get(f"/time_entries/{entry}")).text
        assert (await client.get("/time_entries/1")).status_code == 404


@pytest.mark.parametrize("order", ["approve", "withdraw", "lock", "run_timer", "change", "refer"])
async def test_every_change_moves_updated_at(world: HarvestWorld, order: str) -> None:
    entry = world.add(MONDAY, "1")
    if order == "withdraw":
        world.approve(entry)
    before = world.account.entry(int(entry)).updated_at
    world.pass_time(60)
    match order:
        case "approve":
            world.approve(entry)
        case "withdraw":
            world.withdraw(entry)
        case "lock":
            world.lock(entry)
        case "run_timer":
            world.start_timer(entry)
        case "change":
            world.change(entry, note="new")
        case _:
            await world.connect().acknowledge([Acknowledgement(entry, "LREF", "doc")])
    assert world.account.entry(int(entry)).updated_at == before + timedelta(seconds=60)


def test_a_week_of_one_person_is_approved_at_once_and_nothing_else(world: HarvestWorld) -> None:
    week = [world.add(MONDAY + timedelta(days=n), "1") for n in range(7)]
    world.add(MONDAY + timedelta(days=7), "1")
    world.add(MONDAY, "1", person=2)
    chosen = Selection(users=frozenset({KIM}), first=MONDAY, last=MONDAY + timedelta(days=6))
    assert world.account.approve(chosen) == 7
    assert world.account.summary()["approved"] == 7
    assert all(world.account.entry(int(entry)).facts.is_closed for entry in week)
    assert world.account.approve(chosen) == 0


def test_nothing_selected_is_nothing_done(world: HarvestWorld) -> None:
    world.add(MONDAY, "1")
    assert world.account.approve(Selection()) == 0
    assert world.account.delete(Selection()) == 0
    assert world.account.approve(Selection(everything=True)) == 1


def test_an_entry_needs_its_masters(world: HarvestWorld) -> None:
    entry = SimulatedEntry(
        id=1, user_id=404, project_id=WEBSITE, task_id=DESIGN, spent_date=MONDAY, hours=Decimal(1)
    )
    with pytest.raises(KeyError):
        world.account.add([entry])
    assert world.account.summary()["time_entries"] == 0


async def test_failures_are_counted_down(world: HarvestWorld) -> None:
    world.misbehave(failures=1)
    with pytest.raises(TransientError):
        await world.connect().check()
    assert await world.connect().check()


async def test_a_write_can_be_carried_out_and_then_fail(world: HarvestWorld) -> None:
    entry = world.add(MONDAY, "1")
    world.misbehave(failures_after_write=1)
    told = [Acknowledgement(entry, "LREF", "doc")]
    assert await world.connect().acknowledge(told) == ()
    assert world.references() == {entry: "LREF"}
    assert [each.accepted for each in await world.connect().acknowledge(told)] == [True]


async def test_the_check_against_the_specification_can_fail() -> None:
    def wrong(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"time_entries": "none"})

    checked = SpecChecked(httpx.MockTransport(wrong))
    async with httpx.AsyncClient(transport=checked, base_url=BASE_URL, headers=GOOD) as client:
        await client.get("/time_entries?page=1")
        await client.get("/time_entries?page=first")
        await client.get("/no_such_thing")
        await client.patch("/time_entries/1", json={"hours": "eight"})
    assert checked.checked == 4
    assert len(checked.broken) == 4


async def test_the_check_against_the_specification_saw_everything(world: HarvestWorld) -> None:
    for _ in range(4):
        world.add(MONDAY, "1")
    await changed(world)
    await world.connect().masters()
    assert world.spec.checked == len(world.network.requests) > 0


def test_a_misspelt_member_of_the_state_is_noticed() -> None:
    with pytest.raises(ValidationError):
        AccountState.model_validate_json('{"time_entrys": []}')
    with pytest.raises(ValidationError):
        SimulatedEntry.model_validate_json(
            '{"id": 1, "user_id": 1, "project_id": 1, "task_id": 1, '
            '"spent_date": "2026-01-05", "hours": 7.1}'
        )


# In a process of its own.


@asynccontextmanager
async def served(state: AccountState, tmp_path: Path) -> AsyncIterator[str]:
    """Serve a state file from another process; gives the address that it prints first."""
    file = tmp_path / "state.json"
    file.write_text(state.model_dump_json())
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connectors.harvest.simulator",
        "--port",
        "0",
        "--state",
        str(file),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        first = await asyncio.wait_for(process.stdout.readline(), 30)
        yield json.loads(first)["url"]
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


def state_with(entries: int) -> AccountState:
    return STATE.model_copy(
        update={
            "time_entries": tuple(
                SimulatedEntry(
                    id=1 + n,
                    user_id=KIM,
                    project_id=WEBSITE,
                    task_id=DESIGN,
                    spent_date=date(2026, 1, 1) + timedelta(days=n % 28),
                    hours=Decimal("7.25"),
                    billable_rate=Decimal("100.0"),
                    updated_at=datetime(2026, 1, 30, tzinfo=UTC),
                )
                for n in range(entries)
            )
        }
    )


async def order(client: httpx.AsyncClient, name: str, **body: Any) -> Any:
    answer = await client.post(f"/__sim/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["done"]


async def test_served_in_a_process_of_its_own_it_is_read_and_ordered_about(
    tmp_path: Path,
) -> None:
    async with served(state_with(2500), tmp_path) as url:
        options = HarvestOptions(
            "harvest-emea", STATE.account_id, SecretStr(STATE.token), "Test (x@y.example)", url
        )
        harvest = connect(options, Unlimited())
        root = url.removesuffix("/v2")
        async with httpx.AsyncClient(base_url=root) as people:
            assert await order(people, "approve", ids=[1, 2, 3]) == 3
            assert await order(people, "withdraw", ids=[3]) == 1
            assert await order(people, "lock", ids=[4]) == 1
            assert await order(people, "unlock", ids=[4]) == 1
            assert await order(people, "start", ids=[2]) == 1
            assert await order(people, "stop", ids=[2]) == 1
            assert await order(people, "change", changes=[{"id": 1, "hours": "1.11"}]) == 1
            assert await order(people, "delete", ids=[5, 6]) == 2
            new = STATE.users[0].model_dump(mode="json") | {"id": 5}
            assert await order(people, "masters", users=[new]) == 1
            added = state_with(1).time_entries[0].model_dump(mode="json") | {"id": 9000}
            assert await order(people, "add", time_entries=[added | {"user_id": 5}]) == 1
            assert await order(people, "quirks", poison=['{"id": NaN}']) == 1

            pages = harvest.time_entries_changed_since(datetime(2026, 1, 1, tzinfo=UTC))
            records = [each async for page in pages for each in page.records]
            assert len(records) == 2500
            read = {each.source_id: each for each in records}
            assert [read[each].approved for each in ("1", "2", "3")] == [True, True, False]
            assert read["1"].record is not None
            assert read["1"].record.seconds == 3996
            assert "9000" in read
            assert read[None].trouble

            told = await harvest.acknowledge([Acknowledgement("1", "LREF", "doc")])
            assert [each.accepted for each in told] == [True]
            references = (await people.get("/__sim/references")).json()
            assert references == {"1": {"id": "LREF", "group_id": "doc"}}
            status = (await people.get("/__sim/status")).json()
            assert (status["time_entries"], status["approved"]) == (2499, 2)

            for name, body, wrong in [
                ("approve", {"id": 1}, 422),
                ("change", {"changes": [{"id": 40400}]}, 404),
                ("quirks", {"poisen": []}, 422),
            ]:
                assert (await people.post(f"/__sim/{name}", json=body)).status_code == wrong
        await harvest.close()


async def test_in_process_and_served_are_one_app(world: HarvestWorld) -> None:
    world.add(MONDAY, "1")
    transport = httpx.ASGITransport(simulated_harvest(world.account))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as people:
        assert await order(people, "approve", everything=True) == 1
    assert [each.approval is not None for each in (await in_window(world, MONDAY, MONDAY)).values()]
    assert (await world.connect(Tokens(1)).check()).startswith("Harvest account")
