"""Configuration: errors name the file and the member, and secrets come by reference only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr, ValidationError

from canonical.exception_case import Cause
from connectors.base.system import System
from rules.policies import ClosedPeriodPolicy, Policies, Policy
from runtime.bootstrap import told_sources
from runtime.configuration import (
    CONNECTIONS_FILE,
    POLICIES_FILE,
    ConfigurationError,
    ConnectionSettings,
    load_configuration,
    options_for,
)

GOOD: dict[str, Any] = {
    "tenant": "northwind",
    "connections": {
        "harvest": {"system": "harvest", "posts_to": "tryton"},
        "tryton": {"system": "tryton"},
    },
}


@dataclass(frozen=True)
class Options:
    """What a made-up connector wants to know."""

    connection: str
    url: str
    token: SecretStr
    pages: int = 1
    webhook_key: SecretStr | None = None


SYSTEM = System(name="made-up", options=Options, connect=lambda *_: None)  # type: ignore[arg-type,return-value]  # Never connected.


def write(folder: Path, connections: Any, policies: Any = None) -> Path:
    (folder / CONNECTIONS_FILE).write_text(yaml.safe_dump(connections))
    if policies is not None:
        (folder / POLICIES_FILE).write_text(yaml.safe_dump(policies))
    return folder


def options(folder: Path, **given: Any) -> Any:
    settings = ConnectionSettings(system="made-up", options=given)
    return options_for(SYSTEM, "erp", settings, folder)


def test_both_files_are_read(tmp_path: Path) -> None:
    policies = {"legal_entities": {"US01": {"closed_period": "HOLD"}}}
    configuration, read = load_configuration(write(tmp_path, GOOD, policies))
    assert configuration.targets() == {"tryton"}
    assert list(configuration.sources()) == ["harvest"]
    assert read.of("US01").closed_period is ClosedPeriodPolicy.HOLD
    assert read.of("DE01") == Policy()


def test_a_source_of_time_may_stay_untold_and_one_of_expenses_is_told_always(
    tmp_path: Path,
) -> None:
    quiet = {"posts_to": "tryton", "acknowledge": False}
    connections = {
        **GOOD["connections"],
        "quiet": {"system": "harvest", **quiet},
        "concur": {"system": "concur", **quiet},
        "fyle": {"system": "fyle", "posts_to": "tryton"},
    }
    configuration, _ = load_configuration(write(tmp_path, {**GOOD, "connections": connections}))
    assert told_sources(configuration) == {"harvest", "concur", "fyle"}


def test_policies_may_be_missing_and_are_the_defaults_then(tmp_path: Path) -> None:
    _, policies = load_configuration(write(tmp_path, GOOD))
    assert policies == Policies()


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"tenant": None}, "tenant"),
        ({"connections": {"harvest": {}}}, "connections.harvest.system"),
        (
            {"connections": {"harvest": {"system": "harvest", "poll_every_seconds": 1}}},
            "connections.harvest.poll_every_seconds",
        ),
        (
            {"connections": {"harvest": {"system": "harvest", "colour": "red"}}},
            "connections.harvest.colour",
        ),
        (
            {"connections": {"h": {"system": "h", "rate_limit": {"calls": 0, "per_seconds": 1}}}},
            "connections.h.rate_limit.calls",
        ),
    ],
)
def test_an_error_names_the_file_and_the_member(
    tmp_path: Path, change: dict[str, Any], member: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(write(tmp_path, {**GOOD, **change}))
    assert str(caught.value).startswith(f"{tmp_path / CONNECTIONS_FILE}: {member}: ")


@pytest.mark.parametrize(
    ("policies", "member"),
    [
        ({"default": {"closed_period": "PREVIOUS"}}, "default.closed_period"),
        ({"default": {"hours_to_decide": 0}}, "default.hours_to_decide"),
        ({"case_owners": {"bad_weather": "ops"}}, "case_owners.bad_weather"),
        ({"legal_entities": {"US01": {"colour": 1}}}, "legal_entities.US01.colour"),
    ],
)
def test_an_error_in_the_policies_names_them(
    tmp_path: Path, policies: dict[str, Any], member: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(write(tmp_path, GOOD, policies))
    assert str(caught.value).startswith(f"{tmp_path / POLICIES_FILE}: {member}")


def test_an_owner_of_masters_that_is_no_connection_is_named(tmp_path: Path) -> None:
    policies = {"ownership": {"kinds": {"customer": {"owner": "sugar"}}}}
    with pytest.raises(ConfigurationError, match="'sugar' owns or receives each customer, and is"):
        load_configuration(write(tmp_path, GOOD, policies))


def test_a_connection_that_posts_to_nowhere_is_named(tmp_path: Path) -> None:
    lost = {"tenant": "t", "connections": {"harvest": {"system": "harvest", "posts_to": "sap"}}}
    with pytest.raises(ConfigurationError, match="'harvest' posts to 'sap', which is not a conn"):
        load_configuration(write(tmp_path, lost))


def test_a_missing_file_and_a_broken_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=CONNECTIONS_FILE):
        load_configuration(tmp_path)
    (tmp_path / CONNECTIONS_FILE).write_text("tenant: [")
    with pytest.raises(ConfigurationError, match=CONNECTIONS_FILE):
        load_configuration(tmp_path)


@pytest.mark.parametrize("content", ["", "just a text", "- 1\n- 2", "tenant: t"])
def test_a_file_that_is_no_configuration_is_a_configuration_error(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / CONNECTIONS_FILE).write_text(content)
    with pytest.raises(ConfigurationError, match=CONNECTIONS_FILE):
        load_configuration(tmp_path)


def test_secrets_are_looked_up_where_their_references_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_TOKEN", "from-the-environment")
    (tmp_path / "token").write_text("from-a-file\n")
    by_name = options(tmp_path, url="http://erp", token="env:ERP_TOKEN")
    by_path = options(tmp_path, url="http://erp", token="file:token")
    assert by_name.token.get_secret_value() == "from-the-environment"
    assert by_path.token.get_secret_value() == "from-a-file"
    assert "from" not in repr((by_name, by_path))


def test_a_secret_that_need_not_be_given_is_a_reference_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_TOKEN", "a-token")
    given = {"url": "http://erp", "token": "env:ERP_TOKEN"}
    assert options(tmp_path, **given).webhook_key is None
    # Taken as it stands, whoever guesses the reference could sign webhooks.
    with pytest.raises(ConfigurationError, match="option 'webhook_key' is a secret"):
        options(tmp_path, **given, webhook_key="env:NO_SUCH_KEY")
    monkeypatch.setenv("KEY", "a-key")
    key = options(tmp_path, **given, webhook_key="env:KEY").webhook_key
    assert key is not None
    assert key.get_secret_value() == "a-key"


@pytest.mark.parametrize(
    "plain", ["canary-token", "env:NO_SUCH_CANARY", "file:no-such-canary", "vault:canary", ""]
)
def test_a_secret_that_is_no_reference_is_refused_and_not_repeated(
    tmp_path: Path, plain: str
) -> None:
    with pytest.raises(ConfigurationError, match="connection 'erp': option 'token'") as caught:
        options(tmp_path, url="http://erp", token=plain)
    assert "env:NAME or file:PATH" in str(caught.value)
    assert "canary" not in str(caught.value).casefold()


def test_an_unknown_option_and_a_wrong_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    with pytest.raises(ConfigurationError, match="made-up has no option 'colour'"):
        options(tmp_path, url="http://erp", token="file:token", colour="red")
    with pytest.raises(ConfigurationError, match="connection 'erp': pages"):
        options(tmp_path, url="http://erp", token="file:token", pages="many")
    with pytest.raises(ConfigurationError, match="connection 'erp': token"):
        options(tmp_path, url="http://erp")


def test_a_case_belongs_to_the_owner_of_its_cause_before_its_legal_entity() -> None:
    policies = Policies(
        legal_entities={"US01": Policy(case_owner="us-finance")},
        case_owners={Cause.LEAVER: "hr"},
    )
    assert policies.owner_of(Cause.LEAVER, "US01") == "hr"
    assert policies.owner_of(Cause.CLOSED_PERIOD, "US01") == "us-finance"
    assert policies.owner_of(Cause.CLOSED_PERIOD, "DE01") == "finance-operations"


def test_a_policy_cannot_be_changed_while_it_is_in_use() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Policy().case_owner = "me"
