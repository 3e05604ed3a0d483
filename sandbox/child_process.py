"""A server of the local world: a direct child of this process that never outlives it."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

LOCALHOST = "127.0.0.1"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15
POLL_SECONDS = 0.02
LOG_TAIL_CHARACTERS = 2000


class ServerError(Exception):
    """A local server could not be started, or died; the text says what to do about it."""


def free_port() -> int:
    """Find a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def dies_with_its_parent(signal_name: str) -> list[str]:
    """Prefix a command so that the kernel signals it when this process dies, even by SIGKILL.

    Empty where `setpriv` does not exist (macOS): there a killed parent leaves its servers behind.
    The signal follows the thread that starts the child, so start it from the main thread.
    """
    return ["setpriv", "--pdeathsig", signal_name, "--"] if shutil.which("setpriv") else []


class ChildProcess:
    """One child in a session of its own, so that Ctrl-C in a terminal reaches only its parent.

    It is a direct child, so that it is reaped: the init process of a container often does not.
    """

    def __init__(self, name: str, log: Path, *, stop_signal: signal.Signals) -> None:
        self._name = name
        self._log = log
        self._stop_signal = stop_signal
        self._process: asyncio.subprocess.Process | None = None
        self._sweeper: asyncio.Task[int] | None = None

    @property
    def pid(self) -> int:
        """The process id; ServerError if it was never started."""
        if self._process is None:
            raise ServerError(f"{self._name} was not started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended yet."""
        return self._process is not None and self._process.returncode is None

    async def spawn(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the command; its output goes to the log, its working directory is the root."""
        if self.alive:
            raise ServerError(f"{self._name} is running already")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                cwd="/",
                env=None if environment is None else {**os.environ, **environment},
            )
        finally:
            os.close(descriptor)
        self._sweeper = asyncio.create_task(_swept(self._process), name=f"end of {self._name}")

    async def wait_until(
        self, ready: Callable[[], Awaitable[bool]], seconds_max: float = START_SECONDS_MAX
    ) -> None:
        """Return as soon as it is ready; ServerError with the end of its log if it is not."""
        deadline = asyncio.get_running_loop().time() + seconds_max
        while not await ready():
            if not self.alive:
                raise ServerError(f"{self._name} ended while it started:\n{self.log_tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise ServerError(
                    f"{self._name} is not ready after {seconds_max} s:\n{self.log_tail()}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def wait(self) -> int | None:
        """Wait for its end and return the exit code; None if it was never started."""
        return None if self._sweeper is None else await asyncio.shield(self._sweeper)

    async def stop(self) -> int | None:
        """Ask it to end, insist after 15 s, and leave nothing of its session behind."""
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(self._stop_signal)
            try:
                await asyncio.wait_for(self.wait(), STOP_SECONDS_MAX)
            except TimeoutError:
                _kill_session(self._process)
        return await self.wait()

    async def kill(self) -> None:
        """End it by SIGKILL, all processes of its session with it, as a crash would."""
        if self._process is not None and self.alive:
            _kill_session(self._process)
        await self.wait()

    def log_tail(self) -> str:
        """The last lines of its log, for an error text."""
        try:
            return self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        except OSError:
            return f"(no log in {self._log.name})"


async def _swept(process: asyncio.subprocess.Process) -> int:
    """Wait for a child's end and at once end what it left: later its id may be another's."""
    code = await process.wait()
    _kill_session(process)
    return code


def _kill_session(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
