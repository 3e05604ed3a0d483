"""A child ends with its parent, leaves nothing behind, and says why it did not start."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sandbox.child_process import ChildProcess, ServerError

DEADLINE_SECONDS = 20
# Starts a grandchild that would outlive it, says so, and ignores polite requests if told to.
PARENT_OF_ONE = """
import signal, subprocess, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"])
print(child.pid, flush=True)
time.sleep(1000)
"""


async def start_family(tmp_path: Path) -> tuple[ChildProcess, psutil.Process, psutil.Process]:
    """Start a child that has a child of its own."""
    log = tmp_path / "family.log"
    child = ChildProcess("family", log, stop_signal=signal.SIGTERM)
    await child.spawn([sys.executable, "-c", PARENT_OF_ONE])

    async def has_said_so() -> bool:
        return log.read_text().endswith("\n")

    await child.wait_until(has_said_so)
    return child, psutil.Process(child.pid), psutil.Process(int(log.read_text()))


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended, be it reaped or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(process: psutil.Process) -> None:
    """Return as soon as a process has ended."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_gone(process):
        assert time.monotonic() < deadline, f"process {process.pid} is still there"
        time.sleep(0.02)


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_nothing_of_its_session_is_left_after_its_end(tmp_path: Path, ending: str) -> None:
    child, parent, grandchild = await start_family(tmp_path)
    await getattr(child, ending)()
    assert not child.alive
    wait_until_gone(parent)
    wait_until_gone(grandchild)


async def test_what_it_started_ends_also_when_it_crashes_by_itself(tmp_path: Path) -> None:
    child, parent, grandchild = await start_family(tmp_path)
    parent.kill()
    await child.wait()
    wait_until_gone(grandchild)


async def test_stopping_and_killing_again_changes_nothing(tmp_path: Path) -> None:
    child = ChildProcess("true", tmp_path / "log", stop_signal=signal.SIGTERM)
    assert await child.stop() is None
    await child.spawn(["true"])
    assert await child.wait() == 0
    assert await child.stop() == 0
    await child.kill()


async def test_a_start_that_fails_shows_the_end_of_the_log(tmp_path: Path) -> None:
    child = ChildProcess("the server", tmp_path / "log", stop_signal=signal.SIGTERM)
    await child.spawn(["sh", "-c", "echo the disk is full; exit 3"])

    async def never() -> bool:
        return False

    with pytest.raises(ServerError, match="the server ended while it started:\nthe disk is full"):
        await child.wait_until(never)


async def test_a_start_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    child = ChildProcess("the server", tmp_path / "log", stop_signal=signal.SIGTERM)
    await child.spawn(["sleep", "1000"])

    async def never() -> bool:
        return False

    with pytest.raises(ServerError, match="not ready after"):
        await child.wait_until(never, seconds_max=0.1)
    await child.kill()


async def test_one_that_runs_is_not_started_a_second_time(tmp_path: Path) -> None:
    child = ChildProcess("sleep", tmp_path / "log", stop_signal=signal.SIGTERM)
    await child.spawn(["sleep", "1000"])
    with pytest.raises(ServerError, match="running already"):
        await child.spawn(["sleep", "1000"])
    await child.kill()


async def test_its_log_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = ChildProcess("true", log, stop_signal=signal.SIGTERM)
    await child.spawn(["true"])
    await child.wait()
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals children of the dead")
async def test_servers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from sandbox.postgres import Postgres

async def main():
    server = await Postgres(Path({str(tmp_path / "pg")!r})).start()
    print(server.pid, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert parent.stdout is not None
    postmaster = psutil.Process(int(await parent.stdout.readline()))
    assert postmaster.is_running()
    parent.kill()
    await parent.wait()
    wait_until_gone(postmaster)
