"""`ledgerway cases`: what an operator sees of cases at a terminal, and decides there."""

from uuid import UUID

import pytest

from tests.cli.terminal import Terminal
from tests.e2e.erp_desk import hours
from tests.e2e.local_platform import LocalPlatform

CLOSED = "PRJ-1006"


@pytest.fixture
async def entry(local: LocalPlatform) -> int:
    """A line that a closed project stops."""
    entry = local.staff.enter(project=CLOSED, hours="1.5")
    await local.poll()
    await local.visible(await local.case_of("closed_project"))
    return entry


@pytest.fixture
async def case(local: LocalPlatform, entry: int) -> str:
    """The id of its case."""
    return str((await local.case_of("closed_project")).case_id)


class TestList:
    async def test_where_nothing_waits_it_says_so_and_is_done(self, terminal: Terminal) -> None:
        answered = await terminal.type("cases", "list")
        assert (answered.code, answered.out) == (0, "No case waits for anybody.\n")
        answered = await terminal.type("cases", "list", "--json")
        assert (answered.code, answered.json) == (0, [])

    async def test_what_waits_is_listed_with_what_it_holds_up(
        self, terminal: Terminal, case: str
    ) -> None:
        answered = await terminal.type("cases", "list")
        assert answered.code == 1
        (row,) = [line for line in answered.out.splitlines() if case[:8] in line]
        for shown in (f"closed project: {CLOSED} (DE01)", "1", "1.50", "247.50 EUR"):
            assert shown in row
        assert "ledgerway cases show CASE" in answered.out

    async def test_programs_get_the_case_with_exact_amounts(
        self, terminal: Terminal, case: str
    ) -> None:
        answered = await terminal.type("cases", "list", "--json")
        assert answered.code == 1
        (shown,) = answered.json
        assert shown["id"] == case
        assert shown["root_cause"]["cause"] == "closed_project"
        assert shown["root_cause"]["subject"] == CLOSED
        assert (shown["lines"], shown["seconds"]) == (1, 5400)
        assert shown["amounts"] == [{"amount": "247.50", "currency": "EUR"}]
        assert shown["state"] == "OPEN"


class TestShow:
    async def test_a_case_says_what_is_wrong_what_it_holds_up_and_how_to_resolve_it(
        self, terminal: Terminal, entry: int, case: str
    ) -> None:
        answered = await terminal.type("cases", "show", case[:8])
        assert answered.code == 0
        assert f"Closed project: {CLOSED}" in answered.out
        assert f"Project {CLOSED} is closed in the ERP." in answered.out
        assert "Holds up 1 line, 1.50 hours, 247.50 EUR." in answered.out
        assert str(entry) in answered.out
        assert f"ledgerway cases resolve {case[:8]} retry --by you" in answered.out

    async def test_programs_get_its_lines_too(
        self, terminal: Terminal, entry: int, case: str
    ) -> None:
        shown = (await terminal.type("cases", "show", case, "--json")).json
        assert shown["id"] == case
        (line,) = shown["lines"]
        assert (line["source_id"], line["seconds"], line["amount"]) == (str(entry), 5400, "247.50")

    async def test_a_name_that_is_no_case_s_is_answered_in_a_sentence(
        self, terminal: Terminal, case: str
    ) -> None:
        answered = await terminal.type("cases", "show", "ffffff")
        assert answered.code == 2
        assert answered.said == "'ffffff' names no case; see ledgerway cases list"

    async def test_a_name_that_several_cases_have_is_answered_in_a_sentence(
        self, terminal: Terminal, local: LocalPlatform, case: str
    ) -> None:
        local.staff.enter("Rosa Delgado", "PRJ-1090")
        await local.poll()
        answered = await terminal.type("cases", "show", "")
        assert answered.code == 2
        assert answered.said == "'' names 2 cases; see ledgerway cases list"


