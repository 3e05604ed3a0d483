"""A platform whose Temporal has a clock of its own, which is moved on by hours and days."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from runtime.temporal import DATA_CONVERTER
from sandbox.world import our_search_attributes
from tests.e2e.local_platform import LocalPlatform, Systems, local_platform
from tests.server_fixtures import FreshDatabase

TEST_SERVER = Path(sys.executable).parent / "temporal-test-server"


@dataclass(frozen=True, slots=True)
class Ahead:
    """A platform, and the clock of its Temporal; the ledger and the systems keep real time."""

    local: LocalPlatform
    environment: WorkflowEnvironment

    async def pass_(self, **span: float) -> None:
        """Let time pass at once, with everything that falls due in it: hours=…, days=…."""
        await self.environment.sleep(timedelta(**span))

    @staticmethod
    async def timers_of(handle: WorkflowHandle[Any, Any]) -> list[float]:
        """For how many seconds a workflow has set its timers so far."""
        return [
            event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
            async for event in handle.fetch_history_events()
            if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        ]


Opened = Callable[..., AbstractAsyncContextManager[Ahead]]


@pytest.fixture
def opened(fresh_database: FreshDatabase, migrated: str) -> Opened:
    """Open a platform on a time-skipping server; it takes what `local_platform` takes."""

    @asynccontextmanager
    async def open_(systems: Systems | None = None, **given: Any) -> AsyncIterator[Ahead]:
        dsn = await fresh_database(migrated)
        starting = WorkflowEnvironment.start_time_skipping(
            data_converter=DATA_CONVERTER, test_server_existing_path=str(TEST_SERVER)
        )
        async with await starting as environment:
            client = environment.client
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes=our_search_attributes()
                )
            )
            address = client.service_client.config.target_host
            async with local_platform(
                dsn, address, client.namespace, systems or Systems(), **given
            ) as local:
                await local.refresh()
                yield Ahead(local, environment)

    return open_


@pytest.fixture
async def ahead(opened: Opened) -> AsyncIterator[Ahead]:
    """A platform with the usual policies."""
    async with opened() as one:
        yield one
