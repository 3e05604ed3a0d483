"""The worker: `python -m worker`, configured by the environment alone."""

import asyncio
import os
import signal
import sys

import uvloop

from runtime.configuration import ConfigurationError
from runtime.settings import Settings
from runtime.worker_process import serve


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; gives the exit code."""

    async def until_told() -> None:
        stop = asyncio.Event()
        for told in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(told, stop.set)
        await serve(settings, stop, _say)

    try:
        uvloop.run(until_told())
    except ConfigurationError as error:
        sys.stderr.write(f"ledgerway worker: {error}\n")
        return 2
    return 0


def _say(port: int | None) -> None:
    where = f", metrics on port {port}" if port else ""
    sys.stdout.write(f"ledgerway worker is serving{where}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = run(Settings.model_validate({}))
    sys.stdout.flush()
    sys.stderr.flush()
    # A process that used a Temporal client may abort in the interpreter's own exit.
    os._exit(code)
