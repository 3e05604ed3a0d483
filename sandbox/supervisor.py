"""The local world in the background: one process that holds it open until it is told to stop."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from runtime.configuration import load_configuration
from runtime.schedules import keep_schedules
from runtime.temporal import connect
from sandbox.child_process import ServerError
from sandbox.firm import Month
from sandbox.programs import with_checkout
from sandbox.world import DESCRIPTION, Ports, World

START_SECONDS_MAX: Final = 600
STOP_SECONDS_MAX: Final = 60
_POLL_SECONDS: Final = 0.1
_PID: Final = "supervisor.pid"
Addresses = Callable[[dict[str, str]], None]


async def stay_open(
    home: Path, month: Month, cache: Path, ports: Ports, on_open: Addresses
) -> None:
    """Open the world as it was left, with its Schedules, until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    described = home / DESCRIPTION
    if described.exists():
        month = Month.parse(json.loads(described.read_text())["month"])
    async with World(home, month, cache=cache, keep=True, ports=ports) as world:
        configuration, policies = load_configuration(home / "config")
        client = await connect(world.temporal.address, world.temporal.namespace)
        await keep_schedules(client, configuration, policies)
        (home / _PID).write_text(str(os.getpid()))
        on_open(world.addresses)
        await stop.wait()
        (home / _PID).unlink(missing_ok=True)


async def open_in_background(home: Path, cache: Path, ports: Ports) -> dict[str, str]:
    """Open the world in a process of its own; gives its addresses once it is open.

    Raises ServerError with the end of its log if it does not open.
    """
    if _running(home) is not None:
        return _addresses(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / _PID).unlink(missing_ok=True)
    log = home / "supervisor.log"
    command = [sys.executable, "-m", "sandbox.supervisor", str(home), str(cache)]
    for name in ("temporal", "temporal_ui", "erp", "metrics"):
        port = getattr(ports, name)
        command += [f"--{name}", str(port)] if port is not None else []
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: ASYNC220  Returns at once; the loop watches it below.
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **with_checkout()},
        )
    async with asyncio.timeout(START_SECONDS_MAX):
        while not (home / _PID).exists():
            if process.poll() is not None:
                raise ServerError(f"the local world did not open:\n{log.read_text()[-3000:]}")
            await asyncio.sleep(_POLL_SECONDS)
    return _addresses(home)


async def close(home: Path) -> bool:
    """Stop a world that runs in the background; False if none did."""
    pid = _running(home)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    async with asyncio.timeout(STOP_SECONDS_MAX):
        while _alive(pid):
            await asyncio.sleep(_POLL_SECONDS)
    return True


def _addresses(home: Path) -> dict[str, str]:
    described: dict[str, str] = json.loads((home / DESCRIPTION).read_text())["addresses"]
    return described


def _running(home: Path) -> int | None:
    try:
        pid = int((home / _PID).read_text())
    except (OSError, ValueError):
        return None
    return pid if _alive(pid) else None


def _alive(pid: int) -> bool:
    with suppress(OSError):
        # A process that ended and was not collected by its parent counts as ended.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").is_dir()


def main() -> None:
    """Hold a world open: `python -m sandbox.supervisor HOME CACHE`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("cache", type=Path)
    for name in ("temporal", "temporal_ui", "erp", "metrics"):
        parser.add_argument(f"--{name}", type=int)
    given = parser.parse_args()
    ports = Ports(given.temporal, given.temporal_ui, given.erp, given.metrics)
    month = Month.of(datetime.now(UTC).date()).before()
    asyncio.run(stay_open(given.home, month, given.cache, ports, lambda _: None))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
