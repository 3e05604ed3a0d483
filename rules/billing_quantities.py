"""Billed quantities: what of a line is still open, and how worked time becomes billed time.

Open is what was approved, less all that was billed, plus all that was credited (DOMAIN rule 35).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from canonical.billing import Allocation, AllocationKind, Basis
from canonical.exact import Rounding
from canonical.hours import SECONDS_PER_HOUR
from canonical.money import HourlyRate, Money
from rules.billing_policy import TimeRounding

# What takes a quantity, or gives it back; lower prices and drawn prepayments do neither.
_QUANTITIES: Final = frozenset(
    {AllocationKind.BILLED, AllocationKind.CREDITED, AllocationKind.WRITTEN_OFF}
)
# What a customer was invoiced for work.
INVOICED: Final = frozenset({AllocationKind.BILLED, AllocationKind.CREDITED})


@dataclass(frozen=True, slots=True)
class Taken:
    """What of one revision of a line is billed or written off, less what was credited."""

    allocation: Allocation
    seconds: int
    worth: Money
    amount: Money

    @property
    def nothing(self) -> bool:
        """Whether all of it was given back."""
        return self.seconds == 0 and self.worth.amount == 0 and self.amount.amount == 0

    def plus(self, one: Allocation) -> "Taken":
        """With one allocation more."""
        return Taken(
            self.allocation,
            self.seconds + one.seconds,
            self.worth + one.worth,
            self.amount + one.amount,
        )


def takes_quantity(allocation: Allocation) -> bool:
    """Whether an allocation changes what is open."""
    return allocation.kind in _QUANTITIES


def taken_of_work(allocations: Iterable[Allocation]) -> Mapping[str, tuple[Taken, ...]]:
    """Sum up what is taken of each work, by revision and basis; what was all given back is none.

    There is more than one for a work only if it changed after it was billed.
    """
    sums: dict[str, dict[tuple[int, Basis], Taken]] = defaultdict(dict)
    for one in filter(takes_quantity, allocations):
        of_work, key = sums[one.work.key], (one.work.revision, one.basis)
        before = of_work.get(key)
        of_work[key] = (
            before.plus(one) if before else Taken(one, one.seconds, one.worth, one.amount)
        )
    standing = {
        work: tuple(one for one in of_work.values() if not one.nothing)
        for work, of_work in sums.items()
    }
    return {work: taken for work, taken in standing.items() if taken}


def billed_seconds(seconds: int, rounding: TimeRounding) -> int:
    """Round worked time to what is billed: up, or to the nearest step, half a step up."""
    step = rounding.minutes * 60
    if step == 0:
        return seconds
    added = step - 1 if rounding.mode == "up" else step // 2
    return (seconds + added) // step * step


def worth_of(seconds: int, rate: HourlyRate, rounding: Rounding) -> Money:
    """Price a duration, rounded once (DOMAIN rule 15)."""
    return Money.rounded(rate.amount * seconds / SECONDS_PER_HOUR, rate.currency, rounding)


def open_part(basis: Basis, taken: Taken | None) -> tuple[int, Money]:
    """What is left of a basis; all parts of it together always come to the whole."""
    if taken is None:
        return basis.seconds, basis.worth
    return basis.seconds - taken.seconds, basis.worth + -taken.worth


def share_of(whole: Money, part: int, of: int, rounding: Rounding) -> Money:
    """The share of an amount that a part of its seconds has, rounded once."""
    return Money.rounded(whole.amount * part / of, whole.currency, rounding)


def sums_by_currency(amounts: Sequence[Money]) -> tuple[Money, ...]:
    """Add up what has the same currency, in the order of their codes."""
    sums: dict[str, Decimal] = {}
    for one in amounts:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    return tuple(Money(amount=sums[code], currency=code) for code in sorted(sums))
