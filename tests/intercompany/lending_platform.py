"""A platform between a simulated Harvest and the real ERP; its companies lend each other people."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx
from pydantic import SecretStr

from canonical.exact import round_to
from canonical.masters import Masters
from canonical.messages import MasterDataRef, SourceRef
from connectors.base.capabilities import Connected
from connectors.base.rate_budget import Unlimited
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulator import simulated_harvest
from rules.policies import Policies
from runtime.temporal import connect
from sandbox.firm import Firm, Month, firm_of
from sandbox.tryton.admin import TimeLine
from sandbox.tryton.currency_seed import rates_of
from sandbox.tryton.intercompany_seed import CHARGE, DUE_FROM, DUE_TO, EXPENSE
from sandbox.tryton.journal_desk import JournalDesk, LedgerEntry
from store import reports
from tests.e2e.local_platform import CONFIGURATION
from tests.e2e.running_platform import RunningPlatform, running
from tests.e2e.staff import Staff, empty_account
from tests.erp_fixtures import last_month
from tests.expenses.systems import ErpSide

POST: Final = "model.account.move.post"
# Anna is employed by DE01, which books in euros; the project is US01's, which books in dollars.
WHO, PROJECT, TASK = "Anna Berger", "PRJ-1008", "Analysis"
WORKER, BORROWER = "DE01", "US01"
HOME_PROJECT: Final = "PRJ-1001"
MARKUP_PERCENT: Final = Decimal(10)


class LendingSystems:
    """Harvest without a single entry, and the real ERP."""

    def __init__(self, erp: ErpSide, first_entry: int) -> None:
        self.month: Month = last_month()
        self.firm: Firm = firm_of(self.month)
        self.account = HarvestAccount(empty_account(self.month))
        # Entries of one session have numbers of their own: all its tests share one ERP.
        self.staff = Staff(self.firm, self.account, first_entry)
        self.erp = erp
        self.journal = JournalDesk(erp.session)

    @contextmanager
    def connected(self) -> Iterator[dict[str, Connected]]:
        """Connect both; the ERP with a session that nobody else uses."""
        harvest = connect_harvest(
            HarvestOptions(
                connection="harvest",
                account_id=self.account.account_id,
                token=SecretStr(self.account.token),
                user_agent="Ledgerway tests (tests@ledgerway.example)",
                base_url="http://harvest.test/v2",
            ),
            Unlimited(),
            httpx.ASGITransport(simulated_harvest(self.account)),
        )
        with self.erp.connectors.one() as tryton:
            yield {"harvest": harvest, "tryton": tryton}

    @asynccontextmanager
    async def closed(self, entity: str) -> AsyncIterator[None]:
        """Close the firm's month for one legal entity, for the length of a block."""
        async with self.erp.server.admin() as admin:
            await admin.close_period(entity, self.month.name)
            try:
                yield
            finally:
                await admin.reopen_period(entity, self.month.name)

    async def time_lines(self, entry: int) -> list[TimeLine]:
        """The ERP's lines of time for an entry."""
        async with self.erp.server.admin() as admin:
            lines = await admin.time_lines()
        return [one for one in lines if one.description.endswith(f"private {entry}")]

    def charged(self, hours: str) -> Decimal:
        """What DE01 charges for Anna's hours, in euros."""
        (anna,) = [one for one in self.firm.employees if one.name == WHO]
        return round_to(anna.cost_rate * Decimal(hours) * (100 + MARKUP_PERCENT) / 100, 2)

    def owed(self, hours: str) -> Decimal:
        """What US01 owes for them, in dollars of the first Monday."""
        day = self.staff.day(0)
        rate = rates_of("USD", day.replace(month=1, day=1), self.month)[day]
        return round_to(self.charged(hours) * rate, 2)


