"""A kill in the middle: how soon what was in flight goes on, and whether the books are right."""

import asyncio
import os
import signal
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from benchmarks.firm import LINES_PER_TIMESHEET
from benchmarks.report import EVENT, Resume, Run
from benchmarks.stage import Stage
from benchmarks.variants import books, event_lane
from workflows.policies import HEARTBEAT_TIMEOUT

# What a resume may take beyond the time after which a dead worker is noticed.
GRACE_SECONDS: Final = 3
_KILL_AT_SHARE: Final = 0.4
_LOOK_EVERY_SECONDS: Final = 0.02
_OTHERS_UNDER_WAY: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'
"""


@dataclass(frozen=True, slots=True)
class _Killed:
    """The moment of the kill (UTC), and what the ledger said then."""

    at: datetime
    left: int
    in_flight: list[UUID]


async def run_resume(stage: Stage, passes: Sequence[Sequence[Run]]) -> Resume:
    """Kill the worker when some 40 % are posted and lines are in flight, and start another."""
    lines = stage.timesheets * LINES_PER_TIMESHEET
    async with stage.set_for("resume") as given, event_lane(given) as lane:
        (worker,) = lane.workers
        await lane.driver.go()
        connection = await asyncpg.connect(given.dsn)
        try:
            killed = await _kill_in_flight(connection, worker.pid, stage)
            await worker.kill()
            await worker.start()
            await lane.driver.result()
            moved = await _when(connection, "posted_at", killed.in_flight)
            done = await _when(connection, "attested_at", None)
        finally:
            await connection.close()
        duplicates, missing = await books(given)
    return Resume(
        lines=lines,
        left_at_kill=killed.left,
        in_flight=len(killed.in_flight),
        in_flight_moved_seconds=(moved - killed.at).total_seconds(),
        all_posted_seconds=(done - killed.at).total_seconds(),
        undisturbed_seconds=killed.left / _usual_speed(passes),
        limit_seconds=HEARTBEAT_TIMEOUT.total_seconds() + GRACE_SECONDS,
        duplicates=duplicates,
        missing=missing,
    )


async def _kill_in_flight(connection: asyncpg.Connection, pid: int, stage: Stage) -> _Killed:
    """Freeze the worker until it is caught between claim and record; then SIGKILL it."""
    lines = stage.timesheets * LINES_PER_TIMESHEET
    total = lines + stage.warm_up * LINES_PER_TIMESHEET
    begun = stage.warm_up * LINES_PER_TIMESHEET + int(lines * _KILL_AT_SHARE)
    while True:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        posted = await _count(connection, "attested_at IS NOT NULL")
        if posted < begun:
            continue
        if posted >= total:
            raise RuntimeError("all was posted before the worker could be caught in the middle")
        os.kill(pid, signal.SIGSTOP)
        await _nothing_under_way(connection)
        in_flight = await connection.fetch("SELECT key FROM posting WHERE state = 'SENDING'")
        if in_flight:
            posted = await _count(connection, "attested_at IS NOT NULL")
            os.kill(pid, signal.SIGKILL)
            return _Killed(datetime.now(UTC), total - posted, [row["key"] for row in in_flight])
        os.kill(pid, signal.SIGCONT)


async def _nothing_under_way(connection: asyncpg.Connection) -> None:
    """Wait until PostgreSQL has done what it was asked for before the worker was frozen."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        if not await connection.fetchval(_OTHERS_UNDER_WAY):
            return


async def _count(connection: asyncpg.Connection, condition: str) -> int:
    found = await connection.fetchval(f"SELECT count(*) FROM posting WHERE {condition}")
    return int(found or 0)


async def _when(
    connection: asyncpg.Connection, column: str, keys: Sequence[UUID] | None
) -> datetime:
    """The latest instant (UTC) in a column, of some postings or of all."""
    latest = await connection.fetchval(
        f"SELECT max({column}) FROM posting WHERE $1::uuid[] IS NULL OR key = ANY($1)", keys
    )
    assert isinstance(latest, datetime)
    return latest


def _usual_speed(passes: Sequence[Sequence[Run]]) -> float:
    """Lines per second of the event lane when nobody kills it."""
    return statistics.median(
        run.lines / run.lines_seconds for one in passes for run in one if run.variant == EVENT
    )
