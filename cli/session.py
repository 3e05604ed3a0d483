"""A command's session: where the ledger and Temporal are, opened for the length of a block."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from cli.exits import CommandError

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

    from runtime.bootstrap import Platform
    from runtime.settings import GatewaySettings, Settings

    S = TypeVar("S", bound=BaseSettings)

HOME: Final = Path(os.environ.get("LEDGERWAY_HOME", "var")).resolve()
WORLD: Final = HOME / "demo" / "world"


def settings() -> "Settings":
    """Settings from the environment; else those of the local world that is up.

    Raises CommandError if there is neither, or with the setting that cannot be used.
    """
    from runtime.settings import Settings

    if "LEDGERWAY_DATABASE_URL" not in os.environ and not _local_world():
        raise CommandError(
            "There is no ledger to work on. Set LEDGERWAY_DATABASE_URL and "
            "LEDGERWAY_TEMPORAL_ADDRESS, or start the local world: ledgerway up"
        )
    return _read(Settings)


def gateway_settings() -> "GatewaySettings":
    """The gateway's settings, which need no ledger; else those of the local world that is up.

    Raises CommandError if there is neither, or with the setting that cannot be used.
    """
    from runtime.settings import GatewaySettings

    if "LEDGERWAY_TEMPORAL_ADDRESS" not in os.environ and not _local_world():
        raise CommandError(
            "There is no Temporal to tell. Set LEDGERWAY_TEMPORAL_ADDRESS and LEDGERWAY_CONFIG, "
            "or start the local world: ledgerway up"
        )
    return _read(GatewaySettings)


def _local_world() -> bool:
    """Take over the environment of the local world, if it is up."""
    described = WORLD / "world.json"
    if not described.exists():
        return False
    os.environ.update(json.loads(described.read_text())["environment"])
    return True


def _read(kind: "type[S]") -> "S":
    from pydantic import ValidationError

    try:
        return kind.model_validate({})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"LEDGERWAY_{'_'.join(map(str, first['loc'])).upper()}"
        raise CommandError(f"{name}: {first['msg']}") from error


@asynccontextmanager
async def platform() -> AsyncIterator["Platform"]:
    """Open everything a command may need; raises CommandError with what is not there."""
    from runtime.bootstrap import platform_from
    from runtime.configuration import load_configuration
    from runtime.temporal import connect_as

    found = settings()
    with in_words():
        configuration, policies = load_configuration(found.config)
        try:
            client = await connect_as(found)
        except RuntimeError as error:
            raise CommandError(
                f"Temporal does not answer at {found.temporal_address}. If this is the local "
                "world, start it: ledgerway up"
            ) from error
        async with platform_from(found, configuration, policies, client) as ready:
            yield ready


@contextmanager
def in_words() -> Iterator[None]:
    """Say in a sentence what is not there, not configured or not allowed; as CommandError."""
    import asyncpg
    from temporalio.service import RPCError

    from runtime.configuration import ConfigurationError
    from store.database import UNAVAILABLE

    try:
        yield
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
    except asyncpg.UndefinedTableError as error:
        raise CommandError(
            "The database is no ledger of this version; run: ledgerway migrate"
        ) from error
    except UNAVAILABLE as error:
        raise CommandError(f"The ledger does not answer: {error}") from error
    except RPCError as error:
        raise CommandError(f"Temporal refuses: {error.message}") from error
