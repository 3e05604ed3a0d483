"""The people of the made-up firm at their time system: they enter, approve, correct, withdraw."""

from datetime import date
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

from canonical.time_entry import week_of
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_state import AccountState, Change, Selection, SimulatedEntry
from sandbox.firm import Firm, Month, firm_of
from sandbox.month import FirmAccount
from tests.invariants.rows import SourceEntry
from tests.invariants.snapshot import source_entry

FIRST_ENTRY = 9_000_001


@cache
def empty_account(month: Month) -> AccountState:
    """The firm's Harvest account with all of its masters and not one time entry."""
    account = FirmAccount(firm_of(month), entries_a_day=(1, 1)).state()
    return account.model_copy(update={"time_entries": ()})


class Staff:
    """What people do in Harvest. Notes end with their entry's id, so the ERP's line is known."""

    def __init__(self, firm: Firm, account: HarvestAccount, first_entry: int = FIRST_ENTRY) -> None:
        self.firm = firm
        self.account = account
        self._masters = FirmAccount(firm)
        self._people = {one.name: one for one in firm.employees}
        self._projects = {one.code: one for one in firm.projects}
        self._ids = count(first_entry)
        self._deleted: set[int] = set()

    def day(self, number: int) -> date:
        """A working day from the month's first Monday on: 0 to 4 are one week, 5 to 9 the next."""
        days = self.firm.month.working_days()
        monday = next(index for index, day in enumerate(days) if day.isoweekday() == 1)
        return days[monday + number]

    def enter(
        self,
        who: str = "Anna Berger",
        project: str = "PRJ-1001",
        task: str = "Analysis",
        *,
        on: int | date = 0,
        hours: str = "2",
        approved: bool = True,
        **facts: Any,
    ) -> int:
        """Enter a line of work, and approve it unless told otherwise; gives its id."""
        number = next(self._ids)
        person = self._people[who]
        entry = SimulatedEntry(
            **{
                "id": number,
                "user_id": self._masters.user_id(person),
                "project_id": self._masters.project_id(self._projects[project]),
                "task_id": self._masters.task_id(task),
                "spent_date": self.day(on) if isinstance(on, int) else on,
                "hours": Decimal(hours),
                "notes": f"private {number}",
                "billable_rate": person.bill_rate,
                "is_closed": approved,
                **facts,
            }
        )
        self.account.add([entry])
        return number

    def approve(self, *entries: int) -> None:
        """Approve entries."""
        self.account.approve(Selection(ids=frozenset(entries)))

    def withdraw(self, *entries: int) -> None:
        """Withdraw the approval of entries."""
        self.account.withdraw(Selection(ids=frozenset(entries)))

    def delete(self, *entries: int) -> None:
        """Delete entries without a trace."""
        self._deleted.update(entries)
        self.account.delete(Selection(ids=frozenset(entries)))

    def change(self, entry: int, **news: Any) -> None:
        """Change an entry, whatever its approval says: hours="3", on=5, project=…, task=…."""
        if "hours" in news:
            news["hours"] = Decimal(news["hours"])
        if "on" in news:
            on = news.pop("on")
            news["spent_date"] = self.day(on) if isinstance(on, int) else on
        if "project" in news:
            news["project_id"] = self._masters.project_id(self._projects[news.pop("project")])
        if "task" in news:
            news["task_id"] = self._masters.task_id(news.pop("task"))
        self.account.change([Change(id=entry, **news)])

    def as_dumped(self) -> list[SourceEntry]:
        """Everything that Harvest shows or once showed, for the invariants."""
        shown, _ = self.account.entries(lambda _: True)
        dumped = [
            source_entry(
                connection="harvest",
                entry_id=str(one.facts.id),
                approved=one.facts.is_closed and not one.facts.is_running,
                seconds=int(one.facts.hours * 3600),
                work_date=one.facts.spent_date,
            )
            for one in shown
        ]
        gone = [
            source_entry(
                connection="harvest", entry_id=str(n), approved=False, seconds=None, work_date=None
            )
            for n in self._deleted
        ]
        return dumped + gone

    def timesheet_of(self, entry: int) -> str:
        """The id of the timesheet that an entry is on."""
        facts = self.account.entry(entry).facts
        return f"{facts.user_id}-{week_of(facts.spent_date)}"
