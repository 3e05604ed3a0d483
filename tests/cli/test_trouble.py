"""Trouble around a command: whatever is not there is said in one sentence, with what to do."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.child_process import LOCALHOST, free_port
from tests.cli.terminal import Terminal
from tests.infra.manifests import CHECKOUT
from tests.server_fixtures import FreshDatabase

COMMANDS = [
    ("status",),
    ("why", "1"),
    ("cases", "list"),
    ("cases", "show", "1"),
    ("cases", "resolve", "1", "retry", "--by", "ana"),
    ("backfill", "plan", "--from", "2026-10-01", "--to", "2026-10-31"),
    ("backfill", "run", "--from", "2026-10-01", "--to", "2026-10-31"),
    ("reconcile", "--period", "2026-10"),
    ("schedules", "apply"),
    ("worker",),
]
each_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


@each_command
async def test_without_a_ledger_a_newcomer_is_told_how_to_get_one(
    nowhere: Terminal, words: tuple[str, ...]
) -> None:
    answered = await nowhere.type(*words)
    assert answered.code == 2
    assert answered.said == (
        "There is no ledger to work on. Set LEDGERWAY_DATABASE_URL and LEDGERWAY_TEMPORAL_ADDRESS, "
        "or start the local world: ledgerway up"
    )


@each_command
async def test_without_temporal_it_is_said_where_it_was_looked_for(
    idle: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    nobody = f"{LOCALHOST}:{free_port()}"
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_ADDRESS", nobody)
    answered = await idle.type(*words)
    assert answered.code == 2
    assert answered.said == (
        f"Temporal does not answer at {nobody}. If this is the local world, start it: ledgerway up"
    )


@each_command
async def test_without_postgresql_one_sentence_says_so(
    idle: Terminal,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    ledger = urlsplit(dsn)
    nobody = ledger._replace(netloc=f"{ledger.username}:pw@{LOCALHOST}:{free_port()}").geturl()
    monkeypatch.setenv("LEDGERWAY_DATABASE_URL", nobody)
    answered = await idle.type(*words)
    assert answered.code == 2
    assert answered.said.startswith("The ledger does not answer: ")
    assert "Traceback" not in answered.err
    assert "pw@" not in answered.err


@pytest.mark.parametrize("wrong", ["password", "database"])
async def test_a_ledger_that_lets_nobody_in_says_why(
    idle: Terminal, dsn: str, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    ledger = urlsplit(dsn)
    if wrong == "password":
        address = f"{ledger.username}:hunter2@{ledger.hostname}:{ledger.port}"
        ledger = ledger._replace(netloc=address)
    else:
        ledger = ledger._replace(path="/nowhere")
    monkeypatch.setenv("LEDGERWAY_DATABASE_URL", ledger.geturl())
    answered = await idle.type("cases", "list")
    assert answered.code == 2
    assert answered.said.startswith("The ledger does not answer: ")
    assert "hunter2" not in answered.err


async def test_a_database_that_is_no_ledger_yet_is_to_be_migrated(
    idle: Terminal, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGERWAY_DATABASE_URL", await fresh_database())
    answered = await idle.type("cases", "list")
    assert answered.code == 2
    assert answered.said == "The database is no ledger of this version; run: ledgerway migrate"
    assert (await idle.type("migrate")).out == "The ledger is up to date.\n"
    assert (await idle.type("cases", "list")).code == 0


async def test_a_namespace_that_temporal_does_not_know_is_named(
    idle: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_NAMESPACE", "elsewhere")
    answered = await idle.type("schedules", "apply")
    assert answered.code == 2
    assert answered.said.startswith("Temporal refuses: ")
    assert "elsewhere" in answered.said


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("connections.yaml", "tenant: [", "connections.yaml: "),
        ("connections.yaml", "tenant: x\n", "connections.yaml: connections: Field required"),
        (
            "policies.yaml",
            "default: {hours_to_decide: 0}",
            "policies.yaml: default.hours_to_decide",
        ),
        ("harvest.token", None, "connection 'harvest': option 'token' is a secret and must be"),
    ],
)
async def test_a_configuration_that_cannot_be_used_names_its_member(
    idle: Terminal, config: Path, file: str, text: str | None, sentence: str
) -> None:
    if text is None:
        (config / file).unlink()
    else:
        (config / file).write_text(text)
    answered = await idle.type("status")
    assert answered.code == 2
    assert sentence in answered.said


async def test_a_setting_that_is_none_is_named(
    idle: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_TLS", "perhaps")
    answered = await idle.type("status")
    assert answered.code == 2
    assert answered.said.startswith("LEDGERWAY_TEMPORAL_TLS: ")


async def test_a_system_that_does_not_answer_is_named_when_books_are_compared(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.patience._PAUSE_SECONDS", 0)
    answered = await terminal.type("reconcile", "--period", "2026-10")
    assert answered.code == 2
    assert answered.said == "tryton cannot be asked: not_reached"


@pytest.mark.parametrize("words", [("casess",), ("cases", "shwo"), ("status", "--jsn"), ("why",)])
async def test_what_is_mistyped_is_shown_with_its_usage(
    nowhere: Terminal, words: tuple[str, ...]
) -> None:
    answered = await nowhere.type(*words)
    assert answered.code == 2
    assert "Usage: ledgerway" in answered.err
    assert "Traceback" not in answered.err


async def test_the_process_ends_with_the_exit_code(tmp_path: Path) -> None:
    """The one thing that the tests above leave out."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LEDGERWAY_")
    }
    for words, code in ((["--help"], 0), (["cases", "list"], 2)):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "cli", *words],
            cwd=CHECKOUT,
            env={**environment, "LEDGERWAY_HOME": str(tmp_path)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, done.stderr.decode()
