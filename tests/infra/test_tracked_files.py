"""What is in git works anywhere: no address of a package registry, no path of one machine."""

import subprocess
from pathlib import Path

import pytest

from tests.infra.manifests import CHECKOUT

# Written so that this file does not contain what it looks for.
REGISTRIES = (
    *("pypi[.]org", "pythonhosted[.]org", "npmjs[.]", "yarnpkg[.]com", "docker[.]io"),
    *("ghcr[.]io", "quay[.]io", "gcr[.]io", "registry[.]k8s", "azurecr[.]io", "amazonaws[.]com"),
    *("deb[.]debian[.]org", "security[.]debian[.]org", "proxy[.]golang[.]org"),
)
# Somebody's checkout, home or scratch directory, at the start of a path.
MACHINE_PATHS = (
    "(^|[^A-Za-z0-9_.~/$}-])/(work|root|opt/wheels|tmp/lab|Users/[a-z]|home/[a-z])(/|$)",
)


def found_in(checkout: Path, *patterns: str) -> list[str]:
    """Lines of tracked files that match; skips the test outside a git checkout."""
    if not (checkout / ".git").exists():
        pytest.skip("no git checkout to search")
    expressions = [word for pattern in patterns for word in ("-e", pattern)]
    done = subprocess.run(
        ["git", "-C", str(checkout), "grep", "-nIE", *expressions],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


def test_no_registry_is_named() -> None:
    assert found_in(CHECKOUT, *REGISTRIES) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert found_in(CHECKOUT, *MACHINE_PATHS) == []


@pytest.mark.parametrize(
    "line",
    [
        "found at https://" + "pypi" + ".org/simple",
        "FROM ghcr" + ".io/ledgerway/base",
        "home: /" + "root/.cache",
        '"/' + 'work/main"',
    ],
)
def test_what_is_looked_for_is_found(tmp_path: Path, line: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "file").write_text(f"{line}\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "file"], check=True)
    assert found_in(tmp_path, *REGISTRIES, *MACHINE_PATHS) == [f"file:1:{line}"]
