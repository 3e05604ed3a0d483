"""A whole platform in one process: real ledger, real Temporal, simulated Harvest and ERP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle

from canonical.messages import (
    BackfillWindow,
    MasterDataRef,
    ResolutionOutcome,
    ResolutionRequest,
    SourceRef,
)
from connectors.base.capabilities import Connected
from connectors.base.connections import Connections
from connectors.base.rate_budget import Unlimited
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_state import AccountState
from connectors.harvest.simulator import simulated_harvest
from connectors.tryton import TrytonOptions
from connectors.tryton import connect as connect_tryton
from connectors.tryton.simulated_books import Books
from connectors.tryton.simulator import SimulatedTryton
from rules.policies import Policies
from runtime.bootstrap import Activities, Platform
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE, WorkerSettings, queues_of, worker_for
from sandbox.firm import Firm, Month, firm_of
from sandbox.month import FirmAccount
from sandbox.simulated_erp import erp_state_of
from store import reports
from store.database import Database

MONTH = Month(2026, 10)
SECONDS_MAX = 60
CONFIGURATION = Configuration(
    tenant="northwind",
    connections={
        "harvest": ConnectionSettings(system="harvest", posts_to="tryton"),
        "tryton": ConnectionSettings(system="tryton"),
    },
)
POLICIES = Policies.model_validate({"legal_entities": {"US01": {"closed_period": "HOLD"}}})


@dataclass
class LocalPlatform:
    """What a test holds: both simulators, the platform between them, and Temporal's client."""

    firm: Firm
    account: HarvestAccount
    erp: SimulatedTryton
    platform: Platform
    activities: Activities
    client: Client
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def erp_lines(self) -> list[dict[str, Any]]:
        """The ERP's own lines of time, asked of the ERP."""
        return list(self.erp.books.store.lines.values())

    async def run(self, workflow: str, argument: Any) -> Any:
        """Run an upkeep workflow to its end."""
        number = self.ids[workflow] = self.ids.get(workflow, 0) + 1
        return await self.client.execute_workflow(
            workflow, argument, id=f"test/{workflow}/{number}", task_queue=UPKEEP_QUEUE
        )

    async def poll(self) -> None:
        """Read Harvest once, as its Schedule would, and wait until all is settled or stopped."""
        await self.run("PollSource", SourceRef(connection="harvest", target="tryton"))
        await self.settled()

    async def refresh(self) -> None:
        """Read the masters of both sides."""
        ref = MasterDataRef(connection="harvest", target="tryton")
        await self.activities.master_data.refresh(ref)

    async def backfill(self) -> None:
        """Read the firm's month, and the one before, again."""
        month = self.firm.month
        window = BackfillWindow(
            connection="harvest",
            target="tryton",
            first=month.before().first_day,
            last=month.last_day,
        )
        await self.run("Backfill", window)
        await self.settled()

    async def settled(self) -> None:
        """Wait until no document is owed a workflow and no posting is under way."""

        async def done() -> bool:
            row = await self.platform.database.fetch_row(
                "SELECT (SELECT count(*) FROM posting WHERE state IN ('PENDING', 'SENDING')) = 0 "
                "AND (SELECT count(*) FROM document WHERE news_seq > prepared_seq) = 0 "
                "AND NOT EXISTS (SELECT FROM posting WHERE state = 'EXCEPTION' "
                "                AND released_at IS NOT NULL) AS settled"
            )
            return bool(row and row["settled"])

        await eventually(done)

    async def counts(self) -> dict[str, int]:
        """Lines of time by state."""
        async with self.platform.database.transaction() as connection:
            counted = await reports.counts_by_state(connection)
        return {one.state: one.lines for one in counted if one.kind == "time"}

    async def cases(self) -> list[reports.Blocked]:
        """The open cases."""
        async with self.platform.database.transaction() as connection:
            return await reports.blocked(connection)

    async def case_of(self, cause: str) -> reports.Blocked:
        """The one open case of a cause."""
        (case,) = [one for one in await self.cases() if one.cause == cause]
        return case

    def case_workflow(self, case: reports.Blocked) -> WorkflowHandle[Any, Any]:
        """The workflow of a case."""
        return self.client.get_workflow_handle(f"exception-case/{case.case_id}")

    async def resolve(self, case: reports.Blocked, **request: Any) -> ResolutionOutcome:
        """Resolve a case as a person would, by the workflow's update."""
        outcome = await self.case_workflow(case).execute_update(
            "resolve_exception",
            ResolutionRequest(**{"by": "ana", **request}),
            result_type=ResolutionOutcome,
        )
        await self.settled()
        return outcome


async def eventually(done: Callable[[], Awaitable[bool]], seconds_max: float = SECONDS_MAX) -> None:
    """Wait for a state with a deadline."""
    async with asyncio.timeout(seconds_max):
        while not await done():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def local_platform(
    dsn: str,
    temporal_address: str,
    namespace: str,
    *,
    account: AccountState | None = None,
    policies: Policies = POLICIES,
    connected: dict[str, Connected] | None = None,
) -> AsyncIterator[LocalPlatform]:
    """Start a platform on a migrated ledger and a Temporal namespace of its own."""
    firm = firm_of(MONTH)
    state = account or FirmAccount(firm).state()
    harvest = HarvestAccount(state)
    erp = SimulatedTryton(Books(erp_state_of(firm)))
    connected = connected or {
        "harvest": connect_harvest(
            HarvestOptions(
                connection="harvest",
                account_id=state.account_id,
                token=SecretStr(state.token),
                user_agent="Ledgerway tests (tests@ledgerway.example)",
                base_url="http://harvest.test/v2",
            ),
            Unlimited(),
            httpx.ASGITransport(simulated_harvest(harvest)),
        ),
        "tryton": connect_tryton(
            TrytonOptions(
                connection="tryton",
                url="http://erp.test",
                database="erp",
                user="connector",
                password=SecretStr("connector-pw"),
            ),
            Unlimited(),
            httpx.ASGITransport(erp),
        ),
    }
    client = await connect(temporal_address, namespace)
    database = await Database.connect(dsn)
    platform = Platform(CONFIGURATION, policies, database, Connections(connected), client)
    activities = Activities.of(platform)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(platform.close)
        for queue in queues_of(platform, activities):
            worker = worker_for(client, queue, WorkerSettings(drain_seconds=1))
            await stack.enter_async_context(worker)
        yield LocalPlatform(firm, harvest, erp, platform, activities, client)
