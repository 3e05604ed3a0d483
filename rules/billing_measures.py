"""Measures of billing: what leaks, what a project earns, and how much of a person is billable."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from canonical.billing import (
    Allocation,
    AllocationKind,
    BillableLine,
    BlockReason,
    WorkKind,
    WorkState,
)
from canonical.contracts import BillingModel, Engagement
from canonical.exact import round_to
from canonical.hours import SECONDS_PER_HOUR
from canonical.money import Money
from rules.billing_pieces import Piece
from rules.billing_policy import BillingPolicy
from rules.invoice_readiness import Readiness

FRIDAY: Final = 5
READY_NOT_RELEASED: Final = "ready_not_released"
# Not approved, or billed in another version: neither is approved work that nobody billed.
_NO_LEAK: Final = frozenset(
    {
        BlockReason.UNAPPROVED,
        BlockReason.CHANGED_AFTER_BILLING,
        BlockReason.WITHDRAWN_AFTER_BILLING,
    }
)
_WORK: Final = frozenset({WorkKind.TIME, WorkKind.EXPENSE})


@dataclass(frozen=True, slots=True)
class Leak:
    """Approved, billable work that is old and not billed: its money and its cause."""

    piece: Piece
    age_days: int
    cause: str

    @property
    def amount(self) -> Money:
        """What it is worth; nothing where nobody knows the price."""
        return self.piece.amount


def leakage(now: Readiness, as_of: date, policy: BillingPolicy) -> tuple[Leak, ...]:
    """List what leaks, the oldest first, then the dearest."""
    leaks = [
        Leak(piece, age, piece.reason or READY_NOT_RELEASED)
        for piece in now.pieces
        if piece.work.kind in _WORK
        and piece.reason not in _NO_LEAK
        and (age := (as_of - piece.work_date).days) > policy.leakage_days
    ]
    return tuple(
        sorted(leaks, key=lambda one: (-one.age_days, -one.amount.amount, one.piece.place))
    )


@dataclass(frozen=True, slots=True)
class ProjectMargin:
    """What a project came to so far, in one currency: billed + WIP - cost."""

    project: str
    billed: Money
    wip: Money
    cost: Money

    @property
    def margin(self) -> Money:
        """What is left."""
        return self.billed + self.wip + -self.cost

    @property
    def percent(self) -> Decimal | None:
        """The margin of what was earned, one decimal; None where nothing was."""
        earned = self.billed + self.wip
        if earned.amount == 0:
            return None
        return round_to(self.margin.amount * 100 / earned.amount, 1)


def project_margin(
    project: str,
    *,
    billed: Iterable[Money],
    wip: Iterable[Money],
    cost: Iterable[Money],
    currency: str,
    convert: Callable[[Money], Money],
) -> ProjectMargin:
    """Bring a project's money into one currency; `convert` leaves that currency as it is."""

    def total(amounts: Iterable[Money]) -> Money:
        return sum(map(convert, amounts), Money.zero(currency))

    return ProjectMargin(project, total(billed), total(wip), total(cost))


def billed_by_project(
    allocations: Iterable[Allocation], engagements: Collection[Engagement]
) -> dict[str, tuple[Money, ...]]:
    """What was invoiced for work and fees; a prepayment counts as it is drawn, not before."""
    prepaid = {
        line.id
        for engagement in engagements
        for line in engagement.lines
        if line.model is BillingModel.RETAINER
    }
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in allocations:
        prepayment = one.work.kind is WorkKind.SCHEDULE and one.contract_line in prepaid
        if one.kind in (AllocationKind.DRAWN, AllocationKind.WRITTEN_OFF) or prepayment:
            continue
        sums[one.project or "-"][one.amount.currency] += one.amount.amount
    return {
        project: tuple(Money(amount=of[code], currency=code) for code in sorted(of))
        for project, of in sums.items()
    }


@dataclass(frozen=True, slots=True)
class Capacity:
    """One person's calendar in a period, in seconds."""

    calendar: int
    holidays: int = 0
    leave: int = 0

    @property
    def available(self) -> int:
        """What could be worked."""
        return self.calendar - self.holidays - self.leave


def capacity_of(
    first: date, last: date, lines: Iterable[BillableLine], employee: str, policy: BillingPolicy
) -> Capacity:
    """What one person could have worked: weekdays, less holidays, less the hours of leave tasks.

    `lines` are the person's time, approved or not; leave that was withdrawn is none.
    """
    day = int(policy.hours_per_day * SECONDS_PER_HOUR)
    weekdays = [
        first + timedelta(days=number)
        for number in range((last - first).days + 1)
        if (first + timedelta(days=number)).isoweekday() <= FRIDAY
    ]
    leave = sum(
        one.seconds
        for one in lines
        if one.employee == employee
        and one.task in policy.leave_tasks
        and one.state is not WorkState.WITHDRAWN
        and first <= one.work_date <= last
    )
    return Capacity(
        calendar=day * len(weekdays),
        holidays=day * sum(one in policy.holidays for one in weekdays),
        leave=leave,
    )


def utilisation(
    lines: Iterable[BillableLine], employee: str, first: date, last: date, capacity: Capacity
) -> Decimal | None:
    """Approved billable raw hours by work date, of what could be worked (DOMAIN rule 38).

    A share with four places; None where nothing could be worked. Restated by every correction,
    because it is always computed from the lines as they are now.
    """
    if capacity.available <= 0:
        return None
    seconds = sum(
        one.seconds
        for one in lines
        if one.employee == employee
        and one.billable
        and one.state not in (WorkState.UNAPPROVED, WorkState.WITHDRAWN)
        and first <= one.work_date <= last
    )
    return round_to(Decimal(seconds) / capacity.available, 4)
