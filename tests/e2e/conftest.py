"""Platforms for whole-way tests: a ledger and a Temporal server of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.temporal_server import TemporalServer
from sandbox.world import our_search_attributes
from tests.e2e.local_platform import LocalPlatform, local_platform
from tests.server_fixtures import FreshDatabase


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A Temporal server that no other test has left anything on."""
    async with TemporalServer(
        tmp_path / "temporal", search_attributes=our_search_attributes(), headless=True
    ) as server:
        yield server


@pytest.fixture
async def firm(
    fresh_database: FreshDatabase, migrated: str, temporal: TemporalServer
) -> AsyncIterator[LocalPlatform]:
    """The made-up firm's month, a simulated ERP, and a platform between them."""
    dsn = await fresh_database(migrated)
    async with local_platform(dsn, temporal.address, temporal.namespace) as platform:
        await platform.refresh()
        yield platform
