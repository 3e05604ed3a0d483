"""`ledgerway connectors`: what there is, whether it lets us in, and how good it is."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from cli.conformance import run_suite_of
from cli.exits import CommandError
from connectors.base.level import Level
from connectors.base.system import System
from connectors.harvest import SYSTEM
from runtime import registry
from runtime.registry import system_named, system_names
from tests.cli.terminal import Terminal


def test_every_connector_here_shows_what_it_is_and_names_its_suite() -> None:
    for name in system_names():
        system = system_named(name)
        assert system.manifest is not None, name
        assert system.manifest.capabilities == system.capabilities, name
        assert system.suites, name


async def test_a_connector_that_cannot_be_loaded_is_named_and_hides_no_other(
    nowhere: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = registry.ENTRY_POINTS
    broken = EntryPoint("broken", "there_is_no_such_module:SYSTEM", group)
    stranger = EntryPoint("stranger", "json:dumps", group)
    monkeypatch.setattr(registry, "entry_points", lambda **_: (broken, stranger))
    answered = await nowhere.type("connectors", "list")
    assert answered.code == 1
    assert "'broken' (there_is_no_such_module:SYSTEM) cannot be loaded" in answered.said
    assert "'stranger' (json:dumps) is no System" in answered.said
    assert "SAP Concur" in answered.out


async def test_a_live_system_says_who_we_are_there(idle: Terminal, systems_answer: None) -> None:
    answered = await idle.type("connectors", "check", "harvest", "--json")
    assert answered.code == 0
    assert answered.json["good"]
    assert answered.json["said"].startswith("Harvest account")


async def test_a_system_that_does_not_answer_is_something_wrong(idle: Terminal) -> None:
    answered = await idle.type("connectors", "check", "harvest")
    assert answered.code == 1
    assert "harvest: Transient: not_reached" in answered.out


async def test_a_connection_that_there_is_not_is_a_wrong_use(idle: Terminal) -> None:
    answered = await idle.type("connectors", "check", "netsuite")
    assert answered.code == 2
    assert "There is no connection 'netsuite'; there are harvest, tryton." in answered.said


async def test_the_level_of_a_connector_is_measured_by_running_its_suite(
    nowhere: Terminal,
) -> None:
    answered = await nowhere.type("connectors", "conformance", "concur", "--json")
    assert answered.code == 0
    told = answered.json
    assert told["reached"] == told["claimed"] == Level.EXACTLY_ONCE
    assert [level["failed"] for level in told["levels"]] == [[]] * 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"suites": ()}, "names no suite"),
        ({"manifest": None}, "shows no manifest"),
        ({"suites": ("tests.connectors.nobody",)}, "pytest could not run"),
    ],
)
def test_what_keeps_a_suite_from_being_run_is_said_in_words(
    change: dict[str, Any], said: str
) -> None:
    given = {"manifest": SYSTEM.manifest, "suites": SYSTEM.suites, **change}
    with pytest.raises(CommandError, match=said):
        run_suite_of(System("harvest", SYSTEM.options, SYSTEM.connect, **given))
