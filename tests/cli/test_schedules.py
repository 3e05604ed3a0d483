"""`ledgerway schedules`: what happens by itself, shown and made."""

from tests.cli.terminal import Terminal
from tests.e2e.local_platform import LocalPlatform

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