def policies(masters: Masters, one_leg_failed: str = "HOLD") -> Policies:
    """DE01 lends its people to US01, and books their hours on a task of its own."""
    home = next(one.id for one in masters.projects if one.code == HOME_PROJECT)
    task = next(one.code for one in masters.tasks if (one.project, one.name) == (home, TASK))
    terms = {
        "task": task,
        "due_from_account": DUE_FROM,
        "charge_account": CHARGE,
        "expense_account": EXPENSE,
        "due_to_account": DUE_TO,
    }
    billing: dict[str, Any] = {
        "intercompany_markup_percent": MARKUP_PERCENT,
        "intercompany_one_leg_failed": one_leg_failed,
        "intercompany": {BORROWER: terms},
    }
    entities = {
        WORKER: {"closed_period": "HOLD", "billing": billing},
        BORROWER: {"closed_period": "HOLD"},
    }
    return Policies.model_validate({"legal_entities": entities})


@dataclass(kw_only=True)
class LendingPlatform(RunningPlatform):
    """A platform between Harvest and the real ERP."""

    systems: LendingSystems

    async def refresh(self) -> None:
        """Read the masters, the calendars and the rates of both sides."""
        await self.activities.master_data.refresh(
            MasterDataRef(connection="harvest", target="tryton")
        )

    async def poll(self) -> None:
        """Read Harvest once and wait until all is settled or stopped."""
        await self.run("PollSource", SourceRef(connection="harvest", target="tryton"))
        await self.settled()

    def enter(self, hours: str = "2") -> int:
        """Let Anna work for the other company; gives the entry's id."""
        return self.systems.staff.enter(WHO, PROJECT, TASK, hours=hours)

    async def legs(self, entry: int) -> dict[str, str]:
        """How the latest posting of each leg stands, takings back included."""
        rows = await self.rows(
            "SELECT leg, kind || ' ' || state AS said FROM posting WHERE source_id = $1 "
            "ORDER BY created_at, kind IN ('reversal', 'undo') DESC, amendment",
            str(entry),
        )
        return {row["leg"]: row["said"] for row in rows}

    async def posted_as(self, entry: int, leg: str) -> str | None:
        """The ERP's document of a leg that is posted."""
        (row,) = await self.rows(
            "SELECT erp_document_id FROM posting WHERE source_id = $1 AND leg = $2 "
            "AND kind = 'journal' AND state IN ('POSTED', 'EXCEPTION') ORDER BY amendment",
            str(entry),
            leg,
        )
        document: str | None = row["erp_document_id"]
        return document

    async def entries(self, entry: int) -> list[LedgerEntry]:
        """The moves of an entry's pair, in all its revisions, in the order of their ids."""
        rows = await self.rows(
            "SELECT DISTINCT intent::jsonb #>> '{body,description}' AS pair FROM posting "
            "WHERE source_id = $1 AND leg <> 'main'",
            str(entry),
        )
        found = [await self.systems.journal.entries_named(row["pair"]) for row in rows]
        return sorted((one for entries in found for one in entries), key=lambda one: one.id)

    async def balances(self) -> dict[tuple[str, str], Decimal]:
        """What stands on the accounts between both companies, by company and account."""
        found = {}
        for entity in (WORKER, BORROWER):
            balance = await self.systems.journal.trial_balance(entity)
            for account in (DUE_FROM, CHARGE, EXPENSE, DUE_TO):
                found[entity, account] = balance.get(account, Decimal(0))
        return found

    async def the_case(self) -> reports.Blocked:
        """The only open case."""
        (case,) = await self.cases()
        return case

    async def sentence_of(self, case: reports.Blocked) -> str:
        """What a case says to people."""
        (row,) = await self.rows("SELECT sentence FROM exception_case WHERE id = $1", case.case_id)
        return str(row["sentence"])


@asynccontextmanager
async def lending_platform(
    dsn: str,
    temporal_address: str,
    namespace: str,
    systems: LendingSystems,
    one_leg_failed: str = "HOLD",
) -> AsyncIterator[LendingPlatform]:
    """Start a platform on a migrated ledger and a Temporal namespace of its own."""
    client = await connect(temporal_address, namespace)
    with systems.connected() as connected:
        masters: Masters = await connected["tryton"].masters()  # type: ignore[attr-defined]  # A Tryton.
        by = policies(masters, one_leg_failed)
        async with running(dsn, client, CONFIGURATION, by, connected) as (platform, activities):
            yield LendingPlatform(
                dsn=dsn, systems=systems, platform=platform, activities=activities, client=client
            )
