"""JSON without lost digits, and the poison values of POSTING.md section 5 that arrive as JSON."""

from decimal import Decimal

import pytest

from canonical.exact import exact_decimal
from canonical.text import storable
from connectors.base.http import exact_json, exact_json_text


@pytest.mark.parametrize("digits", ["7.10", "0.1", "12345678901234567.89", "1e400", "-0.0"])
def test_decimals_keep_every_digit(digits: str) -> None:
    assert str(exact_json(digits)) == str(Decimal(digits))


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '{"a": [1, NaN]}',
        "1e9999999999999999999",
        "-1e99999999999999999999",
    ],
)
def test_impossible_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number"):
        exact_json(text)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nope", '"\x01"', b"\xff\xfe\x00"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  Whatever the library says.
        exact_json(text)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_nesting_without_end_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="nested"):
        exact_json(text)


def test_long_integers_come_exactly_and_fit_no_integer_field() -> None:
    assert exact_json("9" * 18) == int("9" * 18)
    assert type(exact_json("9" * 18)) is int
    longer = exact_json("9" * 5000)
    assert type(longer) is Decimal
    assert str(longer) == "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        '"1_000"',
        '"\uff11\uff12"',
        '" 5 "',
        '"+5"',
        '"1e3"',
        '"0x10"',
        '""',
        "1e400",
        "true",
        "null",
    ],
)
def test_what_python_would_take_for_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  Whatever the reason.
        exact_decimal(exact_json(text))


def test_nul_and_lone_surrogates_arrive_and_are_made_storable() -> None:
    arrived = exact_json('"a\\u0000b\\ud800c"')
    assert arrived == "a\x00b\ud800c"
    assert storable(arrived) == "a\ufffdb\ufffdc"
    assert storable(arrived).encode() == "a\ufffdb\ufffdc".encode()


def test_json_is_written_digit_by_digit() -> None:
    told = {"amount": Decimal("12345678901234567.89"), "lines": [Decimal("40.10"), None, True, "é"]}
    written = exact_json_text(told)
    assert written == ('{"amount":12345678901234567.89,"lines":[40.10,null,true,"\\u00e9"]}')
    assert exact_json(written) == told


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan")])
def test_what_is_no_number_is_not_written(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        exact_json_text({"amount": value})
