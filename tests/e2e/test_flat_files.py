"""Work on its whole way out of files, and into an ERP that only imports files."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from canonical.messages import MasterDataRef, SourceRef, SweepOutcome, SweepRequest
from connectors.base.capabilities import Connected
from connectors.base.rate_budget import Unlimited
from connectors.flatfile import FlatFileOptions, expense_drop, export, time_drop
from connectors.flatfile.options import ApprovedDropOptions
from rules.policies import Policies
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.expense_policies import EXPENSE_POLICIES
from sandbox.firm import firm_of
from sandbox.temporal_server import TemporalServer
from tests.e2e.erp_desk import hours
from tests.e2e.firm_files import ErpFolder, Folder, TimeFolder, put_report
from tests.e2e.local_platform import MONTH, Systems
from tests.e2e.running_platform import RunningPlatform, running

FIRST: Final = 9_000_001
SECOND: Final = 9_000_002
MONDAY: Final = "2026-10-05"
POLICIES = Policies.model_validate(
    {"legal_entities": {code: {"expense": EXPENSE_POLICIES[code]} for code in ("DE01", "US01")}}
)
Opened = Callable[..., AbstractAsyncContextManager["FilePlatform"]]


class FilePlatform(RunningPlatform):
    """A platform between one source and one ERP, at least one of them a folder."""

    source: SourceRef

    async def poll(self) -> None:
        """Read the source once, and wait until all is settled or stopped."""
        kind = "PollExpenseSource" if self.source.connection == "expenses" else "PollSource"
        await self.run(kind, self.source)
        await self.settled()

    async def reread(self) -> None:
        """Read the firm's month whole."""
        days = (datetime.now(UTC).date() - MONTH.first_day).days + 1
        await self.run("RereadSource", self.source.model_copy(update={"reread_days": days}))
        await self.settled()

    async def sweep_all(self) -> SweepOutcome:
        """Ask the ERP for all documents of ours."""
        request = SweepRequest(target=self.source.target, full=True)
        outcome: SweepOutcome = await self.run("SweepPostings", request, SweepOutcome)
        return outcome

    async def states(self) -> list[str]:
        """What became of all postings, the oldest first."""
        rows = await self.rows(
            "SELECT kind || ' ' || state AS said FROM posting ORDER BY source_id, revision, kind"
        )
        return [row["said"] for row in rows]


@pytest.fixture
def opened(
    dsn: str, temporal_server: TemporalServer, new_namespace: Callable[[], Awaitable[str]]
) -> Opened:
    """Open a platform between two systems."""

    @asynccontextmanager
    async def open_(
        source: str, target: str, connected: dict[str, Connected]
    ) -> AsyncIterator[FilePlatform]:
        settings = {
            source: ConnectionSettings(system=connected[source].manifest.system, posts_to=target),
            target: ConnectionSettings(system=connected[target].manifest.system),
        }
        configuration = Configuration(tenant="northwind", connections=settings)
        client = await connect(temporal_server.address, await new_namespace())
        async with running(dsn, client, configuration, POLICIES, connected) as (it, activities):
            platform = FilePlatform(dsn=dsn, platform=it, activities=activities, client=client)
            platform.source = SourceRef(connection=source, target=target)
            await activities.master_data.refresh(MasterDataRef(connection=source, target=target))
            yield platform

    return open_


def time_in(folder: Folder) -> Connected:
    """A folder of time, as it is configured."""
    return time_drop.connect(ApprovedDropOptions("time", str(folder.path)), Unlimited())


def erp_in(folder: Folder) -> Connected:
    """A folder that an ERP imports from, as it is configured."""
    return export.connect(FlatFileOptions("erp", str(folder.path)), Unlimited())


