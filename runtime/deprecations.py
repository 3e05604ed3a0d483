"""Which deprecated options, settings and policies a process runs with."""

from collections.abc import Iterator

from canonical.deprecation import InUse, in_use, options_in_use
from rules.policies import Policies
from runtime.configuration import CONNECTIONS_FILE, POLICIES_FILE, Configuration, ConfigurationError
from runtime.registry import system_named
from store import deprecations
from store.database import Database


def settings_in_use(configuration: Configuration) -> Iterator[tuple[str, InUse]]:
    """What connections.yaml says that is deprecated, each with its connection."""
    for name, settings in configuration.connections.items():
        for each in in_use(settings, "setting"):
            yield name, each
        try:
            options = system_named(settings.system).options
        except ConfigurationError:
            # A system that is not there has no options; whoever connects says so.
            continue
        for option, deprecation in options_in_use(options, settings.options):
            yield name, InUse(f"option {option}", deprecation)


def policies_in_use(policies: Policies) -> Iterator[InUse]:
    """What policies.yaml says that is deprecated."""
    yield from in_use(policies, "policy")


async def warn(database: Database, configuration: Configuration, policies: Policies) -> None:
    """Tell the audit trail what a worker was started with."""
    found = [(f"{CONNECTIONS_FILE}, {at}", one) for at, one in settings_in_use(configuration)]
    found += [(POLICIES_FILE, one) for one in policies_in_use(policies)]
    async with database.connection() as connection:
        for by, one in found:
            await deprecations.note(connection, [one], by=by, actor="worker")
