"""Posting periods: the ERP's own calendar, and what was decided from it."""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from canonical.base import Canonical, Day
from canonical.text import Code, ExternalId


class PeriodState(StrEnum):
    """Whether a period takes postings."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class PostingPeriod(Canonical):
    """One period of one legal entity's calendar, as the ERP shows it."""

    CONTRACT: ClassVar[str] = "posting_period/v1"

    connection: Code
    id: ExternalId
    name: Code
    legal_entity: Code
    fiscal_year: Code
    starts_on: Day
    ends_on: Day
    state: PeriodState

    def holds(self, day: date) -> bool:
        """Whether the day falls into this period."""
        return self.starts_on <= day <= self.ends_on


class PeriodDecision(Canonical):
    """The date and period a posting counts in; the original date and the reason stay with it."""

    CONTRACT: ClassVar[str] = "period_decision/v1"

    posting_date: Day
    period: Code
    original_date: Day
    # True if it belongs to an earlier period than the one it is booked in.
    prior_period: bool = False
    reason: Code = "period of its own date"
