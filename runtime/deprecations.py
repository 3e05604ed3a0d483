"""Which deprecated options, settings and policies a configuration uses."""

from collections.abc import Iterator

from canonical.deprecation import InUse, in_use, options_in_use
from rules.policies import Policies
from runtime.configuration import Configuration, ConfigurationError
from runtime.registry import system_named


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
