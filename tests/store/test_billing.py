"""What is billed: written down once, never rewritten, and standing for as long as it is issued."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from canonical.billing import BillingEvent, Exclusion, WriteDown
from canonical.billing_period import BillingPeriod
from canonical.posting import PostingKind
from canonical.rejection import Rejection
from canonical.source_line import BILLING_EVENT
from rules.billing_credit import write_off
from rules.invoice_readiness import Readiness
from store import billing, billing_decisions, case_lines, documents, readiness
from store.billing_decisions import MadeDecision
from tests.store.corner import WHO, Corner, S, until_waiting_for
from tests.unit.billing_building import decided, engagement, euro, hours, key

PERIOD = BillingPeriod("ENG-1", "2026-10")
LATER = BillingPeriod("ENG-1", "2026-11")


async def release(corner: Corner, *events: BillingEvent, by: str = "ana") -> None:
    async with corner.database.transaction() as connection:
        await billing.release(connection, corner.source, PERIOD, events, by)


async def standing(corner: Corner) -> list[tuple[str, str, Decimal]]:
    """What counts as billed: the kind, the work and the amount of each part."""
    async with corner.database.connection() as connection:
        found = await billing.allocations_of(connection, corner.source, "ENG-1")
    return [(one.kind, one.work.key, one.amount.amount) for one in found]


async def line_of(corner: Corner, event: BillingEvent) -> tuple[int, str, str]:
    """Its revision, status, and who released it."""
    row = await corner.database.fetch_row(
        "SELECT revision, status, employee FROM source_line WHERE connection = $1 "
        "AND object = $2 AND source_id = $3",
        *(corner.source, BILLING_EVENT, event.id),
    )
    assert row is not None
    return row["revision"], row["status"], row["employee"]


@pytest.fixture
def now() -> Readiness:
    """Two hours and three, ready as one invoice of 500.00."""
    return decided(hours("1", 5, 2), hours("2", 6, 3))


@pytest.fixture
def event(now: Readiness) -> BillingEvent:
    """That invoice."""
    (event,) = now.events
    return event


BOTH = [("billed", key("1"), Decimal("200.00")), ("billed", key("2"), Decimal("300.00"))]


class TestRelease:
    async def test_what_is_released_stands_with_all_its_work(
        self, corner: Corner, event: BillingEvent
    ) -> None:
        await release(corner, event)
        assert await standing(corner) == BOTH
        assert await line_of(corner, event) == (1, "APPROVED", "ana")

    async def test_its_month_has_news_of_it(self, corner: Corner, event: BillingEvent) -> None:
        await release(corner, event)
        async with corner.database.connection() as connection:
            (owed,) = await documents.undispatched(connection, corner.source, 10)
        assert (owed.kind, owed.document_id, owed.starts_on) == (
            *("billing", "ENG-1/2026-10", date(2026, 10, 1)),
        )

    async def test_released_again_it_is_there_once(
        self, corner: Corner, event: BillingEvent
    ) -> None:
        await release(corner, event)
        await release(corner, event, by="bo")
        assert await standing(corner) == BOTH
        assert await line_of(corner, event) == (1, "APPROVED", "ana")

    async def test_another_source_bills_for_itself(
        self, corner: Corner, event: BillingEvent
    ) -> None:
        await release(corner, event)
        other = replace(corner, number=corner.number + 1_000_000)
        assert await standing(other) == []
        await release(other, event)
        assert await standing(other) == BOTH

    async def test_one_at_a_time_decides_on_an_engagement(self, corner: Corner) -> None:
        order = []

        async def second() -> None:
            async with corner.database.transaction() as connection:
                await billing.hold(connection, corner.source, "ENG-1")
                order.append("second")

        async with corner.database.transaction() as connection:
            await billing.hold(connection, corner.source, "ENG-1")
            waits = asyncio.create_task(second())
            await until_waiting_for(corner, "pg_advisory_xact_lock")
            order.append("first")
        await waits
        assert order == ["first", "second"]

    async def test_one_at_a_time_decides_on_engagements_that_share_a_project(
        self, corner: Corner
    ) -> None:
        shares = f"P-{corner.number}"
        for source, name in ((corner.source, "ENG-1"), (corner.target, "ENG-2")):
            await corner.database.execute(
                "INSERT INTO engagement_project (connection, engagement, project) "
                "VALUES ($1, $2, $3)",
                *(source, name, shares),
            )
        order = []

        async def second() -> None:
            async with corner.database.transaction() as connection:
                await billing.hold(connection, corner.target, "ENG-2")
                order.append("second")

        async with corner.database.transaction() as connection:
            await billing.hold(connection, corner.source, "ENG-1")
            waits = asyncio.create_task(second())
            await until_waiting_for(corner, "billed work of")
            order.append("first")
        await waits
        assert order == ["first", "second"]


async def reject(corner: Corner, case: UUID) -> None:
    async with corner.database.transaction() as connection:
        said = Rejection(code="R-1", message="The customer is not known.")
        await case_lines.reject(connection, case, WHO, [corner.source], said.model_dump_json())


async def waive(corner: Corner, case: UUID) -> None:
    async with corner.database.transaction() as connection:
        await case_lines.waive(connection, case, WHO)


class TestSentBack:
    """An invoice that a person rejects or waives never was: its work is open again."""

    @pytest.mark.parametrize("send_back", [reject, waive])
    async def test_what_is_sent_back_is_not_billed_and_may_be_released_anew(
        self,
        corner: Corner,
        event: BillingEvent,
        send_back: Callable[[Corner, UUID], Awaitable[None]],
    ) -> None:
        await release(corner, event)
        case = await corner.case()
        await self._stop(corner, event, case, 1)
        assert await standing(corner) == BOTH
        await send_back(corner, case)
        assert await standing(corner) == []

        await release(corner, event, by="bo")
        assert await line_of(corner, event) == (2, "APPROVED", "bo")
        assert await standing(corner) == BOTH
        # Written down once, however often it is released.
        rows = await corner.database.fetch(
            "SELECT 1 FROM billing_allocation WHERE connection = $1", corner.source
        )
        assert len(rows) == 2

        again = await corner.case("P-2")
        await self._stop(corner, event, again, 2)
        await send_back(corner, again)
        assert await standing(corner) == []

    @pytest.mark.parametrize("state", [S.EXCEPTION, S.POSTED, S.REVERSED])
    async def test_whatever_else_becomes_of_it_it_stands(
        self, corner: Corner, event: BillingEvent, state: S
    ) -> None:
        await release(corner, event)
        if state is S.EXCEPTION:
            await self._stop(corner, event, await corner.case(), 1)
        else:
            posted = await corner.posted(event.id, kind=PostingKind.INVOICE, object=BILLING_EVENT)
            if state is S.REVERSED:
                await corner.set(posted, state="REVERSED")
        assert await standing(corner) == BOTH

    async def test_an_event_that_waits_released_anew_is_not_raised(
        self, corner: Corner, event: BillingEvent
    ) -> None:
        await release(corner, event)
        await self._stop(corner, event, await corner.case(), 1)
        await release(corner, event, by="bo")
        assert await line_of(corner, event) == (1, "APPROVED", "ana")

    @staticmethod
    async def _stop(corner: Corner, event: BillingEvent, case: UUID, revision: int) -> None:
        await corner.stopped(
            event.id, case, kind=PostingKind.INVOICE, object=BILLING_EVENT, revision=revision
        )


class TestGivenUp:
    async def test_what_is_written_off_stands_without_any_invoice(
        self, corner: Corner, now: Readiness
    ) -> None:
        off = [
            write_off(one, on=date(2026, 10, 31), reason="too long ago", approver="bo")
            for one in now.pieces[:1]
        ]
        for _ in range(2):
            async with corner.database.transaction() as connection:
                await billing.write_off(
                    connection, corner.source, engagement(), "written_off/1", off
                )
        assert await standing(corner) == [("written_off", key("1"), Decimal("200.00"))]


class TestForEver:
    """What was decided and billed is evidence: nothing of it is ever rewritten."""

    @pytest.fixture
    async def kept(self, corner: Corner, now: Readiness, event: BillingEvent) -> None:
        """A row in each table."""
        lower = WriteDown(
            id="W-1",
            contract_line="L-1",
            amount=euro(10),
            requested_by="ana",
            approver="bo",
            reason="agreed",
        )
        await release(corner, event)
        async with corner.database.transaction() as connection:
            await billing_decisions.add_write_down(connection, corner.source, "ENG-1", lower)
            await billing_decisions.note_release(connection, corner.source, PERIOD, "h", "ana")
            await billing_decisions.keep_decision(
                connection, corner.source, PERIOD, made(corner.source)
            )
            await readiness.save(connection, corner.source, PERIOD, now.snapshot, now.pieces)

    @pytest.mark.usefixtures("kept")
    @pytest.mark.parametrize(
        "table",
        [
            "billing_allocation",
            "billing_write_down",
            "billing_release",
            "billing_decision",
            "readiness_snapshot",
        ],
    )
    async def test_no_row_is_changed_or_taken_away(self, corner: Corner, table: str) -> None:
        row = await corner.database.fetch_row(
            f"SELECT count(*) AS n FROM {table} WHERE connection = $1", corner.source
        )
        assert row is not None
        assert row["n"] >= 1
        for statement in (
            f"UPDATE {table} SET engagement = engagement WHERE connection = '{corner.source}'",
            f"DELETE FROM {table} WHERE connection = '{corner.source}'",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(asyncpg.CheckViolationError, match="never removed or rewritten"):
                await corner.database.execute(statement)


def made(name: str, answer: str = '{"done": true}') -> MadeDecision:
    return MadeDecision(name, "release", "ana", "{}", answer)


class TestDecisions:
    async def test_a_decision_that_is_repeated_is_answered_as_before(self, corner: Corner) -> None:
        name = f"{corner.source}/1"
        async with corner.database.transaction() as connection:
            assert await billing_decisions.answer_to(connection, name) is None
            await billing_decisions.keep_decision(connection, corner.source, PERIOD, made(name))
        async with corner.database.transaction() as connection:
            assert await billing_decisions.answer_to(connection, name) == '{"done": true}'

    async def test_one_decision_has_one_answer(self, corner: Corner) -> None:
        name = f"{corner.source}/1"
        async with corner.database.transaction() as connection:
            await billing_decisions.keep_decision(connection, corner.source, PERIOD, made(name))
        with pytest.raises(asyncpg.UniqueViolationError):
            async with corner.database.transaction() as connection:
                await billing_decisions.keep_decision(
                    connection, corner.source, PERIOD, made(name, '{"done": false}')
                )

    async def test_people_who_let_a_snapshot_go_are_counted_once_each(self, corner: Corner) -> None:
        async with corner.database.transaction() as connection:
            noted = [
                await billing_decisions.note_release(
                    connection, corner.source, PERIOD, snapshot, by
                )
                for snapshot, by in (("h1", "ana"), ("h1", "ana"), ("h2", "bo"), ("h1", "bo"))
            ]
        assert noted == [("ana",), ("ana",), ("bo",), ("ana", "bo")]

    async def test_of_what_is_left_out_the_newest_word_counts(self, corner: Corner) -> None:
        source = corner.source
        later = Exclusion(work_key=key("1"), by="ana", reason="next month")
        other = Exclusion(work_key=key("1"), by="bo", reason="the month after")
        async with corner.database.transaction() as connection:
            for said in (later, other):
                await billing_decisions.exclude(connection, source, PERIOD, said)
            assert await billing_decisions.exclusions_of(connection, source, PERIOD) == (other,)
            assert await billing_decisions.exclusions_of(connection, source, LATER) == ()
            lifted = [
                await billing_decisions.include(connection, source, PERIOD, key("1"), "cy")
                for _ in range(2)
            ]
            assert lifted == [True, False]
            assert await billing_decisions.exclusions_of(connection, source, PERIOD) == ()
            await billing_decisions.exclude(connection, source, PERIOD, later)
            assert await billing_decisions.exclusions_of(connection, source, PERIOD) == (later,)


class TestReadiness:
    async def save(self, corner: Corner, now: Readiness) -> bool:
        async with corner.database.transaction() as connection:
            return await readiness.save(connection, corner.source, PERIOD, now.snapshot, now.pieces)

    async def hashes(self, corner: Corner) -> set[str]:
        rows = await corner.database.fetch(
            "SELECT hash FROM readiness_snapshot WHERE connection = $1", corner.source
        )
        return {row["hash"] for row in rows}

    async def pieces(self, corner: Corner) -> list[str]:
        async with corner.database.connection() as connection:
            found = await readiness.pieces_of(connection, corner.source, PERIOD)
        return [one.work_key for one in found]

    async def test_the_newest_decision_replaces_the_one_before(
        self, corner: Corner, now: Readiness
    ) -> None:
        assert await self.save(corner, now)
        assert not await self.save(corner, now)
        assert await self.pieces(corner) == [key("1"), key("2")]
        assert await self.save(corner, decided(hours("2", 6, 3)))
        assert await self.pieces(corner) == [key("2")]

    async def test_every_snapshot_that_could_be_released_is_kept(
        self, corner: Corner, now: Readiness
    ) -> None:
        blocked = decided(hours("1", 5), rate_cards=())
        nothing = decided()
        for one in (now, blocked, nothing, now):
            await self.save(corner, one)
        assert not blocked.ready
        assert nothing.ready
        assert await self.hashes(corner) == {now.snapshot.hash}

    async def test_what_is_forgotten_is_open_nowhere_and_its_evidence_stays(
        self, corner: Corner, now: Readiness
    ) -> None:
        await self.save(corner, now)
        async with corner.database.transaction() as connection:
            await readiness.forget(connection, corner.source, PERIOD)
            assert await readiness.pieces_of(connection, corner.source, PERIOD) == []
        assert await self.hashes(corner) == {now.snapshot.hash}


class TestPeriods:
    async def test_an_engagement_whose_name_begins_another_ones_has_its_own_months(
        self, corner: Corner
    ) -> None:
        told = [
            BillingPeriod(name, month)
            for name in ("ENG-1", "ENG-10", "ENG-1/A")
            for month in ("2026-09", "2026-10", "2026-11")
        ]
        async with corner.database.transaction() as connection:
            await billing.tell(connection, corner.source, told)
            found = {
                name: await billing.periods_since(
                    connection, corner.source, name, date(2026, 10, 20)
                )
                for name in ("ENG-1", "ENG-1/A", "ENG-2")
            }
        assert found == {
            "ENG-1": [BillingPeriod("ENG-1", "2026-10"), BillingPeriod("ENG-1", "2026-11")],
            "ENG-1/A": [BillingPeriod("ENG-1/A", "2026-10"), BillingPeriod("ENG-1/A", "2026-11")],
            "ENG-2": [],
        }


class TestToldAtMostEveryTenSeconds:
    """An engagement hears of its work no more often; timesheets and reports hear at once."""

    async def owed(self, corner: Corner) -> list[str]:
        async with corner.database.connection() as connection:
            found = await documents.undispatched(connection, corner.source, 10)
        return [one.document_id for one in found]

    async def tell(self, corner: Corner, kind: str, name: str) -> None:
        news = documents.DocumentNews(corner.source, kind, name, "-", date(2026, 10, 1))
        async with corner.database.transaction() as connection:
            await documents.tell(connection, [news])

    async def dispatch(self, corner: Corner, kind: str, name: str, seq: int) -> None:
        async with corner.database.transaction() as connection:
            await documents.dispatched(connection, corner.source, [(kind, name, seq)])

    async def told_ago(self, corner: Corner, seconds: int) -> None:
        """Let it have been told so long ago; below nothing is in the future, and stays too new."""
        await corner.database.execute(
            "UPDATE document SET told_at = clock_timestamp() - make_interval(secs => $2) "
            "WHERE connection = $1",
            *(corner.source, seconds),
        )

    @pytest.mark.parametrize("kind", ["timesheet", "expense_report"])
    async def test_others_hear_at_once(self, corner: Corner, kind: str) -> None:
        await self.tell(corner, kind, "doc")
        await self.dispatch(corner, kind, "doc", 1)
        await self.tell(corner, kind, "doc")
        await self.told_ago(corner, -60)
        assert await self.owed(corner) == ["doc"]

    async def test_a_month_that_was_never_told_hears_at_once(self, corner: Corner) -> None:
        await self.tell(corner, "billing", "ENG-1/2026-10")
        assert await self.owed(corner) == ["ENG-1/2026-10"]

    async def test_a_month_that_was_told_just_now_waits_and_then_hears_of_all_of_it(
        self, corner: Corner
    ) -> None:
        await self.tell(corner, "billing", "ENG-1/2026-10")
        await self.dispatch(corner, "billing", "ENG-1/2026-10", 1)
        for _ in range(3):
            await self.tell(corner, "billing", "ENG-1/2026-10")
        await self.told_ago(corner, -60)
        assert await self.owed(corner) == []
        await self.told_ago(corner, documents.BILLING_TOLD_EVERY_SECONDS)
        async with corner.database.connection() as connection:
            (owed,) = await documents.undispatched(connection, corner.source, 10)
        assert owed.news_seq == 4

    async def test_what_was_told_is_stamped(self, corner: Corner) -> None:
        """Else nothing would ever wait."""
        await self.tell(corner, "billing", "ENG-1/2026-10")
        await self.dispatch(corner, "billing", "ENG-1/2026-10", 1)
        row = await corner.database.fetch_row(
            "SELECT told_at BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() "
            "AS stamped FROM document WHERE connection = $1",
            corner.source,
        )
        assert row is not None
        assert row["stamped"] is True
