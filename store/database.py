"""The ledger's PostgreSQL: a pool of connections and transactions on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

CONNECTIONS_MAX: Final = 10
# Longer than any statement of ours should take; a stuck one must not hold an activity for ever.
STATEMENT_TIMEOUT_SECONDS: Final = 30

# What says that the ledger cannot be reached or does not answer.
UNAVAILABLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

Connection: TypeAlias = PoolConnectionProxy
Row: TypeAlias = asyncpg.Record


class Database:
    """One pool per process; repositories take a connection, so that callers compose."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, dsn: str, connections_max: int = CONNECTIONS_MAX) -> Self:
        """Open the pool; raises OSError or asyncpg.PostgresError if the server is not there."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=connections_max,
            command_timeout=STATEMENT_TIMEOUT_SECONDS,
            reset=_leave_as_it_is,
            server_settings={"timezone": "UTC", "application_name": "ledgerway"},
        )
        return cls(pool)

    async def close(self) -> None:
        """Wait for running statements, then close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Commit on leaving; roll back on any exception."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection on which every statement is a transaction, committed when it returns."""
        async with self._pool.acquire() as connection:
            yield connection

    async def fetch(self, query: str, *arguments: Any) -> list[Row]:
        """Run one statement in a transaction of its own and return its rows."""
        rows: list[Row] = await self._pool.fetch(query, *arguments)
        return rows

    async def fetch_row(self, query: str, *arguments: Any) -> Row | None:
        """Like `fetch`, for at most one row."""
        return await self._pool.fetchrow(query, *arguments)

    async def execute(self, query: str, *arguments: Any) -> None:
        """Run one statement whose rows nobody wants."""
        await self._pool.execute(query, *arguments)


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """Spare a round trip whenever a connection goes back to the pool.

    Nothing of ours leaves anything behind on a session: no settings, locks, cursors or listeners.
    A transaction that was left open is rolled back before this, by the pool itself.
    """
