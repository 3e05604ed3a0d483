"""Corrections: what a change at the source does to what was posted, is being posted, or waits."""

import asyncio

import pytest

from connectors.tryton.simulated_faults import Fault
from tests.e2e.erp_desk import hours
from tests.e2e.local_platform import LocalPlatform

TAKEN_BACK = ["time REVERSED", "undo POSTED"]
REPLACED = [*TAKEN_BACK, "time POSTED"]


async def test_changed_hours_are_taken_back_and_replaced_once(local: LocalPlatform) -> None:
    entry, other = local.staff.enter(hours="2"), local.staff.enter(on=1, hours="4")
    await local.poll()
    local.staff.change(entry, hours="3.5")
    await local.poll()
    await local.poll()
    assert local.erp.hours_of(entry, other) == hours("3.5", "4")
    assert await local.states_of(entry) == REPLACED
    assert local.erp.writes == 3
    (linked,) = await local.rows(
        "SELECT undo.corrects = work.key AND again.waits_for = undo.key AS linked "
        "FROM posting work, posting undo, posting again "
        "WHERE work.state = 'REVERSED' AND undo.kind = 'undo' AND again.revision = 2"
    )
    assert linked["linked"]


async def test_a_withdrawn_approval_is_taken_back(local: LocalPlatform) -> None:
    entry, other = local.staff.enter(), local.staff.enter(on=1)
    await local.poll()
    local.staff.withdraw(entry)
    await local.poll()
    assert local.erp.hours_of(entry) == []
    assert local.erp.hours_of(other) == hours("2")
    assert await local.states_of(entry) == TAKEN_BACK


async def test_a_deleted_entry_is_found_by_reading_again_and_taken_back(
    local: LocalPlatform,
) -> None:
    entry, other = local.staff.enter(), local.staff.enter(on=1)
    await local.poll()
    local.staff.delete(entry)
    await local.poll()
    assert local.erp.hours_of(entry) == hours("2")
    await local.reread()
    assert local.erp.hours_of(entry) == []
    assert local.erp.hours_of(other) == hours("2")