class TestResolve:
    async def test_after_the_cause_was_mended_a_retry_posts_what_waited(
        self, terminal: Terminal, local: LocalPlatform, entry: int, case: str
    ) -> None:
        local.erp.reopen(CLOSED)
        answered = await terminal.type("cases", "resolve", case[:8], "retry", "--by", "ana")
        assert answered.code == 0
        assert answered.out.startswith("RESOLVED The first line is posted")
        await local.settled()
        assert local.erp.hours_of(entry) == hours("1.5")

    async def test_what_is_stopped_again_stays_open_and_exits_1(
        self, terminal: Terminal, local: LocalPlatform, case: str
    ) -> None:
        answered = await terminal.type("cases", "resolve", case, "retry", "--by", "ana", "--json")
        assert answered.code == 1
        assert answered.json["state"] == "OPEN"
        assert answered.json["released"] == 0
        assert f"Project {CLOSED} is closed" in answered.json["message"]
        assert local.erp.lines == []

    async def test_an_amendment_is_given_as_field_and_value(
        self, terminal: Terminal, local: LocalPlatform, entry: int, case: str
    ) -> None:
        change = ("--change", "project=PRJ-1005", "--reason", "moved")
        answered = await terminal.type("cases", "resolve", case, "amend", "--by", "ana", *change)
        assert answered.code == 0
        await local.settled()
        assert local.erp.place_of(entry)[0] == "PRJ-1005-1"

    async def test_a_waiver_says_who_and_why_in_the_audit_trail(
        self, terminal: Terminal, local: LocalPlatform, case: str
    ) -> None:
        reason = ("--reason", "agreed with the customer")
        answered = await terminal.type("cases", "resolve", case, "waive", "--by", "ana", *reason)
        assert answered.code == 0
        (row,) = await local.rows("SELECT actor, reason FROM audit WHERE to_state = 'WAIVED'")
        assert (row["actor"], row["reason"]) == ("ana", "waive: agreed with the customer")
        assert (await terminal.type("cases", "list")).code == 0

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("rety",), "'rety' is no resolution; use retry, amend, post_to_period"),
            (("waive",), "waive needs a reason that an auditor can read"),
            (("post_to_period",), "post_to_period needs a period, for example"),
            (("amend", "--change", "project"), "--change takes FIELD=VALUE; 'project' is not"),
            (("amend", "--change", "project="), "--change takes FIELD=VALUE; 'project=' is not"),
            (
                ("amend", "--change", "colour=red", "--reason", "so"),
                "amend takes changes to",
            ),
            (
                ("amend", "--change", "accept=leaver", "--reason", "so"),
                "Not resolved: 'leaver' cannot be accepted",
            ),
        ],
    )
    async def test_what_is_not_understood_is_answered_and_changes_nothing(
        self,
        terminal: Terminal,
        local: LocalPlatform,
        case: str,
        words: tuple[str, ...],
        sentence: str,
    ) -> None:
        answered = await terminal.type("cases", "resolve", case, *words, "--by", "ana")
        assert answered.code == 2
        assert sentence in answered.said
        assert await local.state_of_case(UUID(case)) == "OPEN"

    async def test_whoever_does_not_say_who_decides_is_asked_to(
        self, terminal: Terminal, case: str
    ) -> None:
        answered = await terminal.type("cases", "resolve", case, "retry")
        assert answered.code == 2
        assert "--by" in answered.err

    async def test_a_case_whose_workflow_temporal_has_lost_is_resolved_all_the_same(
        self, terminal: Terminal, local: LocalPlatform, entry: int, case: str
    ) -> None:
        await local.client.get_workflow_handle(f"exception-case/{case}").terminate()
        local.erp.reopen(CLOSED)
        answered = await terminal.type("cases", "resolve", case, "retry", "--by", "ana")
        assert answered.code == 0
        await local.settled()
        assert local.erp.hours_of(entry) == hours("1.5")
