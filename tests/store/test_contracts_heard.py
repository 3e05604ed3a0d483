"""News of work: whoever bills hears of every change once, and nobody who posts waits for that."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest

from activities.contract_intake import NEWS_PER_ROUND
from canonical.billing_period import BillingPeriod
from canonical.expense import EXPENSE_REPORT
from canonical.source_line import BILLING_EVENT
from canonical.time_entry import TIME_ENTRY
from store import billing, contracts
from store.contracts import Heard
from store.database import Connection, Database
from tests.store.corner import DAY, Corner, S, until_waiting_for
from tests.unit.billing_building import contract_line, cost, decided, engagement, hours

CONTRACTS = "contracts"
Named = list[tuple[str, date]]


class Work:
    """Lines of a source as a poll writes them, and what billing hears of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.corner = Corner(database, 0)

    async def agree(self, **projects: Sequence[str]) -> None:
        """Let engagements be about projects; `ENG_1=["P-1"]`."""
        agreed = [
            engagement(contract_line(projects=tuple(codes)), id=name.replace("_", "-"), code=name)
            for name, codes in projects.items()
        ]
        async with self.database.transaction() as connection:
            await contracts.set_projects(connection, CONTRACTS, agreed)

    async def enter(
        self, name: str = "1", project: str = "P-1", day: date = DAY, **changes: Any
    ) -> None:
        """Write a time entry, or its change."""
        await self.write(self.database, name, json.dumps({"project": project}), day, **changes)

    async def claim(self, name: str, *projects: str, day: date = DAY) -> None:
        """Write a report whose costs are for projects."""
        parts = [{"project": one} for one in projects]
        entry = json.dumps({"items": [{"allocations": parts}]})
        await self.write(self.database, name, entry, day, object_name=EXPENSE_REPORT)

    @staticmethod
    async def write(
        where: "Database | Connection",
        name: str,
        entry: str,
        day: date = DAY,
        *,
        object_name: str = TIME_ENTRY,
        status: str = "APPROVED",
    ) -> None:
        await where.execute(
            "INSERT INTO source_line (connection, object, source_id, document_id, employee, "
            "work_date, revision, financial_hash, status, entry, changed_at) "
            "VALUES ('harvest', $1, $2, 'sheet-1', '7', $3, 1, $4, $5, $4, now()) "
            "ON CONFLICT (connection, object, source_id) DO UPDATE SET entry = excluded.entry, "
            "status = excluded.status, work_date = excluded.work_date",
            *(object_name, name, day, entry, status),
        )

    async def hear(self, limit: int = NEWS_PER_ROUND) -> Named:
        """Hear of all news, as the Schedule does every few seconds."""
        async with self.database.transaction() as connection:
            return named(await contracts.hear(connection, limit))

    async def waiting(self) -> int:
        """How much news nobody has heard of."""
        row = await self.database.fetch_row("SELECT count(*) AS n FROM billing_news")
        assert row is not None
        return int(row["n"])

    async def projects_of(self, name: str) -> set[str]:
        rows = await self.database.fetch(
            "SELECT project FROM work_project WHERE source_id = $1", name
        )
        return {row["project"] for row in rows}


def named(heard: tuple[list[Heard], int]) -> Named:
    return sorted((one.engagement, one.since) for one in heard[0])


@pytest.fixture
def work(own_ledger: Database) -> Work:
    """A ledger of its own: news is one table for all sources."""
    return Work(own_ledger)


