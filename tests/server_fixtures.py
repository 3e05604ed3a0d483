"""A PostgreSQL for the ledger and a Temporal server, each one for the whole session."""

import itertools
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sandbox.postgres import Postgres
from sandbox.temporal_server import SearchAttributes, TemporalServer
from store import schema

TEMPLATE = "ledger_template"
FreshDatabase = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
async def ledger_postgres(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Postgres]:
    """One PostgreSQL server, for as many databases as tests want."""
    home = tmp_path_factory.mktemp("ledger")
    async with Postgres(home) as server:
        yield server
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def fresh_database(ledger_postgres: Postgres) -> FreshDatabase:
    """Make a database that nobody else uses, empty or as a copy of a template; returns its DSN.

    A template is the name of a database of the same server that nobody is connected to.
    """
    numbers = itertools.count(1)

    async def make(template: str | None = None) -> str:
        return await ledger_postgres.create_database(f"test_{next(numbers)}", template)

    return make


@pytest.fixture(scope="session")
async def migrated(ledger_postgres: Postgres) -> str:
    """A migrated ledger that others are copied from; give its name to `fresh_database`."""
    await schema.upgrade(await ledger_postgres.create_database(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def temporal_search_attributes() -> SearchAttributes:
    """The attributes that the session's Temporal server is made with; override it to add some."""
    return {}


@pytest.fixture(scope="session")
async def temporal_server(
    tmp_path_factory: pytest.TempPathFactory, temporal_search_attributes: SearchAttributes
) -> AsyncIterator[TemporalServer]:
    """One Temporal server in memory; isolate by task queues and workflow ids of your own."""
    home = tmp_path_factory.mktemp("temporal")
    async with TemporalServer(
        home, search_attributes=temporal_search_attributes, headless=True
    ) as server:
        yield server


_exit_status: int | None = None


def pytest_sessionfinish(exitstatus: int) -> None:
    """Remember how the session ended."""
    global _exit_status  # noqa: PLW0603  Two hooks of one plugin have no other common place.
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once: a process that used Temporal's client aborts now and then at its normal end.

    One of several test processes has reported by then, and nobody asks how it ends.
    """
    if hasattr(config, "workerinput"):
        return
    if _exit_status is not None and "temporalio.bridge.temporal_sdk_bridge" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status)
