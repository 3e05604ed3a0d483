"""The currencies of the ERP, with the made-up rates of the firm's month and of those around it.

Tryton keeps for each currency how many units one unit of the currency with rate 1 is worth.
"""

from datetime import date
from decimal import Decimal
from typing import Final

from sandbox.firm import Month
from sandbox.tryton.json_rpc import JsonRpcSession

BASE: Final = "EUR"
# Name, symbol, units per euro and digits of each currency that work and expenses come in.
CURRENCIES: Final = {
    "EUR": ("Euro", "€", Decimal("1.0"), 2),
    "USD": ("US dollar", "$", Decimal("1.08"), 2),
    "GBP": ("Pound sterling", "£", Decimal("0.85"), 2),
    "CHF": ("Swiss franc", "CHF", Decimal("0.95"), 2),
    "JPY": ("Yen", "¥", Decimal("160.0"), 0),
}
_PLACES: Final = Decimal("0.0001")


def rates_of(code: str, start: date, month: Month) -> dict[date, Decimal]:
    """Give a currency's rates: one from the start, and one of each working day around a month."""
    _, _, rate, _ = CURRENCIES[code]
    if code == BASE:
        return {start: rate}
    days = (day for each in (month.before(), month, month.next()) for day in each.working_days())
    return {start: rate, **{day: (rate * _drift(day)).quantize(_PLACES) for day in days}}


def _drift(day: date) -> Decimal:
    """Up or down by at most 0.4 %, and never as on the day before."""
    return 1 + Decimal(day.toordinal() * 5 % 9 - 4) / 1000


class CurrencySeed:
    """Creates the currencies, once per database."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def create_currencies(self, start: date, month: Month) -> dict[str, int]:
        """Create all currencies with their rates; gives their ids by code."""
        ids = await self._erp.create(
            "currency.currency",
            [
                {
                    "name": name,
                    "symbol": symbol,
                    "code": code,
                    "rounding": Decimal(1).scaleb(-digits),
                    "digits": digits,
                    "rates": [
                        [
                            "create",
                            [
                                {"date": day, "rate": rate}
                                for day, rate in rates_of(code, start, month).items()
                            ],
                        ]
                    ],
                }
                for code, (name, symbol, _, digits) in CURRENCIES.items()
            ],
        )
        return dict(zip(CURRENCIES, ids, strict=True))
