"""Time entries: one line of work each, grouped into a person's week, the timesheet."""

from datetime import date, timedelta
from typing import ClassVar, Literal

from canonical.base import Canonical, Day, Instant
from canonical.hours import Seconds
from canonical.identity import content_hash
from canonical.money import HourlyRate
from canonical.text import Code, ExternalId, Note

TIME_ENTRY: Literal["time_entry"] = "time_entry"


class Approval(Canonical):
    """That a line was approved, and how much of the evidence the source gives.

    A source that names no approver or no instant leaves them empty: "not provided" is evidence
    too. The instant of the first sight of the approval is then kept by the store.
    """

    CONTRACT: ClassVar[str] = "approval/v1"

    approver: ExternalId | None = None
    approved_at: Instant | None = None
    revision: ExternalId | None = None


class TimeEntry(Canonical):
    """One line of work as its source shows it now; ids are the source's own."""

    CONTRACT: ClassVar[str] = "time_entry/v1"

    connection: Code
    id: ExternalId
    timesheet: ExternalId
    employee: ExternalId
    customer: ExternalId | None
    project: ExternalId
    task: ExternalId
    # A plain date in the employee's own zone; never converted.
    work_date: Day
    seconds: Seconds
    billable: bool
    bill_rate: HourlyRate | None
    note: Note
    # None: the source says that it is not approved.
    approval: Approval | None
    changed_at: Instant

    @property
    def financial_hash(self) -> str:
        """Hash what a correction is made for; notes, rates and stamps do not count.

        Rates are snapshotted at approval (DOMAIN rule 27), so a changed rate is a correction plan
        of its own and not a new revision of the work.
        """
        return content_hash(
            "|".join(
                (
                    self.employee,
                    self.project,
                    self.task,
                    self.work_date.isoformat(),
                    str(self.seconds),
                    str(self.billable),
                )
            )
        )


def week_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
