"""Platforms for whole-way tests of expenses; all share one ERP, each has a Concur of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.temporal_server import TemporalServer
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from tests.e2e.conftest import NewNamespace, new_namespace  # noqa: F401  A fixture.
from tests.expenses.expense_platform import ExpensePlatform, expense_platform
from tests.expenses.final_check import assert_all_is_well
from tests.expenses.fyle_platform import FylePlatform, fyle_platform
from tests.expenses.fyle_platform import assert_all_is_well as fyle_check
from tests.expenses.fyle_systems import FyleSystems
from tests.expenses.systems import ErpSide, ExpenseSystems
from tests.server_fixtures import FreshDatabase

Opened = Callable[..., AbstractAsyncContextManager[ExpensePlatform]]
FyleOpened = Callable[[FyleSystems], AbstractAsyncContextManager[FylePlatform]]
FreshLedger = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
async def erp_side(erp: TrytonServer) -> AsyncIterator[ErpSide]:
    """The real ERP, with a wire to it and a desk in it."""
    async with JsonRpcSession(erp.url, erp.database) as session:
        await session.log_in(erp.admin_user, erp.admin_password)
        side = ErpSide(erp, session)
        yield side
        await side.close()


@pytest.fixture(scope="session")
async def with_masters(
    erp_side: ErpSide,
    fresh_database: FreshDatabase,
    migrated: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> str:
    """The name of a ledger that has read the masters of both sides, to be copied from."""
    dsn = await fresh_database(migrated)
    namespace = await new_namespace()
    systems = ExpenseSystems(erp_side)
    async with expense_platform(dsn, temporal_server.address, namespace, systems) as platform:
        await platform.refresh()
    return urlsplit(dsn).path.removeprefix("/")


@pytest.fixture
def systems(erp_side: ErpSide) -> ExpenseSystems:
    """A Concur without a single document, and the ERP."""
    return ExpenseSystems(erp_side)


@pytest.fixture(scope="session")
def fresh_ledger(fresh_database: FreshDatabase, with_masters: str) -> FreshLedger:
    """Make a ledger that knows the masters and nothing else; gives its DSN."""

    async def make() -> str:
        return await fresh_database(with_masters)

    return make


@pytest.fixture
async def dsn(fresh_ledger: FreshLedger) -> str:
    """A ledger of its own that knows the masters."""
    return await fresh_ledger()


@pytest.fixture
def opened(
    systems: ExpenseSystems,
    dsn: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> Opened:
    """Open a platform between the two: with a Temporal of its own, unless told which."""

    @asynccontextmanager
    async def open_(
        *, ledger: str = dsn, namespace: str | None = None, **given: Any
    ) -> AsyncIterator[ExpensePlatform]:
        where = namespace or await new_namespace()
        given = {"systems": systems, **given}
        async with expense_platform(ledger, temporal_server.address, where, **given) as platform:
            yield platform

    return open_


@pytest.fixture
async def local(opened: Opened) -> AsyncIterator[ExpensePlatform]:
    """A platform between the two; at its end nothing may be stuck."""
    async with opened() as platform:
        yield platform
        await assert_all_is_well(platform)


@pytest.fixture(scope="session")
async def fyle_opened(
    erp_side: ErpSide,
    fresh_database: FreshDatabase,
    migrated: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> FyleOpened:
    """Open a platform between Fyle and the ERP that knows the masters and nothing else."""

    @asynccontextmanager
    async def on(template: str, systems: FyleSystems) -> AsyncIterator[FylePlatform]:
        ledger, namespace = await fresh_database(template), await new_namespace()
        async with fyle_platform(ledger, temporal_server.address, namespace, systems) as platform:
            yield platform

    async with on(migrated, FyleSystems(erp_side)) as first:
        await first.refresh()
    with_masters = urlsplit(first.dsn).path.removeprefix("/")
    return lambda systems: on(with_masters, systems)


@pytest.fixture
async def fyle(fyle_opened: FyleOpened, erp_side: ErpSide) -> AsyncIterator[FylePlatform]:
    """A platform whose only source is Fyle; at its end nothing may be stuck."""
    async with fyle_opened(FyleSystems(erp_side)) as platform:
        yield platform
        await fyle_check(platform)
