"""One migrated ledger for all tests of the store; each test works in a corner of its own."""

import itertools
from collections.abc import AsyncIterator

import pytest

from store.database import Database
from tests.server_fixtures import FreshDatabase
from tests.store.corner import Corner

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def dsn(fresh_database: FreshDatabase, migrated: str) -> str:
    """The address of the ledger that these tests share."""
    return await fresh_database(migrated)


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool on the shared ledger."""
    database = await Database.connect(dsn)
    yield database
    await database.close()


@pytest.fixture
def corner(database: Database) -> Corner:
    """A source and an ERP that no other test knows."""
    return Corner(database, next(_numbers))


@pytest.fixture
async def own_ledger(fresh_database: FreshDatabase, migrated: str) -> AsyncIterator[Database]:
    """A ledger that nobody else writes to, for statements about all of it."""
    database = await Database.connect(await fresh_database(migrated))
    yield database
    await database.close()
