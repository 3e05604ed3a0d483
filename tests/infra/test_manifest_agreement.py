"""Manifests say what the code means: settings, ports, probes, users, queues and secrets."""

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.case_workflows import CASE_QUEUE
from activities.master_sync_workflows import MASTERS_QUEUE
from canonical.messages import REPORT, TIMESHEET, posting_queue
from connectors.base.capabilities import WebhookSource
from connectors.base.connections import Connections
from rules.policies import Policies
from runtime.bootstrap import Platform
from runtime.configuration import load_configuration, options_for
from runtime.health import Health, served
from runtime.registry import has_capability, system_named
from runtime.settings import Settings
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE, document_queues
from sandbox.temporal_server import TemporalServer
from store.database import Database
from tests.infra.manifests import (
    CHECKOUT,
    EXAMPLE_CONFIG,
    SECRET_VALUE,
    Manifest,
    container_of,
    environment_of,
    gateways,
    of_kind,
    pod_of,
    project,
    services_of,
    workers,
    workloads,
)
from tests.server_fixtures import FreshDatabase

# After the last queue has drained: connections are closed, the process ends.
SECONDS_TO_END = 15


def settings_of(workload: Manifest, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What a process of this workload would read from its environment."""
    with monkeypatch.context() as patch:
        for name, value in environment_of(workload).items():
            patch.setenv(name, value)
        return Settings.model_validate({})


def in_dockerfile(instruction: str) -> tuple[str, ...]:
    """The parts of the one line in the Dockerfile that this pattern matches."""
    found = re.search(f"^{instruction}$", (CHECKOUT / "infra/Dockerfile").read_text(), re.MULTILINE)
    assert found, instruction
    return found.groups()


def all_queues() -> set[str]:
    """The task queues that the example configuration calls for."""
    configuration, _ = load_configuration(EXAMPLE_CONFIG)
    return {
        *(queue for queue, _ in document_queues(configuration)),
        *(CASE_QUEUE, MASTERS_QUEUE, UPKEEP_QUEUE),
        *(
            posting_queue(target, kind)
            for target in configuration.targets()
            for kind in (TIMESHEET, REPORT)
        ),
    }


def test_every_variable_is_a_setting_and_has_a_value_that_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {f"LEDGERWAY_{field.upper()}" for field in Settings.model_fields}
    for workload in (*workers(), *of_kind("Job")):
        assert environment_of(workload).keys() <= known
        settings = settings_of(workload, monkeypatch)
        assert settings.database_url.get_secret_value() == SECRET_VALUE


def test_one_worker_serves_every_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    (worker,) = workers("base")
    assert settings_of(worker, monkeypatch).queues == ()


def test_segments_serve_every_queue_once(monkeypatch: pytest.MonkeyPatch) -> None:
    served_by_segments = [
        queue
        for deployment in workers("overlays/segmented")
        for queue in settings_of(deployment, monkeypatch).queues
    ]
    assert Counter(served_by_segments) == Counter(all_queues())


def test_an_erp_never_meets_two_processes_that_post(monkeypatch: pytest.MonkeyPatch) -> None:
    posting = 0
    for deployment in workers():
        queues = settings_of(deployment, monkeypatch).queues or all_queues()
        if any(queue.startswith(posting_queue("")) for queue in queues):
            posting += 1
            assert deployment["spec"]["replicas"] == 1
            assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert posting == 2  # The one of the base, and the segment.


def test_a_worker_has_drained_before_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    for deployment in workers():
        settings = settings_of(deployment, monkeypatch)
        longest = settings.drain_seconds
        grace = pod_of(deployment)["terminationGracePeriodSeconds"]
        assert grace >= longest + SECONDS_TO_END
        assert settings.drain_seconds == Settings.model_fields["drain_seconds"].default


def test_ports_are_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    (exposed,) = in_dockerfile(r"EXPOSE (\d+)")
    for deployment in workers():
        settings = settings_of(deployment, monkeypatch)
        assert container_of(deployment)["ports"] == [
            {"name": "health", "containerPort": settings.health_port}
        ]
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(settings.health_port) == exposed
        # Not the loopback interface, where nobody else could ask.
        assert settings.health_host == "0.0.0.0"  # noqa: S104  A pod's own network.
    for service in services_of("worker"):
        (port,) = service["spec"]["ports"]
        assert port["targetPort"] == "health"
        assert str(port["port"]) == exposed


async def test_every_probe_is_answered(
    fresh_database: FreshDatabase, migrated: str, temporal_server: TemporalServer
) -> None:
    dsn = await fresh_database(migrated)
    configuration, _ = load_configuration(EXAMPLE_CONFIG)
    client = await connect(temporal_server.address, temporal_server.namespace)
    database = await Database.connect(dsn)
    platform = Platform(configuration, Policies(), database, Connections({}), client)
    health = Health(platform, None)
    health.ready = True
    asked = {path for deployment in workers() for path in _asked_by_others(deployment)}
    async with (
        served(health, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        answers = {path: (await http.get(path)).status_code for path in asked}
        health.ready = False
        draining = {path: (await http.get(path)).status_code for path in asked}
    await platform.close()
    assert set(answers.values()) == {httpx.codes.OK}
    assert {path for path, code in draining.items() if code != httpx.codes.OK} == {"/ready"}


def _asked_by_others(deployment: Manifest) -> set[str]:
    """The paths that Kubernetes and Prometheus ask for."""
    container = container_of(deployment)
    probes = {name: container[name]["httpGet"]["path"] for name in container if "Probe" in name}
    assert probes.keys() == {"startupProbe", "readinessProbe", "livenessProbe"}
    # Being unready must never be a reason to be killed.
    assert probes["livenessProbe"] == probes["startupProbe"] != probes["readinessProbe"]
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    return {*probes.values(), annotations["prometheus.io/path"]}


def test_pods_run_as_the_user_of_the_image() -> None:
    user, group = in_dockerfile(r"USER (\d+):(\d+)")
    for workload in workloads():
        security = pod_of(workload)["securityContext"]
        assert str(security["runAsUser"]) == user != "0"
        assert str(security["runAsGroup"]) == group
    for deployment in of_kind("Deployment"):
        assert str(pod_of(deployment)["securityContext"]["fsGroup"]) == group


def test_every_image_is_of_this_version() -> None:
    version = project()["project"]["version"]
    for workload in workloads():
        assert container_of(workload)["image"] == f"ledgerway:{version}"
    for deployment in workers():
        assert environment_of(deployment)["LEDGERWAY_BUILD_ID"] == version
    (job,) = of_kind("Job")
    assert job["metadata"]["name"].endswith(version.replace(".", "-"))


def test_selectors_find_the_pods_and_no_two_deployments_share_one() -> None:
    for kustomization in ("base", "overlays/segmented"):
        labels = [
            one["spec"]["template"]["metadata"]["labels"]
            for one in of_kind("Deployment", kustomization)
        ]
        for kind in ("Deployment", "PodDisruptionBudget"):
            selectors = [
                one["spec"]["selector"]["matchLabels"] for one in of_kind(kind, kustomization)
            ]
            assert len(selectors) == len(labels)
            for selector in selectors:
                assert len([one for one in labels if selector.items() <= one.items()]) == 1
        for service in of_kind("Service", kustomization):
            found = _of_its_component(service, kustomization)
            assert all(service["spec"]["selector"].items() <= one.items() for one in found)
        networks = of_kind("NetworkPolicy", kustomization)
        assert all(len([one for one in networks if _selects(one, pod)]) == 1 for pod in labels)


def _of_its_component(service: Manifest, kustomization: str) -> list[Manifest]:
    component = service["spec"]["selector"]["app.kubernetes.io/component"]
    found = workers(kustomization) if component == "worker" else gateways(kustomization)
    return [one["spec"]["template"]["metadata"]["labels"] for one in found]


def _selects(network: Manifest, pod: Manifest) -> bool:
    selector = network["spec"]["podSelector"]
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "NotIn"
        if pod[one["key"]] in one["values"]:
            return False
    return bool(selector["matchLabels"].items() <= pod.items())


def test_the_example_configuration_resolves_with_the_secrets_that_are_mounted(
    tmp_path: Path,
) -> None:
    configuration, _ = load_configuration(EXAMPLE_CONFIG)
    for number, deployment in enumerate(of_kind("Deployment")):
        folder = tmp_path / str(number)
        shutil.copytree(EXAMPLE_CONFIG, folder)
        mounted = _mounted_secrets(deployment)
        for path in mounted:
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text("made-up-secret")
        connections = configuration.connections
        if deployment in gateways():
            # Whoever faces the Internet is given what it proves webhooks with, and nothing else.
            connections = {
                name: one
                for name, one in connections.items()
                if has_capability(one.system, WebhookSource)
            }
        for name, one in connections.items():
            options_for(system_named(one.system), name, one, folder)
        referred = {
            str(value).removeprefix("file:")
            for one in connections.values()
            for value in one.options.values()
            if str(value).startswith("file:")
        }
        assert mounted == referred


def _volume(deployment: Manifest, name: str) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {one["name"]: one for one in pod_of(deployment)["volumes"]}
    return found[name]


def _mounted_secrets(deployment: Manifest) -> set[str]:
    mounts = {one["name"]: one["mountPath"] for one in container_of(deployment)["volumeMounts"]}
    assert mounts["config"] == environment_of(deployment)["LEDGERWAY_CONFIG"]
    sources = _volume(deployment, "config")["projected"]["sources"]
    return {
        item["path"]
        for source in sources
        if "secret" in source
        for item in source["secret"]["items"]
    }


def test_workers_find_the_configuration_by_its_generated_name() -> None:
    for kustomization in ("base", "overlays/segmented"):
        (config,) = of_kind("ConfigMap", kustomization)
        for deployment in of_kind("Deployment", kustomization):
            sources = _volume(deployment, "config")["projected"]["sources"]
            assert {"configMap": {"name": config["metadata"]["name"]}} in sources


def test_the_drop_of_contracts_is_mounted_where_its_connection_looks() -> None:
    configuration, _ = load_configuration(EXAMPLE_CONFIG)
    folder = configuration.connections["contracts"].options["folder"]
    for kustomization in ("base", "overlays/segmented"):
        (claim,) = of_kind("PersistentVolumeClaim", kustomization)
        for deployment in workers(kustomization):
            mounts = container_of(deployment)["volumeMounts"]
            assert {"name": "contracts", "mountPath": folder} in mounts
            volume = _volume(deployment, "contracts")["persistentVolumeClaim"]
            assert volume["claimName"] == claim["metadata"]["name"]
