"""Numbers as vendors write them in JSON, read without guessing."""

from decimal import Decimal
from typing import Any

from canonical.exact import exact_decimal


def number_of(value: Any) -> Decimal:
    """Take a JSON number only; raises ValueError, never with the value in it.

    Text or true in its place is a change at the vendor that we must hear about.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not a number")  # noqa: TRY004  Pydantic turns ValueError into its own.
    return exact_decimal(Decimal(value))
