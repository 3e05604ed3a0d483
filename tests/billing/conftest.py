"""Platforms for whole-way tests of billing; all share one ERP, each has its own of all else."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from runtime.configuration import Configuration
from sandbox.temporal_server import TemporalServer
from tests.billing.billing_platform import BillingPlatform, billing_platform, configuration
from tests.billing.systems import BillingSystems
from tests.e2e.conftest import NewNamespace, new_namespace  # noqa: F401  A fixture.
from tests.expenses.conftest import erp_side  # noqa: F401  A fixture.
from tests.expenses.systems import ErpSide
from tests.server_fixtures import FreshDatabase

Opened = Callable[..., AbstractAsyncContextManager[BillingPlatform]]
# Entries of one session have ids of their own: all its tests share one ERP.
_ENTRIES: Final = itertools.count(1)


@pytest.fixture(scope="session")
async def with_masters(  # noqa: PLR0917  Fixtures.
    erp_side: ErpSide,  # noqa: F811
    fresh_database: FreshDatabase,
    migrated: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The name of a ledger that has read the masters of all sides, to be copied from."""
    dsn = await fresh_database(migrated)
    systems = BillingSystems(erp_side, tmp_path_factory.mktemp("contracts"), 1)
    async with billing_platform(
        dsn,
        temporal_server.address,
        await new_namespace(),
        systems,
        settings=configuration(),
    ) as platform:
        await platform.refresh()
    return urlsplit(dsn).path.removeprefix("/")


@pytest.fixture
def systems(erp_side: ErpSide, tmp_path: Path) -> BillingSystems:  # noqa: F811
    """A Harvest without an entry, a drop without a contract, and the ERP."""
    return BillingSystems(erp_side, tmp_path / "contracts", 7_000_001 + 1000 * next(_ENTRIES))


@pytest.fixture
def settings() -> Configuration:
    """A tenant of its own."""
    return configuration()


@pytest.fixture
async def dsn(fresh_database: FreshDatabase, with_masters: str) -> str:
    """A ledger of its own that knows the masters."""
    return await fresh_database(with_masters)


@pytest.fixture
def opened(
    systems: BillingSystems,
    dsn: str,
    settings: Configuration,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> Opened:
    """Open a platform between them: with a Temporal of its own, unless told which."""

    @asynccontextmanager
    async def open_(
        *, ledger: str = dsn, namespace: str | None = None, **given: Any
    ) -> AsyncIterator[BillingPlatform]:
        where = namespace or await new_namespace()
        async with billing_platform(
            ledger, temporal_server.address, where, systems, settings=settings, **given
        ) as platform:
            yield platform

    return open_


@pytest.fixture
async def local(opened: Opened) -> AsyncIterator[BillingPlatform]:
    """A platform between them."""
    async with opened() as platform:
        yield platform
