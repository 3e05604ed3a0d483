"""A whole platform in one process: real ledger, real Temporal, simulated Harvest and ERP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import httpx
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from canonical.messages import (
    BackfillWindow,
    CaseView,
    DocumentRef,
    MasterDataRef,
    Posted,
    Prepared,
    ResolutionOutcome,
    SourceRef,
    SweepOutcome,
    SweepRequest,
    posting_queue,
)
from connectors.base.capabilities import Connected
from connectors.base.connections import Connections
from connectors.base.http import Timeouts
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
from runtime.bootstrap import Activities, Platform, routes_of
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE, WorkerSettings, queues_of, worker_for
from sandbox.firm import Firm, Month, firm_of
from sandbox.month import FirmAccount
from sandbox.simulated_erp import erp_state_of
from store import reports
from store.database import Database, Row
from tests.e2e.erp_desk import ErpDesk
from tests.e2e.staff import Staff, empty_account
from tests.e2e.wire import Wire

MONTH = Month(2026, 10)
SECONDS_MAX = 30
CONFIGURATION = Configuration(
    tenant="northwind",
    connections={
        "harvest": ConnectionSettings(system="harvest", posts_to="tryton"),
        "tryton": ConnectionSettings(system="tryton"),
    },
)
POLICIES = Policies.model_validate({"legal_entities": {"US01": {"closed_period": "HOLD"}}})


class Systems:
    """The source and the ERP, both simulated; they outlive every platform between them."""

    def __init__(self, month: Month = MONTH, account: AccountState | None = None) -> None:
        self.firm: Firm = firm_of(month)
        self.account = HarvestAccount(account or empty_account(month))
        self.simulated_erp = SimulatedTryton(Books(erp_state_of(self.firm)))
        self.staff = Staff(self.firm, self.account)
        self.erp = ErpDesk(self.simulated_erp)
        self.wire = Wire(self.simulated_erp)
        # The parts of the ERP connection's send window.
        self.timeouts = Timeouts()

    @classmethod
    def of_the_firm(cls, month: Month = MONTH) -> Self:
        """The whole firm's month, with everything that is not in order in it."""
        return cls(month, FirmAccount(firm_of(month)).state())

    def connected(self) -> dict[str, Connected]:
        """Connect both, each time anew."""
        return {
            "harvest": connect_harvest(
                HarvestOptions(
                    connection="harvest",
                    account_id=self.account.account_id,
                    token=SecretStr(self.account.token),
                    user_agent="Ledgerway tests (tests@ledgerway.example)",
                    base_url="http://harvest.test/v2",
                ),
                Unlimited(),
                httpx.ASGITransport(simulated_harvest(self.account)),
            ),
            "tryton": connect_tryton(
                TrytonOptions(
                    connection="tryton",
                    url="http://erp.test",
                    database="erp",
                    user="connector",
                    password=SecretStr("connector-pw"),
                    timeouts=self.timeouts,
                ),
                Unlimited(),
                self.wire,
            ),
        }


