"""`ledgerway connectors new`: what it makes is clean, is found, and says what is left to do."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.scaffold import Kind, Scaffold
from tests.cli.terminal import Terminal
from tests.connectors.conformance.installed import environment_with
from tests.infra.manifests import CHECKOUT

# Short and long, because a name decides where lines are broken.
NAMES = {
    Kind.TIME_SOURCE: "nw",
    Kind.EXPENSE_SOURCE: "northwind_traders_of_the_north",
    Kind.POSTING_TARGET: "northwind",
}
PROTOCOLS = {
    Kind.TIME_SOURCE: {"HttpContract", "TimeEntrySourceContract"},
    Kind.EXPENSE_SOURCE: {
        "HttpContract",
        "ExpenseReportSourceContract",
        "ExpenseReportSinkContract",
    },
    Kind.POSTING_TARGET: {"HttpContract", "PostingTargetContract", "UniqueReferenceContract"},
}


@dataclass(frozen=True)
class Made:
    """A project for each kind, and an environment in which they are installed."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=at or self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("scaffolds")
    for kind, name in NAMES.items():
        Scaffold(name, kind, folder).make()
    environment = environment_with(
        folder / "site", {name: folder / name for name in NAMES.values()}
    )
    environment["PYTHONPATH"] += os.pathsep + str(CHECKOUT)
    return Made(folder, environment)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES.values())
def test_what_is_made_passes_the_linters(made: Made, name: str) -> None:
    for words in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)):
        done = made.run(*words, at=made.folder / name)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kind", "name"), NAMES.items())
def test_its_suite_fails_and_each_reason_says_which_function_of_which_file(
    made: Made, kind: Kind, name: str
) -> None:
    done = made.run("cli", "connectors", "conformance", name, "--json")
    assert done.returncode == 1, done.stderr
    told: Any = json.loads(done.stdout)
    failed = [rule for level in told["levels"] for rule in level["failed"]]
    passed = sum(level["passed"] for level in told["levels"])
    # What speaks HTTP does so already; nothing else pretends to work.
    assert passed >= 18
    assert len(failed) >= 20
    assert told["errors"] == []
    assert [level["owed"] for level in told["levels"]] == [[]] * 5
    for rule in failed:
        assert rule["reason"].startswith("NotImplementedError: "), rule
        file = rule["reason"].removeprefix("NotImplementedError: ").partition(":")[0]
        assert (made.folder / name / name / file).is_file(), rule
    suites = {suite for rule in failed for suite in rule["suites"]}
    assert PROTOCOLS[kind] - {"HttpContract"} <= suites


def test_installed_it_stands_in_the_list_with_where_it_comes_from(made: Made) -> None:
    done = made.run("cli", "connectors", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed = {each["name"]: each for each in json.loads(done.stdout)["connectors"]}
    assert set(NAMES.values()) <= listed.keys()
    assert listed["nw"]["from"] == "ledgerway-nw"
    assert listed["nw"]["roles"] == ["TimeEntrySource"]
    assert listed["harvest"]["from"] == "ledgerway"


def test_into_a_checkout_it_becomes_a_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "connectors" / "conformance").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text((CHECKOUT / "pyproject.toml").read_text())
    scaffold = Scaffold("northwind", Kind.POSTING_TARGET, tmp_path / "connectors")
    written = {path.relative_to(tmp_path).as_posix() for path in scaffold.make()}
    assert "connectors/northwind/manifest.py" in written
    assert "tests/connectors/northwind/test_conformance.py" in written
    assert not {path for path in written if path.endswith(("pyproject.toml", "README.md"))}
    world = (tmp_path / "tests/connectors/northwind/world.py").read_text()
    assert "from connectors.northwind import Northwind" in world
    assert any("runtime/registry.py" in step for step in scaffold.next_steps())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("North-Wind", "write it like northwind"),
        ("class", "a word of Python's own"),
        ("json", "a word of Python's own"),
        ("harvest", "There is a connector 'harvest' already"),
        ("x" * 41, "at most 40 characters"),
    ],
)
async def test_a_name_that_will_not_do_is_refused_and_nothing_is_written(
    nowhere: Terminal, tmp_path: Path, name: str, said: str
) -> None:
    answered = await nowhere.type("connectors", "new", name, "--into", tmp_path / "here")
    assert answered.code == 2
    assert said in answered.said
    assert not (tmp_path / "here").exists()


async def test_what_is_there_is_never_written_over(nowhere: Terminal, tmp_path: Path) -> None:
    words = ("connectors", "new", "northwind", "--into", tmp_path)
    assert (await nowhere.type(*words, "--json")).json["written"]
    answered = await nowhere.type(*words)
    assert answered.code == 2
    assert "nothing was written" in answered.said
