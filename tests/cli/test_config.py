"""`ledgerway config check`: each thing that is wrong is a sentence, and nothing is sent."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from runtime.config_check import Finding, check_configuration
from runtime.configuration import CONNECTIONS_FILE, POLICIES_FILE
from tests.cli.terminal import Terminal

HARVEST = {
    "account_id": "1",
    "token": "file:harvest.token",
    "user_agent": "Ledgerway (x@firm.example)",
}
TRYTON = {
    "url": "https://erp.firm.example",
    "database": "firm",
    "user": "ledgerway",
    "password": "env:ERP_PASSWORD",
}
TERMS = {
    "task": "IC",
    "due_from_account": "1600",
    "charge_account": "4900",
    "expense_account": "6900",
    "due_to_account": "2600",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that can be used."""
    monkeypatch.setenv("ERP_PASSWORD", "a-secret")
    (tmp_path / "harvest.token").write_text("a-secret")
    write(tmp_path)
    return tmp_path


def write(folder: Path, policies: Any = None, **changed: Any) -> None:
    """Write connections, some of them otherwise; None leaves one out."""
    connections = {
        "harvest": {"system": "harvest", "posts_to": "tryton", "options": HARVEST},
        "tryton": {"system": "tryton", "options": TRYTON},
        **changed,
    }
    kept = {name: one for name, one in connections.items() if one is not None}
    document = {"tenant": "firm", "connections": kept}
    (folder / CONNECTIONS_FILE).write_text(yaml.safe_dump(document))
    (folder / POLICIES_FILE).write_text(yaml.safe_dump(policies or {}))


def harvest(**options: Any) -> dict[str, Any]:
    return {"system": "harvest", "posts_to": "tryton", "options": {**HARVEST, **options}}


def tryton(**options: Any) -> dict[str, Any]:
    return {"system": "tryton", "options": {**TRYTON, **options}}


def test_a_configuration_that_can_be_used_has_no_findings(folder: Path) -> None:
    assert check_configuration(folder) == []


@pytest.mark.parametrize(
    ("changed", "where", "said"),
    [
        (
            {"harvest": harvest(token="env:NOBODY_SET_THIS")},
            "harvest",
            "option 'token' is a secret",
        ),
        ({"harvest": harvest(token="file:nowhere")}, "harvest", "a reference that resolves"),
        ({"harvest": harvest(token="plainly-written")}, "harvest", "option 'token' is a secret"),
        ({"harvest": harvest(colour="red")}, "harvest", "harvest has no option 'colour'"),
        ({"harvest": harvest(page_size=0)}, "harvest", "a page of Harvest has 1 to"),
        (
            {"harvest": {"system": "netsuite", "posts_to": "tryton"}},
            "harvest",
            "no connector for 'netsuite'",
        ),
        ({"tryton": tryton(url="http://erp.firm.example")}, "tryton", "without TLS"),
        ({"tryton": tryton(url="http://10.0.0.7:8000")}, "tryton", "--allow-plain 10.0.0.7"),
        ({"tryton": tryton(url="erp.firm.example")}, "tryton", "is no address of the form"),
        ({"tryton": tryton(url="https://[not-one]/")}, "tryton", "is no address of the form"),
        ({"tryton": tryton(url="https://u:p@erp.example")}, "tryton", "a user or a password"),
        (
            {
                "harvest": {**harvest(), "posts_to": "other"},
                "other": harvest() | {"posts_to": None},
            },
            "harvest",
            "'other' (Harvest (API v2)) takes no postings (PostingTarget)",
        ),
        (
            {"harvest": harvest() | {"posts_to": None}},
            CONNECTIONS_FILE,
            "no connection has posts_to",
        ),
        (
            {"harvest": harvest() | {"posts_to": "sap"}},
            CONNECTIONS_FILE,
            "which is not a connection",
        ),
        ({"harvest": harvest() | {"poll": 1}}, CONNECTIONS_FILE, "connections.harvest.poll"),
    ],
)
def test_each_thing_that_is_wrong_is_one_sentence(
    folder: Path, changed: dict[str, Any], where: str, said: str
) -> None:
    write(folder, **changed)
    [finding] = check_configuration(folder)
    assert finding.where == where
    assert said in finding.sentence
    assert "plainly-written" not in finding.sentence
    assert str(folder) not in finding.sentence


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    write(
        folder,
        harvest=harvest(token="env:NOBODY_SET_THIS"),
        tryton=tryton(url="http://erp.firm.example", password="env:NOR_THIS"),
    )
    assert [each.where for each in check_configuration(folder)] == ["harvest", "tryton", "tryton"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_needs_no_tls(folder: Path, host: str) -> None:
    write(folder, tryton=tryton(url=f"http://{host}:8000"))
    assert check_configuration(folder) == []


def test_a_host_may_be_allowed_to_be_plain_and_no_other_with_it(folder: Path) -> None:
    write(folder, tryton=tryton(url="http://erp.internal"))
    assert check_configuration(folder, ["erp.internal"]) == []
    assert check_configuration(folder, ["internal", "erp"]) != []


def test_a_policy_that_cannot_be_read_is_a_finding_about_its_file(folder: Path) -> None:
    write(folder, {"default": {"hours_to_decide": 0}})
    [finding] = check_configuration(folder)
    assert finding.where == POLICIES_FILE
    assert finding.sentence.startswith("default.hours_to_decide: ")


def test_terms_between_legal_entities_are_checked_against_the_erp(folder: Path) -> None:
    write(folder, {"legal_entities": {"DE01": {"billing": {"intercompany": {"FR01": TERMS}}}}})
    assert check_configuration(folder) == []


async def test_the_command_tells_findings_and_exits_with_one(
    nowhere: Terminal, folder: Path
) -> None:
    assert (await nowhere.type("config", "check", "--config", folder)).code == 0
    write(folder, tryton=tryton(url="http://erp.internal"))
    answered = await nowhere.type("config", "check", "--config", folder)
    assert answered.code == 1
    assert "without TLS" in answered.out
    answered = await nowhere.type("config", "check", "--config", folder, "--json")
    assert answered.code == 1
    assert [Finding(**each).where for each in answered.json["findings"]] == ["tryton"]
    words = ("config", "check", "--config", folder, "--allow-plain", "erp.internal")
    assert (await nowhere.type(*words)).code == 0


async def test_the_schemas_are_printed_for_editors(nowhere: Terminal) -> None:
    for file in ("connections", "policies"):
        Draft202012Validator.check_schema((await nowhere.type("config", "schema", file)).json)
    assert (await nowhere.type("config", "schema", "colours")).code == 2
