"""contracts/: what is written down is what the code does, and nobody who kept to it is broken."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from canonical.deprecation import DEPRECATED
from canonical.published import contracts, schemas
from cli.contracts import as_text
from runtime.config_schema import connections_schema, policies_schema
from runtime.configuration import CONNECTIONS_FILE, POLICIES_FILE, SHIPPED
from runtime.registry import our_systems
from tests.cli.terminal import Terminal
from tests.connectors.conformance.made_up_erp import Flavour
from tests.connectors.conformance.made_up_world import MadeUpWorld
from tests.infra.manifests import CHECKOUT
from tests.infra.test_docs_connect import BLOCKS

FOLDER = CHECKOUT / "contracts"
ALL = schemas()
OF_FILE = {
    CONNECTIONS_FILE: FOLDER / "config" / "connections.schema.json",
    POLICIES_FILE: FOLDER / "config" / "policies.schema.json",
}


def test_each_contract_is_written_down_as_it_is() -> None:
    stale = [
        name
        for name, schema in ALL.items()
        if not (FOLDER / f"{name}.json").exists()
        or (FOLDER / f"{name}.json").read_text() != as_text(schema)
    ]
    assert stale == [], "run: ledgerway contracts export"


def test_what_is_written_down_and_no_more_in_the_code_is_deprecated() -> None:
    written = {f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("*/v*.json")}
    assert written - ALL.keys() == DEPRECATED.keys()


def test_the_schemas_of_the_configuration_are_written_down_as_they_are() -> None:
    now = {CONNECTIONS_FILE: connections_schema(our_systems()), POLICIES_FILE: policies_schema()}
    for name, path in OF_FILE.items():
        assert path.read_text() == as_text(now[name]), "run: ledgerway contracts export"


@pytest.mark.parametrize(
    "schema", [*ALL.values(), *(json.loads(path.read_text()) for path in OF_FILE.values())]
)
def test_each_is_a_json_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def test_what_the_code_writes_keeps_to_its_contract() -> None:
    intent = MadeUpWorld(Flavour.UNIQUE).intent(note="x")
    resources = [
        (f"ledgerway/{name}.json", Resource.from_contents(one)) for name, one in ALL.items()
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    name = type(intent).CONTRACT
    validator = Draft202012Validator(
        {**ALL[name], "$id": f"ledgerway/{name}.json"}, registry=registry
    )
    good = json.loads(intent.model_dump_json())
    validator.validate(good)
    assert not validator.is_valid({**good, "colour": "red"})
    assert not validator.is_valid({**good, "value": {"amount": "1.00"}})


def read(text: str) -> Any:
    """YAML as an editor's language server sees it: days are text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((path.name, path.read_text()) for path in sorted(SHIPPED.glob("*.yaml"))),
        *BLOCKS,
    ],
)
def test_what_we_ship_and_show_keeps_to_the_schema(name: str, text: str) -> None:
    Draft202012Validator(json.loads(OF_FILE[name].read_text())).validate(read(text))


def test_the_shipped_files_tell_an_editor_where_their_schema_is() -> None:
    for path in SHIPPED.glob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        named = (path.parent / first.partition("=")[2]).resolve()
        assert named == OF_FILE[path.name]


@pytest.mark.parametrize(
    "change",
    [
        {"system": "harvest", "colour": "red"},
        {"system": "harvest"},
        {"system": "harvest", "options": {"account_id": "1", "user_agent": "x", "token": "plain"}},
        {"system": "harvest", "options": {"account_id": "1", "user_agent": "x"}},
        {"system": "tryton", "options": {"url": "https://x", "database": "d", "user": "u",
         "password": "env:P", "page_size": "many"}},
        {"system": "harvest", "poll_every_seconds": 1, "options": {}},
    ],
)  # fmt: skip
def test_an_editor_sees_what_the_configuration_would_refuse(change: dict[str, Any]) -> None:
    validator = Draft202012Validator(json.loads(OF_FILE[CONNECTIONS_FILE].read_text()))
    assert not validator.is_valid({"tenant": "x", "connections": {"c": change}})


async def test_an_export_writes_over_nothing_that_somebody_keeps_to(
    nowhere: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "contracts"
    shutil.copytree(FOLDER, folder)
    money = folder / "money" / "v1.json"
    schema = json.loads(money.read_text())
    schema["properties"]["minor"] = {"type": "integer"}
    money.write_text(as_text(schema))
    for command in ("export", "diff"):
        answered = await nowhere.type("contracts", command, "--folder", folder)
        assert answered.code == 1
        assert "money/v1 member 'minor' is gone. It needs a new version." in answered.said
    assert json.loads(money.read_text()) == schema


async def test_what_breaks_nobody_is_told_and_written(nowhere: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    assert (await nowhere.type("contracts", "export", "--folder", folder)).code == 0
    money = folder / "money" / "v1.json"
    money.write_text(money.read_text().replace('"An amount', '"Some amount'))
    answered = await nowhere.type("contracts", "diff", "--folder", folder, "--json")
    assert answered.code == 0
    told = {each["contract"]: each["breaking"] for each in answered.json["changes"]}
    assert told == {"money/v1": False}
    assert (await nowhere.type("contracts", "export", "--folder", folder)).code == 0
    assert money.read_text() == as_text(ALL["money/v1"])


def is_in_git(what: str) -> bool:
    """Whether git has it; not in a folder without git, nor in a clone without its past."""
    words = ["git", "-C", str(CHECKOUT), "cat-file", "-e", what]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("commit", ["HEAD", "HEAD~1"])
async def test_nobody_is_broken_who_kept_to_what_was_committed(
    nowhere: Terminal, monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    monkeypatch.chdir(CHECKOUT)
    if not is_in_git(f"{commit}:contracts"):
        pytest.skip(f"there is no {commit} with contracts to compare with")
    answered = await nowhere.type("contracts", "diff", "--against", commit)
    assert answered.code == 0, answered.said


async def test_a_commit_of_git_can_be_compared_with(nowhere: Terminal) -> None:
    answered = await nowhere.type("contracts", "diff", "--against", "no-such-commit")
    assert answered.code == 2
    assert "git ls-tree" in answered.said


def test_every_contract_says_what_it_is() -> None:
    assert [name for name, model in contracts().items() if not model.__doc__] == []
