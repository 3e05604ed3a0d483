"""A fault campaign on the real ERP: a firm's month through a proxy that spoils the writes.

Only the ERP itself is believed about what was posted, and only faults that really fired count.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from temporalio.client import Client

from canonical.messages import BackfillWindow, MasterDataRef, SourceRef
from connectors.harvest.simulated_state import AccountState, SimulatedEntry
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE
from sandbox.control_totals import Work, works_in_erp, works_of
from sandbox.fault_control import FaultProxy
from sandbox.faults import Fault, FaultKind, FaultReport
from sandbox.firm import Firm
from sandbox.programs import HarvestServer, WorkerProgram
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.server import TrytonServer
from sandbox.world import our_search_attributes
from store.database import Database

WRITE = {"method": "model.timesheet.work.write"}
SETTLE_SECONDS_MAX = 240
REFERENCE_LENGTH = 21
WORKERS = 2


@dataclass
class Campaign:
    """One ledger, one Temporal, two workers, a simulated Harvest, and a proxy before the ERP."""

    home: Path
    dsn: str
    tenant: str
    erp: TrytonServer
    firm: Firm
    account: AccountState

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True)
        self.deaths = self.home / "deaths"
        self.deaths.mkdir()
        self.temporal = TemporalServer(
            self.home / "temporal", search_attributes=our_search_attributes(), headless=True
        )
        self.harvest = HarvestServer(self.home / "harvest")
        self.proxy = FaultProxy(self.erp.url, self.home / "proxy.log")
        self.workers = [
            WorkerProgram(self.home / f"worker-{number}", module="tests.faults.killing_worker")
            for number in range(WORKERS)
        ]
        await asyncio.gather(
            self.temporal.start(), self.harvest.start(self.account), self.proxy.start()
        )
        self._write_configuration()
        await self._start_workers()
        self.database = await Database.connect(self.dsn, connections_max=2)
        self.nurse = asyncio.create_task(self._revive_workers(), name="revive workers")
        self._runs = 0
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.nurse.cancel()
        await asyncio.gather(*(worker.kill() for worker in self.workers))
        await self.database.close()
        await asyncio.gather(self.proxy.stop(), self.harvest.stop(), self.temporal.stop())

    @property
    def died(self) -> int:
        """How many workers died between the send and transaction 2."""
        return len(list(self.deaths.glob("*.died")))

    def plan_deaths(self, count: int) -> None:
        """Have workers die after their next sends."""
        for number in range(count):
            (self.deaths / f"death-{number}").touch()

    async def lose_temporal(self) -> None:
        """Lose Temporal's state: another server, empty, at the same address."""
        await asyncio.gather(*(worker.kill() for worker in self.workers))
        await self.temporal.kill()
        await self.temporal.start()

    async def refresh(self) -> None:
        """Read the masters of both sides."""
        await self.run("RefreshMasterData", MasterDataRef(connection="harvest", target="tryton"))

    async def poll(self) -> None:
        """Read what is new in Harvest."""
        await self.run("PollSource", SourceRef(connection="harvest", target="tryton"))

    async def backfill(self) -> None:
        """Read the month and the one before it again."""
        first, last = self.firm.month.before().first_day, self.firm.month.last_day
        window = BackfillWindow(connection="harvest", target="tryton", first=first, last=last)
        await self.run("Backfill", window)

    async def run(self, workflow: str, argument: Any) -> None:
        """Run an upkeep workflow to its end."""
        client = await self._client()
        self._runs += 1
        await client.execute_workflow(
            workflow, argument, id=f"campaign/{workflow}/{self._runs}", task_queue=UPKEEP_QUEUE
        )

    async def settled(self) -> Counter[str]:
        """Wait until nothing is under way; gives the lines of time by state."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS_MAX):
                while not await self._is_settled():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(await self._what_is_under_way()) from None
        rows = await self.database.fetch(
            "SELECT state, count(*) AS lines FROM posting WHERE kind = 'time' GROUP BY state"
        )
        return Counter({row["state"]: row["lines"] for row in rows})

    async def references(self, states: Iterable[str]) -> set[str]:
        """References of our lines of time in these states."""
        rows = await self.database.fetch(
            "SELECT reference FROM posting WHERE kind = 'time' AND state = ANY($1::text[])",
            list(states),
        )
        return {row["reference"] for row in rows}

    async def longest_waits(self) -> list[str]:
        """The longest pauses between two steps of one posting, for finding what stalled."""
        rows = await self.database.fetch(
            """
            SELECT subject, at, extract(epoch FROM at - lag(at) OVER w)::int AS seconds,
                   from_state, to_state, lag(outcome) OVER w AS before, outcome, fence
            FROM audit WHERE subject_kind = 'posting' WINDOW w AS (PARTITION BY subject ORDER BY id)
            ORDER BY 3 DESC NULLS LAST LIMIT 5
            """
        )
        return [str(dict(row)) for row in rows]

    async def in_erp(self) -> Counter[str]:
        """How often each of this campaign's references stands in the ERP, asked of the ERP."""
        rows = await self.database.fetch("SELECT reference FROM posting")
        ours = {row["reference"] for row in rows}
        async with self.erp.admin() as admin:
            lines = await admin.time_lines()
        found = (line.description[:REFERENCE_LENGTH] for line in lines)
        return Counter(reference for reference in found if reference in ours)

    async def works_in_erp(self) -> Counter[Work]:
        """What this campaign's lines say in the ERP, asked of the ERP."""
        rows = await self.database.fetch("SELECT reference FROM posting")
        works, _ = await works_in_erp(self.erp, {row["reference"] for row in rows})
        return Counter(works)

    async def works_due(self) -> Counter[Work]:
        """What Harvest says of all that it has approved, but for what waits in cases."""
        rows = await self.database.fetch("SELECT source_id FROM posting WHERE state = 'EXCEPTION'")
        stopped = {row["source_id"] for row in rows}
        account = await self.harvest.account()
        due = [
            one
            for one in account.time_entries
            if one.is_closed and not one.is_running and str(one.id) not in stopped
        ]
        return Counter(works_of(account, self.firm, due))

    async def poll_and_backfill(self) -> None:
        """Read Harvest by a poll and by a backfill at the same time."""
        await asyncio.gather(self.poll(), self.backfill())

    async def approve_in_portions(self, portions: int) -> None:
        """Low load: approvals come a few timesheets at a time, each settled before the next."""
        ids = sorted(entry.id for entry in self.account.time_entries)
        size = -(-len(ids) // portions)
        for start in range(0, len(ids), size):
            await self.harvest.approve(frozenset(ids[start : start + size]))
            await self.poll()
            await self.settled()

    async def _what_is_under_way(self) -> str:
        rows = await self.database.fetch(
            "SELECT document_id, state, count(*) AS lines, max(fence) AS fence, "
            "max(last_outcome) AS outcome, max(claimed_by) AS lane, max(now() - sent_at) AS age "
            "FROM posting WHERE state IN ('PENDING', 'SENDING') GROUP BY 1, 2 LIMIT 20"
        )
        lines = [str(dict(row)) for row in rows]
        lines += [f"{worker.alive}: {worker.log_tail()}" for worker in self.workers]
        lines += [f"nurse: {self.nurse}"]
        return "\n".join(lines)

    async def _is_settled(self) -> bool:
        row = await self.database.fetch_row(
            "SELECT NOT EXISTS (SELECT FROM posting WHERE state IN ('PENDING', 'SENDING')) "
            "AND NOT EXISTS (SELECT FROM document WHERE news_seq > prepared_seq) AS settled"
        )
        return bool(row and row["settled"])

    async def _client(self) -> Client:
        return await connect(self.temporal.address, self.temporal.namespace)

    async def _start_workers(self) -> None:
        environment = {
            "LEDGERWAY_DATABASE_URL": self.dsn,
            "LEDGERWAY_TEMPORAL_ADDRESS": self.temporal.address,
            "LEDGERWAY_TEMPORAL_NAMESPACE": self.temporal.namespace,
            "LEDGERWAY_CONFIG": str(self.home / "config"),
            "LEDGERWAY_DEATHS": str(self.deaths),
        }
        await asyncio.gather(*(worker.start(environment) for worker in self.workers))
        await asyncio.gather(*(worker.ready() for worker in self.workers))

    async def _revive_workers(self) -> None:
        """What Kubernetes does: whoever died is started again."""
        while True:
            for worker in self.workers:
                if not worker.alive:
                    await worker.restart()
            await asyncio.sleep(0.2)

    def _write_configuration(self) -> None:
        folder = self.home / "config"
        folder.mkdir(mode=0o700)
        (folder / "harvest.secret").write_text(self.account.token)
        (folder / "erp.secret").write_text(self.erp.password)
        harvest = {
            "account_id": self.account.account_id,
            "token": "file:harvest.secret",
            "user_agent": "Ledgerway tests (tests@ledgerway.example)",
            "base_url": self.harvest.url,
        }
        tryton = {
            "url": self.proxy.url,
            "database": self.erp.database,
            "user": self.erp.user,
            "password": "file:erp.secret",
            # Short, so that a slow commit is one soon: the client leaves after two seconds.
            "timeouts": {
                "connect_seconds": 1,
                "write_seconds": 1,
                "read_seconds": 2,
                "pool_seconds": 1,
            },
        }
        connections = {
            "harvest": {
                "system": "harvest",
                "posts_to": "tryton",
                "acknowledge": False,
                "rate_limit": {"calls": 1000, "per_seconds": 1},
                "options": harvest,
            },
            "tryton": {"system": "tryton", "options": tryton},
        }
        text = yaml.safe_dump({"tenant": self.tenant, "connections": connections})
        (folder / "connections.yaml").write_text(text)


def spoiling(*, lost: int, slow: int, busy: int) -> tuple[Fault, ...]:
    """Faults for the ERP's writes, each per mille of them."""
    return (
        Fault(kind=FaultKind.LOST_ANSWER, fields=WRITE, rate_per_mille=lost),
        Fault(kind=FaultKind.ERROR_AFTER, fields=WRITE, rate_per_mille=lost // 6),
        Fault(kind=FaultKind.SLOW_COMMIT, fields=WRITE, rate_per_mille=slow, late_milliseconds=300),
        Fault(kind=FaultKind.THROTTLE, fields=WRITE, rate_per_mille=busy, retry_after_seconds=1),
        Fault(
            kind=FaultKind.THROTTLE,
            fields=WRITE,
            rate_per_mille=busy,
            retry_after_seconds=1,
            retry_after_form="date",
        ),
        Fault(kind=FaultKind.UNAVAILABLE, fields=WRITE, rate_per_mille=busy),
        Fault(kind=FaultKind.RESET_BEFORE, fields=WRITE, rate_per_mille=busy),
    )


def unapproved(account: AccountState) -> AccountState:
    """The same account before anybody has approved anything."""
    entries: tuple[SimulatedEntry, ...] = tuple(
        entry.model_copy(update={"is_closed": False}) for entry in account.time_entries
    )
    return account.model_copy(update={"time_entries": entries})


def told(report: FaultReport) -> dict[str, dict[str, int]]:
    """What really happened, for a failure's text."""
    return {
        kind.value: {name: count for name, count in report.of(kind).model_dump().items() if count}
        for kind in FaultKind
    }