@dataclass
class LocalPlatform:
    """What a test holds: both systems, the platform between them, and Temporal's client."""

    dsn: str
    systems: Systems
    platform: Platform
    activities: Activities
    client: Client
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def firm(self) -> Firm:
        """The made-up firm."""
        return self.systems.firm

    @property
    def account(self) -> HarvestAccount:
        """The simulated Harvest."""
        return self.systems.account

    @property
    def staff(self) -> Staff:
        """The firm's people at Harvest."""
        return self.systems.staff

    @property
    def erp(self) -> ErpDesk:
        """A desk at the ERP, past the platform."""
        return self.systems.erp

    # What Schedules do.

    async def run(self, workflow: str, argument: Any, result_type: type | None = None) -> Any:
        """Run an upkeep workflow to its end."""
        number = self.ids[workflow] = self.ids.get(workflow, 0) + 1
        return await self.client.execute_workflow(
            workflow,
            argument,
            id=f"test/{workflow}/{number}",
            task_queue=UPKEEP_QUEUE,
            result_type=result_type,
        )

    async def read(self) -> None:
        """Read Harvest once, as its Schedule would, and wait for nothing."""
        await self.run("PollSource", SourceRef(connection="harvest", target="tryton"))

    async def poll(self) -> None:
        """Read Harvest once and wait until all is settled or stopped."""
        await self.read()
        await self.settled()

    async def reread(self) -> None:
        """Read the firm's month whole, as the hourly Schedule would."""
        days = (datetime.now(UTC).date() - self.firm.month.first_day).days + 1
        ref = SourceRef(connection="harvest", target="tryton", reread_days=days)
        await self.run("RereadSource", ref)
        await self.settled()

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

    async def refresh(self) -> None:
        """Read the masters of both sides."""
        ref = MasterDataRef(connection="harvest", target="tryton")
        await self.activities.master_data.refresh(ref)

    async def sweep(self, *, full: bool = False) -> SweepOutcome:
        """Ask the ERP for all our documents, and wait until what follows is settled."""
        request = SweepRequest(target="tryton", full=full)
        outcome: SweepOutcome = await self.run("SweepPostings", request, SweepOutcome)
        return outcome

    async def acknowledge(self) -> None:
        """Tell Harvest what became of its lines."""
        await self.run("AcknowledgePostings", SourceRef(connection="harvest", target="tryton"))

    # Single steps, in any order, as they happen around crashes and restores.

    async def intake(self) -> None:
        """Read Harvest and tell no timesheet of it."""
        ref = SourceRef(connection="harvest", target="tryton")
        await self.step("poll_time_entries", ref, UPKEEP_QUEUE)

    async def prepare(self, entry: int) -> Prepared:
        """Prepare the timesheet of an entry."""
        route = routes_of(CONFIGURATION)["harvest"]
        ref = self.ref(entry)
        return Prepared.model_validate(
            await self.step("prepare_document", ref, route.task_queue(ref.kind))
        )

    async def post(self, entry: int) -> Posted:
        """Post the timesheet of an entry, as a lane of its own."""
        ref = self.ref(entry)
        return Posted.model_validate(await self.step("post_document", ref, posting_queue("tryton")))

    async def step(self, activity: str, argument: Any, task_queue: str) -> Any:
        """Run one activity on its own."""
        number = self.ids[activity] = self.ids.get(activity, 0) + 1
        return await self.client.execute_activity(
            activity,
            argument,
            id=f"test/{activity}/{number}",
            task_queue=task_queue,
            start_to_close_timeout=timedelta(seconds=SECONDS_MAX),
            heartbeat_timeout=timedelta(seconds=SECONDS_MAX),
        )

    async def release_erp(self) -> None:
        """Let the ERP go on with what its faults hold up."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.systems.simulated_erp)
        ) as http:
            (await http.post("http://erp.test/__sim/release")).raise_for_status()

    # What the ledger says.

    async def settled(self) -> None:
        """Wait until no document is owed a workflow and no posting is under way."""
        await self.until(
            "SELECT (SELECT count(*) FROM posting p LEFT JOIN posting b ON b.key = p.waits_for "
            "        WHERE p.state = 'SENDING' OR (p.state = 'PENDING' "
            "          AND b.state IS DISTINCT FROM 'EXCEPTION') "
            "        OR (p.state = 'POSTED' AND p.attested_at IS NULL AND p.case_id IS NULL) "
            "        OR (p.state = 'POSTED' AND (p.withdrawn OR p.next_revision IS NOT NULL) "
            "          AND NOT EXISTS (SELECT FROM posting u WHERE u.corrects = p.key))) = 0 "
            "AND (SELECT count(*) FROM document WHERE news_seq > prepared_seq) = 0 "
            "AND NOT EXISTS (SELECT FROM posting WHERE state = 'EXCEPTION' "
            "                AND released_at IS NOT NULL)"
        )

    async def quiet_time_passes(self, entry: int) -> None:
        """Let so much time pass that nothing sent for an entry can appear any more; then look."""
        await self.platform.database.execute(
            "UPDATE posting SET sent_at = sent_at - interval '1 hour', "
            "unknown_since = unknown_since - interval '1 hour' WHERE source_id = $1",
            str(entry),
        )
        await self.timesheet_workflow(self.staff.timesheet_of(entry)).signal("document_changed")

    async def long_ago(self) -> None:
        """Let everything that was posted lie so far back that it could be found by now."""
        await self.platform.database.execute(
            "UPDATE posting SET posted_at = posted_at - interval '1 day'"
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

    async def states_of(self, entry: int) -> list[str]:
        """What became of a line: kind and state of each of its postings, the oldest first."""
        rows = await self.rows(
            "SELECT kind || ' ' || state AS said FROM posting WHERE source_id = $1 "
            "ORDER BY revision, kind, amendment",
            str(entry),
        )
        return [row["said"] for row in rows]

    async def counts(self) -> dict[str, int]:
        """Lines of time by state."""
        async with self.platform.database.transaction() as connection:
            counted = await reports.counts_by_state(connection)
        return {one.state: one.lines for one in counted if one.kind == "time"}

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

    def timesheet_workflow(self, timesheet: str) -> WorkflowHandle[Any, Any]:
        """The workflow of a timesheet."""
        return self.client.get_workflow_handle(f"time-to-posting/harvest/{timesheet}")

    def ref(self, entry: int) -> DocumentRef:
        """Names the timesheet of an entry as messages do."""
        timesheet = self.staff.timesheet_of(entry)
        return DocumentRef(connection="harvest", document=timesheet, target="tryton")

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
async def local_platform(
    dsn: str,
    temporal_address: str,
    namespace: str,
    systems: Systems,
    *,
    policies: Policies = POLICIES,
    connected: dict[str, Connected] | None = None,
    workers: bool = True,
) -> AsyncIterator[LocalPlatform]:
    """Start a platform on a migrated ledger and a Temporal namespace of its own."""
    client = await connect(temporal_address, namespace)
    database = await Database.connect(dsn)
    connections = Connections(connected or systems.connected())
    platform = Platform(CONFIGURATION, policies, database, connections, client)
    activities = Activities.of(platform)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(platform.close)
        if workers:
            for queue in queues_of(platform, activities):
                worker = worker_for(client, queue, WorkerSettings(drain_seconds=1))
                await stack.enter_async_context(worker)
        yield LocalPlatform(dsn, systems, platform, activities, client)
