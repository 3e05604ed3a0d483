"""`ledgerway schedules`: what happens by itself, shown and made."""

from dataclasses import replace

from temporalio.client import Schedule, ScheduleState

from runtime.configuration import Configuration
from runtime.schedules import planned, schedule_of
from tests.cli.terminal import Terminal
from tests.e2e.local_platform import LocalPlatform
from tests.e2e.running_platform import eventually

EXPECTED = {
    "poll/harvest": "PollSource",
    "reread/harvest": "RereadSource",
    "masters/harvest": "RefreshMasterData",
    "acknowledge/harvest": "AcknowledgePostings",
    "sweep/tryton": "SweepPostings",
    "sweep-everything/tryton": "SweepPostings",
}


async def test_what_is_configured_is_listed(terminal: Terminal) -> None:
    answered = await terminal.type("schedules", "list", "--json")
    assert answered.code == 0
    assert {one["id"]: one["workflow"] for one in answered.json}.items() >= EXPECTED.items()
    answered = await terminal.type("schedules", "list")
    (row,) = [line for line in answered.out.splitlines() if "sweep/tryton" in line]
    assert "0:15:00" in row


async def test_they_are_made_once_however_often_they_are_applied(
    terminal: Terminal, local: LocalPlatform
) -> None:
    for _ in range(2):
        answered = await terminal.type("schedules", "apply")
        assert (answered.code, answered.out) == (0, "The Schedules are as configured.\n")
    for schedule in EXPECTED:
        described = await local.client.get_schedule_handle(schedule).describe()
        assert described.id == schedule
        await local.client.get_schedule_handle(schedule).delete()


async def test_a_pause_stays_and_what_is_configured_no_longer_goes(
    terminal: Terminal, local: LocalPlatform
) -> None:
    await terminal.type("schedules", "apply")
    handles = {name: local.client.get_schedule_handle(name) for name in EXPECTED}
    await handles["poll/harvest"].pause(note="month-end")
    stale = planned_as("poll/harvest-old", local.platform.configuration)
    await local.client.create_schedule("poll/harvest-old", stale)
    await local.client.create_schedule("somebody-else", stale)
    try:

        async def gone() -> bool:
            await terminal.type("schedules", "apply")
            listed = {one.id async for one in await local.client.list_schedules()}
            return "poll/harvest-old" not in listed and "somebody-else" in listed

        # A list of Schedules lags behind.
        await eventually(gone)
        assert (await handles["poll/harvest"].describe()).schedule.state.paused
    finally:
        for handle in (*handles.values(), local.client.get_schedule_handle("somebody-else")):
            await handle.delete()


def planned_as(name: str, configuration: Configuration) -> Schedule:
    """A Schedule like those of ours, paused, so that it starts nothing."""
    source = next(one for one in planned(configuration) if one.id == "poll/harvest")
    made = schedule_of(replace(source, id=name))
    return replace(made, state=ScheduleState(paused=True))
