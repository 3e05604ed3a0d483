"""Platforms for whole-way tests: a ledger and a Temporal namespace of its own for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.temporal_server import TemporalServer
from tests.e2e import namespaces
from tests.e2e.final_check import assert_all_is_well
from tests.e2e.local_platform import LocalPlatform, Systems, local_platform
from tests.server_fixtures import FreshDatabase

NewNamespace = Callable[[], Awaitable[str]]
CopyOf = Callable[[str], Awaitable[str]]
Opened = Callable[..., AbstractAsyncContextManager[LocalPlatform]]


@pytest.fixture(scope="session")
def new_namespace(temporal_server: TemporalServer) -> NewNamespace:
    """Make a namespace of the session's Temporal server; gives its name."""
    return lambda: namespaces.new_namespace(temporal_server.address)


@pytest.fixture
def systems() -> Systems:
    """A source without a single entry, and an ERP without a single line."""
    return Systems()


@pytest.fixture
async def dsn(fresh_database: FreshDatabase, migrated: str) -> str:
    """A ledger of its own."""
    return await fresh_database(migrated)


@pytest.fixture
def copy_of(fresh_database: FreshDatabase) -> CopyOf:
    """Copy a ledger that nobody has open, as a backup does; gives the copy's DSN."""

    async def copy(ledger: str) -> str:
        return await fresh_database(urlsplit(ledger).path.removeprefix("/"))

    return copy


@pytest.fixture
def opened(
    systems: Systems, dsn: str, temporal_server: TemporalServer, new_namespace: NewNamespace
) -> Opened:
    """Open a platform between the two: with a Temporal of its own, unless told which."""

    @asynccontextmanager
    async def open_(
        *, ledger: str = dsn, namespace: str | None = None, **given: Any
    ) -> AsyncIterator[LocalPlatform]:
        where = namespace or await new_namespace()
        given = {"systems": systems, **given}
        async with local_platform(ledger, temporal_server.address, where, **given) as platform:
            await platform.refresh()
            yield platform

    return open_


@pytest.fixture
async def local(opened: Opened) -> AsyncIterator[LocalPlatform]:
    """A platform between the two; at its end nothing may be stuck."""
    async with opened() as platform:
        yield platform
        await assert_all_is_well(platform)


@pytest.fixture
async def firm(opened: Opened) -> AsyncIterator[LocalPlatform]:
    """The made-up firm's month, a simulated ERP, and a platform between them."""
    async with opened(systems=Systems.of_the_firm()) as platform:
        yield platform
        await assert_all_is_well(platform)
