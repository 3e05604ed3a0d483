"""A command's session: where the ledger and Temporal are, opened for the length of a block."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.exits import CommandError

if TYPE_CHECKING:
    from runtime.bootstrap import Platform
    from runtime.settings import Settings

HOME: Final = Path(os.environ.get("LEDGERWAY_HOME", "var")).resolve()
WORLD: Final = HOME / "demo" / "world"


def settings() -> "Settings":
    """Settings from the environment; else those of the local world that is up.

    Raises CommandError if there is neither.
    """
    from runtime.settings import Settings

    if "LEDGERWAY_DATABASE_URL" not in os.environ:
        described = WORLD / "world.json"
        if not described.exists():
            raise CommandError(
                "There is no ledger to work on. Set LEDGERWAY_DATABASE_URL and "
                "LEDGERWAY_TEMPORAL_ADDRESS, or start the local world: ledgerway up"
            )
        os.environ.update(json.loads(described.read_text())["environment"])
    return Settings.model_validate({})


@asynccontextmanager
async def platform() -> AsyncIterator["Platform"]:
    """Open everything a command may need; raises CommandError with what is not there."""
    from runtime.bootstrap import platform_from
    from runtime.configuration import ConfigurationError, load_configuration
    from runtime.temporal import connect_as

    found = settings()
    try:
        configuration, policies = load_configuration(found.config)
        client = await connect_as(found)
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
    except RuntimeError as error:
        raise CommandError(
            f"Temporal does not answer at {found.temporal_address}. If this is the local world, "
            "start it: ledgerway up"
        ) from error
    try:
        opened = platform_from(found, configuration, policies, client)
        async with opened as ready:
            yield ready
    except OSError as error:
        raise CommandError(f"The ledger does not answer: {error}") from error
