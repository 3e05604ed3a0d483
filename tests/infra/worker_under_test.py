"""A worker as a process of its own, and a vendor that takes requests without answering them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import httpx
import yaml

from sandbox.child_process import LOCALHOST, ChildProcess, free_port
from sandbox.programs import python_program, with_checkout

UNREACHABLE = f"http://{LOCALHOST}:9"


class SilentVendor:
    """Takes connections, says nothing, and hangs up when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hang_up = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where a connector finds it."""
        assert self._server is not None
        return f"http://{LOCALHOST}:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOCALHOST, 0)
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.hang_up.set()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        await self.hang_up.wait()
        writer.close()


def write_configuration(folder: Path, vendor_url: str = UNREACHABLE) -> Path:
    """Write a small firm's configuration, both of whose systems are at one address."""
    folder.mkdir(parents=True)
    (folder / "made-up.secret").write_text("made-up-secret")
    connections = {
        "harvest": {
            "system": "harvest",
            "posts_to": "tryton",
            "region": "emea",
            "options": {
                "account_id": "1",
                "token": "file:made-up.secret",
                "user_agent": "Ledgerway (https://github.com/ledgerway/ledgerway)",
                "base_url": f"{vendor_url}/v2",
            },
        },
        "tryton": {
            "system": "tryton",
            "options": {
                "url": vendor_url,
                "database": "erp",
                "user": "connector",
                "password": "file:made-up.secret",
            },
        },
    }
    described = {"tenant": "northwind", "connections": connections}
    (folder / "connections.yaml").write_text(yaml.safe_dump(described))
    return folder


class WorkerUnderTest:
    """`python -m worker`, configured by its environment alone."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._port = free_port()
        self._environment = with_checkout({**environment, "LEDGERWAY_HEALTH_PORT": str(self._port)})
        self._child = ChildProcess("the worker", home / "worker.log", stop_signal=signal.SIGTERM)
        self._http = httpx.AsyncClient(base_url=f"http://{LOCALHOST}:{self._port}", timeout=10)

    async def start(self) -> None:
        """Start it, without waiting for anything."""
        await self._child.spawn(python_program("worker"), self._environment)

    async def get(self, path: str) -> httpx.Response:
        """Ask it for a page; httpx.TransportError if it does not serve."""
        return await self._http.get(path)

    async def answers(self, path: str, status: int) -> None:
        """Wait until a page has this status; ServerError if it ends before, or takes too long."""

        async def has_it() -> bool:
            try:
                return (await self.get(path)).status_code == status
            except httpx.TransportError:
                return False

        await self._child.wait_until(has_it, seconds_max=30)

    def terminate(self) -> None:
        """Tell it to stop, as Kubernetes would."""
        os.kill(self._child.pid, signal.SIGTERM)

    async def exit_code(self, seconds_max: float) -> int | None:
        """Wait for its end; TimeoutError if it takes longer."""
        return await asyncio.wait_for(self._child.wait(), seconds_max)

    def said(self) -> str:
        """The end of its log."""
        return self._child.log_tail()

    async def close(self) -> None:
        """Leave nothing behind, however the test went."""
        await self._child.kill()
        await self._http.aclose()


@asynccontextmanager
async def worker_with(home: Path, environment: Mapping[str, str]) -> AsyncIterator[WorkerUnderTest]:
    """Start a worker for the length of a block."""
    worker = WorkerUnderTest(home, environment)
    try:
        await worker.start()
        yield worker
    finally:
        await worker.close()
