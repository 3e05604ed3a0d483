"""What the local world asks the platform: start a workflow, and how far everything is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from temporalio.client import Client

from activities.case_workflows import case_workflow_id
from activities.master_sync_workflows import MasterSyncWorkflows
from canonical.billing_messages import BillingRequest, Decided, ReadinessView
from canonical.messages import (
    BackfillWindow,
    MasterDataRef,
    MasterSyncOutcome,
    MasterSyncRef,
    PaymentRef,
    ResolutionOutcome,
    ResolutionRequest,
    SourceRef,
)
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE
from sandbox.firm import Firm
from sandbox.world import World
from sandbox.world_configuration import TENANT
from store import correction_plans, master_issues, reports
from store.correction_plans import Worth
from store.database import Database
from store.master_issues import OpenIssue

_POLL_SECONDS: Final = 0.1
SETTLE_SECONDS_MAX: Final = 300
SOURCE: Final = SourceRef(connection="harvest", target="tryton")
EXPENSES: Final = SourceRef(connection="concur", target="tryton")
CONTRACTS: Final = SourceRef(connection="contracts", target="tryton")

_PROGRESS: Final = """
    SELECT (SELECT count(*) FROM source_line WHERE status = 'APPROVED'
            AND object IN ('time_entry', 'expense_report')) AS approved,
      (SELECT count(*) FROM posting
       WHERE state = 'POSTED' AND kind IN ('time', 'expense')) AS posted,
      (SELECT count(*) FROM posting WHERE state = 'EXCEPTION') AS stopped,
      (SELECT count(*) FROM posting WHERE state IN ('PENDING', 'SENDING')) AS under_way,
      (SELECT count(*) FROM document WHERE news_seq > prepared_seq) AS owed
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the ledger is, in lines."""

    approved: int
    posted: int
    stopped: int
    under_way: int
    owed: int

    @property
    def settled(self) -> bool:
        """Every approved line is posted or in a case, and nothing is under way."""
        return self.under_way == 0 and self.owed == 0 and self.posted + self.stopped > 0


class PlatformView:
    """A client of Temporal and of the ledger, for one world."""

    def __init__(self, client: Client, database: Database) -> None:
        self.client = client
        self.database = database
        self._runs = 0

    async def run(self, workflow: str, argument: Any) -> Any:
        """Run an upkeep workflow to its end, as its Schedule would."""
        self._runs += 1
        return await self.client.execute_workflow(
            workflow, argument, id=f"demo/{workflow}/{self._runs}", task_queue=UPKEEP_QUEUE
        )

    async def refresh(self) -> None:
        """Read the masters of both sides."""
        ref = MasterDataRef(connection=SOURCE.connection, target=SOURCE.target)
        await self.run("RefreshMasterData", ref)

    async def read_source(self) -> None:
        """Take in what is new in Harvest, deletions included, and start or tell the workflows."""
        await self.run("PollSource", SOURCE)

    async def read_expenses(self) -> None:
        """Take in and claim what Concur has approved, and start or tell the workflows."""
        ref = MasterDataRef(connection=EXPENSES.connection, target=EXPENSES.target)
        await self.run("RefreshMasterData", ref)
        await self.run("PollExpenseSource", EXPENSES)

    async def tell_expenses(self) -> None:
        """Look at what the ERP has paid, and tell Concur all that it is still to be told."""
        await self.run("WatchPayments", PaymentRef(target=EXPENSES.target))
        await self.run("TellExpenseSource", EXPENSES)

    async def read_contracts(self) -> None:
        """Take in what contracts say, and let their months be looked at."""
        ref = MasterDataRef(connection=CONTRACTS.connection, target=CONTRACTS.target)
        await self.run("RefreshMasterData", ref)
        await self.run("PollContracts", CONTRACTS)
        await self.run("HearOfWork", CONTRACTS)

    async def tell_invoices(self) -> None:
        """Look at what customers have paid, and tell whoever keeps the contracts."""
        await self.run("WatchPayments", PaymentRef(target=CONTRACTS.target))
        await self.run("TellInvoices", CONTRACTS)

    async def billing_month(self, engagement: str, month: str) -> ReadinessView:
        """How the workflow of an engagement's month says that it stands, once it has looked."""
        handle: Any = self.client.get_workflow_handle(_month_id(engagement, month))
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while True:
                view: ReadinessView | None = await handle.query(
                    "readiness", result_type=ReadinessView
                )
                if view is not None:
                    return view
                await asyncio.sleep(_POLL_SECONDS)

    async def decide(self, view: ReadinessView, request: BillingRequest) -> Decided:
        """Decide on an engagement's month as a person would."""
        handle: Any = self.client.get_workflow_handle(_month_id(view.engagement, view.period))
        decided: Decided = await handle.execute_update("decide", request, result_type=Decided)
        return decided

    async def resolve(self, case: UUID, request: ResolutionRequest) -> ResolutionOutcome:
        """Resolve a case as a person would."""
        outcome: ResolutionOutcome = await self.client.get_workflow_handle(
            case_workflow_id(case)
        ).execute_update("resolve_exception", request, result_type=ResolutionOutcome)
        return outcome

    async def sync_masters(self, ref: MasterSyncRef) -> MasterSyncOutcome:
        """Tell the synchronisation of masters what has news, and see it through."""
        await MasterSyncWorkflows(self.client, TENANT).tell(ref)
        return await self.masters_at_rest()

    async def masters_at_rest(self) -> MasterSyncOutcome:
        """Wait until the synchronisation of masters has nothing left to do."""
        handle: Any = self.client.get_workflow_handle(
            MasterSyncWorkflows(self.client, TENANT).id, result_type=MasterSyncOutcome
        )
        outcome: MasterSyncOutcome = await handle.result()
        return outcome

    async def master_issues(self) -> list[OpenIssue]:
        """What people have to decide about masters."""
        async with self.database.connection() as connection:
            return await master_issues.all_open(connection)

    async def masters_written(self) -> int:
        """How many writes of masters were answered or seen, in all systems."""
        row = await self.database.fetch_row(
            "SELECT count(*) AS n FROM master_write WHERE state = 'DONE'"
        )
        assert row is not None
        written: int = row["n"]
        return written

    async def worth_of(self, keys: Sequence[str]) -> list[Worth]:
        """What the lines of correction plans come to, by currency."""
        async with self.database.connection() as connection:
            return await correction_plans.worth(connection, [UUID(key) for key in keys])

    async def reread(self, firm: Firm) -> None:
        """Read the firm's month, and the one before, whole: so deletions are found."""
        window = BackfillWindow(
            connection=SOURCE.connection,
            target=SOURCE.target,
            first=firm.month.before().first_day,
            last=firm.month.last_day,
        )
        await self.run("Backfill", window)

    async def standing(self) -> Standing:
        """How far it is now."""
        row = await self.database.fetch_row(_PROGRESS)
        assert row is not None
        return Standing(**dict(row))

    async def settled(self, on_standing: Callable[[Standing], None] = lambda _: None) -> Standing:
        """Wait until all is settled; TimeoutError after five minutes."""
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while True:
                now = await self.standing()
                on_standing(now)
                if now.settled:
                    return now
                await asyncio.sleep(_POLL_SECONDS)

    async def blocked(self) -> list[reports.Blocked]:
        """What waits for people."""
        async with self.database.transaction() as connection:
            return await reports.blocked(connection)


def _month_id(engagement: str, month: str) -> str:
    return f"invoice-readiness/{CONTRACTS.connection}/{engagement}/{month}"


@asynccontextmanager
async def platform_view(world: World) -> AsyncIterator[PlatformView]:
    """Look at a world's platform for the length of a block."""
    environment = world.environment
    database = await Database.connect(environment["LEDGERWAY_DATABASE_URL"], connections_max=2)
    try:
        client = await connect(world.temporal.address, world.temporal.namespace)
        yield PlatformView(client, database)
    finally:
        await database.close()
