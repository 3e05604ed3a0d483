"""Records the histories anew, all of them or those that are named.

    python -m tests.replay.record [WORKFLOW | WORKFLOW/CASE ...]

For a change that no running workflow can meet, as before a first release, or for a new way of a
workflow. Whatever a released version recorded stays as it is: the code has to replay it.
Plays of expenses and of billing are performed with the real ERP, which is built first if it is not
there.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

from cli.exits import leave
from sandbox.postgres import Postgres
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from store import schema
from tests.billing.billing_platform import BillingPlatform, billing_platform, configuration
from tests.billing.systems import BillingSystems
from tests.e2e.local_platform import LocalPlatform, Systems, local_platform
from tests.e2e.namespaces import register_namespace
from tests.e2e.running_platform import SECONDS_MAX
from tests.erp_fixtures import erp_home, last_month
from tests.expenses.expense_platform import ExpensePlatform, ReportPlatform, expense_platform
from tests.expenses.fyle_platform import FylePlatform, fyle_platform
from tests.expenses.fyle_systems import FyleSystems
from tests.expenses.systems import ErpSide, ExpenseSystems
from tests.masters.made_up_platform import MadeUpPlatform, made_up_platform
from tests.replay.billing_plays import BILLING
from tests.replay.expense_plays import EXPENSES
from tests.replay.fyle_plays import FYLE
from tests.replay.histories import HISTORIES, Recorded, keep
from tests.replay.master_plays import MASTERS
from tests.replay.plays import TIME
from tests.replay.repertoire import Play

P = TypeVar("P", bound=LocalPlatform | ReportPlatform | BillingPlatform | MadeUpPlatform)
# Entries of billing are beside those of all other plays on the same ERP.
FIRST_ENTRY: Final = 7_000_001


@dataclass
class Stage:
    """Servers that plays share; each play has a ledger and a namespace of its own."""

    postgres: Postgres
    temporal: TemporalServer
    template: str
    _opened: int = field(default=0, init=False)

    @classmethod
    async def open(cls, home: Path, stack: AsyncExitStack) -> Self:
        """Start the servers; they stop with the stack."""
        postgres = await stack.enter_async_context(Postgres(home / "ledger"))
        temporal = TemporalServer(home / "temporal", headless=True)
        await stack.enter_async_context(temporal)
        template = await postgres.create_database("template")
        await schema.upgrade(template)
        return cls(postgres, temporal, template)

    async def fresh(self) -> tuple[str, str, str]:
        """A ledger that knows nothing, Temporal's address, and a namespace there."""
        self._opened += 1
        name = f"play_{self._opened}"
        template = urlsplit(self.template).path.removeprefix("/")
        dsn = await self.postgres.create_database(name, template)
        namespace = name.replace("_", "-")
        await register_namespace(self.temporal.address, namespace)
        return dsn, self.temporal.address, namespace


@dataclass(frozen=True, slots=True)
class Programme:
    """The plays that are performed, by the kind of platform."""

    time: Sequence[Play[LocalPlatform]]
    concur: Sequence[Play[ExpensePlatform]]
    fyle: Sequence[Play[FylePlatform]]
    billing: Sequence[Play[BillingPlatform]]
    masters: Sequence[Play[MadeUpPlatform]]

    @property
    def needs_erp(self) -> bool:
        """Whether any is performed with the real ERP."""
        return bool(self.concur or self.fyle or self.billing)


async def record(programme: Programme) -> None:
    """Perform plays one after the other, each on a platform of its own, and keep the histories."""
    with tempfile.TemporaryDirectory(prefix="ledgerway-replay-") as home:
        async with AsyncExitStack() as stack:
            stage = await Stage.open(Path(home), stack)
            for play in programme.time:
                async with local_platform(*await stage.fresh(), Systems()) as local:
                    await _record(play, local)
            for of_masters in programme.masters:
                async with made_up_platform(*await stage.fresh()) as made_up:
                    await _record(of_masters, made_up)
            if programme.needs_erp:
                await _record_with(await _erp(Path(home), stack), stage, programme, Path(home))


async def _record_with(erp: ErpSide, stage: Stage, programme: Programme, home: Path) -> None:
    """Perform the plays that need the real ERP."""
    for report in programme.concur:
        async with expense_platform(*await stage.fresh(), ExpenseSystems(erp)) as one:
            await _record(report, one)
    for other in programme.fyle:
        async with fyle_platform(*await stage.fresh(), FyleSystems(erp)) as two:
            await _record(other, two)
    for number, month in enumerate(programme.billing):
        systems = BillingSystems(erp, home / f"contracts-{number}", FIRST_ENTRY + 1000 * number)
        fresh = await stage.fresh()
        async with billing_platform(*fresh, systems, settings=configuration()) as three:
            await _record(month, three)


async def _erp(home: Path, stack: AsyncExitStack) -> ErpSide:
    """The real ERP, with what makes its answers get lost."""
    server = TrytonServer(home / "erp", last_month(), cache=erp_home())
    erp = await stack.enter_async_context(server)
    session = await stack.enter_async_context(JsonRpcSession(erp.url, erp.database))
    await session.log_in(erp.admin_user, erp.admin_password)
    side = ErpSide(erp, session)
    stack.push_async_callback(side.close)
    return side


async def _record(play: Play[P], local: P) -> None:
    await local.refresh()
    handle = await play.perform(local)
    async with asyncio.timeout(SECONDS_MAX):
        await handle.result()
    one = Recorded(play.workflow, play.case, await handle.fetch_history())
    if not one.shows(play.shows):
        raise RuntimeError(f"{one.name} shows {list(one.steps())}, not {play.shows}")
    path = keep(one)
    print(f"{path.relative_to(HISTORIES)}: {path.stat().st_size:,} bytes")  # noqa: T201


def main() -> int:
    """Record what is asked for; gives the exit code."""
    programme = Programme(
        _asked(TIME.plays),
        _asked(EXPENSES.plays),
        _asked(FYLE.plays),
        _asked(BILLING.plays),
        _asked(MASTERS.plays),
    )
    if not (programme.time or programme.masters or programme.needs_erp):
        sys.stderr.write(f"no play is called {' or '.join(sys.argv[1:])}\n")
        return 2
    asyncio.run(record(programme))
    return 0


def _asked(plays: Sequence[Play[P]]) -> list[Play[P]]:
    asked = set(sys.argv[1:])
    return [play for play in plays if not asked or {play.workflow, play.name} & asked]


if __name__ == "__main__":
    # A process that used Temporal's client may abort at its normal end.
    leave(main())
