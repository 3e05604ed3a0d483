"""docs/operations.md and the alarms name what exists, and leave nothing out."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic_core import PydanticUndefined
from typer.main import get_command

import activities.metrics
import gateway.metrics
from activities import search_attributes
from canonical.exception_case import Cause
from cli.main import app
from runtime.settings import GatewaySettings, Settings
from tests.infra.manifests import CHECKOUT, container_of, gateways, of_kind

PAGE = (CHECKOUT / "docs" / "operations.md").read_text()
PROMETHEUS = CHECKOUT / "infra" / "prometheus"
ALERTS = (PROMETHEUS / "alerts.yaml").read_text()


def rules() -> list[dict[str, Any]]:
    """All alarms."""
    return [rule for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"]]


def rows(column: str) -> Iterator[list[str]]:
    """The rows of the page's table whose first column has this title."""
    (table,) = re.findall(rf"^\| {column} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    for line in table.splitlines():
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def our_families() -> dict[str, set[str]]:
    """What each family of ours is called when it is scraped: its own name, and its samples'."""
    ends = {"counter": {"_total"}, "histogram": {"", "_bucket", "_count", "_sum"}, "gauge": {""}}
    return {
        family.name: {family.name + end for end in ends[family.type]}
        for family in REGISTRY.collect()
        if family.name.startswith("ledgerway_")
    }


def metrics_in(text: str) -> set[str]:
    """Names of ours in a text."""
    return set(re.findall(r"\bledgerway_[a-z_]+", text))


def test_every_setting_is_described_with_its_default() -> None:
    described = {
        variable.strip("`"): default.strip("`") for variable, default, _ in rows("variable")
    }
    defaults = {
        f"LEDGERWAY_{name.upper()}": _as_written(field.default)
        for name, field in (Settings.model_fields | GatewaySettings.model_fields).items()
    }
    assert described == defaults


def _as_written(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, bool):
        return str(default).lower()
    return {None: "none", (): "[]"}.get(default, str(default))


def test_metrics_that_are_named_exist() -> None:
    # They are registered by importing.
    assert activities.metrics.POSTED is not gateway.metrics.WEBHOOKS
    exist = set().union(*our_families().values())
    assert metrics_in(PAGE) <= exist
    for rule in rules():
        assert metrics_in(rule["expr"]) <= exist


def test_every_metric_of_ours_is_described() -> None:
    described = {name.split("`")[1] for name, _ in rows("metric")}
    for family, names in our_families().items():
        assert names & described, f"{family} is not described"


def test_every_alarm_has_advice_and_every_advice_an_alarm() -> None:
    assert [name.strip("`") for name, _ in rows("alarm")] == [rule["alert"] for rule in rules()]


def test_causes_that_alarms_watch_exist() -> None:
    watched = set().union(*(one.split("|") for one in re.findall(r'cause=~"([^"]+)"', ALERTS)))
    assert watched
    assert watched <= {cause.value for cause in Cause}


def test_alarms_know_one_ledger_from_many_processes() -> None:
    for rule in rules():
        for gauge in (
            *("lines_in_cases", "uncertain_lines", "uncertain_age_seconds"),
            *("unpaid_reports", "unpaid_age_seconds", "news_waiting", "news_refused"),
            "unreleased_months",
        ):
            taken = rf"(max by \([a-z_, ]+\)\s*\(|absent\()ledgerway_{gauge}"
            assert len(re.findall(taken, rule["expr"])) == rule["expr"].count(f"ledgerway_{gauge}")


def test_every_search_attribute_is_named_with_its_type() -> None:
    named = {
        name: kind
        for kind, names in re.findall(r"\b([A-Z][a-z]+)((?: `Lw[A-Za-z]+`)+)", PAGE)
        for name in re.findall("Lw[A-Za-z]+", names)
    }
    assert named == {
        key.name: key.indexed_value_type.name.title().replace("_", "")
        for key in search_attributes.ALL
    }


def test_commands_exist() -> None:
    commands = get_command(app).commands.keys()  # type: ignore[attr-defined]
    named = set(re.findall(r"`ledgerway ([a-z]+)", PAGE))
    by_command = (*of_kind("Job"), *gateways())
    started = {one for workload in by_command for one in container_of(workload)["command"][1:]}
    assert named
    assert named | started <= commands


def test_the_continuous_check_can_be_run() -> None:
    script = CHECKOUT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml")]
)
def test_prometheus_takes_the_alarms_and_they_fire(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: it comes with Prometheus")
    done = subprocess.run(
        [promtool, *arguments], check=False, capture_output=True, text=True, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_is_made_to_fire_in_a_test() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts.test.yaml").read_text())["tests"]
    fired = {
        one["alertname"]
        for test in tests
        for one in test["alert_rule_test"]
        if one.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in rules()}
