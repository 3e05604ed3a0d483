"""Platforms for intercompany work: all share one real ERP, each has a Harvest and a ledger."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from sandbox.temporal_server import TemporalServer
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from tests.e2e.conftest import NewNamespace, new_namespace  # noqa: F401  A fixture.
from tests.expenses.systems import ErpSide
from tests.intercompany.lending_platform import (
    LendingPlatform,
    LendingSystems,
    lending_platform,
)
from tests.server_fixtures import FreshDatabase

Opened = Callable[..., AbstractAsyncContextManager[LendingPlatform]]
_HUNDREDS = itertools.count(9_500_000, 100)


@pytest.fixture(scope="session")
async def erp_side(erp: TrytonServer) -> AsyncIterator[ErpSide]:
    """The real ERP, with a wire to it that may have faults."""
    async with JsonRpcSession(erp.url, erp.database) as session:
        await session.log_in(erp.admin_user, erp.admin_password)
        side = ErpSide(erp, session)
        yield side
        await side.close()


@pytest.fixture
def opened(
    erp_side: ErpSide,
    fresh_database: FreshDatabase,
    migrated: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> Opened:
    """Open a platform that knows the masters, by a policy about legs that fail."""

    @asynccontextmanager
    async def open_(one_leg_failed: str = "HOLD") -> AsyncIterator[LendingPlatform]:
        dsn, namespace = await fresh_database(migrated), await new_namespace()
        systems = LendingSystems(erp_side, next(_HUNDREDS))
        address = temporal_server.address
        async with lending_platform(dsn, address, namespace, systems, one_leg_failed) as platform:
            await platform.refresh()
            yield platform

    return open_
