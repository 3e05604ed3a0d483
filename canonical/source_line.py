"""What the platform knows of a source line over time: its status and its financial revision."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal

# What sources show: each record of it is one line. A billing event is what our own readiness shows,
# and is approved by whoever releases it; a contract record is never posted itself.
ObjectName = Literal["time_entry", "expense_report", "billing_event", "contract_record"]
BILLING_EVENT: Literal["billing_event"] = "billing_event"
# What people call one of each, and many.
_CALLED: Final = {
    "time_entry": ("time entry", "time entries"),
    "expense_report": ("expense report", "expense reports"),
    "billing_event": ("invoice", "invoices"),
    "contract_record": ("contract record", "contract records"),
}


def called(object_name: str, *, many: bool = False) -> str:
    """What people call one of an object, or many of them."""
    return _CALLED[object_name][int(many)]


class LineStatus(StrEnum):
    """Where a source line stands at its source. WITHDRAWN was approved once.

    REJECTED was sent back to the source by a person here, and waits to be approved anew.
    """

    NOT_APPROVED = "NOT_APPROVED"
    APPROVED = "APPROVED"
    WITHDRAWN = "WITHDRAWN"
    REJECTED = "REJECTED"
    DELETED = "DELETED"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class LineVersion:
    """A source line as it stands now.

    `revision` and `financial_hash` belong to the version that was approved last; `entry` is the
    canonical JSON of the newest version, `trouble` why it could not be read. `approved_at` (UTC)
    is the instant the source gave, or the first sight of the approval.
    """

    connection: str
    object: ObjectName
    source_id: str
    document_id: str
    employee: str
    work_date: date | None
    revision: int
    financial_hash: str
    status: LineStatus
    approved_at: datetime | None
    approved_at_from: str | None
    trouble: str | None
    entry: str | None
    changed_at: datetime

    @property
    def ever_approved(self) -> bool:
        """Whether some revision of it may have been posted."""
        return self.approved_at is not None
