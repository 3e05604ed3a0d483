"""Exact numbers: the only ways a decimal enters, is rounded, and leaves as text."""

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_NOT_EXACT: Final = "a number is a Decimal or text such as '12.50'; binary floats are not exact"
# ASCII digits only: Decimal itself would take '1_000', ' 5 ' and full-width digits.
_DECIMAL_TEXT: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,10})?", re.ASCII)
_LARGEST: Final = Decimal(10) ** 18
# Arithmetic carries 28 digits by itself and rounds the rest away; this carries all that come.
EVERY_DIGIT: Final = Context(prec=100_000)

Rounding = Literal["HALF_UP", "HALF_EVEN"]
_MODES: Final = {"HALF_UP": ROUND_HALF_UP, "HALF_EVEN": ROUND_HALF_EVEN}


def exact_decimal(value: Any) -> Decimal:
    """Accept a finite Decimal, or plain ASCII text of one; raise ValueError for anything else."""
    if isinstance(value, str):
        if not _DECIMAL_TEXT.fullmatch(value):
            raise ValueError("not a plain decimal number")
        return Decimal(value)
    if not isinstance(value, Decimal):
        raise ValueError(_NOT_EXACT)  # noqa: TRY004  Pydantic turns ValueError into its own error.
    if not value.is_finite() or abs(value) >= _LARGEST:
        raise ValueError("a number must be finite and below 10^18")
    return value


def decimal_text(value: Decimal) -> str:
    """Write a decimal without exponent and without loss: Decimal('1E+2') becomes '100'."""
    return format(value, "f")


ExactDecimal = Annotated[
    Decimal,
    BeforeValidator(exact_decimal),
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,10})?$"}),
]


def scale_of(value: Decimal) -> int:
    """Count the places that carry information: 1.50 has one, 100 has none."""
    exponent = EVERY_DIGIT.normalize(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def round_to(value: Decimal, places: int, mode: Rounding = "HALF_UP") -> Decimal:
    """Round once, to a number of decimal places; the one rounding function of the platform.

    `mode` is HALF_UP by default and HALF_EVEN by configuration (DOMAIN rule 15).
    """
    # Adding nothing turns a negative nothing into plain nothing.
    return value.quantize(Decimal(1).scaleb(-places), rounding=_MODES[mode]) + 0
