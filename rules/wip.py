"""WIP: approved work posted and not yet billed, rolled forward so that it closes (DOMAIN rule 33).

Opening + posted - billed - written off + corrections = closing, per project, currency and period;
and closing is what the ERP's own lines come to. Money is in the currency of the work's price.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from canonical.billing import Allocation, AllocationKind, WorkKind
from canonical.exact import Rounding
from canonical.money import HourlyRate, Money
from rules.billing_policy import TimeRounding
from rules.billing_quantities import INVOICED, billed_seconds, worth_of

NO_PROJECT: Final = "-"
# A fee and a prepayment bill no hours; a lowered price belongs to those it lowers.
_IS_WORK: Final = frozenset({WorkKind.TIME, WorkKind.EXPENSE, WorkKind.WRITE_DOWN})
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WipPosting:
    """Billable work that the ERP holds since a day; less than nothing where it was taken back.

    `correction` tells a reversal and its replacement from work that is new.
    """

    project: str
    posting_date: date
    worth: Money
    correction: bool = False


@dataclass(frozen=True, slots=True)
class WipRow:
    """One project in one currency in one period."""

    project: str
    currency: str
    opening: Money
    posted: Money
    billed: Money
    written_off: Money
    corrections: Money

    @property
    def closing(self) -> Money:
        """What is left unbilled at the end of the period."""
        return self.opening + self.posted + -self.billed + -self.written_off + self.corrections


@dataclass(frozen=True, slots=True)
class WipDifference:
    """A project whose roll-forward and ERP disagree; nothing is left out on either side."""

    project: str
    currency: str
    rolled: Money
    erp: Money

    @property
    def difference(self) -> Money:
        """How much more we say than the ERP."""
        return self.rolled + -self.erp


def roll_forward(
    postings: Iterable[WipPosting], allocations: Iterable[Allocation], first: date, last: date
) -> tuple[WipRow, ...]:
    """Roll WIP forward over the days from `first` to `last`, ends included."""
    sums: dict[Place, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for place, day, column, amount in _movements(postings, allocations):
        if day > last:
            continue
        if day < first:
            sign = -1 if column in _LOWERS else 1
            sums[place]["opening"] += sign * amount
        else:
            sums[place][column] += amount
    return tuple(_row(place, sums[place]) for place in sorted(sums))


_LOWERS: Final = frozenset({"billed", "written_off"})


def _movements(
    postings: Iterable[WipPosting], allocations: Iterable[Allocation]
) -> Iterable[tuple[Place, date, str, Decimal]]:
    for one in postings:
        place = (one.project, one.worth.currency)
        column = "corrections" if one.correction else "posted"
        yield place, one.posting_date, column, one.worth.amount
    for taken in allocations:
        if taken.work.kind not in _IS_WORK:
            continue
        place, worth = _place(taken), taken.worth.amount
        if taken.kind in INVOICED:
            yield place, taken.billed_date, "billed", worth
        elif taken.kind is AllocationKind.WRITTEN_OFF:
            yield place, taken.billed_date, "written_off", worth
        elif taken.kind is AllocationKind.WRITE_DOWN:
            # The customer is billed less, and the rest of the work's price is given up.
            yield place, taken.billed_date, "billed", worth
            yield place, taken.billed_date, "written_off", -worth


def _place(one: Allocation) -> Place:
    return one.project or NO_PROJECT, one.worth.currency


def _row(place: Place, sums: Mapping[str, Decimal]) -> WipRow:
    project, currency = place

    def money(column: str) -> Money:
        return Money(amount=sums.get(column, Decimal(0)), currency=currency)

    return WipRow(
        project=project,
        currency=currency,
        opening=money("opening"),
        posted=money("posted"),
        billed=money("billed"),
        written_off=money("written_off"),
        corrections=money("corrections"),
    )


@dataclass(frozen=True, slots=True)
class ErpTimeLine:
    """A time line of ours as it was read back from the ERP, with the price that it is billed at."""

    project: str
    seconds: int
    rate: HourlyRate


@dataclass(frozen=True, slots=True)
class ErpInvoiceLine:
    """What posted invoice and credit note lines, or write-offs, take of a project's work.

    Credits are below nothing. The invoice line is read back; its parts per project are allocated.
    """

    project: str
    worth: Money


def erp_unbilled(
    time_lines: Iterable[ErpTimeLine],
    costs: Iterable[ErpInvoiceLine],
    invoice_lines: Iterable[ErpInvoiceLine],
    *,
    time_rounding: TimeRounding,
    rounding: Rounding = "HALF_UP",
) -> Mapping[Place, Money]:
    """What the ERP's own lines leave unbilled: quantities at their prices, costs, less invoices."""
    sums: dict[Place, Decimal] = defaultdict(Decimal)
    for line in time_lines:
        worth = worth_of(billed_seconds(line.seconds, time_rounding), line.rate, rounding)
        sums[line.project, worth.currency] += worth.amount
    for cost in costs:
        sums[cost.project, cost.worth.currency] += cost.worth.amount
    for billed in invoice_lines:
        sums[billed.project, billed.worth.currency] -= billed.worth.amount
    return {place: Money(amount=sums[place], currency=place[1]) for place in sorted(sums)}


def differences(rows: Sequence[WipRow], erp: Mapping[Place, Money]) -> tuple[WipDifference, ...]:
    """Where the roll-forward and the ERP disagree; empty if it closes to zero everywhere."""
    rolled = {(row.project, row.currency): row.closing for row in rows}
    found = [
        WipDifference(
            place[0],
            place[1],
            rolled.get(place, Money.zero(place[1])),
            erp.get(place, Money.zero(place[1])),
        )
        for place in sorted(rolled.keys() | erp.keys())
    ]
    return tuple(one for one in found if one.difference.amount != 0)
