"""The gateway's manifests say what its code means, and give it less than a worker has."""

import httpx
import pytest

from gateway.process import Health
from runtime.health import served
from runtime.settings import GatewaySettings
from tests.infra.manifests import (
    Manifest,
    container_of,
    environment_of,
    gateways,
    of_kind,
    pod_of,
    services_of,
    workers,
)

# Beyond what it waits for its callers: closing connections, and a machine that is busy.
SECONDS_TO_END = 10
HEALTH = "health"


def settings_of(gateway: Manifest, monkeypatch: pytest.MonkeyPatch) -> GatewaySettings:
    """What a gateway would read from its environment."""
    with monkeypatch.context() as patch:
        for name, value in environment_of(gateway).items():
            patch.setenv(name, value)
        return GatewaySettings.model_validate({})


def test_every_variable_is_a_setting_of_the_gateway() -> None:
    known = {f"LEDGERWAY_{field.upper()}" for field in GatewaySettings.model_fields}
    for gateway in gateways():
        assert environment_of(gateway).keys() <= known
        assert container_of(gateway)["command"] == ["ledgerway", "gateway"]


def test_it_asks_the_temporal_of_the_workers() -> None:
    names = ("LEDGERWAY_TEMPORAL_ADDRESS", "LEDGERWAY_TEMPORAL_NAMESPACE", "LEDGERWAY_CONFIG")
    asked = {
        tuple(environment_of(one)[name] for name in names) for one in (*gateways(), *workers())
    }
    assert len(asked) == 1


def test_it_has_no_key_to_the_ledger_and_no_way_there() -> None:
    for gateway in gateways():
        assert "LEDGERWAY_DATABASE_URL" not in environment_of(gateway)
    for network in of_kind("NetworkPolicy"):
        if network["metadata"]["name"] == "ledgerway-gateway":
            ports = {port["port"] for way in network["spec"]["egress"] for port in way["ports"]}
            assert ports == {53, 7233}


def test_webhooks_and_metrics_are_on_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for gateway in gateways():
        settings = settings_of(gateway, monkeypatch)
        ports = {one["name"]: one["containerPort"] for one in container_of(gateway)["ports"]}
        assert ports == {"webhooks": settings.gateway_port, HEALTH: settings.health_port}
        assert len(set(ports.values())) == len(ports)
        annotations = gateway["spec"]["template"]["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(settings.health_port)
        # Not the loopback interface, where nobody else could ask.
        assert settings.gateway_host == settings.health_host == "0.0.0.0"  # noqa: S104  A pod's.
    for service in services_of("gateway"):
        assert [one["targetPort"] for one in service["spec"]["ports"]] == ["webhooks"]


def test_it_has_answered_before_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    for gateway in gateways():
        before = container_of(gateway)["lifecycle"]["preStop"]["sleep"]["seconds"]
        longest = before + settings_of(gateway, monkeypatch).drain_seconds
        assert pod_of(gateway)["terminationGracePeriodSeconds"] >= longest + SECONDS_TO_END


async def test_every_probe_is_answered() -> None:
    asked = {path for gateway in gateways() for path in _asked_by_others(gateway)}
    health = Health()
    health.ready = True
    async with (
        served(health, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        answers = {path: (await http.get(path)).status_code for path in asked}
        health.ready = False
        draining = {path: (await http.get(path)).status_code for path in asked}
    assert set(answers.values()) == {httpx.codes.OK}
    assert {path for path, code in draining.items() if code != httpx.codes.OK} == {"/ready"}


def _asked_by_others(gateway: Manifest) -> set[str]:
    container = container_of(gateway)
    probes = [container[name]["httpGet"] for name in container if "Probe" in name]
    assert {one["port"] for one in probes} == {HEALTH}
    annotations = gateway["spec"]["template"]["metadata"]["annotations"]
    return {*(one["path"] for one in probes), annotations["prometheus.io/path"]}
