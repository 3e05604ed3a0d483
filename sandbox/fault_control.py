"""The handle of a fault proxy: start it before a system, tell it what to spoil, ask what it did."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Self

import httpx

from connectors.base.tls import trusted_authorities
from sandbox.child_process import (
    LOCALHOST,
    ChildProcess,
    ServerError,
    dies_with_its_parent,
    free_port,
)
from sandbox.faults import Fault, FaultPlan, FaultReport

CONTROL_PATH = "/__faults"
SETTLE_SECONDS_MAX = 120
POLL_SECONDS = 0.05


class FaultProxy:
    """A fault proxy in a process of its own, before one upstream; clients use `url` instead."""

    def __init__(self, upstream: str, log: Path, *, port: int | None = None) -> None:
        self._upstream = upstream
        self._port = port or free_port()
        self._child = ChildProcess("the fault proxy", log, stop_signal=signal.SIGTERM)
        self._http = httpx.AsyncClient(base_url=self.url, verify=trusted_authorities(), timeout=10)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where clients find the system behind the proxy."""
        return f"http://{LOCALHOST}:{self._port}"

    async def start(self) -> None:
        """Start it; it answers when this returns, and spoils nothing yet."""
        checkout = str(Path(__file__).parents[1])
        paths = filter(None, (checkout, os.environ.get("PYTHONPATH")))
        await self._child.spawn(
            [
                *dies_with_its_parent("TERM"), sys.executable, "-m", "sandbox.fault_proxy",
                "--upstream", self._upstream, "--port", str(self._port),
            ],
            {"PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip
        try:
            await self._child.wait_until(self._answers)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End it; requests that it holds back never reach the system."""
        await self._child.stop()
        await self._http.aclose()

    async def inject(self, *faults: Fault, seed: int = 0) -> None:
        """Replace its plan; the counters go on."""
        plan = FaultPlan(seed=seed, faults=faults)
        answer = await self._http.post(CONTROL_PATH, content=plan.model_dump_json())
        if answer.status_code != httpx.codes.OK:
            raise ServerError(f"the fault proxy refused its plan: {answer.text}")

    async def clear(self) -> None:
        """Spoil nothing any more, and count from zero."""
        await self._http.delete(CONTROL_PATH)

    async def report(self) -> FaultReport:
        """Return what really happened since the counters were cleared."""
        answer = await self._http.get(CONTROL_PATH)
        return FaultReport.model_validate_json(answer.content)

    async def settled(self) -> FaultReport:
        """Wait until no request is held back any more, and return the report."""
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            report = await self.report()
            while report.held:
                await asyncio.sleep(POLL_SECONDS)
                report = await self.report()
        return report

    async def _answers(self) -> bool:
        try:
            await self.report()
        except httpx.TransportError:
            return False
        return True
