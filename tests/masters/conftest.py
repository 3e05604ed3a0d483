"""Ledgers for tests of masters, and an ERP that no other test sees."""

import shutil
from collections.abc import AsyncIterator

import pytest

from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from store.database import Database
from tests.e2e.conftest import dsn  # noqa: F401  A fixture.
from tests.erp_fixtures import erp_home, last_month


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:  # noqa: F811
    """A migrated ledger of a test's own."""
    opened = await Database.connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def own_erp(
    erp: TrytonServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TrytonServer]:
    """A Tryton that other tests do not see, so that a thousand records disturb nobody."""
    home = tmp_path_factory.mktemp("masters-erp")
    async with TrytonServer(home, last_month(), cache=erp_home()) as server:
        yield server
    shutil.rmtree(home)


@pytest.fixture
async def desk(own_erp: TrytonServer) -> AsyncIterator[JsonRpcSession]:
    """The ERP's own people, who ask it without any code of ours."""
    async with JsonRpcSession(own_erp.url, own_erp.database) as session:
        await session.log_in(own_erp.admin_user, own_erp.admin_password)
        yield session
