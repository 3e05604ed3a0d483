"""The local world: ledger, Temporal, a real ERP, simulated sources and a worker, side by side."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel
from temporalio.api.enums.v1 import IndexedValueType

from activities import search_attributes as sa
from connectors.harvest.simulated_state import AccountState
from sandbox.child_process import ServerError
from sandbox.contract_month import write_contracts
from sandbox.crm_org import CrmOrg
from sandbox.expense_month import ExpenseMonth
from sandbox.fault_control import FaultProxy
from sandbox.file_lock import exclusive
from sandbox.firm import Firm, Month, firm_of
from sandbox.hr_company import HrCompany
from sandbox.month import FirmAccount
from sandbox.postgres import Postgres
from sandbox.programs import (
    BambooHrServer,
    ConcurServer,
    HarvestServer,
    SalesforceServer,
    SimulatorServer,
    WorkerProgram,
)
from sandbox.temporal_server import NAMESPACE, SearchAttributes, TemporalServer
from sandbox.tryton.server import TrytonServer
from sandbox.world_configuration import Address, WorldConfiguration
from store import schema

Progress = Callable[[str, int], None]
LEDGER: Final = "ledger"
DESCRIPTION: Final = "world.json"


def our_search_attributes() -> SearchAttributes:
    """The search attributes that our workflows set, as Temporal's operator service names them."""
    return {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in sa.ALL}


def silent(_step: str, _percent: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports that were asked for; a free one is taken for each that was not."""

    temporal: int | None = None
    temporal_ui: int | None = None
    erp: int | None = None
    metrics: int | None = None


class World:
    """Everything below one home; two worlds on one machine do not meet.

    With `keep`, what is there already is opened again as it was left.
    """

    def __init__(
        self,
        home: Path,
        month: Month,
        *,
        cache: Path,
        keep: bool = False,
        faulty: bool = False,
        account: AccountState | None = None,
        ports: Ports = Ports(),
        on_progress: Progress = silent,
    ) -> None:
        self.home = home
        self.firm: Final[Firm] = firm_of(month)
        # A world that was never finished is made anew.
        self._kept = keep and (home / DESCRIPTION).exists()
        self._account = account or FirmAccount(self.firm).state()
        self._progress = on_progress
        self._faulty = faulty
        # On a laptop, nothing here is worth an fsync.
        self.ledger = Postgres(home / "ledger")
        self.temporal = TemporalServer(
            home / "temporal",
            keep=True,
            search_attributes=our_search_attributes(),
            port=ports.temporal,
            ui_port=ports.temporal_ui,
        )
        self.erp = TrytonServer(
            home / "erp",
            month,
            cache=cache,
            keep=self._kept,
            port=ports.erp,
            on_progress=on_progress,
        )
        self.harvest = HarvestServer(home / "harvest")
        self._company = ExpenseMonth(self.firm).company()
        self.concur = ConcurServer(home / "concur")
        self._org = CrmOrg(self.firm).state()
        self.salesforce = SalesforceServer(home / "salesforce")
        self._people = HrCompany(self.firm).state()
        self.bamboohr = BambooHrServer(home / "bamboohr")
        self.contracts: Final = home / "contracts"
        self.worker = WorkerProgram(home / "worker", health_port=ports.metrics)
        self._proxy: FaultProxy | None = None
        self._stack = AsyncExitStack()
        self._servers: list[Callable[[], Awaitable[object]]] = []

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    @property
    def proxy(self) -> FaultProxy:
        """What stands between us and the ERP, in a world that was made faulty."""
        if self._proxy is None:
            raise ServerError("this world has no fault proxy")
        return self._proxy

    @property
    def environment(self) -> dict[str, str]:
        """What a worker and the command line need to find this world."""
        return {
            "LEDGERWAY_DATABASE_URL": self.ledger.url_of(LEDGER),
            "LEDGERWAY_TEMPORAL_ADDRESS": self.temporal.address,
            "LEDGERWAY_TEMPORAL_NAMESPACE": NAMESPACE,
            "LEDGERWAY_CONFIG": str(self.home / "config"),
        }

    @property
    def addresses(self) -> dict[str, str]:
        """What people open."""
        return {
            "Temporal UI": self.temporal.ui_url,
            "ERP": f"{self.erp.url} (database {self.erp.database})",
            "Metrics": self.worker.metrics_url,
            "Harvest (simulated)": self.harvest.url,
            "Concur (simulated)": self.concur.address,
            "Salesforce (simulated)": self.salesforce.address,
            "BambooHR (simulated)": self.bamboohr.address,
        }

    async def _start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._stack.enter_async_context(exclusive(self.home / "lock"))
        self._stack.push_async_callback(self._stop_servers)
        try:
            async with asyncio.TaskGroup() as group:
                for starting in (
                    *(self._start_erp(), self._start_ledger(), self._start_temporal()),
                    self._start_simulator(self.harvest, self._account),
                    self._start_simulator(self.concur, self._company),
                    self._start_simulator(self.salesforce, self._org),
                    self._start_simulator(self.bamboohr, self._people),
                ):
                    group.create_task(starting)
        except BaseExceptionGroup as troubles:
            raise troubles.exceptions[0] from None
        if not self._kept:
            write_contracts(self.firm, self.contracts)
        self._write_configuration()
        await self.worker.start(self.environment)
        self._stack.push_async_callback(self.worker.stop)
        await self.worker.ready()
        self._describe()

    async def _stop_servers(self) -> None:
        """Stop all that the worker worked with, side by side; what fails keeps nobody else up."""
        ends = await asyncio.gather(*(stop() for stop in self._servers), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _start_ledger(self) -> None:
        await self.ledger.start()
        self._servers.append(self.ledger.stop)
        if not self._kept:
            await self.ledger.create_database(LEDGER)
        await schema.upgrade(self.ledger.url_of(LEDGER))

    async def _start_temporal(self) -> None:
        await self.temporal.start()
        self._servers.append(self.temporal.stop)

    async def _start_simulator(self, server: SimulatorServer, state: BaseModel) -> None:
        await server.start(None if self._kept else state)
        self._servers.append(server.stop)

    async def _start_erp(self) -> None:
        await self.erp.start()
        self._servers.append(self.erp.stop)
        if self._faulty:
            self._proxy = FaultProxy(self.erp.url, self.home / "erp" / "proxy.log")
            await self._proxy.start()
            self._servers.append(self._proxy.stop)
        if not self._kept:
            await self._close_the_month_before()

    async def _close_the_month_before(self) -> None:
        month = self.firm.month.before()
        async with self.erp.admin() as admin:
            for entity in self.firm.legal_entities:
                await admin.close_period(entity.code, month.name)

    def _write_configuration(self) -> None:
        address = Address(
            harvest=self.harvest.url,
            concur=self.concur.address,
            salesforce=self.salesforce.address,
            bamboohr=self.bamboohr.address,
            contracts=self.contracts,
            erp=self._proxy.url if self._proxy else self.erp.url,
            erp_database=self.erp.database,
            erp_user=self.erp.user,
            erp_password=self.erp.password,
        )
        WorldConfiguration(
            self.firm, self._account, self._company, self._org, self._people, address
        ).write(self.home / "config")

    def _describe(self) -> None:
        """Leave word for the command line, readable by the owner alone: it holds a password."""
        path = self.home / DESCRIPTION
        path.touch(mode=0o600)
        described = {
            "month": self.firm.month.name,
            "environment": self.environment,
            "addresses": self.addresses,
        }
        path.write_text(json.dumps(described, indent=2))
