"""Exchange on invoices: at the rate of the invoice date, kept with what it made (rule 18)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from canonical.contracts import ExchangeRate
from canonical.exact import EVERY_DIGIT, Rounding
from canonical.money import Money

Direction = Literal["multiply", "divide"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """How amounts of one currency become amounts of another; no rate where they are the same."""

    source: str
    target: str
    rate: ExchangeRate | None
    direction: Direction = "multiply"

    def convert(self, amount: Money, rounding: Rounding) -> Money:
        """Convert an amount, rounded once."""
        if self.rate is None:
            return amount
        by = self.rate.rate
        exact = (
            EVERY_DIGIT.multiply(amount.amount, by)
            if self.direction == "multiply"
            else amount.amount / by
        )
        return Money.rounded(exact, self.target, rounding)

    @property
    def why(self) -> str:
        """The exchange in words; empty where nothing was converted."""
        if self.rate is None:
            return ""
        how = "multiplied by" if self.direction == "multiply" else "divided by"
        return f"{self.source} {how} {self.rate.rate:f}, {self.rate.origin} {self.rate.on_date}"


def find_exchange(
    source: str, target: str, on: date, rates: Iterable[ExchangeRate], *, days_max: int
) -> Exchange | None:
    """Find the newest rate on or before a day, either way round; None if it is too old or absent.

    A rate the right way round counts before its opposite of the same day. Two different ones of
    one day and way are a contradiction, and count as absent.
    """
    if source == target:
        return Exchange(source, target, None)
    ways: tuple[tuple[Direction, tuple[str, str]], ...] = (
        ("multiply", (source, target)),
        ("divide", (target, source)),
    )
    found = [
        Exchange(source, target, rate, direction)
        for rate in rates
        for direction, pair in ways
        if (rate.source_currency, rate.target_currency) == pair
        and 0 <= (on - rate.on_date).days <= days_max
    ]
    return _newest(found)


def _newest(found: list[Exchange]) -> Exchange | None:
    def rank(one: Exchange) -> tuple[date, bool]:
        assert one.rate is not None
        return one.rate.on_date, one.direction == "multiply"

    if not found:
        return None
    best = max(rank(one) for one in found)
    first, *others = [one for one in found if rank(one) == best]
    if any(one.rate and first.rate and one.rate.rate != first.rate.rate for one in others):
        return None
    return first
