"""A source that renames a member overnight: one case for all of it, and the rest is posted."""

import json
from typing import Any

from tests.e2e.local_platform import MONTH, LocalPlatform

DRIFTED = range(8_000_001, 8_000_041)


def renamed(entry: int, day: int, employee: int) -> dict[str, Any]:
    """An approved entry whose hours are called otherwise from one day to the next."""
    return {
        "id": entry,
        "spent_date": MONTH.first_day.replace(day=day).isoformat(),
        "user": {"id": employee, "name": "Somebody"},
        **{part: {"id": 1, "name": "Something"} for part in ("client", "project", "task")},
        "worked_hours": 1.5,
        "billable": True,
        "billable_rate": None,
        "notes": None,
        "is_closed": True,
        "is_locked": True,
        "is_running": False,
        "updated_at": f"{MONTH.last_day.isoformat()}T12:00:00Z",
    }


async def test_a_renamed_member_is_one_case_and_the_rest_is_posted(local: LocalPlatform) -> None:
    good = [local.staff.enter(hours="2") for _ in range(5)]
    records = [renamed(entry, 1 + entry % 28, 1 + entry % 7) for entry in DRIFTED]
    quirks = {"poison": tuple(json.dumps(record) for record in records)}
    local.account.quirks = local.account.quirks.model_copy(update=quirks)
    await local.poll()
    [case] = await local.cases()
    assert (case.cause, case.lines) == ("unreadable_line", len(DRIFTED))
    assert case.subject == "harvest: hours: Field required"
    counts = await local.counts()
    assert counts["POSTED"] == len(good)
    assert all(len(local.erp.hours_of(entry)) == 1 for entry in good)