class TestHearing:
    async def test_however_much_changed_an_engagement_hears_once_since_the_earliest_day(
        self, work: Work
    ) -> None:
        await work.agree(ENG_1=["P-1", "P-2"], ENG_2=["P-3"])
        for number in range(5):
            await work.enter(str(number), day=DAY + timedelta(days=number))
            await work.enter(str(number), "P-2", day=DAY + timedelta(days=number))
        async with work.database.transaction() as connection:
            heard, taken = await contracts.hear(connection, NEWS_PER_ROUND)
        assert named((heard, taken)) == [("ENG-1", DAY)]
        assert [one.connection for one in heard] == [CONTRACTS]
        assert taken == 10
        assert await work.hear() == []

    async def test_work_that_no_engagement_is_about_is_nobodys_news(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"])
        await work.enter(project="P-9")
        assert await work.hear() == []
        assert await work.waiting() == 0

    async def test_all_engagements_on_a_project_hear_of_its_work(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-1", "P-2"])
        await work.enter()
        assert await work.hear() == [("ENG-1", DAY), ("ENG-2", DAY)]

    async def test_a_project_that_its_source_calls_by_an_id_is_known_by_its_code(
        self, work: Work
    ) -> None:
        await work.agree(ENG_1=["P-1"])
        await work.database.execute(
            "INSERT INTO master_record (connection, kind, id, code, body) "
            "VALUES ('harvest', 'project', '4711', 'P-1', '{}'), "
            "('other', 'project', '1', 'P-1', '{}')"
        )
        await work.enter("1", "4711")
        assert await work.hear() == [("ENG-1", DAY)]
        await work.enter("2", "1")
        assert await work.hear() == []

    async def test_work_that_moves_is_news_where_it_was_and_where_it_is(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"])
        await work.enter()
        assert await work.hear() == [("ENG-1", DAY)]
        await work.enter(project="P-2")
        assert await work.hear() == [("ENG-1", DAY), ("ENG-2", DAY)]

    async def test_a_report_is_news_for_each_of_its_projects(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"], ENG_3=["P-3"])
        await work.claim("doc1", "P-1", "P-3", "P-3")
        assert await work.hear() == [("ENG-1", DAY), ("ENG-3", DAY)]

    async def test_what_was_written_again_as_it_is_is_no_news(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"])
        await work.enter()
        await work.hear()
        await work.enter()
        assert await work.hear() == []

    async def test_a_withdrawal_is_news(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"])
        await work.enter()
        await work.hear()
        await work.enter(status="WITHDRAWN")
        assert await work.hear() == [("ENG-1", DAY)]

    async def test_without_an_engagement_nothing_is_noted(self, work: Work) -> None:
        await work.enter()
        await work.corner.pending()
        assert await work.waiting() == 0


class TestBilledWork:
    """Who billed something hears of it for as long as it is billed, wherever it is now."""

    @pytest.mark.parametrize("kind", ["time", "expense"])
    async def test_it_is_news_for_an_engagement_that_has_left_its_project(
        self, work: Work, kind: str
    ) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"])
        line = hours("1", 5) if kind == "time" else cost("doc1/i1/P-1", 5, "80.50")
        await release(work, line)
        await work.agree(ENG_1=["P-8"])
        await work.hear()
        if kind == "time":
            await work.enter("1", "P-2")
        else:
            await work.claim("doc1", "P-2")
        assert await work.hear() == [("ENG-1", date(2026, 10, 5)), ("ENG-2", DAY)]

    async def test_a_report_whose_id_begins_like_another_ones_is_not_that_one(
        self, work: Work
    ) -> None:
        await work.agree(ENG_1=["P-1"])
        await release(work, cost("doc1/i1/P-1", 5, "80.50"))
        await work.agree(ENG_1=["P-8"])
        await work.hear()
        await work.claim("doc", "P-2")
        await work.claim("doc11", "P-2")
        assert await work.hear() == []

    async def test_what_becomes_of_its_invoice_is_news_for_the_engagement(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"])
        event = await release(work, hours("1", 5))
        key = await work.corner.sending(event, connection=CONTRACTS, object=BILLING_EVENT)
        assert await work.hear() == []
        await work.corner.set(key, state="POSTED", erp_document_id="51")
        assert await work.hear() == [("ENG-1", date(2026, 10, 5))]


class TestPostings:
    """A posting is news once it is settled or stopped, and not while it is only on its way."""

    @pytest.fixture
    async def entry(self, work: Work) -> str:
        await work.agree(ENG_1=["P-1"])
        await work.enter("1")
        await work.hear()
        return "1"

    async def test_that_it_is_sent_or_given_back_is_no_news(self, work: Work, entry: str) -> None:
        key = await work.corner.sending(entry, connection="harvest")
        await work.corner.set(key, state="PENDING")
        assert await work.waiting() == 0

    @pytest.mark.parametrize("state", [S.POSTED, S.EXCEPTION, S.SUPERSEDED])
    async def test_what_comes_of_it_is(self, work: Work, entry: str, state: S) -> None:
        key = await work.corner.sending(entry, connection="harvest")
        news: dict[str, Any] = {"state": state}
        if state is S.POSTED:
            news["erp_document_id"] = "51"
        if state is S.EXCEPTION:
            news["case_id"] = await work.corner.case()
        await work.corner.set(key, **news)
        assert await work.hear() == [("ENG-1", DAY)]


class TestNobodyMissesAnything:
    async def test_news_stays_where_what_follows_from_it_failed(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"])
        await work.enter()
        with suppress(LookupError):
            async with work.database.transaction() as connection:
                assert named(await contracts.hear(connection, NEWS_PER_ROUND)) == [("ENG-1", DAY)]
                raise LookupError
        assert await work.hear() == [("ENG-1", DAY)]

    async def test_who_commits_late_is_heard_later(self, work: Work) -> None:
        """A line that was changed first and committed last has a lower number than what is heard.

        Whoever remembered the highest number would never hear of it.
        """
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"])
        entry = json.dumps({"project": "P-1"})
        async with work.database.transaction() as slow:
            await work.write(slow, "1", entry)
            await work.enter("2", "P-2")
            assert await work.hear() == [("ENG-2", DAY)]
            assert await work.hear() == []
        assert await work.hear() == [("ENG-1", DAY)]

    async def test_who_writes_does_not_wait_for_who_hears(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"])
        await work.enter("1")
        async with work.database.transaction() as hearing:
            assert named(await contracts.hear(hearing, NEWS_PER_ROUND)) == [("ENG-1", DAY)]
            await work.enter("1", "P-2")
        assert await work.hear() == [("ENG-1", DAY), ("ENG-2", DAY)]

    async def test_two_who_hear_at_once_hear_everything_between_them(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"])
        await work.enter("1")
        await work.enter("2", "P-2")
        async with work.database.transaction() as first:
            heard, taken = await contracts.hear(first, 1)
            other = asyncio.create_task(work.hear())
            await until_waiting_for(work.corner, "billing_news")
        assert (named((heard, taken)), taken) == ([("ENG-1", DAY)], 1)
        assert await other == [("ENG-2", DAY)]
        assert await work.waiting() == 0

    async def test_a_round_takes_the_oldest_and_leaves_the_rest(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"], ENG_2=["P-2"])
        await work.enter("1")
        await work.enter("2", "P-2")
        assert await work.hear(limit=1) == [("ENG-1", DAY)]
        assert await work.waiting() == 1
        assert await work.hear(limit=1) == [("ENG-2", DAY)]


class TestProjectsOfWork:
    """A line is known under every project that it was ever on."""

    async def test_new_work_is_known_under_its_project(self, work: Work) -> None:
        await work.enter("1", "P-1")
        await work.claim("doc1", "P-1", "P-2")
        assert await work.projects_of("1") == {"P-1"}
        assert await work.projects_of("doc1") == {"P-1", "P-2"}

    async def test_work_that_moved_is_known_under_both(self, work: Work) -> None:
        await work.enter("1", "P-1")
        await work.enter("1", "P-2")
        assert await work.projects_of("1") == {"P-1", "P-2"}

    async def test_costs_without_a_project_and_lines_that_cannot_be_read_are_on_none(
        self, work: Work
    ) -> None:
        for name, entry in (
            ("doc1", '{"items": [{"allocations": [{}]}]}'),
            ("doc2", '{"items": [{}]}'),
        ):
            await work.write(work.database, name, entry, object_name=EXPENSE_REPORT)
        await work.database.execute(
            "INSERT INTO source_line (connection, object, source_id, document_id, employee, "
            "revision, financial_hash, status, changed_at) "
            "VALUES ('harvest', 'time_entry', '1', '-', '-', 1, '', 'UNREADABLE', now())"
        )
        assert [await work.projects_of(one) for one in ("doc1", "doc2", "1")] == [set()] * 3

    async def test_many_lines_of_one_statement_are_all_known(self, work: Work) -> None:
        await work.agree(ENG_1=["P-1"])
        await work.database.execute(
            "INSERT INTO source_line (connection, object, source_id, document_id, employee, "
            "work_date, revision, financial_hash, status, entry, changed_at) "
            "SELECT 'harvest', 'time_entry', n::text, '-', '7', $1, 1, '', 'APPROVED', "
            "json_build_object('project', 'P-' || n % 3), now() FROM generate_series(1, 300) AS n",
            DAY,
        )
        row = await work.database.fetch_row("SELECT count(*) AS n FROM work_project")
        assert row is not None
        assert row["n"] == 300
        assert await work.hear() == [("ENG-1", DAY)]


async def release(work: Work, line: Any) -> str:
    """Release an invoice of one line; gives its billing event."""
    now = decided(line)
    (event,) = now.events
    async with work.database.transaction() as connection:
        period = BillingPeriod("ENG-1", "2026-10")
        await billing.release(connection, CONTRACTS, period, [event], "ana")
    return event.id
