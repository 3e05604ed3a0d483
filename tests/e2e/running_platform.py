"""A platform that runs in one process between any systems: real ledger, real Temporal."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from canonical.messages import CaseView, ResolutionOutcome, SweepOutcome, SweepRequest
from connectors.base.capabilities import Connected
from connectors.base.connections import Connections
from rules.policies import Policies
from runtime.bootstrap import Activities, Platform
from runtime.configuration import Configuration
from runtime.topology import UPKEEP_QUEUE, WorkerSettings, queues_of, worker_for
from store import reports
from store.database import Database, Row

# A deadline for what is going wrong; nothing waits that long when all is well.
SECONDS_MAX: Final = 60
# Platforms that follow each other on one Temporal do not mistake their runs for each other's.
_RUNS: Final = itertools.count(1)


@dataclass(kw_only=True)
class RunningPlatform:
    """What a test holds of any platform, whatever systems it stands between."""

    dsn: str
    platform: Platform
    activities: Activities
    client: Client
    # The number of the latest run of each.
    ids: dict[str, int] = field(default_factory=dict)

    # Steps, as Schedules run them, or one alone.

    async def run(self, workflow: str, argument: Any, result_type: type | None = None) -> Any:
        """Run an upkeep workflow to its end."""
        number = self.ids[workflow] = next(_RUNS)
        return await self.client.execute_workflow(
            workflow,
            argument,
            id=f"test/{workflow}/{number}",
            task_queue=UPKEEP_QUEUE,
            result_type=result_type,
        )

    async def sweep(self, *, full: bool = False) -> SweepOutcome:
        """Ask the ERP for all our documents, and wait until what follows is settled."""
        request = SweepRequest(target="tryton", full=full)
        outcome: SweepOutcome = await self.run("SweepPostings", request, SweepOutcome)
        return outcome

    async def step(self, activity: str, argument: Any, task_queue: str) -> Any:
        """Run one activity on its own."""
        number = self.ids[activity] = next(_RUNS)
        return await self.client.execute_activity(
            activity,
            argument,
            id=f"test/{activity}/{number}",
            task_queue=task_queue,
            start_to_close_timeout=timedelta(seconds=SECONDS_MAX),
            heartbeat_timeout=timedelta(seconds=SECONDS_MAX),
        )

    # What the ledger says.

    async def settled(self, seconds_max: float = SECONDS_MAX) -> None:
        """Wait until no document is owed a workflow and no posting is under way."""
        try:
            await self._until_settled(seconds_max)
        except TimeoutError as error:
            error.add_note(f"left: {await self._left()}")
            raise

    async def _left(self) -> list[str]:
        """What is not settled, for people who look at a test that waited too long."""
        lines = await self.rows(
            "SELECT concat_ws(' ', kind, source_id, 'revision', revision, state, last_outcome, "
            "       CASE WHEN waits_for IS NOT NULL THEN 'waits' END) AS said FROM posting "
            "WHERE state IN ('SENDING', 'PENDING', 'EXCEPTION') LIMIT 20"
        )
        owed = await self.rows(
            "SELECT concat_ws(' ', kind, document_id, 'news', news_seq, 'told', dispatched_seq, "
            "       'prepared', prepared_seq) AS said FROM document "
            "WHERE news_seq > prepared_seq LIMIT 20"
        )
        return [str(row["said"]) for row in (*lines, *owed)]

    async def _until_settled(self, seconds_max: float) -> None:
        await self.until(
            "SELECT (SELECT count(*) FROM posting p LEFT JOIN posting b ON b.key = p.waits_for "
            "        WHERE p.state = 'SENDING' OR (p.state = 'PENDING' "
            "          AND b.state IS DISTINCT FROM 'EXCEPTION') "
            "        OR (p.state = 'POSTED' AND p.attested_at IS NULL AND p.case_id IS NULL) "
            "        OR (p.state = 'POSTED' AND (p.withdrawn OR p.next_revision IS NOT NULL) "
            "          AND NOT EXISTS (SELECT FROM posting u WHERE u.corrects = p.key))) = 0 "
            "AND (SELECT count(*) FROM document WHERE news_seq > prepared_seq) = 0 "
            "AND NOT EXISTS (SELECT FROM posting WHERE state = 'EXCEPTION' "
            "                AND released_at IS NOT NULL)",
            seconds_max=seconds_max,
        )

    async def until(
        self, condition: str, *arguments: Any, seconds_max: float = SECONDS_MAX
    ) -> None:
        """Wait until a query over the ledger says true."""

        async def done() -> bool:
            row = await self.platform.database.fetch_row(condition, *arguments)
            return bool(row and row[0])

        await eventually(done, seconds_max)

    async def rows(self, query: str, *arguments: Any) -> list[Row]:
        """Ask the ledger."""
        return await self.platform.database.fetch(query, *arguments)

    async def long_ago(self) -> None:
        """Let everything that was posted lie so far back that it could be found by now."""
        await self.platform.database.execute(
            "UPDATE posting SET posted_at = posted_at - interval '1 day'"
        )

    # Cases, as people see them.

    async def cases(self) -> list[reports.Blocked]:
        """The open cases."""
        async with self.platform.database.transaction() as connection:
            return await reports.blocked(connection)

    async def case_of(self, cause: str) -> reports.Blocked:
        """The one open case of a cause."""
        (case,) = [one for one in await self.cases() if one.cause == cause]
        return case

    async def state_of_case(self, case_id: UUID) -> str:
        """OPEN, TRYING, WAITING_FOR_SOURCE or RESOLVED."""
        (row,) = await self.rows("SELECT state FROM exception_case WHERE id = $1", case_id)
        return str(row["state"])

    async def closed(self, case: reports.Blocked) -> CaseView:
        """Wait until a case's workflow ends; gives what it ended with."""
        handle = self.case_workflow(case)
        async with asyncio.timeout(SECONDS_MAX):
            return CaseView.model_validate(await handle.result())

    async def visible(self, case: reports.Blocked) -> None:
        """Wait until a case can be seen in Temporal."""

        async def there() -> bool:
            try:
                await self.case_workflow(case).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return False
            return True

        await eventually(there)

    def case_workflow(self, case: reports.Blocked) -> WorkflowHandle[Any, Any]:
        """The workflow of a case."""
        return self.client.get_workflow_handle(f"exception-case/{case.case_id}")

    async def resolve(self, case: reports.Blocked, **request: Any) -> ResolutionOutcome:
        """Resolve a case as a person would, by the workflow's update; waits for what follows."""
        outcome = await self.ask_to_resolve(case, {"by": "ana", **request})
        await self.settled()
        return outcome

    async def ask_to_resolve(
        self, case: reports.Blocked, request: Mapping[str, Any]
    ) -> ResolutionOutcome:
        """Send the update with whatever somebody typed, once they can see the case."""
        await self.visible(case)
        outcome: ResolutionOutcome = await self.case_workflow(case).execute_update(
            "resolve_exception", dict(request), result_type=ResolutionOutcome
        )
        return outcome


async def eventually(done: Callable[[], Awaitable[bool]], seconds_max: float = SECONDS_MAX) -> None:
    """Wait for a state with a deadline."""
    async with asyncio.timeout(seconds_max):
        while not await done():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    dsn: str,
    client: Client,
    configuration: Configuration,
    policies: Policies,
    connected: dict[str, Connected],
    *,
    workers: bool = True,
    drain_seconds: int = 1,
) -> AsyncIterator[tuple[Platform, Activities]]:
    """Start a platform on a migrated ledger; it drains its work, and then lets it go."""
    database = await Database.connect(dsn)
    platform = Platform(configuration, policies, database, Connections(connected), client)
    activities = Activities.of(platform)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(platform.close)
        if workers:
            for queue in queues_of(platform, activities):
                settings = WorkerSettings(drain_seconds=drain_seconds)
                await stack.enter_async_context(worker_for(client, queue, settings))
        yield platform, activities
