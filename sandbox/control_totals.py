"""Control totals: Harvest, the ledger and the ERP are each asked, and must say the same.

The ERP is asked through its administrator and Harvest through its owner; neither way shares code
with a connector.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from canonical.hours import hours_from_seconds, seconds_from_hours
from connectors.harvest.simulated_state import AccountState, SimulatedEntry
from sandbox.firm import Firm
from sandbox.platform_view import PlatformView
from sandbox.tryton.server import TrytonServer
from sandbox.world import World

_OURS: Final = re.compile(r"^(L[A-Z2-7]{20})\b")


@dataclass(frozen=True, slots=True, order=True)
class Work:
    """One line of work in words that every system shares."""

    employee: str
    project: str
    task: str
    work_date: date
    seconds: int


@dataclass(frozen=True, slots=True)
class Total:
    """What one side says."""

    lines: int
    seconds: int

    @classmethod
    def of(cls, works: Iterable[Work]) -> "Total":
        """Add up."""
        listed = list(works)
        return cls(len(listed), sum(one.seconds for one in listed))

    @property
    def hours(self) -> str:
        """In decimal hours."""
        return format(hours_from_seconds(self.seconds), "f")


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """The three sides, and what a closer look at them finds."""

    approved: int
    in_cases: int
    source: Total
    ledger: Total
    erp: Total
    duplicates: int
    # Lines that one side has and the other has not, or has otherwise.
    differences: int

    @property
    def agree(self) -> bool:
        """Source, ledger and ERP hold the same lines, each once."""
        same = self.source == self.ledger == self.erp
        return same and self.duplicates == 0 and self.differences == 0


_POSTED: Final = "SELECT seconds FROM posting WHERE kind = 'time' AND state = 'POSTED'"
_STOPPED: Final = """
    SELECT source_id FROM posting
    WHERE kind = 'time' AND state IN ('EXCEPTION', 'IN_DOUBT', 'DUPLICATE', 'WAIVED')
"""


async def control_totals(world: World, platform: PlatformView) -> ControlTotals:
    """Ask all three sides, now."""
    account = await world.harvest.account()
    approved = [one for one in account.time_entries if one.is_closed and not one.is_running]
    rows = await platform.database.fetch(_STOPPED)
    stopped = {row["source_id"] for row in rows}
    posted = await platform.database.fetch(_POSTED)
    due = works_of(account, world.firm, [one for one in approved if str(one.id) not in stopped])
    booked, duplicates = await works_in_erp(world.erp)
    difference = Counter(due)
    difference.subtract(booked)
    return ControlTotals(
        approved=len(approved),
        in_cases=sum(str(one.id) in stopped for one in approved),
        source=Total.of(due),
        ledger=Total(len(posted), sum(row["seconds"] for row in posted)),
        erp=Total.of(booked),
        duplicates=duplicates,
        differences=sum(abs(count) for count in difference.values()),
    )


def works_of(account: AccountState, firm: Firm, entries: Iterable[SimulatedEntry]) -> list[Work]:
    """What entries of Harvest say, in shared words."""
    people = {one.email: one.code for one in firm.employees}
    users = {one.id: people[one.email] for one in account.users}
    projects = {one.id: one.code or "" for one in account.projects}
    tasks = {one.id: one.name for one in account.tasks}
    return [
        Work(
            users[one.user_id],
            projects[one.project_id],
            tasks[one.task_id],
            one.spent_date,
            seconds_from_hours(one.hours),
        )
        for one in entries
    ]


async def works_in_erp(
    erp: TrytonServer, references: Collection[str] | None = None
) -> tuple[list[Work], int]:
    """Our lines in the ERP, and how many of them stand there more than once.

    Given references, only those that carry one of them.
    """
    async with erp.admin() as admin:
        lines = await admin.time_lines()
    works: list[Work] = []
    times: Counter[str] = Counter()
    for line in lines:
        found = _OURS.match(line.description)
        if found is None or (references is not None and found[1] not in references):
            continue
        times[found[1]] += 1
        works.append(
            Work(line.employee, line.project, line.task or "", line.work_date, line.seconds)
        )
    return works, sum(count - 1 for count in times.values())
