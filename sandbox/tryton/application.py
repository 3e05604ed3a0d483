"""Tryton's application server: gunicorn on the loopback interface, over a PostgreSQL of ours."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import httpx

from connectors.base.tls import trusted_authorities
from sandbox.child_process import LOCALHOST, ChildProcess, dies_with_its_parent, free_port
from sandbox.postgres import Postgres
from sandbox.tryton.installation import Installation

WORKERS = 2
THREADS = 8
# Longer than our clients keep an idle connection: the client closes first, never the server just
# when the next request is on its way.
KEEP_ALIVE_SECONDS = 75
# The gapless sequences of documents are locked without waiting; with five tries, the default, two
# clients already get errors.
TRANSACTION_ATTEMPTS = 10
VERSION_REQUEST = {"id": 1, "method": "common.server.version", "params": []}
# A planner that sees nine joins at once reads constraints from the information schema in 2 ms
# instead of 300, and Tryton asks for them for every table that it creates.
POSTGRES_SETTINGS = {"join_collapse_limit": "9", "max_connections": "100"}


def write_configuration(path: Path, postgres: Postgres) -> None:
    """Write Tryton's configuration, readable by its owner only since it holds a password."""
    content = (
        "[database]\n"
        f"uri = {postgres.url_of('')}\n"
        f"path = {path.parent / 'files'}\n"
        f"retry = {TRANSACTION_ATTEMPTS}\n"
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)


class Application:
    """One application server over one PostgreSQL; its port stays the same over restarts."""

    def __init__(self, home: Path, installation: Installation, *, port: int | None = None) -> None:
        self._installation = installation
        self._port = port or free_port()
        self._configuration = home / "trytond.conf"
        self._child = ChildProcess("Tryton", home / "trytond.log", stop_signal=signal.SIGTERM)

    @property
    def url(self) -> str:
        """The address of the server, without a database."""
        return f"http://{LOCALHOST}:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether its process runs now."""
        return self._child.alive

    @property
    def pid(self) -> int:
        """The process id of its master."""
        return self._child.pid

    async def start(self, postgres: Postgres, databases: Sequence[str]) -> None:
        """Serve these databases; one that is not named now can not be used later either."""
        write_configuration(self._configuration, postgres)
        environment = {
            "TRYTOND_CONFIG": str(self._configuration),
            "TRYTOND_DATABASE_NAMES": ",".join(databases),
        }
        await self._child.spawn(self._command(), environment)
        try:
            async with httpx.AsyncClient(
                base_url=self.url, verify=trusted_authorities(), timeout=5
            ) as http:
                await self._child.wait_until(lambda: _answers(http))
        except BaseException:
            await self._child.kill()
            raise

    async def stop(self) -> None:
        """End it after the requests that it is working on."""
        await self._child.stop()

    async def kill(self) -> None:
        """End it and its workers by SIGKILL, in the middle of whatever they do."""
        await self._child.kill()

    def _command(self) -> list[str]:
        return [
            *dies_with_its_parent("TERM"), *self._installation.http_server,
            "--bind", f"{LOCALHOST}:{self._port}",
            "--workers", str(WORKERS),
            "--worker-class", "gthread",
            "--threads", str(THREADS),
            "--keep-alive", str(KEEP_ALIVE_SECONDS),
            "--graceful-timeout", "5",
            # It would be a file in the home directory of whoever runs this.
            "--no-control-socket",
            "trytond.application:app",
        ]  # fmt: skip


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        answer = await http.post("/rpc/", json=VERSION_REQUEST)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
