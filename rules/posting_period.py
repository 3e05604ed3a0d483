"""Posting periods: which date and period a posting counts in (DOMAIN rules 1 to 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from canonical.exception_case import Cause
from canonical.posting_period import PeriodDecision, PeriodState, PostingPeriod
from rules.policies import ClosedPeriodPolicy


@dataclass(frozen=True, slots=True)
class PeriodTrouble:
    """No period could be decided on; `subject` names the period or the date."""

    cause: Cause
    subject: str
    sentence: str


def decide_period(
    original_date: date,
    calendar: Sequence[PostingPeriod],
    policy: ClosedPeriodPolicy,
    chosen: str | None = None,
) -> PeriodDecision | PeriodTrouble:
    """Decide from the ERP's own calendar of one legal entity.

    `original_date` is the date that counts by itself (DOMAIN rule 2): of time its work date.
    `chosen` is the name of the open period that a person has picked. Nothing goes into an
    earlier period than its own, and crossing a fiscal year is a person's decision.
    """
    original = next((period for period in calendar if period.holds(original_date)), None)
    if original is None:
        return PeriodTrouble(
            Cause.NO_POSTING_PERIOD,
            f"{original_date:%Y-%m}",
            f"The ERP has no posting period for {original_date:%Y-%m}. Create the fiscal year "
            "there and retry.",
        )
    if chosen is not None:
        return _chosen(original_date, original, calendar, chosen)
    if original.state is PeriodState.OPEN:
        return PeriodDecision(
            posting_date=original_date, period=original.name, original_date=original_date
        )
    if policy is not ClosedPeriodPolicy.NEXT_OPEN:
        return _held(original, policy)
    return _next_open(original_date, original, calendar)


def _next_open(
    original_date: date, original: PostingPeriod, calendar: Sequence[PostingPeriod]
) -> PeriodDecision | PeriodTrouble:
    later = [
        period
        for period in calendar
        if period.state is PeriodState.OPEN and period.starts_on > original.starts_on
    ]
    if not later:
        return PeriodTrouble(
            Cause.CLOSED_PERIOD,
            original.name,
            f"Period {original.name} is closed and no later period is open. Open one in the ERP "
            "and retry.",
        )
    earliest = min(later, key=lambda period: period.starts_on)
    if earliest.fiscal_year != original.fiscal_year:
        return PeriodTrouble(
            Cause.FISCAL_YEAR_CROSSED,
            original.name,
            f"Period {original.name} is closed and the next open one, {earliest.name}, is in "
            f"another fiscal year. Reopen {original.name} and retry, or post to a period by name.",
        )
    return PeriodDecision(
        posting_date=earliest.starts_on,
        period=earliest.name,
        original_date=original_date,
        prior_period=True,
        reason=f"period {original.name} is closed, policy NEXT_OPEN",
    )


def _chosen(
    original_date: date, original: PostingPeriod, calendar: Sequence[PostingPeriod], name: str
) -> PeriodDecision | PeriodTrouble:
    period = next((one for one in calendar if one.name == name), None)
    if period is None or period.state is not PeriodState.OPEN:
        return PeriodTrouble(
            Cause.CLOSED_PERIOD,
            original.name,
            f"Period {original.name} is closed and {name}, which was chosen, is not open either. "
            "Choose an open period.",
        )
    if period.starts_on < original.starts_on:
        return PeriodTrouble(
            Cause.CLOSED_PERIOD,
            original.name,
            f"What is of {original.name} cannot be posted to {name}, which is earlier. Choose a "
            "later open period.",
        )
    own = period.id == original.id
    return PeriodDecision(
        posting_date=original_date if own else period.starts_on,
        period=period.name,
        original_date=original_date,
        prior_period=not own,
        reason="period chosen by a person",
    )


def _held(original: PostingPeriod, policy: ClosedPeriodPolicy) -> PeriodTrouble:
    ask = (
        "Ask the controller to reopen it"
        if policy is ClosedPeriodPolicy.REOPEN_REQUEST
        else "Reopen it in the ERP"
    )
    return PeriodTrouble(
        Cause.CLOSED_PERIOD,
        original.name,
        f"Period {original.name} is closed. {ask} and retry, or post the lines to another open "
        "period.",
    )