async def test_time_out_of_files_is_posted_corrected_taken_back_and_told_there(
    opened: Opened, tmp_path: Path
) -> None:
    systems = Systems()
    folder = TimeFolder(tmp_path / "time", systems.firm)
    connected = {"time": time_in(folder), "tryton": systems.connected()["tryton"]}
    folder.enter(FIRST, "2.5", day=MONDAY)
    folder.enter(SECOND, "1", day=MONDAY, approved=False)
    async with opened("time", "tryton", connected) as platform:
        await platform.poll()
        assert systems.erp.hours_of(FIRST) == hours("2.5")
        assert systems.erp.lines_of(SECOND) == []
        folder.enter(SECOND, "1", day=MONDAY)
        folder.enter(FIRST, "3", day=MONDAY)
        await platform.poll()
        assert systems.erp.hours_of(FIRST) == hours("3")
        assert systems.erp.hours_of(SECOND) == hours("1")
        del folder.entries[SECOND]
        folder.write()
        await platform.poll()
        assert systems.erp.hours_of(SECOND) == hours("1"), "absence is no news of a poll"
        await platform.reread()
        assert systems.erp.lines_of(SECOND) == []
        await platform.run("AcknowledgePostings", platform.source)
        told = {(one["entry"], one["reference"]) for one in folder.lines("time_status.jsonl")}
        assert {entry for entry, _ in told} == {str(FIRST)}
        assert set(systems.erp.references()) <= {reference for _, reference in told}


async def test_time_out_of_harvest_is_delivered_to_an_import_once_and_corrected_by_opposites(
    opened: Opened, tmp_path: Path
) -> None:
    systems = Systems()
    erp = ErpFolder(tmp_path / "erp", systems.firm)
    connected = {"harvest": systems.connected()["harvest"], "erp": erp_in(erp)}
    entries = [systems.staff.enter(hours="2"), systems.staff.enter(hours="1.5", on=1)]
    async with opened("harvest", "erp", connected) as platform:
        await platform.poll()
        new = erp.import_all()
        assert [one["kind"] for one in new] == ["time", "time"]
        assert {one["legal_entity"] for one in new} == {"DE01"}
        systems.staff.change(entries[0], hours="3")
        systems.staff.withdraw(entries[1])
        await platform.poll()
        await platform.reread()
        again = erp.import_all()
        assert sorted(one["kind"] for one in again) == ["reversal", "reversal", "time"]
        assert sorted(erp.seconds_of(f"private {entries[0]}")) == [-7200, 7200, 10_800]
        assert sorted(erp.seconds_of(f"private {entries[1]}")) == [-5400, 5400]
        swept = await platform.sweep_all()
        assert (swept.documents, swept.missing, swept.duplicates, swept.altered) == (5, 0, 0, 0)
        assert erp.import_all() == []
        assert await platform.cases() == []


async def test_a_month_that_the_erp_closed_in_its_file_stops_what_belongs_to_it(
    opened: Opened, tmp_path: Path
) -> None:
    systems = Systems()
    erp = ErpFolder(tmp_path / "erp", systems.firm)
    connected = {"harvest": systems.connected()["harvest"], "erp": erp_in(erp)}
    async with opened("harvest", "erp", connected) as platform:
        entry = systems.staff.enter(hours="2")
        # It closes after we have read its calendar, and before we post.
        erp.set_periods(closed=[MONTH.before().name, MONTH.name])
        await platform.poll()
        assert await platform.states() == ["time EXCEPTION"]
        [case] = await platform.cases()
        assert (case.lines, erp.seconds_of(f"private {entry}")) == (1, [])
        assert not (erp.path / "outbox").exists() or erp.import_all() == []


async def test_expenses_go_from_files_to_files_and_are_told_and_taken_back(
    opened: Opened, tmp_path: Path
) -> None:
    firm = firm_of(MONTH)
    folder, erp = Folder(tmp_path / "expenses"), ErpFolder(tmp_path / "erp", firm)
    drop = expense_drop.connect(ApprovedDropOptions("expenses", str(folder.path)), Unlimited())
    put_report(folder, "R-1", "84.50", day=MONDAY)
    connected: dict[str, Connected] = {"expenses": drop, "erp": erp_in(erp)}
    async with opened("expenses", "erp", connected) as platform:
        await platform.poll()
        [document] = erp.import_all()
        assert document["kind"] == "expense"
        assert [(one["account"], one["amount"]) for one in document["document"]["lines"]] == [
            ("6600", "84.50")
        ]
        await platform.run("TellExpenseSource", platform.source)
        [step] = folder.lines("expense_status.jsonl")
        assert (step["report"], step["step"], step["reference"]) == (
            *("R-1", "posted"),
            document["reference"],
        )
        put_report(folder, "R-1", "84.50", day=MONDAY, approved=False)
        await platform.poll()
        [back] = erp.import_all()
        assert (back["kind"], back["takes_back"]) == ("reversal", document["reference"])
        assert [one["amount"] for one in back["document"]["lines"]] == ["-84.50"]
        assert await platform.cases() == []
