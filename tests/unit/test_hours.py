"""Hours: whole seconds inside, decimal hours outside, one rounding in between."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from canonical.hours import (
    HOURS_MAX,
    Seconds,
    hours_from_seconds,
    seconds_from_hours,
    value_of,
)
from canonical.money import HourlyRate

SECONDS: TypeAdapter[int] = TypeAdapter(Seconds)
LONGEST = HOURS_MAX * 3600

hours = st.one_of(
    st.decimals(min_value=-HOURS_MAX, max_value=HOURS_MAX, allow_nan=False, places=10),
    # The 28 digits that a number may have at most.
    st.integers(min_value=-(10**28) + 1, max_value=10**28 - 1).map(
        lambda n: Decimal(n).scaleb(-25)
    ),
    # Half seconds, and what is as near to them as digits allow.
    st.integers(min_value=-7199999, max_value=7199999).map(
        lambda n: Decimal(n) / 7200  # Rounded to 28 digits: just below or above half a second.
    ),
)


def half_up(value: Fraction) -> int:
    """Round to a whole number, halves away from zero."""
    magnitude = math.floor(abs(value) + Fraction(1, 2))
    return magnitude if value >= 0 else -magnitude


@given(hours)
def test_hours_become_the_nearest_second(value: Decimal) -> None:
    assert seconds_from_hours(value) == half_up(Fraction(value) * 3600)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.3333", 1200),
        ("7.75", 27900),
        ("0", 0),
        ("-1.5", -5400),
        ("0.0001", 0),
        ("1000", LONGEST),
    ],
)
def test_hours_become_seconds_by_worked_examples(text: str, seconds: int) -> None:
    assert seconds_from_hours(Decimal(text)) == seconds


@pytest.mark.parametrize("text", ["1000.0001", "-1001", "NaN", "Infinity", "1e400"])
def test_impossible_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  Two rules refuse them, each in its words.
        seconds_from_hours(Decimal(text))


@given(st.integers(min_value=-LONGEST, max_value=LONGEST))
def test_seconds_read_as_the_nearest_ten_thousandth_of_an_hour(seconds: int) -> None:
    shown = hours_from_seconds(seconds)
    assert Fraction(shown) == Fraction(half_up(Fraction(seconds * 10_000, 3600)), 10_000)


@given(st.integers(min_value=-LONGEST, max_value=LONGEST))
def test_four_places_of_an_hour_are_enough_to_find_the_second_again(seconds: int) -> None:
    assert seconds_from_hours(hours_from_seconds(seconds)) == seconds


@pytest.mark.parametrize("value", [True, 1.0, "3600", Decimal(1), LONGEST + 1, -LONGEST - 1, None])
def test_a_duration_is_a_whole_number_of_seconds_within_bounds(value: object) -> None:
    with pytest.raises(ValidationError):
        SECONDS.validate_python(value)


@pytest.mark.parametrize("text", ["true", "3600.5", "3600.0", '"3600"', "null", "1e400", "NaN"])
def test_a_duration_in_json_is_a_whole_number_and_nothing_like_one(text: str) -> None:
    with pytest.raises(ValidationError):
        SECONDS.validate_json(text)


@given(
    st.integers(min_value=-LONGEST, max_value=LONGEST),
    st.integers(min_value=0, max_value=9_999_999_999).map(lambda n: Decimal(n).scaleb(-4)),
    st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3)]),
)
def test_a_price_is_rounded_once(seconds: int, rate: Decimal, money: tuple[str, int]) -> None:
    currency, places = money
    value = value_of(seconds, HourlyRate(amount=rate, currency=currency))
    assert value.currency == currency
    assert value.amount_minor == half_up(Fraction(rate) * seconds * 10**places / 3600)


def test_a_price_by_a_worked_example() -> None:
    # 20 minutes at 100.00 EUR: 33.333... once rounded, not 0.3333 h x 100.
    assert str(value_of(1200, HourlyRate(amount=Decimal(100), currency="EUR")).amount) == "33.33"
    # 90 seconds at 1.00 EUR: 0.025, half a cent goes up.
    assert str(value_of(90, HourlyRate(amount=Decimal(1), currency="EUR")).amount) == "0.03"
