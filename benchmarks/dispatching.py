"""The driver of the event lane: hands timesheets that are in the store to their workflows.

It uses the platform's own dispatch. Run by `benchmarks.event_lane`.
"""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any, Final

import uvloop
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.dispatch import DispatchActivities
from activities.document_workflows import DocumentWorkflows
from benchmarks.firm import WARM_UP_WEEK
from benchmarks.processes import READY, end, say, told
from benchmarks.stage import SOURCE, TARGET
from canonical.messages import SourceRef
from runtime.bootstrap import routes_of
from runtime.configuration import load_configuration
from runtime.settings import Settings
from runtime.temporal import connect
from store.database import Database

_POLL_SECONDS: Final = 0.2
_SECONDS_MAX: Final = 600


class Driver:
    """Dispatches, and waits until all is posted and every workflow has ended."""

    def __init__(self, database: Database, client: Client, dispatch: DispatchActivities) -> None:
        self._database = database
        self._client = client
        self._dispatch = dispatch

    async def warm_up(self) -> None:
        """Have the first week posted, and nothing else."""
        later = "connection = $1 AND starts_on > $2"
        await self._database.execute(
            f"UPDATE document SET dispatched_seq = news_seq WHERE {later}", SOURCE, WARM_UP_WEEK
        )
        await self.post_until(WARM_UP_WEEK)
        await self._database.execute(
            f"UPDATE document SET dispatched_seq = 0 WHERE {later}", SOURCE, WARM_UP_WEEK
        )

    async def post_until(self, week: date) -> None:
        """Start the workflows that are owed, and wait for all lines up to a week (its Monday)."""
        lines = await self._lines(week)
        ref = SourceRef(connection=SOURCE, target=TARGET)
        await ActivityEnvironment().run(self._dispatch.dispatch_documents, ref)
        async with asyncio.timeout(_SECONDS_MAX):
            while await self._attested() < lines or await self._running():  # noqa: ASYNC110  Of others.
                await asyncio.sleep(_POLL_SECONDS)

    async def last_attested(self) -> datetime:
        """When the last line was read back, by the database's clock (UTC)."""
        row = await self._database.fetch_row("SELECT max(attested_at) AS at FROM posting")
        assert row is not None
        at: datetime = row["at"]
        return at

    async def _lines(self, week: date) -> int:
        return await self._count(
            "SELECT count(*) AS n FROM source_line l JOIN document d "
            "USING (connection, document_id) WHERE d.connection = $1 AND d.starts_on <= $2",
            SOURCE,
            week,
        )

    async def _attested(self) -> int:
        return await self._count("SELECT count(*) AS n FROM posting WHERE attested_at IS NOT NULL")

    async def _count(self, query: str, *arguments: Any) -> int:
        row = await self._database.fetch_row(query, *arguments)
        assert row is not None
        found: int = row["n"]
        return found

    async def _running(self) -> int:
        return (await self._client.count_workflows("ExecutionStatus = 'Running'")).count


async def main() -> None:
    """Warm up, wait to be told, dispatch."""
    settings = Settings.model_validate({})
    configuration, _ = load_configuration(settings.config)
    client = await connect(settings.temporal_address, settings.temporal_namespace)
    database = await Database.connect(settings.database_url.get_secret_value())
    documents = DocumentWorkflows(client, routes_of(configuration))
    driver = Driver(database, client, DispatchActivities(database, documents))
    await driver.warm_up()
    say(READY)
    await told()
    began = datetime.now(UTC)
    await driver.post_until(date.max)
    ended = await driver.last_attested()
    say(json.dumps({"seconds": (ended - began).total_seconds()}))
    await told()
    await database.close()


if __name__ == "__main__":
    uvloop.run(main())
    end()
