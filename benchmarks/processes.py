"""Programs that are measured: started by us, told to go by a line, and accounted for whole."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import psutil

from sandbox.programs import python_program, with_checkout

_START_SECONDS_MAX: Final = 120
_STOP_SECONDS_MAX: Final = 15
READY: Final = "ready"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, of its children, and of those of its children that have ended."""
    process = psutil.Process(pid)
    return sum(_own(one) for one in (process, *process.children(recursive=True)))


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    total: float = times.user + times.system + times.children_user + times.children_system
    return total


class ToldProgram:
    """A program that says "ready", waits for a line, works, and says in JSON what it did."""

    def __init__(self, name: str, log: Path) -> None:
        self._name = name
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, module: str, *arguments: str, environment: Mapping[str, str]) -> Self:
        """Start it; what it says to stderr goes to its log."""
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *python_program(module, *arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=descriptor,
                start_new_session=True,
                env={**os.environ, **with_checkout(environment)},
            )
        finally:
            os.close(descriptor)
        return self

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    async def said(self) -> str:
        """The next line it says; RuntimeError with the end of its log if it ended instead."""
        output = self._running.stdout
        assert output is not None
        line = (await output.readline()).decode().strip()
        if not line:
            raise RuntimeError(f"{self._name} ended:\n{self._log.read_text()[-3000:]}")
        return line

    async def ready(self) -> None:
        """Wait until it is ready to go."""
        async with asyncio.timeout(_START_SECONDS_MAX):
            while await self.said() != READY:
                pass

    async def go(self) -> None:
        """Tell it to go."""
        pipe = self._running.stdin
        assert pipe is not None
        pipe.write(b"\n")
        await pipe.drain()

    async def result(self) -> dict[str, Any]:
        """Wait for what it did."""
        found: dict[str, Any] = json.loads(await self.said())
        return found

    async def stop(self) -> None:
        """Let it end; insist if it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS_MAX)
        except TimeoutError:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


def say(line: str) -> None:
    """In the program itself: say a line to whoever started it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def told() -> None:
    """In the program itself: wait to be told to go on; also returns when nobody is there."""
    await asyncio.to_thread(sys.stdin.readline)


def end(code: int = 0) -> None:
    """In the program itself: end at once, because Temporal's client may abort a normal end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
