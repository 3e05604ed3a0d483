"""Kubernetes accepts every manifest, strictly, and would refuse what people mistype."""

from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import ValidationError

from tests.infra.manifests import (
    APPLIED,
    KUBERNETES,
    Manifest,
    copy_of,
    of_kind,
    pod_of,
    rendered,
    workloads,
)

VERSIONS = ("1.31", kubernetes_validate.latest_version())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kustomization", APPLIED)
def test_every_manifest_is_valid_to_the_letter(kustomization: str, version: str) -> None:
    manifests = rendered(kustomization)
    assert manifests
    for manifest in manifests:
        kubernetes_validate.validate(copy_of(manifest), version, strict=True)


def _misspell_selector(deployment: dict[str, Any]) -> None:
    selector = deployment["spec"]["selector"]
    selector["matchLabelz"] = selector.pop("matchLabels")


def _misspell_grace_period(deployment: dict[str, Any]) -> None:
    deployment["spec"]["template"]["spec"]["terminationGracePeriodsSeconds"] = 60


def _misspell_probe(deployment: dict[str, Any]) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["readynessProbe"] = container.pop("readinessProbe")


def _misspell_security(deployment: dict[str, Any]) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["securityContext"]["readonlyRootFilesystem"] = True


def _replicas_as_text(deployment: dict[str, Any]) -> None:
    deployment["spec"]["replicas"] = "two"


def _number_as_environment(deployment: dict[str, Any]) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["env"][0] = {"name": "LEDGERWAY_HEALTH_PORT", "value": 8080}


@pytest.mark.parametrize(
    "spoil",
    [
        *(_misspell_selector, _misspell_grace_period, _misspell_probe, _misspell_security),
        *(_replicas_as_text, _number_as_environment),
    ],
)
def test_what_people_mistype_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    deployment = copy_of(of_kind("Deployment")[0])
    kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)
    spoil(deployment)
    with pytest.raises(ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


def test_every_file_is_taken_in_by_a_kustomization() -> None:
    named = set()
    for kustomization in KUBERNETES.rglob("kustomization.yaml"):
        said = yaml.safe_load(kustomization.read_text())
        generated = [file for one in said.get("configMapGenerator", ()) for file in one["files"]]
        for entry in [*said["resources"], *generated]:
            found = (kustomization.parent / entry).resolve()
            named.add(found / "kustomization.yaml" if found.is_dir() else found)
    applied = {KUBERNETES / one / "kustomization.yaml" for one in APPLIED}
    assert {file for file in KUBERNETES.rglob("*") if file.is_file()} == named | applied


def test_no_pod_gets_more_than_it_needs() -> None:
    for workload in workloads():
        _gets_no_more_than_it_needs(pod_of(workload))


def _gets_no_more_than_it_needs(pod: Manifest) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}
        for bounds in container["resources"].values():
            assert bounds.keys() == {"cpu", "memory"}


def test_no_secret_is_in_a_manifest() -> None:
    assert "Secret" not in {one["kind"] for name in APPLIED for one in rendered(name)}
    for workload in workloads():
        for container in pod_of(workload)["containers"]:
            for variable in container["env"]:
                if variable["name"] == "LEDGERWAY_DATABASE_URL":
                    assert variable["valueFrom"].keys() == {"secretKeyRef"}
