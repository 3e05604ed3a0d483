"""Which timesheets of the filled ledger are the warm-up, and which are measured."""

import asyncpg

from benchmarks.firm import WARM_UP_WEEK
from benchmarks.stage import SOURCE


async def warm_up(pool: asyncpg.Pool) -> list[str]:
    """The timesheets of the first week."""
    return await _timesheets(pool, "=")


async def measured(pool: asyncpg.Pool) -> list[str]:
    """The timesheets of all other weeks, in the order in which they are dispatched."""
    return await _timesheets(pool, ">")


async def _timesheets(pool: asyncpg.Pool, when: str) -> list[str]:
    rows = await pool.fetch(
        f"SELECT document_id FROM document WHERE connection = $1 AND starts_on {when} $2 "
        "ORDER BY starts_on, document_id",
        SOURCE,
        WARM_UP_WEEK,
    )
    return [row["document_id"] for row in rows]
