"""Bursts of webhooks: one running synchronisation, which reads a system once per round."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from activities.master_sync_workflows import MASTERS_QUEUE, MasterSyncWorkflows
from canonical.messages import (
    MasterBatch,
    MasterFeedOutcome,
    MasterFeedRef,
    MasterKindRef,
    MasterSyncPlan,
    MasterSyncRef,
)
from gateway.telling import Telling
from runtime.temporal import connect
from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace
from tests.gateway.corner import PEOPLE
from tests.gateway.installation import TENANT, WORKFLOW
from workflows.master_data_sync import MasterDataSync

OTHER = "customers"
NUMBER = 300


class Systems:
    """What the synchronisation would do; the first reading is held until it is let go."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.rounds = 0
        self.reading = asyncio.Event()
        self.go_on = asyncio.Event()
        self.again: list[int] = []

    @activity.defn
    async def plan_master_sync(self) -> MasterSyncPlan:
        return MasterSyncPlan(connections=(PEOPLE, OTHER), kinds=("employee",))

    @activity.defn
    async def read_masters(self, ref: MasterFeedRef) -> MasterFeedOutcome:
        self.read.append(ref.connection)
        self.reading.set()
        while not self.go_on.is_set():
            activity.heartbeat()
            await asyncio.wait([asyncio.create_task(self.go_on.wait())], timeout=1)
        return MasterFeedOutcome()

    @activity.defn
    async def sync_masters(self, ref: MasterKindRef) -> MasterBatch:
        self.rounds += 1
        return MasterBatch(again_in_seconds=self.again.pop() if self.again else None)


@pytest.fixture
async def client(temporal_server: TemporalServer, new_namespace: NewNamespace) -> Client:
    """A namespace of a test's own."""
    return await connect(temporal_server.address, await new_namespace())


@asynccontextmanager
async def worked_by(client: Client, systems: Systems) -> AsyncIterator[MasterSyncWorkflows]:
    """Serve the synchronisation's queue for the length of a block."""
    async with Worker(
        client,
        task_queue=MASTERS_QUEUE,
        workflows=[MasterDataSync],
        activities=[systems.plan_master_sync, systems.read_masters, systems.sync_masters],
    ):
        yield MasterSyncWorkflows(client, TENANT)


async def went_on(client: Client) -> bool:
    """Whether the last run of the synchronisation is the continuation of an earlier one."""
    history = await client.get_workflow_handle(WORKFLOW).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    return started.continued_execution_run_id != ""


async def test_a_burst_at_the_gateway_costs_one_running_sync_and_a_few_signals(
    client: Client,
) -> None:
    systems = Systems()
    async with worked_by(client, systems) as workflows:
        telling = Telling(workflows.tell)
        await telling.tell(PEOPLE)
        await systems.reading.wait()
        await asyncio.gather(*(telling.tell(PEOPLE) for _ in range(NUMBER)))
        handle = client.get_workflow_handle(workflows.id)
        history = await handle.fetch_history()
        systems.go_on.set()
        await handle.result()
    signals = [one for one in history.events if one.HasField(_SIGNALED)]
    assert len(signals) <= 4
    assert systems.read == [PEOPLE, PEOPLE]
    assert not await went_on(client)


_SIGNALED = "workflow_execution_signaled_event_attributes"


async def test_hundreds_of_signals_during_a_reading_are_one_more_reading(client: Client) -> None:
    systems = Systems()
    async with worked_by(client, systems) as workflows:
        await workflows.tell(MasterSyncRef(connections=(PEOPLE,)))
        await systems.reading.wait()
        for _ in range(NUMBER // 20):
            await asyncio.gather(
                *(workflows.tell(MasterSyncRef(connections=(PEOPLE,))) for _ in range(20))
            )
        await workflows.tell(MasterSyncRef(connections=(OTHER,)))
        systems.go_on.set()
        await client.get_workflow_handle(workflows.id).result()
    # In each round each system is read once at most, and only one that has news.
    assert systems.read[0] == PEOPLE
    assert sorted(systems.read[1:]) == [OTHER, PEOPLE]
    assert systems.rounds == 2
    assert not await went_on(client)


async def test_a_history_that_has_grown_long_goes_on_in_a_new_run_with_its_news(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", lambda _: True)
    systems = Systems()
    async with worked_by(client, systems) as workflows:
        await workflows.tell(MasterSyncRef(connections=(PEOPLE,)))
        await systems.reading.wait()
        # Under a steady stream there is news at the end of every round.
        await workflows.tell(MasterSyncRef(connections=(OTHER,)))
        systems.again = [3600]
        systems.go_on.set()
        await client.get_workflow_handle(workflows.id).result()
    assert systems.read == [PEOPLE, OTHER]
    assert systems.rounds == 2
    assert await went_on(client)


async def test_what_waits_is_not_forgotten_with_a_long_history(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", lambda _: True)
    systems = Systems()
    systems.go_on.set()
    systems.again = [3600]
    async with worked_by(client, systems) as workflows:
        await workflows.tell(MasterSyncRef(connections=(PEOPLE,)))
        await client.get_workflow_handle(workflows.id).result()
    # Looked at again at once, without asking any system.
    assert systems.read == [PEOPLE]
    assert systems.rounds == 2
    assert await went_on(client)
