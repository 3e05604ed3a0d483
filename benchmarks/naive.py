"""The script that somebody writes in an afternoon: one ERP call per line, blind retry.

Run by `benchmarks.event_lane`; prints "ready", waits for a line, posts, says what it did.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import httpx
import uvloop

from benchmarks.processes import READY, end, say, told
from benchmarks.stage import PASSWORD, SOURCE, TARGET, USER
from benchmarks.timesheets import measured, warm_up

_LANES: Final = 16
_TRIES: Final = 5


class Script:
    """What it needs: who is who in the ERP, a pool, and a client."""

    def __init__(self, pool: asyncpg.Pool, http: httpx.AsyncClient, links: "Links") -> None:
        self._pool = pool
        self._http = http
        self._links = links
        self._calls = 0

    async def post(self, timesheets: list[str]) -> None:
        """Post timesheets, some side by side."""
        left = iter(timesheets)

        async def lane() -> None:
            for timesheet in left:
                await self._post_timesheet(timesheet)

        await asyncio.gather(*(lane() for _ in range(_LANES)))

    async def _post_timesheet(self, timesheet: str) -> None:
        rows = await self._pool.fetch(
            "SELECT source_id, entry FROM source_line WHERE connection = $1 AND document_id = $2",
            SOURCE,
            timesheet,
        )
        for row in rows:
            line_id = await self._create(json.loads(row["entry"]))
            await self._pool.execute(
                "INSERT INTO naive_posted (source_id, line_id) VALUES ($1, $2)",
                row["source_id"],
                line_id,
            )

    async def _create(self, entry: Mapping[str, Any]) -> int:
        year, month, day = map(int, entry["work_date"].split("-"))
        line = {
            "employee": self._links.employees[entry["employee"]],
            "work": self._links.tasks[entry["task"]],
            "date": {"__class__": "date", "year": year, "month": month, "day": day},
            "duration": {"__class__": "timedelta", "seconds": entry["seconds"]},
            "description": f"{entry['id']} {entry['note']}",
        }
        company = self._links.companies[line["employee"]]
        (made,) = await self._rpc(
            "model.timesheet.line.create", [[{**line, "company": company}], {"company": company}]
        )
        return int(made)

    async def _rpc(self, method: str, params: list[Any]) -> Any:
        self._calls += 1
        body = {"id": self._calls, "method": method, "params": params}
        for _ in range(_TRIES):
            try:
                answer = await self._http.post("/erp/rpc/", json=body)
                answer.raise_for_status()
            except httpx.HTTPError:
                continue
            return answer.json()["result"]
        raise RuntimeError(f"{method} failed {_TRIES} times")

    async def log_in(self) -> None:
        """Open a session; it is never renewed."""
        user_id, token, _ = await self._rpc("common.db.login", [USER, {"password": PASSWORD}, "en"])
        session = base64.b64encode(f"{USER}:{user_id}:{token}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {session}"


class Links:
    """Ids of the source as ids of the ERP, read once."""

    def __init__(self, links: list[asyncpg.Record], people: list[asyncpg.Record]) -> None:
        def of(kind: str) -> dict[str, int]:
            return {row["source_id"]: int(row["target_id"]) for row in links if row["kind"] == kind}

        self.employees: Final = of("employee")
        self.tasks: Final = of("task")
        self.companies: Final = {int(row["id"]): int(row["company"]) for row in people}

    @classmethod
    async def read(cls, pool: asyncpg.Pool) -> "Links":
        """Read them from the ledger, where the platform keeps them."""
        links = await pool.fetch(
            "SELECT kind, source_id, target_id FROM cross_reference "
            "WHERE source = $1 AND target = $2",
            SOURCE,
            TARGET,
        )
        people = await pool.fetch(
            """
            SELECT person.id, entity.id AS company FROM master_record person
            JOIN master_record entity ON entity.connection = person.connection
              AND entity.kind = 'legal_entity'
              AND entity.code = person.body::json ->> 'legal_entity'
            WHERE person.connection = $1 AND person.kind = 'employee'
            """,
            TARGET,
        )
        return cls(links, people)


async def main(dsn: str, erp_url: str) -> None:
    """Warm up, wait to be told, post."""
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=10) as pool,
        httpx.AsyncClient(base_url=erp_url, timeout=30) as http,
    ):
        await pool.execute(
            "CREATE TABLE naive_posted (source_id text PRIMARY KEY, line_id bigint NOT NULL)"
        )
        script = Script(pool, http, await Links.read(pool))
        await script.log_in()
        await script.post(await warm_up(pool))
        timesheets = await measured(pool)
        say(READY)
        await told()
        began = time.monotonic()
        await script.post(timesheets)
        say(json.dumps({"seconds": time.monotonic() - began}))
        await told()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
    end()
