"""A whole platform in one process: real ledger, real Temporal, simulated Harvest and ERP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import httpx
from pydantic import SecretStr
from temporalio.client import WorkflowHandle

from canonical.messages import (
    BackfillWindow,
    DocumentRef,
    MasterDataRef,
    Posted,
    Prepared,
    SourceRef,
    posting_queue,
)
from connectors.base.capabilities import Connected
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
from runtime.bootstrap import routes_of
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE
from sandbox.firm import Firm, Month, firm_of
from sandbox.month import FirmAccount
from sandbox.simulated_erp import erp_state_of
from store import reports
from tests.e2e.erp_desk import ErpDesk
from tests.e2e.running_platform import RunningPlatform, running
from tests.e2e.staff import Staff, empty_account
from tests.e2e.wire import Wire

MONTH = Month(2026, 10)
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


@dataclass(kw_only=True)
class LocalPlatform(RunningPlatform):
    """A platform between Harvest and the ERP, both simulated."""

    systems: Systems

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

    async def release_erp(self) -> None:
        """Let the ERP go on with what its faults hold up."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.systems.simulated_erp)
        ) as http:
            (await http.post("http://erp.test/__sim/release")).raise_for_status()

    async def quiet_time_passes(self, entry: int) -> None:
        """Let so much time pass that nothing sent for an entry can appear any more; then look."""
        await self.platform.database.execute(
            "UPDATE posting SET sent_at = sent_at - interval '1 hour', "
            "unknown_since = unknown_since - interval '1 hour' WHERE source_id = $1",
            str(entry),
        )
        await self.timesheet_workflow(self.staff.timesheet_of(entry)).signal("document_changed")

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

    def timesheet_workflow(self, timesheet: str) -> WorkflowHandle[Any, Any]:
        """The workflow of a timesheet."""
        return self.client.get_workflow_handle(f"time-to-posting/harvest/{timesheet}")

    def ref(self, entry: int) -> DocumentRef:
        """Names the timesheet of an entry as messages do."""
        timesheet = self.staff.timesheet_of(entry)
        return DocumentRef(connection="harvest", document=timesheet, target="tryton")


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
    systems_now = connected or systems.connected()
    async with running(dsn, client, CONFIGURATION, policies, systems_now, workers=workers) as (
        platform,
        activities,
    ):
        yield LocalPlatform(
            dsn=dsn, systems=systems, platform=platform, activities=activities, client=client
        )
