"""Configuration: which systems are connected, where their documents go, and what is policy."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from canonical.text import Code
from connectors.base.system import System
from rules.policies import Policies

CONNECTIONS_FILE: Final = "connections.yaml"
POLICIES_FILE: Final = "policies.yaml"
# What is shipped: every system with its defaults, and tables to start from. Nothing in it
# connects: its secrets are references that nobody has filled.
SHIPPED: Final = Path(__file__).with_name("defaults")


class ConfigurationError(Exception):
    """A configuration that cannot be used; the message says which member of which file."""


class RateLimitSetting(BaseModel):
    """A tighter limit than the vendor's own, for an account that others use too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: Annotated[int, Field(ge=1)]
    per_seconds: Annotated[int, Field(ge=1)]


class ConnectionSettings(BaseModel):
    """One configured use of a connector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: Code
    region: Code = "main"
    # For a source: the connection of the ERP that its documents go to.
    posts_to: Code | None = None
    # Whether a source of time is told what became of its lines; one of expenses always is.
    acknowledge: bool = True
    # For a source of contracts: who is told of invoices and payments, if not itself.
    status_to: Code | None = None
    poll_every_seconds: Annotated[int, Field(ge=5, le=86_400)] = 60
    first_poll_days: Annotated[int, Field(ge=1, le=800)] = 60
    # Approvals that do not move a record's stamp, and deletions, are found by reading the last
    # weeks whole.
    reread_every_seconds: Annotated[int, Field(ge=60, le=604_800)] = 3600
    reread_days: Annotated[int, Field(ge=1, le=400)] = 45
    rate_limit: RateLimitSetting | None = None
    # The connector's own options; a secret is a reference, env:NAME or file:PATH.
    options: dict[str, Any] = Field(default_factory=dict)


class Configuration(BaseModel):
    """connections.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: Code
    connections: dict[Code, ConnectionSettings]

    def sources(self) -> dict[str, ConnectionSettings]:
        """The connections whose documents are posted somewhere."""
        return {name: one for name, one in self.connections.items() if one.posts_to is not None}

    def targets(self) -> set[str]:
        """The connections that documents are posted to."""
        return {one.posts_to for one in self.connections.values() if one.posts_to is not None}


def load_configuration(folder: Path) -> tuple[Configuration, Policies]:
    """Read both files; raises ConfigurationError that names the file and the member."""
    configuration = _parsed(folder / CONNECTIONS_FILE, Configuration)
    for name, one in configuration.connections.items():
        if one.posts_to is not None and one.posts_to not in configuration.connections:
            raise ConfigurationError(
                f"{folder / CONNECTIONS_FILE}: connection '{name}' posts to '{one.posts_to}', "
                "which is not a connection"
            )
        if one.status_to is not None and one.status_to not in configuration.connections:
            raise ConfigurationError(
                f"{folder / CONNECTIONS_FILE}: connection '{name}' has its status told to "
                f"'{one.status_to}', which is not a connection"
            )
    path = folder / POLICIES_FILE
    policies = _parsed(path, Policies) if path.exists() else Policies()
    for kind, ownership in policies.ownership.kinds.items():
        for name in ownership.connections:
            if name not in configuration.connections:
                raise ConfigurationError(
                    f"{path}: '{name}' owns or receives each {kind}, and is not a connection"
                )
    return configuration, policies


def options_for(
    system: System,
    name: str,
    settings: ConnectionSettings,
    folder: Path,
    *,
    with_secrets: bool = True,
) -> Any:
    """Build a connector's options; secrets are looked up where their references point.

    Without secrets they are empty: enough to read a document, useless to connect.
    """
    hints = get_type_hints(system.options)
    given = dict(settings.options) | {"connection": name}
    for field in fields(system.options):
        if is_secret(hints.get(field.name)) and field.name in given:
            given[field.name] = (
                _secret(str(given[field.name]), name, field.name, folder)
                if with_secrets
                else SecretStr("")
            )
    unknown = sorted(set(given) - {field.name for field in fields(system.options)})
    if unknown:
        raise ConfigurationError(f"connection '{name}': {system.name} has no option '{unknown[0]}'")
    try:
        return TypeAdapter(system.options).validate_python(given)
    except (ValidationError, ValueError) as error:
        raise ConfigurationError(f"connection '{name}': {_first_problem(error)}") from error


def secret_options(
    system: System, name: str, settings: ConnectionSettings, folder: Path
) -> list[str]:
    """Say which secrets of a connection cannot be looked up where their references point."""
    hints = get_type_hints(system.options)
    wrong = []
    for option, value in settings.options.items():
        if is_secret(hints.get(option)):
            try:
                _secret(str(value), name, option, folder)
            except ConfigurationError as error:
                wrong.append(str(error))
    return wrong


def is_secret(hint: object) -> bool:
    """Whether an option of this type is written as a reference: a secret, or one or none."""
    return hint is SecretStr or SecretStr in get_args(hint)


def _secret(reference: str, connection: str, option: str, folder: Path) -> SecretStr:
    where, _, what = reference.partition(":")
    if where == "env" and what in os.environ:
        return SecretStr(os.environ[what])
    if where == "file" and (folder / what).is_file():
        return SecretStr((folder / what).read_text().strip())
    raise ConfigurationError(
        f"connection '{connection}': option '{option}' is a secret and must be a reference that "
        "resolves, env:NAME or file:PATH"
    )


def _parsed(path: Path, model: type[Any]) -> Any:
    try:
        loaded: Mapping[str, Any] = yaml.safe_load(path.read_text()) or {}
        return model.model_validate(loaded)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"{path}: {_first_problem(error)}") from error


def _first_problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)
