"""Ledgers for tests of masters."""

from collections.abc import AsyncIterator

import pytest

from store.database import Database
from tests.e2e.conftest import dsn  # noqa: F401  A fixture.


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:  # noqa: F811
    """A migrated ledger of a test's own."""
    opened = await Database.connect(dsn)
    yield opened
    await opened.close()
