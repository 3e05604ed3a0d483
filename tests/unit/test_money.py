"""Money: an exact amount that its currency can express."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.money import HourlyRate, Money, minor_units

# ISO 4217 says so; written here once more, because a table is not checked by itself.
NO_DECIMALS = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"),
    *("VND", "VUV", "XAF", "XOF", "XPF"),
)
THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
PLACES = {**dict.fromkeys(NO_DECIMALS, 0), **dict.fromkeys(THREE_DECIMALS, 3)}
PLACES |= {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "CLF": 4, "UYW": 4}

currencies = st.sampled_from(sorted(PLACES))
computed = st.decimals(
    min_value=Decimal("-1e12"), max_value=Decimal("1e12"), allow_nan=False, places=7
)


@st.composite
def amounts(draw: st.DrawFn, currency: str | None = None) -> Money:
    """Any amount that a currency can express."""
    chosen = currency or draw(currencies)
    minor = draw(st.integers(min_value=-(10**14), max_value=10**14))
    return Money(amount=Decimal(minor).scaleb(-PLACES[chosen]), currency=chosen)


@pytest.mark.parametrize(("currency", "places"), sorted(PLACES.items()))
def test_minor_units_are_those_of_iso_4217(currency: str, places: int) -> None:
    assert minor_units(currency) == places


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.005", "EUR"), ("0.5", "JPY"), ("1000.01", "KRW"), ("1.0005", "KWD"), ("1.00005", "CLF")],
)
def test_an_amount_beyond_the_minor_unit_is_refused_and_never_rounded(
    amount: str, currency: str
) -> None:
    with pytest.raises(ValidationError, match="decimals"):
        Money(amount=Decimal(amount), currency=currency)
    with pytest.raises(ValidationError, match="decimals"):
        Money.model_validate_json(f'{{"amount": "{amount}", "currency": "{currency}"}}')


@pytest.mark.parametrize(
    ("amount", "currency"), [("1.005", "KWD"), ("1", "JPY"), ("1.50", "EUR"), ("1.500", "EUR")]
)
def test_an_amount_that_fits_keeps_its_digits(amount: str, currency: str) -> None:
    assert str(Money(amount=Decimal(amount), currency=currency).amount) == amount


def test_a_long_tail_of_digits_does_not_slip_through_the_scale() -> None:
    # normalize() alone would round these 30 digits to 1 and find no decimals.
    with pytest.raises(ValidationError):
        Money(amount=Decimal("1.00000000000000000000000000001"), currency="EUR")


@pytest.mark.parametrize("amount", ["1000000000000000", "-1000000000000000", "999999999999999999"])
def test_an_amount_beyond_the_ledgers_bounds_is_refused(amount: str) -> None:
    with pytest.raises(ValidationError, match="below"):
        Money(amount=Decimal(amount), currency="EUR")


@pytest.mark.parametrize(
    "amount", ["12345678901234567.89", "1e400", "NaN", "Infinity", "12.5", "0", '"1_000"', "true"]
)
def test_money_travels_as_text_and_never_as_a_json_number(amount: str) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate_json(f'{{"amount": {amount}, "currency": "EUR"}}')


@pytest.mark.parametrize(
    "currency", ["eur", "EURO", "EU", "", "E\u00dcR", " EUR", "EUR\n", "\uff25UR"]
)
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount=Decimal(1), currency=currency)


@given(amounts())
def test_money_reads_back_from_its_text(money: Money) -> None:
    assert Money.model_validate_json(money.model_dump_json()) == money


@given(amounts())
def test_minor_units_are_the_same_amount_in_whole_numbers(money: Money) -> None:
    assert Fraction(money.amount) == Fraction(money.amount_minor, 10 ** PLACES[money.currency])
    assert type(money.amount_minor) is int


@given(st.lists(amounts("KWD"), max_size=50))
def test_a_sum_is_exact(parts: list[Money]) -> None:
    total = Money.zero("KWD")
    for part in parts:
        total = total + part
    assert total.amount_minor == sum(part.amount_minor for part in parts)
    assert total + -total == Money.zero("KWD")


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="EUR and USD"):
        _ = Money.zero("EUR") + Money.zero("USD")


@given(computed, currencies, st.sampled_from(["HALF_UP", "HALF_EVEN"]))
def test_a_computed_amount_is_rounded_once_to_the_minor_unit(
    value: Decimal, currency: str, mode: Literal["HALF_UP", "HALF_EVEN"]
) -> None:
    money = Money.rounded(value, currency, mode)
    exact = Fraction(value) * 10 ** PLACES[currency]
    away = abs(money.amount_minor - exact)
    assert away <= Fraction(1, 2)
    if away == Fraction(1, 2):
        even = money.amount_minor % 2 == 0
        up = abs(money.amount_minor) == math.ceil(abs(exact))
        assert even if mode == "HALF_EVEN" else up


@pytest.mark.parametrize(
    ("value", "currency", "mode", "expected"),
    [
        ("1.005", "EUR", "HALF_UP", "1.01"),
        ("1.005", "EUR", "HALF_EVEN", "1.00"),
        ("1.005", "KWD", "HALF_UP", "1.005"),
        ("1.5", "JPY", "HALF_UP", "2"),
        ("2.5", "JPY", "HALF_EVEN", "2"),
        ("-1.005", "EUR", "HALF_UP", "-1.01"),
    ],
)
def test_rounding_to_a_currency_by_worked_examples(
    value: str, currency: str, mode: Literal["HALF_UP", "HALF_EVEN"], expected: str
) -> None:
    assert str(Money.rounded(Decimal(value), currency, mode).amount) == expected


def test_nothing_is_written_with_the_places_of_its_currency() -> None:
    assert [str(Money.zero(code).amount) for code in ("EUR", "JPY", "KWD")] == [
        "0.00",
        "0",
        "0.000",
    ]


@pytest.mark.parametrize("rate", ["-0.01", "1000000", "85.00005", "NaN", "1_0"])
def test_a_rate_is_bounded_and_has_four_decimals_at_most(rate: str) -> None:
    with pytest.raises(ValidationError):
        HourlyRate.model_validate_json(f'{{"amount": "{rate}", "currency": "EUR"}}')


@pytest.mark.parametrize("rate", ["0", "85.5", "999999.9999", "0.0001"])
def test_a_rate_reads_back_from_its_text(rate: str) -> None:
    known = HourlyRate(amount=Decimal(rate), currency="EUR")
    assert HourlyRate.model_validate_json(known.model_dump_json()) == known
