"""What is left over is tried again with growing delay, and at once when there is news."""

import asyncio

import httpx
from temporalio.client import WorkflowUpdateStage

from canonical.messages import Posted
from connectors.tryton.simulated_faults import Fault
from tests.e2e.erp_desk import hours
from tests.workflows.conftest import Ahead
from workflows.asking_again import AskingAgain
from workflows.policies import ASK_AGAIN_MAX

CLOSED = "PRJ-1006"


class Outage:
    """Nothing that is sent reaches the ERP until it is over; reading goes on."""

    def __init__(self, ahead: Ahead) -> None:
        self.on = True
        self.refused = 0
        ahead.local.systems.wire.before_write = self._refuse

    def _refuse(self, _write: int) -> None:
        if self.on:
            self.refused += 1
            raise httpx.ConnectError("nobody listens")


def growing(tries: int) -> list[float]:
    """The delays of so many tries in a row; there are enough of them to reach the limit."""
    delays = [2.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
    assert tries > len(delays)
    return delays + [ASK_AGAIN_MAX.total_seconds()] * (tries - len(delays))


def guess(seconds: int = 1, *, posted: int = 0) -> Posted:
    """A try that left something over, with a guess of when to come back."""
    return Posted(again_in_seconds=seconds, posted=posted)


def delays(*tries: Posted) -> list[float | None]:
    """How long is waited after each of some tries in a row."""
    asking_again = AskingAgain()
    waits = [asking_again.after(one) for one in tries]
    return [None if one is None else one.total_seconds() for one in waits]


def test_delays_double_up_to_a_limit_and_are_never_shorter_than_the_guess() -> None:
    assert delays(*[guess(2)] * 12) == [2, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert delays(*[guess()] * 2000)[-1] == 300


def test_delays_begin_anew_once_something_was_posted_or_nothing_is_left() -> None:
    assert delays(guess(), guess(), guess(posted=1), guess()) == [1, 2, 1, 2]
    assert delays(guess(), guess(), Posted(), guess()) == [1, 2, None, 1]


def test_a_time_that_was_said_is_kept_however_many_tries_came_to_nothing() -> None:
    said = Posted(again_in_seconds=31, again_exactly=True)
    assert delays(*[guess()] * 8, said, said)[-2:] == [31, 31]
    # Nobody waits for hours without a look: the vendor's pause is kept by its budget.
    assert delays(Posted(again_in_seconds=3600, again_exactly=True)) == [300]


async def test_an_outage_of_hours_costs_a_handful_of_tries_and_each_line_is_posted_once(
    ahead: Ahead,
) -> None:
    local = ahead.local
    outage = Outage(ahead)
    entry = local.staff.enter()
    await local.read()
    await ahead.pass_(hours=3)
    sheet = local.timesheet_workflow(local.staff.timesheet_of(entry))
    timers = await ahead.timers_of(sheet)
    assert timers == growing(len(timers))
    # Eight to reach the limit, then one in five minutes.
    assert len(timers) <= 8 + 3 * 60 / 5 + 1
    outage.on = False
    await ahead.pass_(minutes=6)
    await local.settled()
    assert local.erp.hours_of(entry) == hours("2")
    assert local.erp.writes == 1


async def test_news_ends_the_waiting_and_the_delay_begins_anew(ahead: Ahead) -> None:
    local = ahead.local
    outage = Outage(ahead)
    entry = local.staff.enter()
    await local.read()
    await ahead.pass_(hours=1)
    refused = outage.refused
    another = local.staff.enter(on=1)
    await local.read()
    await local.until("SELECT count(*) = 2 FROM posting WHERE unknown_since IS NULL")
    await ahead.pass_(seconds=10)
    # At once, and after two and four seconds.
    assert outage.refused >= refused + 3
    outage.on = False
    await ahead.pass_(minutes=6)
    await local.settled()
    assert local.erp.hours_of(entry, another) == hours("2", "2")


async def test_a_case_asks_with_growing_delay_about_the_line_that_it_tries(ahead: Ahead) -> None:
    local = ahead.local
    entry = local.staff.enter(project=CLOSED)
    await local.poll()
    case = await local.case_of("closed_project")
    await local.visible(case)
    local.erp.reopen(CLOSED)
    outage = Outage(ahead)
    handle = await local.case_workflow(case).start_update(
        "resolve_exception",
        {"kind": "retry", "by": "ana"},
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
    )
    before = len(await ahead.timers_of(local.case_workflow(case)))
    await ahead.pass_(hours=1)
    timers = (await ahead.timers_of(local.case_workflow(case)))[before:]
    assert timers == growing(len(timers))
    outage.on = False
    await ahead.pass_(minutes=6)
    assert (await handle.result())["state"] == "RESOLVED"
    await local.settled()
    assert local.erp.hours_of(entry) == hours("2")


async def test_an_answer_that_stays_away_is_asked_for_and_nothing_is_sent_blindly(
    ahead: Ahead,
) -> None:
    local = ahead.local
    local.systems.simulated_erp.faults.plan([Fault.LOST_ANSWER])
    entry = local.staff.enter()
    await local.read()
    await local.until("SELECT unknown_since IS NOT NULL FROM posting")
    assert local.erp.hours_of(entry) == hours("2")
    await ahead.pass_(seconds=3)
    await local.settled()
    assert await local.states_of(entry) == ["time POSTED"]
    assert local.erp.writes == 1


async def test_a_pause_that_the_erp_asks_for_is_kept_and_does_not_grow(ahead: Ahead) -> None:
    local = ahead.local
    local.systems.simulated_erp.faults.plan([Fault.THROTTLED] * 5)
    entry = local.staff.enter()
    await local.read()
    async with asyncio.timeout(30):
        # The pause is kept by our own clock, so that this asks more often than the ERP said.
        while local.erp.lines == []:
            await ahead.pass_(seconds=2)
            await asyncio.sleep(0.1)
    await local.settled()
    assert local.erp.hours_of(entry) == hours("2")
    sheet = local.timesheet_workflow(local.staff.timesheet_of(entry))
    assert set(await ahead.timers_of(sheet)) == {1.0}
