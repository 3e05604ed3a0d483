"""Rate budgets shared by all workers of a connection, counted exactly as the vendor counts."""

import math
from dataclasses import dataclass
from typing import Final

from store.database import Database

_TAKE: Final = """
    UPDATE rate_window w
    SET calls = CASE WHEN free.granted THEN free.recent || array_fill(clock_timestamp(), ARRAY[$4])
                     ELSE free.recent END
    FROM (
      SELECT recent, oldest_blocking,
             coalesce(paused_until <= clock_timestamp(), true)
               AND cardinality(recent) + $4 <= $3 AS granted
      FROM (
        SELECT paused_until, recent, recent[greatest(1, cardinality(recent) + $4 - $3)]
                 AS oldest_blocking
        FROM (
          SELECT paused_until, ARRAY(
            SELECT c FROM unnest(calls) AS c
            WHERE c > clock_timestamp() - make_interval(secs => $2) ORDER BY c) AS recent
          FROM rate_window WHERE connection = $1 FOR UPDATE
        ) counted
      ) measured
    ) free
    WHERE w.connection = $1
    RETURNING free.granted,
      greatest(
        extract(epoch FROM w.paused_until - clock_timestamp()),
        -- While there is room, only a pause can be what is waited for.
        CASE WHEN cardinality(free.recent) + $4 <= $3 THEN 0 ELSE
          $2 - extract(epoch FROM clock_timestamp() - free.oldest_blocking) END,
        0)::float8 AS wait_seconds
"""


@dataclass(frozen=True, slots=True)
class SharedBudget:
    """A sliding window in PostgreSQL: in no span of `per_seconds` more than `calls_max`."""

    database: Database
    connection: str
    calls_max: int
    per_seconds: int

    async def take(self, calls: int = 1) -> int:
        """Take tokens. Returns 0 if they were granted, else the whole seconds to wait."""
        row = await self.database.fetch_row(
            _TAKE, self.connection, self.per_seconds, self.calls_max, calls
        )
        if row is None:
            await self.database.execute(
                "INSERT INTO rate_window (connection) VALUES ($1) ON CONFLICT DO NOTHING",
                self.connection,
            )
            return await self.take(calls)
        return 0 if row["granted"] else max(1, math.ceil(row["wait_seconds"]))

    async def pause(self, seconds: int) -> None:
        """Grant nothing for so many seconds, because the vendor said so."""
        await self.database.execute(
            """
            INSERT INTO rate_window AS w (connection, paused_until)
            VALUES ($1, clock_timestamp() + make_interval(secs => $2))
            ON CONFLICT (connection)
            DO UPDATE SET paused_until = greatest(w.paused_until, excluded.paused_until)
            """,
            self.connection,
            seconds,
        )
