"""`ledgerway status`, `why` and `reconcile`: what the ledger knows, told at a terminal."""

from datetime import date

import pytest

from canonical.deprecation import Deprecation, InUse
from connectors.tryton.simulated_faults import Fault
from store import deprecations
from tests.cli.terminal import Terminal
from tests.e2e.local_platform import LocalPlatform

PERIOD = ("--period", "2026-10")


class TestStatus:
    async def test_where_nothing_is_open_it_is_done(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        local.staff.enter(hours="2.25")
        await local.poll()
        answered = await terminal.type("status")
        assert answered.code == 0
        assert "0 cases wait for people, 0 lines are unanswered." in answered.out
        (row,) = [line for line in answered.out.splitlines() if "posted" in line]
        assert "2.25" in row

    async def test_a_case_is_something_found(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        local.staff.enter(project="PRJ-1006")
        await local.poll()
        answered = await terminal.type("status", "--json")
        assert answered.code == 1
        assert answered.json["open_cases"] == 1
        assert answered.json["uncertain"] == 0
        (state,) = answered.json["states"]
        assert (state["state"], state["kind"], state["lines"]) == ("EXCEPTION", "time", 1)
        (source,) = answered.json["sources"]
        assert (source["connection"], source["dead_letters"]) == ("harvest", 0)

    async def test_a_line_without_an_answer_is_something_found(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        entry = local.staff.enter()
        await local.intake()
        await local.prepare(entry)
        local.systems.simulated_erp.faults.plan([Fault.LOST_ANSWER])
        await local.post(entry)
        answered = await terminal.type("status", "--json")
        assert (answered.code, answered.json["uncertain"]) == (1, 1)

    async def test_what_is_deprecated_and_in_use_is_told(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        by_url = Deprecation("base_url", since=date(2026, 1, 1), until=date(2026, 12, 31))
        async with local.platform.database.connection() as connection:
            used = [InUse("option subdomain", by_url)]
            await deprecations.note(connection, used, by="harvest", actor="worker")
        told = await terminal.type("status")
        assert "option subdomain of harvest" in told.out
        assert "understood until 2026-12-31: use base_url instead" in told.out
        [one] = (await terminal.type("status", "--json")).json["deprecated"]
        assert (one["subject"], one["days"]) == ("option subdomain of harvest", 1)


class TestWhy:
    @pytest.fixture
    async def entry(self, local: LocalPlatform) -> int:
        """A line that was posted, corrected and posted again."""
        entry = local.staff.enter(hours="2")
        await local.poll()
        local.staff.change(entry, hours="3")
        await local.poll()
        return entry

    async def test_a_line_is_found_by_each_of_its_names(
        self, terminal: Terminal, local: LocalPlatform, entry: int
    ) -> None:
        (line,) = local.erp.lines_of(entry)
        (reference,) = local.erp.references()
        told = [await terminal.type("why", name) for name in (entry, line["id"], reference)]
        assert [answered.code for answered in told] == [0, 0, 0]
        assert told[0].out == told[1].out == told[2].out

    async def test_the_story_tells_every_posting_and_every_step(
        self, terminal: Terminal, local: LocalPlatform, entry: int
    ) -> None:
        answered = await terminal.type("why", entry)
        for words in (
            f"time of entry {entry}",
            "revision 1",
            "undo of entry",
            "revision 2",
            "2.00 h on",
            "3.00 h on",
            "first seen approved",
            "at the source now approved",
            "read back and equal",
            "PENDING → SENDING",
            "SENDING → POSTED",
            "POSTED → REVERSED",
        ):
            assert words in answered.out
        assert "private" not in answered.out

    async def test_programs_get_postings_with_their_steps(
        self, terminal: Terminal, entry: int
    ) -> None:
        told = (await terminal.type("why", entry, "--json")).json
        assert [(one["kind"], one["revision"], one["state"]) for one in told] == [
            ("time", 1, "REVERSED"),
            ("time", 2, "POSTED"),
            ("undo", 1, "POSTED"),
        ]
        first, second, undo = told
        assert [step["to"] for step in first["steps"]] == [
            *("PENDING", "SENDING", "POSTED", "REVERSED")
        ]
        assert undo["corrects"] == first["key"]
        assert second["amount"] == "495.00"
        assert second["intent"]["reference"] == second["reference"]

    async def test_a_stopped_line_says_its_case(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        entry = local.staff.enter(project="PRJ-1006")
        await local.poll()
        case = await local.case_of("closed_project")
        answered = await terminal.type("why", entry)
        assert f"case {str(case.case_id)[:8]}: Project PRJ-1006 is closed" in answered.out

    async def test_what_nobody_knows_is_answered_in_a_sentence(self, terminal: Terminal) -> None:
        answered = await terminal.type("why", "4711")
        assert (answered.code, answered.said) == (1, "Nothing is known of '4711'.")


@pytest.mark.usefixtures("systems_answer")
class TestReconcile:
    async def test_where_all_three_agree_it_is_done(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        local.staff.enter(hours="2.5")
        local.staff.enter("Grace Whitfield", "PRJ-1008")
        await local.poll()
        answered = await terminal.type("reconcile", *PERIOD)
        assert answered.code == 0
        assert "Source, ledger and ERP agree." in answered.out
        answered = await terminal.type("reconcile", *PERIOD, "--json")
        assert answered.json["agree"] is True
        assert answered.json["ledger"] == answered.json["erp"]
        assert [
            (one["legal_entity"], one["lines"], one["seconds"]) for one in answered.json["erp"]
        ] == [
            ("DE01", 1, 9000),
            ("US01", 1, 7200),
        ]

    async def test_each_line_that_differs_is_named(
        self, terminal: Terminal, local: LocalPlatform
    ) -> None:
        changed, removed, copied = (local.staff.enter(on=day) for day in range(3))
        await local.poll()
        unread = local.staff.enter(on=3)
        local.erp.edit(changed, hours="1")
        local.erp.copy(copied)
        (line,) = local.erp.lines_of(removed)
        local.erp.remove(line["id"])
        answered = await terminal.type("reconcile", *PERIOD)
        assert answered.code == 1
        for words in (
            f"(entry {changed}): 7200 s here, 3600 s in the ERP",
            f"(entry {removed}) is posted here and not in the ERP",
            f"(entry {copied}) stands 2 times in the ERP",
            f"entry {unread} is approved in harvest and not known here: run a backfill",
            "4 differences.",
        ):
            assert words in answered.out
        answered = await terminal.type("reconcile", *PERIOD, "--json")
        assert (answered.code, answered.json["agree"]) == (1, False)
        assert len(answered.json["problems"]) == 4

    @pytest.mark.parametrize("period", ["2026", "2026-13", "October"])
    async def test_what_is_no_month_is_answered_in_a_sentence(
        self, terminal: Terminal, period: str
    ) -> None:
        answered = await terminal.type("reconcile", "--period", period)
        assert answered.code == 2
        assert answered.said == f"'{period}' is no month; write it like 2026-10"
