"""The script of somebody careful: our own steps and tables, in a loop, without Temporal.

What this costs less than the event lane is what Temporal costs. Run by `benchmarks.event_lane`.
"""

import asyncio
import json
import sys
import time
from dataclasses import replace
from typing import Final

import asyncpg
import uvloop
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsCache
from activities.intents import Intents
from activities.posting import PostingActivities
from activities.preparation import PreparationActivities
from benchmarks.processes import READY, end, say, told
from benchmarks.stage import SOURCE, TARGET, TENANT, connected_erp
from benchmarks.timesheets import measured, warm_up
from canonical.messages import DocumentRef
from canonical.posting import PostingKind
from connectors.base.connections import Connections
from rules.policies import Policies
from store.database import Database

# As many as the platform has on this ERP's queue.
_LANES: Final = 4
_AGAIN_MAX: Final = 20


class Script:
    """Prepares and posts timesheets with the platform's activities."""

    def __init__(self, database: Database, connections: Connections) -> None:
        policies = Policies()
        intents = Intents(TENANT, {TARGET: {PostingKind.TIME}})
        self._preparation = PreparationActivities(database, FactsCache(), policies, intents)
        self._posting = PostingActivities(
            database, connections, policies, tenant=TENANT, acknowledged={SOURCE}
        )

    async def post(self, timesheets: list[str]) -> None:
        """Post timesheets, some side by side."""
        left = iter(timesheets)

        async def lane() -> None:
            for timesheet in left:
                await self._post_timesheet(timesheet)

        await asyncio.gather(*(lane() for _ in range(_LANES)))

    async def _post_timesheet(self, timesheet: str) -> None:
        ref = DocumentRef(connection=SOURCE, document=timesheet, target=TARGET)
        environment = ActivityEnvironment()
        # The lane under which rows are claimed.
        environment.info = replace(environment.info, workflow_run_id=timesheet)
        prepared = await environment.run(self._preparation.prepare_document, ref)
        for _ in range(_AGAIN_MAX):
            posted = await environment.run(self._posting.post_document, ref)
            if posted.again_in_seconds is None:
                break
            await asyncio.sleep(posted.again_in_seconds)
        else:
            raise RuntimeError(f"{timesheet}: {prepared.to_post} lines, and they never settle")


async def main(dsn: str, erp_url: str) -> None:
    """Warm up, wait to be told, post."""
    database = await Database.connect(dsn)
    connections = Connections({TARGET: connected_erp(erp_url)})
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        first, then = await warm_up(pool), await measured(pool)
    script = Script(database, connections)
    await script.post(first)
    say(READY)
    await told()
    began = time.monotonic()
    await script.post(then)
    say(json.dumps({"seconds": time.monotonic() - began}))
    await told()
    await connections.close()
    await database.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
    end()
