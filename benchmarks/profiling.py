"""A profile of the worker while it is measured, where py-spy is installed."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


def py_spy() -> str | None:
    """Find py-spy beside this Python or on PATH; it is no dependency of ours."""
    beside = Path(sys.executable).parent / "py-spy"
    return str(beside) if beside.exists() else shutil.which("py-spy")


@asynccontextmanager
async def profiled(pid: int, target: Path | None) -> AsyncIterator[None]:
    """Sample a process for the length of a block into collapsed stacks; without target, nothing."""
    program = py_spy()
    if target is None or program is None:
        yield
        return
    recording = await asyncio.create_subprocess_exec(
        *(program, "record", "--pid", str(pid), "--format", "raw", "--output", str(target)),
        *("--rate", "200", "--nonblocking"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        recording.send_signal(signal.SIGINT)
        await recording.wait()
