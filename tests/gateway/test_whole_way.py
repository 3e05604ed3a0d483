"""The gateway as a process in front of a real Temporal: a signed webhook starts the sync."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.master_sync_workflows import MASTERS_QUEUE
from canonical.messages import MasterSyncRef
from runtime.temporal import DATA_CONVERTER, connect
from sandbox.child_process import LOCALHOST, ChildProcess
from sandbox.programs import python_program, with_checkout
from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace
from tests.gateway.corner import PEOPLE
from tests.gateway.installation import WORKFLOW, signed_now, write_configuration

SAID = re.compile(
    rf"takes webhooks at (http://{LOCALHOST}:\d+)/webhooks/CONNECTION of {PEOPLE}, "
    r"metrics on port (\d+)"
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """`ledgerway gateway`, configured by its environment alone."""

    child: ChildProcess
    url: str
    health_url: str


@pytest.fixture
async def client(temporal_server: TemporalServer, new_namespace: NewNamespace) -> Client:
    """A namespace of a test's own."""
    return await connect(temporal_server.address, await new_namespace())


@asynccontextmanager
async def gateway_for(
    home: Path, address: str, namespace: str, *arguments: str
) -> AsyncIterator[Gateway]:
    """Start a gateway for the length of a block: without a ledger, on free ports."""
    child = ChildProcess("the gateway", home / "gateway.log", stop_signal=signal.SIGTERM)
    environment = {
        "LEDGERWAY_CONFIG": str(write_configuration(home / "config")),
        "LEDGERWAY_TEMPORAL_ADDRESS": address,
        "LEDGERWAY_TEMPORAL_NAMESPACE": namespace,
        "LEDGERWAY_HEALTH_PORT": "0",
    }
    command = python_program("cli", "gateway", *arguments)
    try:
        await child.spawn(command, with_checkout(environment))

        async def has_said_where() -> bool:
            return SAID.search(child.log_tail()) is not None

        await child.wait_until(has_said_where, seconds_max=30)
        found = SAID.search(child.log_tail())
        assert found is not None
        yield Gateway(child, found[1], f"http://{LOCALHOST}:{found[2]}")
    finally:
        await child.kill()


async def signals_of(client: Client) -> list[MasterSyncRef]:
    """What the synchronisation was told so far."""
    payloads = [
        event.workflow_execution_signaled_event_attributes.input.payloads
        async for event in client.get_workflow_handle(WORKFLOW).fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    return [(await DATA_CONVERTER.decode(one, [MasterSyncRef]))[0] for one in payloads]


async def test_a_signed_webhook_starts_the_synchronisation_and_later_ones_tell_it(
    tmp_path: Path, temporal_server: TemporalServer, client: Client
) -> None:
    async with (
        gateway_for(tmp_path, temporal_server.address, client.namespace) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        headers, body = signed_now()
        forged = await http.post(f"/webhooks/{PEOPLE}", headers=headers, content=body + b" ")
        assert forged.status_code == 401
        with pytest.raises(RPCError):
            await client.get_workflow_handle(WORKFLOW).describe()

        for _ in range(2):
            answer = await http.post(f"/webhooks/{PEOPLE}", headers=headers, content=body)
            assert answer.status_code == 202
        for other in ("erp", "nobody"):
            answer = await http.post(f"/webhooks/{other}", headers=headers, content=body)
            assert answer.status_code == 404

        scraped = (await http.get(f"{gateway.health_url}/metrics")).text
        told = f'ledgerway_webhooks_total{{answer="told",connection="{PEOPLE}"}} 2.0'
        assert told in scraped
        # Nobody from outside sees them.
        assert (await http.get("/metrics")).status_code == 404

    found = await client.get_workflow_handle(WORKFLOW).describe()
    assert (found.workflow_type, found.task_queue) == ("MasterDataSync", MASTERS_QUEUE)
    assert found.status is WorkflowExecutionStatus.RUNNING
    assert await signals_of(client) == [MasterSyncRef(connections=(PEOPLE,))] * 2
    assert "employee" not in gateway.child.log_tail()


async def test_told_to_stop_it_answers_what_is_under_way_and_ends_well(
    tmp_path: Path, temporal_server: TemporalServer, client: Client
) -> None:
    headers, body = signed_now()
    begun, stopping = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:5]
        begun.set()
        await stopping.wait()
        yield body[5:]

    async with (
        gateway_for(tmp_path, temporal_server.address, client.namespace) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        assert (await http.get(f"{gateway.health_url}/ready")).status_code == 200
        request = http.post(f"/webhooks/{PEOPLE}", headers=headers, content=slowly())
        under_way = asyncio.create_task(request)
        await begun.wait()
        # Connections are taken in turn: when this one is answered, the slow one has begun.
        answer = await http.post(f"/webhooks/{PEOPLE}", headers=headers, content=body)
        assert answer.status_code == 202
        os.kill(gateway.child.pid, signal.SIGTERM)
        async with asyncio.timeout(10):
            while (await http.get(f"{gateway.health_url}/ready")).status_code == 200:
                pass
        stopping.set()
        assert (await under_way).status_code == 202
        assert await asyncio.wait_for(gateway.child.wait(), 10) == 0


async def test_without_temporal_it_serves_on_and_asks_for_the_webhook_again(tmp_path: Path) -> None:
    async with (
        TemporalServer(tmp_path / "temporal", keep=True, headless=True) as temporal,
        gateway_for(tmp_path, temporal.address, temporal.namespace) as gateway,
        httpx.AsyncClient() as http,
    ):
        await temporal.kill()
        headers, body = signed_now()
        answer = await http.post(f"{gateway.url}/webhooks/{PEOPLE}", headers=headers, content=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        # A gateway that Kubernetes takes out of service could not say so.
        assert (await http.get(f"{gateway.health_url}/ready")).status_code == 200
