"""Money: an exact amount in one ISO 4217 currency."""

from decimal import Decimal
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from canonical.base import Canonical
from canonical.exact import ExactDecimal, Rounding, round_to, scale_of

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

# ISO 4217 currencies whose minor unit is not the hundredth.
_MINOR_UNITS: Final = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
AMOUNT_MAX: Final = Decimal(10) ** 15
# ISO 4217 for "no currency": what a line is worth whose currency is not known.
NO_CURRENCY: Final = "XXX"


def minor_units(currency: str) -> int:
    """Say how many decimal places a currency has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _MINOR_UNITS.get(currency, 2)


class Money(Canonical):
    """An amount that the currency can express; 1.005 EUR is refused, never rounded silently."""

    CONTRACT: ClassVar[str] = "money/v1"

    amount: ExactDecimal
    currency: CurrencyCode

    @model_validator(mode="after")
    def _fits_the_currency(self) -> Self:
        if abs(self.amount) >= AMOUNT_MAX:
            raise ValueError("an amount must be below 10^15")
        if scale_of(self.amount) > minor_units(self.currency):
            raise ValueError(
                f"an amount in {self.currency} has at most {minor_units(self.currency)} decimals"
            )
        return self

    @classmethod
    def rounded(cls, amount: Decimal, currency: str, mode: Rounding = "HALF_UP") -> Self:
        """Round a computed amount once, to the currency's minor unit (DOMAIN rule 15)."""
        return cls(amount=round_to(amount, minor_units(currency), mode), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls(amount=round_to(Decimal(0), minor_units(currency)), currency=currency)

    @property
    def amount_minor(self) -> int:
        """The amount in minor units (cents), exactly."""
        return int(self.amount.scaleb(minor_units(self.currency)))

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __neg__(self) -> "Money":
        return Money(amount=-self.amount, currency=self.currency)


class HourlyRate(Canonical):
    """A price for one hour of work, in one currency; up to four decimals."""

    CONTRACT: ClassVar[str] = "hourly_rate/v1"

    amount: Annotated[ExactDecimal, Field(ge=0, lt=1_000_000, decimal_places=4)]
    currency: CurrencyCode
