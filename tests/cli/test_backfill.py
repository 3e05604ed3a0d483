"""`ledgerway backfill`: a past window is shown first, and then carried out."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.terminal import Answered, Terminal
from tests.e2e.erp_desk import hours
from tests.e2e.local_platform import LocalPlatform

WINDOW = ("--from", "2026-10-01", "--to", "2026-10-31")
NEVER_READ: Mapping[str, Any] = {"known": []}


def totals(answered: Answered, member: str) -> list[tuple[str, int, int]]:
    """Standing, lines and seconds of each total."""
    return [(one["standing"], one["lines"], one["seconds"]) for one in answered.json[member]]


async def test_a_plan_shows_what_would_be_read_and_reads_nothing(
    terminal: Terminal, local: LocalPlatform
) -> None:
    local.staff.enter()
    answered = await terminal.type("backfill", "plan", *WINDOW)
    assert answered.code == 0
    assert (
        "Read harvest from 2026-10-01 to 2026-10-31 (31 days), and post what is missing to tryton."
        in answered.out
    )
    answered = await terminal.type("backfill", "plan", *WINDOW, "--json")
    shown = {name: answered.json[name] for name in ("connection", "target", "first", "last")}
    assert shown == {
        "connection": "harvest",
        "target": "tryton",
        "first": "2026-10-01",
        "last": "2026-10-31",
    }
    assert answered.json["known"] == []
    assert local.erp.lines == []


async def test_a_plan_shows_what_is_known_of_the_window(
    terminal: Terminal, local: LocalPlatform
) -> None:
    local.staff.enter(hours="1.25")
    local.staff.enter(project="PRJ-1006", hours="2")
    await local.poll()
    answered = await terminal.type("backfill", "plan", *WINDOW, "--json")
    assert totals(answered, "known") == [("EXCEPTION", 1, 7200), ("POSTED", 1, 4500)]
    answered = await terminal.type("backfill", "plan", "--from=2026-09-01", "--to=2026-09-30")
    assert "posted" not in answered.out


async def test_a_run_posts_what_is_missing_and_is_done(
    terminal: Terminal, local: LocalPlatform
) -> None:
    entries = [local.staff.enter(on=day) for day in (0, 7)]
    answered = await terminal.type("backfill", "run", *WINDOW)
    assert answered.code == 0
    assert "Read 2 records of harvest: 2 with news, 0 lines gone, 0 unreadable." in answered.out
    assert local.erp.hours_of(*entries) == hours("2", "2")


async def test_a_second_run_posts_nothing_more(terminal: Terminal, local: LocalPlatform) -> None:
    local.staff.enter()
    for news in (1, 0):
        answered = await terminal.type("backfill", "run", *WINDOW, "--json")
        assert answered.code == 0
        assert answered.json["read"] == {
            "records": 1,
            "news": news,
            "unreadable": 0,
            "deleted": 0,
        }
        assert totals(answered, "lines") == [("POSTED", 1, 7200)]
    assert local.erp.writes == 1


async def test_a_run_that_leaves_lines_to_people_says_so_and_exits_1(
    terminal: Terminal, local: LocalPlatform
) -> None:
    local.staff.enter()
    local.staff.enter(project="PRJ-1006")
    answered = await terminal.type("backfill", "run", *WINDOW)
    assert answered.code == 1
    assert "1 lines wait for people: ledgerway cases list" in answered.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--from", "1.10.2026", "--to", "2026-10-31"), "--from: '1.10.2026' is no date; write it"),
        (("--from", "2026-10-01", "--to", "2026-10-32"), "--to: '2026-10-32' is no date; write it"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "--to 2026-10-01 lies before --from 2026"),
        ((*WINDOW, "--connection", "harvst"), "'harvst' is no source; there are harvest"),
        ((*WINDOW, "--connection", "tryton"), "'tryton' is no source; there are harvest"),
        (("--from", "2026-10-01"), "--to"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
async def test_what_is_not_understood_is_answered_and_nothing_is_read(
    terminal: Terminal, local: LocalPlatform, command: str, words: tuple[str, ...], sentence: str
) -> None:
    local.staff.enter()
    answered = await terminal.type("backfill", command, *words)
    assert answered.code == 2
    assert sentence in answered.said
    assert await local.rows("SELECT * FROM source_line") == []
