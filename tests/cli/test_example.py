"""examples/tidemark: a stranger's connector, outside the package tree, is as good as ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.connectors.conformance.installed import environment_with
from tests.infra.manifests import CHECKOUT

EXAMPLE = CHECKOUT / "examples" / "tidemark"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One in which it is installed beside Ledgerway."""
    made = environment_with(tmp_path_factory.mktemp("site"), {"tidemark": EXAMPLE})
    made["PYTHONPATH"] += os.pathsep + str(CHECKOUT)
    return made


def run(environment: dict[str, str], at: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module's command."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=at, env=environment, check=False, capture_output=True, text=True
    )


def test_it_reaches_the_level_that_it_claims(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment, tmp_path, "cli", "connectors", "conformance", "tidemark", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["reached"] == told["claimed"] == "L4"
    by_level = {level["level"]: level for level in told["levels"]}
    assert by_level["L3"]["passed"] >= 25
    assert [level["failed"] for level in told["levels"]] == [[]] * 5


def test_it_passes_the_linters_by_its_own_settings(environment: dict[str, str]) -> None:
    for words in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)):
        done = run(environment, EXAMPLE, *words)
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_uses_the_kit_and_nothing_else_of_ours() -> None:
    allowed = ("canonical.", "connectors.base.", "connectors.conformance.", "tidemark")
    ours = ("activities", "canonical", "cli", "connectors", "rules", "runtime", "sandbox", "store")
    imported = [
        line.split()[1]
        for page in EXAMPLE.rglob("*.py")
        for line in page.read_text().splitlines()
        if line.startswith(("from ", "import "))
    ]
    assert len(imported) > 40
    assert [
        name for name in imported if name.startswith(ours) and not name.startswith(allowed)
    ] == []
