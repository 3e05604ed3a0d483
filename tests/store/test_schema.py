"""The schema: what code knows is what the database has, whoever upgrades it and how often."""

import asyncio
import os
import sys

import asyncpg
import pytest

from store import schema
from tests.server_fixtures import FreshDatabase

UPGRADE = (
    "import asyncio, os; from store import schema; asyncio.run(schema.upgrade(os.environ['D']))"
)


async def test_the_migrated_database_is_what_code_knows(dsn: str) -> None:
    assert await schema.differences(dsn) == []


async def test_a_column_that_only_one_side_knows_is_told(
    fresh_database: FreshDatabase, migrated: str
) -> None:
    changed = await fresh_database(migrated)
    connection = await asyncpg.connect(changed)
    await connection.execute("ALTER TABLE outbox DROP COLUMN code, ADD COLUMN mood text")
    await connection.close()
    found = {(what[0], what[3].name) for what in await schema.differences(changed)}
    assert found == {("add_column", "code"), ("remove_column", "mood")}


async def _counts(dsn: str) -> tuple[int, int]:
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetchval(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        )
        steps = await connection.fetchval("SELECT count(*) FROM posting_transition")
    finally:
        await connection.close()
    return tables, steps


async def test_two_processes_may_upgrade_at_once_and_again(fresh_database: FreshDatabase) -> None:
    dsn = await fresh_database()
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", UPGRADE),
            env={**os.environ, "D": dsn},
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    before = await _counts(dsn)
    await schema.upgrade(dsn)
    assert await _counts(dsn) == before
    assert await schema.differences(dsn) == []


async def test_a_migration_without_a_ledger_is_refused() -> None:
    with pytest.raises(OSError, match="Connect"):
        await schema.upgrade("postgresql://nobody@127.0.0.1:1/nothing")
