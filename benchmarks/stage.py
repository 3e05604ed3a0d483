"""The stage: PostgreSQL with a filled ledger, a simulated ERP, and what programs need to find both.

Every run gets a copy of the same filled ledger and an ERP without any line.
"""

import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

import asyncpg
import httpx
import yaml
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.intake import IntakeActivities
from activities.master_data import MasterDataActivities
from benchmarks.firm import WARM_UP_WEEK, WEEKS_MAX, FullTimesheets, large_firm
from canonical.messages import BackfillWindow, MasterDataRef
from connectors.base.connections import Connections
from connectors.base.rate_budget import Unlimited
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulator import simulated_harvest
from connectors.tryton import TrytonOptions
from connectors.tryton import connect as connect_tryton
from sandbox.child_process import LOCALHOST, ChildProcess, free_port
from sandbox.postgres import Postgres
from sandbox.programs import python_program, with_checkout
from sandbox.simulated_erp import erp_state_of
from store import schema
from store.database import Database

SOURCE: Final = "harvest"
TARGET: Final = "tryton"
TENANT: Final = "northwind"
USER: Final = "connector"
PASSWORD: Final = "connector-pw"  # noqa: S105  Of a system that does not exist.
_FILLED: Final = "filled"
_REFERENCE_LENGTH: Final = 21


class ErpServer:
    """A simulated Tryton in a process of its own, with an empty book of time."""

    def __init__(self, home: Path, state: Path) -> None:
        self._port = free_port()
        self._state = state
        self._child = ChildProcess(
            "Tryton's simulator", home / "erp.log", stop_signal=signal.SIGTERM
        )
        self._http = httpx.AsyncClient(base_url=self.url, timeout=60)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{LOCALHOST}:{self._port}"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    async def __aenter__(self) -> Self:
        await self._child.spawn(
            python_program(
                "connectors.tryton.simulator",
                *("--port", str(self._port), "--state", str(self._state)),
            ),
            with_checkout(),
        )
        await self._child.wait_until(self._answers)
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._http.aclose()
        await self._child.kill()

    async def calls(self) -> dict[str, int]:
        """How often each method was called so far."""
        stats = (await self._http.post("/__sim/stats")).json()
        found: dict[str, int] = {**stats["calls"], "conflicts": _conflicts(stats["answers"])}
        return found

    async def references(self) -> Counter[str]:
        """How often each of our references stands in the book."""
        lines: list[dict[str, Any]] = (await self._http.post("/__sim/lines")).json()
        return Counter(str(line["description"])[:_REFERENCE_LENGTH] for line in lines)

    async def lines(self) -> int:
        """How many lines there are."""
        found: int = (await self._http.post("/__sim/stats")).json()["lines"]
        return found

    async def _answers(self) -> bool:
        try:
            await self._http.post("/__sim/stats")
        except httpx.TransportError:
            return False
        return True


def _conflicts(answers: dict[str, int]) -> int:
    return answers.get("ConcurrencyException", 0)


@dataclass(frozen=True, slots=True)
class Set:
    """What one run has to itself."""

    home: Path
    dsn: str
    erp: ErpServer
    postgres_pid: int
    environment: dict[str, str]


class Stage:
    """Lasts for a whole benchmark; `timesheets` are measured, `warm_up` come before."""

    def __init__(self, home: Path, *, timesheets: int, warm_up: int) -> None:
        self.home = home
        self.timesheets = timesheets
        self.warm_up = warm_up
        self.postgres = Postgres(home / "postgres")
        self._erp_state = home / "erp.json"
        self._firm = large_firm()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            await self._stack.enter_async_context(self.postgres)
            self._erp_state.write_text(erp_state_of(self._firm).model_dump_json())
            await self._fill(await self.postgres.create_database(_FILLED))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def set_for(self, name: str) -> AsyncIterator[Set]:
        """A ledger and an ERP for one run."""
        home = self.home / name
        home.mkdir(mode=0o700)
        database = name.replace("-", "_")
        dsn = await self.postgres.create_database(database, _FILLED)
        try:
            await self._look_fresh(dsn)
            async with ErpServer(home, self._erp_state) as erp:
                environment = {
                    "LEDGERWAY_DATABASE_URL": dsn,
                    "LEDGERWAY_CONFIG": str(_configuration(home / "config", erp.url)),
                }
                yield Set(home, dsn, erp, self.postgres.pid, environment)
        finally:
            await self.postgres.drop_database(database)

    async def _fill(self, dsn: str) -> None:
        """Take the firm's masters and timesheets in, as the platform does it."""
        await schema.upgrade(dsn)
        account = FullTimesheets(self._firm, warm_up=self.warm_up, timesheets=self.timesheets)
        harvest = HarvestAccount(account.state())
        database = await Database.connect(dsn, connections_max=2)
        async with ErpServer(self.home, self._erp_state) as erp:
            connections = Connections(
                {SOURCE: _connected_harvest(harvest), TARGET: connected_erp(erp.url)}
            )
            try:
                ref = MasterDataRef(connection=SOURCE, target=TARGET)
                await MasterDataActivities(database, connections).refresh(ref)
                intake = IntakeActivities(database, connections)
                await ActivityEnvironment().run(intake.read_window, _whole_time())
                await database.execute("VACUUM ANALYZE")
            finally:
                await connections.close()
                await database.close()

    async def _look_fresh(self, dsn: str) -> None:
        """A long benchmark must not make rules wait for master data to be read again."""
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(
                "UPDATE master_snapshot SET masters_read_at = now(), calendar_read_at = now()"
            )
        finally:
            await connection.close()


def connected_erp(url: str) -> Any:
    """The connection to the ERP that all variants but the naive one use."""
    options = TrytonOptions(
        connection=TARGET, url=url, database="erp", user=USER, password=SecretStr(PASSWORD)
    )
    return connect_tryton(options, Unlimited())


def _connected_harvest(account: HarvestAccount) -> Any:
    options = HarvestOptions(
        connection=SOURCE,
        account_id=account.account_id,
        token=SecretStr(account.token),
        user_agent="Ledgerway benchmarks (https://github.com/ledgerway/ledgerway)",
        base_url="http://harvest.test/v2",
    )
    return connect_harvest(options, Unlimited(), httpx.ASGITransport(simulated_harvest(account)))


def _whole_time() -> BackfillWindow:
    last = WARM_UP_WEEK + timedelta(weeks=WEEKS_MAX + 1)
    return BackfillWindow(connection=SOURCE, target=TARGET, first=WARM_UP_WEEK, last=last)


def _configuration(folder: Path, erp_url: str) -> Path:
    """Write what a worker reads; nobody polls the source, so it has no address."""
    folder.mkdir(mode=0o700)
    (folder / "erp.secret").write_text(PASSWORD)
    described = {
        "tenant": TENANT,
        "connections": {
            SOURCE: {
                "system": "harvest",
                "posts_to": TARGET,
                "region": "emea",
                "options": {
                    "account_id": "1",
                    "token": "file:erp.secret",
                    "user_agent": "Ledgerway benchmarks (https://github.com/ledgerway/ledgerway)",
                    "base_url": f"http://{LOCALHOST}:9/v2",
                },
            },
            TARGET: {
                "system": "tryton",
                "options": {
                    "url": erp_url,
                    "database": "erp",
                    "user": USER,
                    "password": "file:erp.secret",
                },
            },
        },
    }
    (folder / "connections.yaml").write_text(yaml.safe_dump(described))
    (folder / "policies.yaml").write_text(json.dumps({}))
    return folder
