"""Billing periods: one engagement's month, under which its readiness is known everywhere."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class BillingPeriod:
    """One engagement and one month; `period` is its name, such as 2026-10."""

    engagement: str
    period: str

    @classmethod
    def holding(cls, engagement: str, day: date) -> Self:
        """The period that a day lies in."""
        return cls(engagement, f"{day:%Y-%m}")

    @classmethod
    def of_document(cls, document_id: str) -> Self:
        """Read the id of its document; ValueError if it is none."""
        engagement, separator, period = document_id.rpartition("/")
        if not (separator and engagement):
            raise ValueError(f"'{document_id}' is no engagement/2026-10")
        found = cls(engagement, period)
        date.fromisoformat(f"{period}-01")
        return found

    @property
    def document_id(self) -> str:
        """The id of the document that its invoices are on."""
        return f"{self.engagement}/{self.period}"

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date.fromisoformat(f"{self.period}-01")

    @property
    def cut_off_date(self) -> date:
        """The last day whose work is billed."""
        first = self.first_day
        return first.replace(day=monthrange(first.year, first.month)[1])
