"""Hours: kept as whole seconds, shown as decimal hours."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from canonical.exact import EVERY_DIGIT, exact_decimal, round_to
from canonical.money import HourlyRate, Money

SECONDS_PER_HOUR: Final = 3600
# No source line is longer than six weeks; what is longer is a mistake in the unit.
HOURS_MAX: Final = 1000

# A duration in whole seconds; negative only so that a negative line can be named and refused.
Seconds = Annotated[
    int, Field(ge=-HOURS_MAX * SECONDS_PER_HOUR, le=HOURS_MAX * SECONDS_PER_HOUR, strict=True)
]


def seconds_from_hours(hours: Decimal) -> int:
    """Turn decimal hours into whole seconds, rounding once, half up (0.3333 h is 1,200 s).

    Raises ValueError for a number that is not finite or beyond `HOURS_MAX`.
    """
    exact = exact_decimal(hours)
    if abs(exact) > HOURS_MAX:
        raise ValueError(f"more than {HOURS_MAX} hours on one line")
    return int(round_to(EVERY_DIGIT.multiply(exact, SECONDS_PER_HOUR), 0))


def hours_from_seconds(seconds: int) -> Decimal:
    """Turn seconds into decimal hours with four places, the form in which people read them."""
    return round_to(Decimal(seconds) / SECONDS_PER_HOUR, 4)


def value_of(seconds: int, rate: HourlyRate) -> Money:
    """Price a duration: rate x hours, rounded once to the currency's minor unit."""
    return Money.rounded(rate.amount * seconds / SECONDS_PER_HOUR, rate.currency)