async def test_approved_again_without_a_change_it_is_posted_under_a_new_key(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    (first,) = local.erp.references()
    local.staff.withdraw(entry)
    await local.poll()
    local.staff.approve(entry)
    await local.poll()
    (second,) = local.erp.references()
    assert second != first
    assert await local.states_of(entry) == REPLACED


async def test_an_approval_that_was_withdrawn_and_given_again_between_two_polls_is_nothing_new(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.staff.withdraw(entry)
    local.staff.approve(entry)
    await local.poll()
    assert await local.states_of(entry) == ["time POSTED"]
    assert local.erp.writes == 1


async def test_a_changed_note_or_rate_is_no_correction(local: LocalPlatform) -> None:
    entry = local.staff.enter()
    await local.poll()
    (reference,) = local.erp.references()
    local.staff.change(entry, notes="private, in better words", billable_rate="999")
    await local.poll()
    assert local.erp.references() == [reference]
    assert local.erp.writes == 1


async def test_what_is_withdrawn_before_it_was_sent_is_cancelled_without_asking_the_erp(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.intake()
    await local.prepare(entry)
    local.staff.withdraw(entry)
    await local.intake()
    await local.prepare(entry)
    assert await local.states_of(entry) == ["time CANCELLED"]
    await local.poll()
    assert local.erp.writes == 0


async def test_what_changes_before_it_was_sent_is_superseded_without_asking_the_erp(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.intake()
    await local.prepare(entry)
    local.staff.change(entry, hours="5")
    await local.poll()
    assert await local.states_of(entry) == ["time SUPERSEDED", "time POSTED"]
    assert local.erp.hours_of(entry) == hours("5")
    assert local.erp.writes == 1


async def test_of_two_quick_changes_the_erp_shows_the_last(local: LocalPlatform) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.systems.simulated_erp.latency_seconds = 0.02
    for changed in ("3", "4", "5"):
        local.staff.change(entry, hours=changed)
        await local.read()
    await local.settled()
    assert local.erp.hours_of(entry) == hours("5")


async def test_a_change_back_is_a_change_too(local: LocalPlatform) -> None:
    entry = local.staff.enter(hours="2")
    await local.poll()
    for changed in ("3", "2"):
        local.staff.change(entry, hours=changed)
        await local.poll()
    assert local.erp.hours_of(entry) == hours("2")
    assert await local.states_of(entry) == [*TAKEN_BACK, *TAKEN_BACK, "time POSTED"]


async def test_a_change_while_the_erp_thinks_is_corrected_once_it_has_answered(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter(hours="2")
    await _held(local)
    local.staff.change(entry, hours="3")
    await local.read()
    await local.release_erp()
    await local.settled()
    assert local.erp.hours_of(entry) == hours("3")
    assert await local.states_of(entry) == REPLACED


async def test_a_withdrawal_while_the_erp_thinks_is_taken_back_once_it_has_answered(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await _held(local)
    local.staff.withdraw(entry)
    await local.read()
    await local.release_erp()
    await local.settled()
    assert local.erp.hours_of(entry) == []
    assert await local.states_of(entry) == TAKEN_BACK


async def _held(local: LocalPlatform) -> None:
    """Let the ERP book what is sent next, and hold its answer back."""
    local.systems.simulated_erp.faults.seconds = 30
    local.systems.simulated_erp.faults.plan([Fault.HANG])
    await local.read()
    await local.until("SELECT state = 'SENDING' FROM posting")


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [
        # Never booked: the first version is not sent again, only the second.
        (Fault.ERROR_BEFORE, ["time SUPERSEDED", "time POSTED"]),
        (Fault.LOST_ANSWER, REPLACED),
    ],
)
async def test_a_change_that_meets_an_unanswered_line_waits_until_that_is_settled(
    local: LocalPlatform, fault: Fault, becomes: list[str]
) -> None:
    entry = local.staff.enter(hours="2")
    await _unanswered(local, fault)
    local.staff.change(entry, hours="3")
    await local.read()
    await local.until("SELECT next_revision = 2 FROM posting")
    await local.quiet_time_passes(entry)
    await local.settled()
    assert local.erp.hours_of(entry) == hours("3")
    assert await local.states_of(entry) == becomes


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [(Fault.ERROR_BEFORE, ["time CANCELLED"]), (Fault.LOST_ANSWER, TAKEN_BACK)],
)
async def test_a_withdrawal_that_meets_an_unanswered_line_waits_until_that_is_settled(
    local: LocalPlatform, fault: Fault, becomes: list[str]
) -> None:
    entry = local.staff.enter()
    await _unanswered(local, fault)
    local.staff.withdraw(entry)
    await local.read()
    await local.until("SELECT withdrawn FROM posting")
    await local.quiet_time_passes(entry)
    await local.settled()
    assert local.erp.hours_of(entry) == []
    assert await local.states_of(entry) == becomes


async def _unanswered(local: LocalPlatform, fault: Fault) -> None:
    """Send what is there and get no answer; what was sent is not looked up before there is news."""
    local.systems.simulated_erp.faults.plan([fault])
    local.systems.simulated_erp.latency_seconds = 0.2
    await local.read()
    await local.until("SELECT unknown_since IS NOT NULL FROM posting")
    local.systems.simulated_erp.latency_seconds = 0


async def test_a_line_that_moves_to_another_week_is_taken_back_there_and_posted_here(
    local: LocalPlatform,
) -> None:
    entry, stays = local.staff.enter(on=0), local.staff.enter(on=1)
    await local.poll()
    local.staff.change(entry, on=7)
    await local.poll()
    assert local.erp.place_of(entry) == ("PRJ-1001-1", local.staff.day(7))
    assert local.erp.hours_of(stays) == hours("2")
    assert await local.states_of(entry) == REPLACED


async def test_a_line_that_moves_to_another_week_while_the_erp_thinks_follows_in_the_end(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter(on=0)
    await _held(local)
    local.staff.change(entry, on=7)
    await local.read()
    await local.release_erp()
    await local.until("SELECT state = 'POSTED' FROM posting")
    await local.poll()
    assert local.erp.place_of(entry) == ("PRJ-1001-1", local.staff.day(7))
    assert await local.states_of(entry) == REPLACED


async def test_news_that_was_noted_while_sending_outlives_the_worker_that_learned_the_outcome(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.intake()
    await local.prepare(entry)
    local.systems.simulated_erp.faults.plan([Fault.LOST_ANSWER])
    await local.post(entry)
    local.staff.withdraw(entry)
    await local.intake()
    await local.prepare(entry)
    await local.platform.database.execute(
        "UPDATE document SET dispatched_seq = news_seq; "
        "UPDATE posting SET sent_at = sent_at - interval '1 hour'"
    )
    # What this comes to reaches nobody: the worker is gone before it can tell.
    await local.post(entry)
    assert await local.states_of(entry) == ["time POSTED"]
    await local.poll()
    assert local.erp.hours_of(entry) == []


async def test_a_change_to_where_nothing_can_be_booked_is_taken_back_and_waits(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.staff.change(entry, project="PRJ-1006")
    await local.poll()
    assert local.erp.hours_of(entry) == []
    assert await local.states_of(entry) == [*TAKEN_BACK, "time EXCEPTION"]
    local.erp.reopen("PRJ-1006")
    await local.resolve(await local.case_of("closed_project"), kind="retry")
    assert local.erp.place_of(entry)[0] == "PRJ-1006-1"


class TestOnAnInvoice:
    """What is on an invoice cannot be removed from the ERP."""

    @pytest.fixture
    async def entry(self, local: LocalPlatform) -> int:
        """A line that was posted and invoiced, and then changed."""
        entry = local.staff.enter(hours="2")
        await local.poll()
        local.erp.invoice("PRJ-1001")
        local.staff.change(entry, hours="3")
        await local.poll()
        return entry

    async def test_the_change_becomes_a_case_and_its_replacement_waits(
        self, local: LocalPlatform, entry: int
    ) -> None:
        assert local.erp.hours_of(entry) == hours("2")
        assert await local.states_of(entry) == ["time POSTED", "undo EXCEPTION", "time PENDING"]
        assert (await local.case_of("invoiced")).lines == 1

    async def test_a_retry_before_the_credit_note_says_that_nothing_went(
        self, local: LocalPlatform, entry: int
    ) -> None:
        async with asyncio.timeout(20):
            outcome = await local.resolve(await local.case_of("invoiced"), kind="retry")
        assert outcome.state == "OPEN"
        assert "after the customer was invoiced" in outcome.message
        assert local.erp.hours_of(entry) == hours("2")

    async def test_after_the_credit_note_a_retry_corrects_the_line(
        self, local: LocalPlatform, entry: int
    ) -> None:
        local.erp.credit("PRJ-1001")
        outcome = await local.resolve(await local.case_of("invoiced"), kind="retry")
        assert outcome.state == "RESOLVED"
        assert local.erp.hours_of(entry) == hours("3")
        assert await local.states_of(entry) == REPLACED

    async def test_a_change_that_is_waived_leaves_the_line_as_it_was_invoiced(
        self, local: LocalPlatform, entry: int
    ) -> None:
        case = await local.case_of("invoiced")
        await local.resolve(case, kind="waive", reason="agreed with the customer")
        await local.closed(case)
        await local.backfill()
        assert local.erp.hours_of(entry) == hours("2")
        assert await local.states_of(entry) == ["time POSTED", "undo WAIVED", "time WAIVED"]
        assert await local.cases() == []

    async def test_a_further_change_asks_again(self, local: LocalPlatform, entry: int) -> None:
        first = await local.case_of("invoiced")
        await local.resolve(first, kind="waive", reason="agreed with the customer")
        local.erp.credit("PRJ-1001")
        local.staff.change(entry, hours="4")
        await local.poll()
        assert local.erp.hours_of(entry) == hours("4")
        assert await local.cases() == []

    async def test_a_change_of_the_case_s_line_does_not_open_a_second_one(
        self, local: LocalPlatform, entry: int
    ) -> None:
        local.staff.change(entry, hours="4")
        await local.poll()
        assert (await local.case_of("invoiced")).lines == 1
        local.erp.credit("PRJ-1001")
        await local.resolve(await local.case_of("invoiced"), kind="retry")
        assert local.erp.hours_of(entry) == hours("4")


class TestInClosedPeriods:
    """DE01 posts to the next open period, US01 holds."""

    async def test_late_work_counts_in_the_next_open_period_without_a_case(
        self, local: LocalPlatform
    ) -> None:
        late = local.firm.month.before().last_day
        entry = local.staff.enter(on=late)
        await local.poll()
        assert local.erp.place_of(entry)[1] == late
        assert await local.cases() == []
        (row,) = await local.rows(
            "SELECT period, posting_date, original_date, "
            "intent::jsonb #>> '{period,prior_period}' AS prior FROM posting"
        )
        month = local.firm.month
        assert tuple(row) == (month.name, month.first_day, late, "true")

    async def test_a_correction_after_the_close_counts_in_the_next_open_period(
        self, local: LocalPlatform
    ) -> None:
        entry = local.staff.enter(hours="2")
        await local.poll()
        local.erp.set_period("DE01", local.firm.month.name, "closed")
        await local.refresh()
        local.staff.change(entry, hours="3")
        await local.poll()
        assert local.erp.hours_of(entry) == hours("3")
        rows = await local.rows("SELECT kind, revision, period FROM posting")
        this, following = local.firm.month.name, local.firm.month.next().name
        assert {(row["kind"], row["revision"]): row["period"] for row in rows} == {
            ("time", 1): this,
            ("undo", 1): following,
            ("time", 2): following,
        }

    async def test_a_correction_after_a_held_close_waits_for_a_person_as_a_whole(
        self, local: LocalPlatform
    ) -> None:
        entry = local.staff.enter("Grace Whitfield", "PRJ-1008", hours="2")
        await local.poll()
        local.erp.set_period("US01", local.firm.month.name, "closed")
        await local.refresh()
        local.staff.change(entry, hours="3")
        await local.poll()
        assert local.erp.hours_of(entry) == hours("2")
        case = await local.case_of("closed_period")
        assert case.lines == 2
        following = local.firm.month.next().name
        outcome = await local.resolve(case, kind="post_to_period", period=following)
        assert outcome.state == "RESOLVED"
        assert local.erp.hours_of(entry) == hours("3")
        assert await local.states_of(entry) == REPLACED

    async def test_work_that_moves_out_of_a_held_period_is_taken_back_where_a_person_says(
        self, local: LocalPlatform
    ) -> None:
        entry = local.staff.enter("Grace Whitfield", "PRJ-1008")
        await local.poll()
        local.erp.set_period("US01", local.firm.month.name, "closed")
        await local.refresh()
        moved = local.firm.month.next().first_day
        local.staff.change(entry, on=moved)
        await local.poll()
        assert await local.states_of(entry) == ["time POSTED", "undo EXCEPTION", "time PENDING"]
        case = await local.case_of("closed_period")
        following = local.firm.month.next().name
        outcome = await local.resolve(case, kind="post_to_period", period=following)
        assert outcome.state == "RESOLVED"
        assert local.erp.place_of(entry)[1] == moved


async def test_everything_that_is_withdrawn_and_given_again_ends_as_it_began(
    local: LocalPlatform,
) -> None:
    entries = [local.staff.enter(on=day % 5, hours=f"1.{day}") for day in range(8)]
    await local.poll()
    before = local.erp.hours_of(*entries)
    local.staff.withdraw(*entries)
    await local.poll()
    assert local.erp.lines == []
    local.staff.approve(*entries)
    await local.poll()
    assert local.erp.hours_of(*entries) == before
    # One write each: to post, to take back, to post.
    assert local.erp.writes == 3
