"""The simulated Tryton: its faults at the socket, its orders, its searches."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from canonical.posting import Executed, Unknown
from connectors.base.errors import (
    ConnectorError,
    OutcomeUnknownError,
    TransientError,
)
from connectors.base.http import Timeouts
from connectors.base.rate_budget import Unlimited
from connectors.tryton import Tryton, connect
from connectors.tryton.simulated_faults import Fault, Faults
from connectors.tryton.simulated_state import SimulatedState
from tests.connectors.tryton.world import TrytonWorld

SECONDS_MAX = 30


@pytest.fixture
async def orders(simulated_world: TrytonWorld) -> AsyncIterator[httpx.AsyncClient]:
    """A way to give the simulator orders."""
    async with httpx.AsyncClient(base_url=f"{simulated_world.url}/__sim/") as client:
        yield client


async def plan(orders: httpx.AsyncClient, fault: Fault, **given: Any) -> None:
    answer = await orders.post("faults", json={"planned": [fault], **given})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fault", "error", "held"),
    [
        (Fault.LOST_ANSWER, OutcomeUnknownError, 1),
        (Fault.UNREADABLE, OutcomeUnknownError, 1),
        (Fault.BUSY, OutcomeUnknownError, 0),
        (Fault.BUSY_AFTER_COMMIT, OutcomeUnknownError, 1),
        (Fault.ERROR_BEFORE, OutcomeUnknownError, 0),
        (Fault.ERROR_AFTER, OutcomeUnknownError, 1),
        (Fault.THROTTLED, TransientError, 0),
        (Fault.SESSION_GONE, TransientError, 0),
    ],
)
async def test_a_fault_is_what_it_says(
    simulated_world: TrytonWorld,
    orders: httpx.AsyncClient,
    fault: Fault,
    error: type[ConnectorError],
    held: int,
) -> None:
    target, intent = simulated_world.connect(), simulated_world.intent()
    evidence = await target.guard_evidence([intent])
    await plan(orders, fault)
    with pytest.raises(error):
        await target.post([intent], evidence)
    if fault is Fault.SESSION_GONE:
        await simulated_world.desk.log_in(simulated_world.user, simulated_world.secret)
    assert len(await simulated_world.held(intent.reference)) == held


def hasty(world: TrytonWorld) -> Tryton:
    """A connector that soon gives up waiting."""
    patient = world.options()
    impatient = replace(patient, timeouts=Timeouts(read_seconds=0.3))
    return connect(impatient, Unlimited())


async def test_an_answer_that_hangs_was_committed_at_once(
    simulated_world: TrytonWorld, orders: httpx.AsyncClient
) -> None:
    target, intent = hasty(simulated_world), simulated_world.intent()
    evidence = await target.guard_evidence([intent])
    await plan(orders, Fault.HANG, seconds=SECONDS_MAX)
    with pytest.raises(OutcomeUnknownError):
        await target.post([intent], evidence)
    assert len(await simulated_world.held(intent.reference)) == 1
    await orders.post("release")
    await target.close()


async def test_a_slow_commit_lands_after_we_have_gone_and_is_refused_if_the_task_moved(
    simulated_world: TrytonWorld, orders: httpx.AsyncClient
) -> None:
    target, patient = hasty(simulated_world), simulated_world.connect()
    overtaken, alone = simulated_world.intent(), simulated_world.intent(parent=1)
    for intent in (overtaken, alone):
        evidence = await target.guard_evidence([intent])
        await plan(orders, Fault.SLOW_COMMIT, seconds=SECONDS_MAX)
        with pytest.raises(OutcomeUnknownError):
            await target.post([intent], evidence)
        assert await simulated_world.held(intent.reference) == []
    await patient.post([overtaken], await patient.guard_evidence([overtaken]))
    refused = await answers(orders, "ConcurrencyException")
    await orders.post("release")
    async with asyncio.timeout(SECONDS_MAX):
        while await answers(orders, "ConcurrencyException") == refused:
            await asyncio.sleep(0.01)
        while not await simulated_world.held(alone.reference):
            await asyncio.sleep(0.01)
    assert len(await simulated_world.held(overtaken.reference)) == 1
    await target.close()


async def answers(orders: httpx.AsyncClient, said: str) -> int:
    """Say how often something was answered."""
    counted: int = (await orders.get("stats")).json()["answers"].get(said, 0)
    return counted


@pytest.mark.parametrize("fault", [Fault.ROUNDED, Fault.SHIFTED])
async def test_what_it_alters_silently_is_seen_when_read_back(
    simulated_world: TrytonWorld, orders: httpx.AsyncClient, fault: Fault
) -> None:
    target, intent = simulated_world.connect(), simulated_world.intent(seconds=1_000)
    evidence = await target.guard_evidence([intent])
    await plan(orders, fault)
    (outcome,) = await target.post([intent], evidence)
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    shown, sent = outcome.document.time_line, intent.time_line
    assert (shown.seconds == sent.seconds) is (fault is not Fault.ROUNDED)
    assert (shown.work_date == sent.work_date) is (fault is not Fault.SHIFTED)


async def test_a_line_that_lost_its_reference_is_not_seen(
    simulated_world: TrytonWorld, orders: httpx.AsyncClient
) -> None:
    target, intent = simulated_world.connect(), simulated_world.intent()
    evidence = await target.guard_evidence([intent])
    await plan(orders, Fault.NAMELESS)
    (outcome,) = await target.post([intent], evidence)
    assert outcome == Unknown(reference=intent.reference, code="not_seen")


async def test_all_lines_and_counts_can_be_looked_at_from_outside(
    simulated_world: TrytonWorld, orders: httpx.AsyncClient
) -> None:
    intent = simulated_world.intent()
    document_id = await simulated_world.book(intent)
    lines = (await orders.get("lines")).json()
    (line,) = (each for each in lines if each["id"] == int(document_id))
    assert line["duration"] == intent.time_line.seconds
    assert line["date"] == intent.time_line.work_date.isoformat()
    stats = (await orders.get("stats")).json()
    assert stats["lines"] == len(lines)
    assert (await orders.get("nonsense")).status_code == 404


def test_faults_by_chance_are_repeatable_and_counted() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = Faults()
        faults.chance({Fault.LOST_ANSWER: 0.3, Fault.BUSY: 0.2}, seed)
        found = [faults.draw() for _ in range(500)]
        assert faults.fired[Fault.BUSY] == found.count(Fault.BUSY) > 50
        return found

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert 100 < drawn(7).count(Fault.LOST_ANSWER) < 200


def test_it_serves_a_firm_from_a_file_and_says_where(tmp_path: Path) -> None:
    state = SimulatedState.small()
    file = tmp_path / "firm.json"
    file.write_text(state.model_dump_json())
    command = [sys.executable, "-m", "connectors.tryton.simulator", "--state", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        body = {"id": 1, "method": "common.server.version", "params": []}
        answer = httpx.post(f"{first['url']}/rpc/", json=body)
        process.terminate()
    assert first["url"] == f"http://127.0.0.1:{first['port']}"
    assert answer.json() == {"id": 1, "result": "8.2"}
