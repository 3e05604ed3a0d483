"""What is wrong with a configuration, each in a sentence; nothing is sent to any system."""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.base.rate_budget import Unlimited
from rules.policies import Policies
from runtime.configuration import (
    CONNECTIONS_FILE,
    POLICIES_FILE,
    Configuration,
    ConfigurationError,
    ConnectionSettings,
    load_configuration,
    options_for,
    secret_options,
)
from runtime.deprecations import policies_in_use, settings_in_use
from runtime.flows import Side, missing_for, missing_for_intercompany
from runtime.registry import system_named

_SCHEMES: Final = ("https", "http")
_NO_ADDRESS: Final = "is no address of the form https://host/path"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or will be; `where` is a connection, or a file."""

    where: str
    sentence: str
    # It can be used for now.
    warning: bool = False


def check_configuration(folder: Path, plain_hosts: Collection[str] = ()) -> list[Finding]:
    """What is wrong with the files of a folder, or will be; `plain_hosts` may be without TLS."""
    try:
        configuration, policies = load_configuration(folder)
    except ConfigurationError as error:
        said = str(error)
        name = POLICIES_FILE if POLICIES_FILE in said else CONNECTIONS_FILE
        return [Finding(name, said.removeprefix(f"{folder / name}: "))]
    findings: list[Finding] = []
    sides: dict[str, Side] = {}
    for name, settings in configuration.connections.items():
        found, side = _connection(name, settings, folder, plain_hosts)
        findings += [Finding(name, sentence) for sentence in found]
        if side is not None:
            sides[name] = side
    findings += _flows(configuration, policies, sides)
    return [*findings, *_deprecated(configuration, policies)]


def _deprecated(configuration: Configuration, policies: Policies) -> Iterator[Finding]:
    """What can be used for now."""
    for name, one in settings_in_use(configuration):
        yield Finding(name, f"{one.thing} is {one.deprecation.sentence}", warning=True)
    for one in policies_in_use(policies):
        yield Finding(POLICIES_FILE, f"{one.thing} is {one.deprecation.sentence}", warning=True)


def _connection(
    name: str, settings: ConnectionSettings, folder: Path, plain_hosts: Collection[str]
) -> tuple[list[str], Side | None]:
    """What is wrong with one connection by itself, and what it can do if that can be said."""
    prefix = f"connection '{name}': "
    try:
        system = system_named(settings.system)
        options = options_for(system, name, settings, folder, with_secrets=False)
    except ConfigurationError as error:
        return [str(error).removeprefix(prefix)], None
    found = [each.removeprefix(prefix) for each in secret_options(system, name, settings, folder)]
    found += _hosts(options, plain_hosts)
    # A connector is made without a request; what it can do may depend on its options.
    try:
        connected = system.connect(options, Unlimited())
    except Exception as error:
        return found or [f"cannot be set up: {type(error).__name__}"], None
    return found, Side(name, connected.manifest)


def _hosts(options: Any, plain_hosts: Collection[str]) -> Iterator[str]:
    """Addresses that credentials must not go to; by convention their options are called url."""
    for field in fields(options):
        if field.name != "url" and not field.name.endswith("_url"):
            continue
        url = str(getattr(options, field.name))
        # One that may be left out is empty.
        if url and (trouble := _trouble_with(url, plain_hosts)):
            yield f"option '{field.name}' {trouble}"


def _trouble_with(url: str, plain_hosts: Collection[str]) -> str:
    try:
        address = urlsplit(url)
    except ValueError:
        return _NO_ADDRESS
    host = address.hostname or ""
    if not host or address.scheme not in _SCHEMES:
        return _NO_ADDRESS
    if address.username or address.password:
        return "has a user or a password in its address: a secret has an option of its own"
    if address.scheme == "http" and not _is_here(host) and host not in plain_hosts:
        return (
            f"sends credentials to {host} without TLS: write https, or allow it with "
            f"--allow-plain {host}"
        )
    return ""


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _flows(
    configuration: Configuration, policies: Policies, sides: Mapping[str, Side]
) -> Iterator[Finding]:
    """What the flows that are configured lack."""
    for name, one in configuration.sources().items():
        source, target = sides.get(name), sides.get(one.posts_to or "")
        told = sides.get(one.status_to) if one.status_to is not None else None
        if source is None or target is None or (one.status_to is not None and told is None):
            continue  # What is wrong there is said already.
        for sentence in missing_for(source, target, acknowledge=one.acknowledge, told=told):
            yield Finding(name, sentence)
    if any(
        one.billing.intercompany for one in (policies.default, *policies.legal_entities.values())
    ):
        for target_name in sorted(configuration.targets() & sides.keys()):
            for sentence in missing_for_intercompany(sides[target_name]):
                yield Finding(target_name, sentence)
    if not configuration.sources():
        yield Finding(CONNECTIONS_FILE, "no connection has posts_to: nothing would be posted")
