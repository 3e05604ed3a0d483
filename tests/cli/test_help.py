"""Help: whoever knows nothing but the program's name finds every command and what it takes."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest
from typer.main import get_command

from cli.main import app
from tests.cli.terminal import Terminal
from tests.infra.manifests import CHECKOUT


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands, with the words that are typed for them; groups too."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)


COMMANDS: Final = list(commands(get_command(app)))
each_command = pytest.mark.parametrize(
    ("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS]
)


def test_there_are_as_many_commands_as_somebody_would_miss() -> None:
    names = {" ".join(words) for words, _ in COMMANDS}
    assert {
        *("demo", "up", "down", "status", "worker", "migrate", "why", "reconcile"),
        *("backfill plan", "backfill run", "cases list", "cases show", "cases resolve"),
        *("schedules list", "schedules apply"),
    } <= names


@each_command
def test_every_command_says_in_a_sentence_what_it_does(
    words: tuple[str, ...], command: Any
) -> None:
    first = (command.help or "").split("\n\n")[0].strip()
    assert first.endswith("."), f"{words}: {first!r}"
    assert len(first.split()) >= 4, f"{words}: {first!r}"


@each_command
def test_everything_that_is_typed_with_a_command_is_explained(
    words: tuple[str, ...], command: Any
) -> None:
    unexplained = [one.name for one in command.params if not one.help and one.name != "help"]
    assert unexplained == []


@each_command
async def test_help_is_shown_and_is_not_an_error(
    nowhere: Terminal, words: tuple[str, ...], command: Any
) -> None:
    answered = await nowhere.type(*words, "--help")
    assert answered.code == 0
    shown = re.sub(r"\W+", " ", answered.out)
    for one in command.params:
        for option in one.opts if one.param_type_name == "option" else ():
            assert option.strip("-").replace("-", " ") in shown


async def test_the_name_alone_shows_all_commands_and_where_to_begin(nowhere: Terminal) -> None:
    answered = await nowhere.type()
    shown = answered.out + answered.err
    for words, _ in COMMANDS:
        if len(words) == 1:
            assert re.search(rf"^\W*{words[0]}\b", shown, re.MULTILINE), words
    assert "New here? ledgerway demo shows it all on this machine." in shown


async def test_exit_codes_are_where_whoever_writes_a_script_looks_first(nowhere: Terminal) -> None:
    shown = " ".join((await nowhere.type("--help")).out.split())
    assert "0 done, 1 found something wrong or waiting for people, 2 used wrongly" in shown


@pytest.mark.parametrize(
    ("words", "command"), [one for one in COMMANDS if not hasattr(one[1], "commands")]
)
def test_programs_can_read_every_answer(words: tuple[str, ...], command: Any) -> None:
    has_json = any("--json" in one.opts for one in command.params)
    # What serves answers by serving; whoever looks for --json is told why there is none.
    serves = words in {("worker",), ("gateway",)}
    assert has_json or (serves and "no --json, because" in command.help)


@each_command
def test_a_port_that_is_not_given_is_explained(words: tuple[str, ...], command: Any) -> None:
    for one in command.params:
        if one.name.endswith("_port"):
            assert "if not given" in one.help, (words, one.name)


def test_the_readme_lists_every_command_once_and_no_other() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    (rows,) = re.findall(r"^\| command \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", readme, re.MULTILINE)
    listed = re.findall(
        r"`([a-z]+(?: [a-z-]+)?)[^`]*`", " ".join(row.split("|")[1] for row in rows.splitlines())
    )
    leaves = [" ".join(words) for words, command in COMMANDS if not hasattr(command, "commands")]
    assert sorted(listed) == sorted(leaves)


def typed_in_the_documentation() -> Iterator[tuple[str, list[str]]]:
    """Every command in a block of code of the pages for readers, with its page."""
    for page in (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs" / "how-to").glob("*.md"))):
        for block in re.findall(r"^```\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in re.findall(r"^(?:\$ |\.venv/bin/)?ledgerway (.*)$", block, re.MULTILINE):
                yield page.name, shlex.split(line, comments=True)


@pytest.mark.parametrize(("page", "words"), list(typed_in_the_documentation()))
def test_what_the_documentation_has_people_type_is_understood(page: str, words: list[str]) -> None:
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        words = words[1:]
    # Reads the words as if it were run, and runs nothing; raises at the first it does not take.
    command.make_context(page, words)


def test_help_does_not_wait_for_what_only_work_needs() -> None:
    heavy = ("temporalio", "asyncpg", "sqlalchemy", "sandbox.world")
    done = subprocess.run(
        [sys.executable, "-c", "import cli.main, sys; print(*sys.modules)"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(heavy) & set(done.stdout.split())
