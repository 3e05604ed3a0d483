"""Trouble at the ERP: whatever becomes of a write or its answer, each line is booked once."""

import pytest

from connectors.tryton.simulated_faults import Fault
from store import case_lines
from tests.e2e.erp_desk import hours
from tests.e2e.local_platform import LocalPlatform


@pytest.mark.parametrize(
    ("fault", "writes"),
    [
        # The ERP did it: that is found out by looking, and nothing is sent again.
        (Fault.LOST_ANSWER, 1),
        (Fault.UNREADABLE, 1),
        (Fault.ERROR_AFTER, 1),
        (Fault.BUSY_AFTER_COMMIT, 1),
        # It did nothing: that is found out as well, and the lines are sent again.
        (Fault.ERROR_BEFORE, 2),
        (Fault.BUSY, 2),
        (Fault.SESSION_GONE, 2),
    ],
)
async def test_a_write_that_goes_wrong_books_each_line_once(
    local: LocalPlatform, fault: Fault, writes: int
) -> None:
    entries = [local.staff.enter(on=day, hours="7.75") for day in range(3)]
    local.systems.simulated_erp.faults.plan([fault])
    await local.poll()
    assert local.systems.simulated_erp.faults.fired == {fault: 1}
    assert local.erp.hours_of(*entries) == hours("7.75", "7.75", "7.75")
    assert local.erp.writes == writes
    assert await local.cases() == []


async def test_trouble_with_one_timesheet_leaves_no_trace_in_the_others(
    local: LocalPlatform,
) -> None:
    people = local.firm.employees_of(local.firm.legal_entities[0])[:9]
    entries = [
        local.staff.enter(one.name, f"PRJ-100{n % 5 + 1}", "Project management")
        for n, one in enumerate(people)
    ]
    faults = local.systems.simulated_erp.faults
    faults.plan([*_BEFORE_AND_AFTER, Fault.LOST_ANSWER, Fault.ERROR_BEFORE, Fault.UNREADABLE])
    await local.poll()
    assert faults.fired.total() == 5
    assert local.erp.hours_of(*entries) == hours("2") * len(entries)
    assert len(local.erp.lines) == len(entries)


_BEFORE_AND_AFTER = (Fault.BUSY, Fault.ERROR_AFTER)


@pytest.mark.parametrize("as_date", [False, True], ids=["in seconds", "as a date"])
async def test_nothing_is_sent_before_the_time_that_a_throttling_erp_asks_for(
    local: LocalPlatform, as_date: bool
) -> None:
    local.systems.wire.retry_after_as_date = as_date
    local.systems.simulated_erp.faults.plan([Fault.THROTTLED])
    entry = local.staff.enter()
    await local.poll()
    assert local.erp.hours_of(entry) == hours("2")
    throttled, sent = local.systems.wire.writes
    assert sent - throttled >= 1


async def test_an_answer_that_comes_too_late_is_not_waited_for(local: LocalPlatform) -> None:
    local.systems.wire.answer_seconds_max = 0.2
    local.systems.simulated_erp.faults.seconds = 5
    local.systems.simulated_erp.faults.plan([Fault.HANG])
    entry = local.staff.enter()
    await local.poll()
    assert local.erp.hours_of(entry) == hours("2")
    assert local.erp.writes == 1
    await local.release_erp()


async def test_a_commit_that_comes_between_two_attempts_is_found(local: LocalPlatform) -> None:
    local.systems.wire.answer_seconds_max = 0.2
    local.systems.simulated_erp.faults.seconds = 5
    local.systems.simulated_erp.faults.plan([Fault.SLOW_COMMIT])
    entry = local.staff.enter()
    await local.read()
    await local.until("SELECT unknown_since IS NOT NULL FROM posting")
    assert local.erp.lines == []
    await local.release_erp()
    await local.settled()
    assert local.erp.hours_of(entry) == hours("2")
    assert local.erp.writes == 1


