"""The worker: `python -m worker`, configured by the environment alone."""

import asyncio
import os
import signal
import sys

import uvloop
from pydantic import ValidationError

from runtime.configuration import ConfigurationError
from runtime.settings import Settings
from runtime.worker_process import serve


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; raises ConfigurationError if it cannot."""

    async def until_told() -> None:
        stop = asyncio.Event()
        for told in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(told, stop.set)
        await serve(settings, stop, _say)

    uvloop.run(until_told())
    return 0


def _say(port: int | None) -> None:
    where = f", metrics on port {port}" if port else ""
    sys.stdout.write(f"ledgerway worker is serving{where}\n")
    sys.stdout.flush()


def _settings() -> Settings:
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(f"LEDGERWAY_{name}: {first['msg']}") from error


def main() -> int:
    """Run as the environment says; gives the exit code, 2 if it says something unusable."""
    try:
        return run(_settings())
    except ConfigurationError as error:
        sys.stderr.write(f"ledgerway worker: {error}\n")
        return 2


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A process that used a Temporal client may abort in the interpreter's own exit.
    os._exit(code)
