"""The real Tryton answers 503 to a write that it has committed, when its database breaks off.

So 503 proves nothing about a write, although Tryton says the same where a lock was not had and
everything was rolled back.
"""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from connectors.base.errors import OutcomeUnknownError
from sandbox.tryton.server import TrytonServer
from tests.connectors.tryton.world import RealTrytonWorld

pytestmark = pytest.mark.erp
SECONDS_MAX = 20
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = $1"


@pytest.fixture
async def database(erp: TrytonServer) -> AsyncIterator[asyncpg.Connection]:
    """An administrator's connection to the ERP's PostgreSQL."""
    connection = await asyncpg.connect(erp._postgres.url_of("postgres"))
    yield connection
    await connection.close()


async def set_standby(database: asyncpg.Connection, name: str) -> None:
    """Let commits wait for a standby of this name; for none if it is empty."""
    await database.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await database.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(SECONDS_MAX):
        while await database.fetchval("SHOW synchronous_standby_names") != name:
            await asyncio.sleep(0.05)


async def test_service_unavailable_may_come_after_the_commit(
    erp_world: RealTrytonWorld, erp: TrytonServer, database: asyncpg.Connection
) -> None:
    target, intent = erp_world.connect(), erp_world.intent()
    evidence = await target.guard_evidence([intent])
    await set_standby(database, "nobody")
    try:
        posting = asyncio.create_task(target.post([intent], evidence))
        async with asyncio.timeout(SECONDS_MAX):
            while not (waiting := await database.fetch(_WAITING, erp.database)):
                await asyncio.sleep(0.05)
        # Committed on disk, and waiting for a standby that does not exist.
        await database.execute("SELECT pg_terminate_backend($1)", waiting[0]["pid"])
        with pytest.raises(OutcomeUnknownError) as told:
            await posting
    finally:
        await set_standby(database, "")
    assert told.value.code == "erp_busy"
    assert len(await erp_world.held(intent.reference)) == 1
    with pytest.raises(OutcomeUnknownError):
        await target.post([intent], evidence)
    assert len(await erp_world.held(intent.reference)) == 1
