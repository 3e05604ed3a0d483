"""Python programs of ours that the local world runs as processes of their own."""

import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

import httpx
from pydantic import BaseModel

from connectors.bamboohr.simulated_orders import Dated, Move
from connectors.bamboohr.simulated_state import SimulatedJob
from connectors.base.http import exact_json_text
from connectors.base.tls import trusted_authorities
from connectors.concur.simulated_state import CompanyState
from connectors.harvest.simulated_state import AccountState, Selection
from connectors.salesforce.simulated_orders import Addition, Additions, Changes
from connectors.salesforce.simulated_state import Changed, Value
from sandbox.child_process import LOCALHOST, ChildProcess, dies_with_its_parent, free_port

_CHECKOUT = Path(__file__).parents[1]


def python_program(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours and ends with this process."""
    return [*dies_with_its_parent("TERM"), sys.executable, "-m", module, *arguments]


def with_checkout(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment in which our packages are found from any working directory."""
    return {**(environment or {}), "PYTHONPATH": str(_CHECKOUT)}


class SimulatorServer:
    """A vendor's simulator over HTTP; its state is a file that outlives the process."""

    def __init__(self, home: Path, module: str, title: str, *, port: int | None = None) -> None:
        self._home = home
        self._module = module
        self._port = port or free_port()
        self._child = ChildProcess(title, home / "simulator.log", stop_signal=signal.SIGTERM)
        self._http = httpx.AsyncClient(
            base_url=self.address, verify=trusted_authorities(), timeout=30
        )

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{LOCALHOST}:{self._port}"

    @property
    def state_file(self) -> Path:
        """Where the state is kept."""
        return self._home / "account.json"

    async def start(self, state: BaseModel | None = None) -> Self:
        """Serve a state; without one, the state that was kept."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if state is not None:
            self.state_file.write_text(state.model_dump_json())
        await self._child.spawn(
            python_program(
                self._module, "--port", str(self._port), "--state", str(self.state_file)
            ),
            with_checkout(),
        )
        await self._child.wait_until(self._answers)
        return self

    async def stop(self) -> None:
        """Keep the state and end the server."""
        if self._child.alive:
            self.state_file.write_bytes(await self._state())
        await self._child.stop()
        await self._http.aclose()

    async def order(self, name: str, body: Any) -> Any:
        """Do what people would do in the vendor's own pages; `body` is one of its orders."""
        content = body.model_dump_json() if isinstance(body, BaseModel) else exact_json_text(body)
        answer = await self._http.post(f"/__sim/{name}", content=content)
        answer.raise_for_status()
        return answer.json()["done"]

    async def _state(self) -> bytes:
        answer = await self._http.get("/__sim/state")
        answer.raise_for_status()
        return answer.content

    async def _answers(self) -> bool:
        try:
            await self._http.get("/__sim/status")
        except httpx.TransportError:
            return False
        return True


class HarvestServer(SimulatorServer):
    """A simulated Harvest."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        super().__init__(home, "connectors.harvest.simulator", "Harvest's simulator", port=port)

    @property
    def url(self) -> str:
        """The vendor's own address."""
        return f"{self.address}/v2"

    async def account(self) -> AccountState:
        """Everything in the account, as its owner sees it."""
        return AccountState.model_validate_json(await self._state())

    async def approve(self, ids: frozenset[int]) -> None:
        """Approve entries."""
        await self.order("approve", Selection(ids=ids))

    async def withdraw(self, ids: frozenset[int]) -> None:
        """Take the approval of entries back."""
        await self.order("withdraw", Selection(ids=ids))

    async def delete(self, ids: frozenset[int]) -> None:
        """Delete entries."""
        await self.order("delete", Selection(ids=ids))


class ConcurServer(SimulatorServer):
    """A simulated Concur."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        super().__init__(home, "connectors.concur.simulator", "Concur's simulator", port=port)

    async def company(self) -> CompanyState:
        """Everything in the company, as its administrator sees it."""
        return CompanyState.model_validate_json(await self._state())

    async def release(self, documents: Sequence[Mapping[str, Any]]) -> list[str]:
        """Let documents be approved for good; gives their ids."""
        ids: list[str] = await self.order("release", {"documents": list(documents)})
        return ids

    async def resubmit(self, document: str, content: Mapping[str, Any]) -> str:
        """Submit and approve again, corrected, what was sent back; gives the new document's id."""
        told = {"document": document, "content": content}
        new: str = await self.order("resubmit", told)
        return new


class SalesforceServer(SimulatorServer):
    """A simulated Salesforce."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        title = "Salesforce's simulator"
        super().__init__(home, "connectors.salesforce.simulator", title, port=port)

    async def open_account(self, fields: Mapping[str, Value]) -> None:
        """Make an Account, as somebody in sales does."""
        await self.order("add", Additions(records=(Addition(kind="Account", fields={**fields}),)))

    async def rename(self, account: str, name: str) -> None:
        """Give an Account another name."""
        await self.order("change", Changes(changes=(Changed(id=account, fields={"Name": name}),)))


class BambooHrServer(SimulatorServer):
    """A simulated BambooHR."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        super().__init__(home, "connectors.bamboohr.simulator", "BambooHR's simulator", port=port)

    async def terminate(self, employee: int, last_day: date) -> None:
        """End somebody's employment."""
        await self.order("terminate", Dated(id=employee, day=last_day))

    async def move(self, employee: int, job: SimulatedJob) -> None:
        """Give somebody another job, from its day on."""
        await self.order("move", Move(id=employee, job=job))


class WorkerProgram:
    """A worker in a process of its own, which can be killed like any other."""

    def __init__(
        self, home: Path, *, health_port: int | None = None, module: str = "worker"
    ) -> None:
        self._home = home
        self._module = module
        self.health_port = health_port or free_port()
        self._child = ChildProcess("the worker", home / "worker.log", stop_signal=signal.SIGTERM)
        self._environment: dict[str, str] = {}

    @property
    def metrics_url(self) -> str:
        """Where Prometheus would scrape it."""
        return f"http://{LOCALHOST}:{self.health_port}/metrics"

    async def start(self, environment: Mapping[str, str]) -> None:
        """Start it; it is ready when it serves every queue."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._environment = with_checkout(environment)
        await self._spawn()

    async def ready(self) -> None:
        """Wait until it serves."""
        async with httpx.AsyncClient(verify=trusted_authorities()) as http:

            async def answers() -> bool:
                try:
                    answer = await http.get(f"http://{LOCALHOST}:{self.health_port}/ready")
                except httpx.TransportError:
                    return False
                return answer.status_code == httpx.codes.OK

            await self._child.wait_until(answers)

    @property
    def alive(self) -> bool:
        """Whether its process runs now."""
        return self._child.alive

    async def kill(self) -> None:
        """End it by SIGKILL, in the middle of whatever it does."""
        await self._child.kill()

    async def restart(self) -> None:
        """Start it again after it died; on another port, since its own may be taken by now."""
        self.health_port = free_port()
        await self._spawn()

    async def _spawn(self) -> None:
        port = {"LEDGERWAY_HEALTH_PORT": str(self.health_port)}
        await self._child.spawn(python_program(self._module), {**self._environment, **port})

    def log_tail(self) -> str:
        """The last lines of its log."""
        return self._child.log_tail()

    async def stop(self) -> None:
        """Have it finish what it is doing, and end it."""
        await self._child.stop()