async def test_a_commit_that_the_second_attempt_overtakes_is_refused_by_the_erp(
    local: LocalPlatform,
) -> None:
    local.systems.wire.answer_seconds_max = 0.2
    local.systems.simulated_erp.faults.seconds = 30
    local.systems.simulated_erp.faults.plan([Fault.SLOW_COMMIT])
    entry = local.staff.enter()
    await local.poll()
    assert local.erp.hours_of(entry) == hours("2")
    await local.release_erp()
    await local.systems.wire.aclose()
    assert local.systems.simulated_erp.rpc.answers["ConcurrencyException"] == 1
    assert local.erp.hours_of(entry) == hours("2")


@pytest.mark.parametrize("touches", [3, 7], ids=["within one run", "beyond one run"])
async def test_a_task_that_others_keep_changing_delays_a_line_and_makes_no_case(
    local: LocalPlatform, touches: int
) -> None:
    def touch(write: int) -> None:
        if write <= touches:
            local.erp.touch("PRJ-1001", "Analysis")

    local.systems.wire.before_write = touch
    entry = local.staff.enter()
    await local.poll()
    assert local.erp.hours_of(entry) == hours("2")
    assert local.erp.writes == touches + 1
    assert await local.cases() == []


async def test_one_bad_line_of_twenty_is_stopped_and_nineteen_are_posted(
    local: LocalPlatform,
) -> None:
    good = [local.staff.enter(on=day % 5, hours=f"0.{day + 10}") for day in range(19)]
    bad = local.staff.enter(task="Implementation", on=3)
    local.erp.end_task("PRJ-1001", "Implementation", local.staff.day(2))
    await local.poll()
    assert local.erp.hours_of(bad) == []
    assert len(local.erp.hours_of(*good)) == 19
    assert await local.counts() == {"POSTED": 19, "EXCEPTION": 1}
    assert local.erp.writes <= 2 * 5 + 1
    case = await local.case_of("refused_by_erp")
    assert case.lines == 1
    async with local.platform.database.transaction() as connection:
        (line,) = await case_lines.blocked(connection, case.case_id)
    assert line.source_id == str(bad)
    assert line.said is not None
    assert "The task takes no time after its end date." in line.said
    assert "Berger" not in line.said


async def test_a_refused_line_is_posted_after_the_erp_was_mended(local: LocalPlatform) -> None:
    entry = local.staff.enter(on=3)
    local.erp.end_task("PRJ-1001", "Analysis", local.staff.day(2))
    await local.poll()
    case = await local.case_of("refused_by_erp")
    local.erp.end_task("PRJ-1001", "Analysis", None)
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "RESOLVED"
    assert local.erp.hours_of(entry) == hours("2")


@pytest.mark.parametrize("fault", [Fault.ROUNDED, Fault.SHIFTED])
async def test_what_the_erp_silently_alters_becomes_a_case(
    local: LocalPlatform, fault: Fault
) -> None:
    entry = local.staff.enter(hours="2.1")
    local.systems.simulated_erp.faults.plan([fault])
    await local.poll()
    local.erp.spoilt.update(local.erp.references())
    case = await local.case_of("altered_in_erp")
    assert case.lines == 1
    assert await local.states_of(entry) == ["time POSTED"]
    # Not mended yet: the ERP is read again, and still shows something else.
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "OPEN"
    local.erp.edit(entry, hours="2.1", on=local.staff.day(0))
    outcome = await local.resolve(await local.case_of("altered_in_erp"), kind="retry")
    assert outcome.state == "RESOLVED"
    assert local.erp.hours_of(entry) == hours("2.1")
    assert local.erp.writes == 1
    assert await local.cases() == []


async def test_a_line_that_a_killed_worker_never_read_back_is_read_back_later(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    await local.platform.database.execute("UPDATE posting SET attested_at = NULL")
    local.staff.enter(on=1)
    await local.poll()
    assert [row["attested_at"] is None for row in await local.rows("SELECT * FROM posting")] == [
        False,
        False,
    ]
    assert local.erp.hours_of(entry) == hours("2")


async def test_a_line_altered_while_its_worker_was_dead_becomes_a_case(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    await local.platform.database.execute("UPDATE posting SET attested_at = NULL")
    local.erp.edit(entry, hours="1")
    await local.reread()
    assert [case.cause for case in await local.cases()] == ["altered_in_erp"]
