"""Exact numbers: the only ways a decimal enters, is rounded, and leaves as text."""

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from canonical.exact import (
    ExactDecimal,
    Rounding,
    decimal_text,
    exact_decimal,
    round_to,
    scale_of,
)

ADAPTER: TypeAdapter[Decimal] = TypeAdapter(ExactDecimal)
# Every shape of number that this stack is known to take for another one (POSTING.md section 5).
POISON_TEXTS = (
    *(
        "1_000",
        "\uff11\uff12",
        " 5 ",
        "5 ",
        "\t5",
        "5\n",
        "+5",
        "05",
        "-05",
        "1e3",
        "1E400",
        "1e-3",
    ),
    *("NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "", "-", ".", ".5", "5.", "0x10"),
    *("1,000", "1.000,00", "1.2.3", "\u0661\u0662", "\u2212 5", "\u22125", "1\u00a0000", "true"),
    *("1" * 19, "0." + "1" * 11, "5\x00", "\ud800"),
)
POISON_VALUES = (
    *(0.1, 7.10, 12345678901234567.89, math.inf, -math.inf, math.nan, 1e400),
    *(True, False, 5, 0, None, [], {}, b"5", 1j, Fraction(1, 2)),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")),
    *(Decimal("1e400"), Decimal(10) ** 18, -(Decimal(10) ** 18)),
)

decimals = st.decimals(
    min_value=Decimal("-1e15"), max_value=Decimal("1e15"), allow_nan=False, allow_infinity=False
)


@pytest.mark.parametrize("text", POISON_TEXTS)
def test_text_that_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        exact_decimal(text)


@pytest.mark.parametrize("value", POISON_VALUES, ids=repr)
def test_what_is_not_exact_finite_and_bounded_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a number"):
        exact_decimal(value)


@pytest.mark.parametrize(
    "digits", ["12345678901234567.89", "1e400", "NaN", "Infinity", "-Infinity", "0.1", "5", "true"]
)
def test_a_json_number_is_refused_because_its_digits_may_be_lost(digits: str) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(digits)


@pytest.mark.parametrize(
    "text", ["0", "-0", "12.50", "-7", "0.0000000001", "999999999999999999.9999999999"]
)
def test_plain_text_keeps_every_digit(text: str) -> None:
    assert str(exact_decimal(text)) == str(Decimal(text))
    assert str(ADAPTER.validate_json(f'"{text}"')) == str(Decimal(text))


@given(decimals)
def test_text_of_a_number_reads_back_as_the_same_number(value: Decimal) -> None:
    text = decimal_text(value)
    assert "E" not in text
    assert Decimal(text) == value


@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,10})?\Z"))
def test_every_plain_text_goes_out_as_it_came_in(text: str) -> None:
    assert decimal_text(exact_decimal(text)) == text


@pytest.mark.parametrize(
    ("number", "scale"),
    [
        ("1.50", 1),
        ("100", 0),
        ("1E+2", 0),
        ("0", 0),
        ("0.000", 0),
        ("1.005", 3),
        ("1E-7", 7),
        ("0E-9", 0),
        ("-1.20", 1),
    ],
)
def test_scale_counts_the_places_that_carry_information(number: str, scale: int) -> None:
    assert scale_of(Decimal(number)) == scale


def test_scale_counts_places_beyond_what_arithmetic_carries() -> None:
    assert scale_of(Decimal("1." + "0" * 40 + "1" + "0" * 9)) == 41


def oracle(value: Fraction, places: int, mode: Rounding) -> Fraction:
    """Round by whole numbers alone."""
    scaled = value * 10**places
    below = math.floor(abs(scaled))
    rest = abs(scaled) - below
    half = Fraction(1, 2)
    up = rest > half or (rest == half and (mode == "HALF_UP" or below % 2 == 1))
    magnitude = below + up
    return Fraction(magnitude if scaled >= 0 else -magnitude, 10**places)


def ties() -> Iterator[Decimal]:
    for whole in (-3, -2, -1, 0, 1, 2, 3):
        for part in ("0.5", "0.05", "0.005", "0.0005", "0.4999", "0.0049999999"):
            yield Decimal(whole) + Decimal(part)
            yield Decimal(whole) - Decimal(part)


@given(
    st.one_of(decimals, st.sampled_from(list(ties()))),
    st.integers(min_value=0, max_value=4),
    st.sampled_from(["HALF_UP", "HALF_EVEN"]),
)
def test_rounding_agrees_with_whole_number_arithmetic(
    value: Decimal, places: int, mode: Rounding
) -> None:
    rounded = round_to(value, places, mode)
    assert Fraction(rounded) == oracle(Fraction(value), places, mode)
    assert rounded.as_tuple().exponent == -places


@pytest.mark.parametrize(
    ("number", "places", "mode", "expected"),
    [
        ("2.345", 2, "HALF_UP", "2.35"),
        ("2.345", 2, "HALF_EVEN", "2.34"),
        ("2.355", 2, "HALF_EVEN", "2.36"),
        ("-2.345", 2, "HALF_UP", "-2.35"),
        ("1.005", 2, "HALF_UP", "1.01"),
        ("0.5", 0, "HALF_UP", "1"),
        ("0.5", 0, "HALF_EVEN", "0"),
        ("1.2345", 3, "HALF_UP", "1.235"),
    ],
)
def test_rounding_by_worked_examples(
    number: str, places: int, mode: Rounding, expected: str
) -> None:
    assert str(round_to(Decimal(number), places, mode)) == expected


def test_what_rounds_to_nothing_is_plain_nothing() -> None:
    assert str(round_to(Decimal("-0.001"), 2)) == "0.00"
