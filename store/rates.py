"""Rates that systems own: exchange between currencies, and what an hour of a person costs."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from canonical.contracts import ExchangeRate
from canonical.masters import CostRate
from canonical.money import HourlyRate
from store.bulk import Columns
from store.database import Connection

_EXCHANGE: Final = Columns(
    {"connection": "text", "source_currency": "text", "target_currency": "text",
     "on_date": "date", "rate": "numeric", "origin": "text"}
)  # fmt: skip
_SAVE_EXCHANGE: Final = _EXCHANGE.insert(
    "exchange_rate",
    "ON CONFLICT (connection, source_currency, target_currency, on_date, origin) "
    "DO UPDATE SET rate = excluded.rate WHERE exchange_rate.rate <> excluded.rate RETURNING 1",
)
_COST: Final = Columns(
    {"connection": "text", "employee": "text", "valid_from": "date", "rate": "numeric",
     "currency": "text"}
)  # fmt: skip
_SAVE_COST: Final = _COST.insert(
    "cost_rate",
    "ON CONFLICT (connection, employee, valid_from) "
    "DO UPDATE SET rate = excluded.rate, currency = excluded.currency "
    "WHERE (cost_rate.rate, cost_rate.currency) <> (excluded.rate, excluded.currency) RETURNING 1",
)
_SINCE_EVER: Final = date(1970, 1, 1)


# What an answer no longer shows of its own window; days outside of it are not touched.
_NO_LONGER_SHOWN: Final = """
    DELETE FROM exchange_rate e
    WHERE e.connection = $1 AND e.on_date BETWEEN $2 AND $3 AND NOT EXISTS (
      SELECT FROM unnest($4::text[], $5::text[], $6::date[], $7::text[])
        AS shown(source_currency, target_currency, on_date, origin)
      WHERE (shown.source_currency, shown.target_currency, shown.on_date, shown.origin)
          = (e.source_currency, e.target_currency, e.on_date, e.origin))
    RETURNING 1
"""


async def save_exchange_rates(
    connection: Connection, source: str, rates: Sequence[ExchangeRate], first: date, last: date
) -> bool:
    """Replace what is known of a window of days, ends included; says whether that is news.

    The answer is the whole truth of its window: a rate that it does not show was taken back.
    """
    latest = {
        (one.source_currency, one.target_currency, one.on_date, one.origin): one for one in rates
    }
    keys = sorted(latest)
    rows = [(source, *key[:3], latest[key].rate, key[3]) for key in keys]
    changed = await connection.fetch(_SAVE_EXCHANGE, *_EXCHANGE.arrays(rows))
    gone = await connection.fetch(
        _NO_LONGER_SHOWN,
        source,
        first,
        last,
        *([key[place] for key in keys] for place in range(4)),
    )
    return bool(changed or gone)


async def save_cost_rates(connection: Connection, source: str, rates: Sequence[CostRate]) -> bool:
    """Keep cost rates; says whether any is new."""
    latest = {(one.employee, one.valid_from or _SINCE_EVER): one for one in rates}
    rows = [
        (source, *key, latest[key].rate.amount, latest[key].rate.currency) for key in sorted(latest)
    ]
    changed = await connection.fetch(_SAVE_COST, *_COST.arrays(rows)) if rows else []
    return bool(changed)


async def exchange_rates_of(connection: Connection, source: str) -> tuple[ExchangeRate, ...]:
    """Read all exchange rates that a system keeps."""
    rows = await connection.fetch(
        "SELECT source_currency, target_currency, on_date, rate, origin FROM exchange_rate "
        "WHERE connection = $1 ORDER BY on_date, source_currency, target_currency",
        source,
    )
    return tuple(ExchangeRate(**dict(row)) for row in rows)


async def cost_rates_of(connection: Connection, source: str) -> dict[str, tuple[CostRate, ...]]:
    """Read what hours cost, by employee, the earliest rate first."""
    rows = await connection.fetch(
        "SELECT employee, valid_from, rate, currency FROM cost_rate WHERE connection = $1 "
        "ORDER BY employee, valid_from",
        source,
    )
    found: dict[str, list[CostRate]] = {}
    for row in rows:
        begun = row["valid_from"]
        found.setdefault(row["employee"], []).append(
            CostRate(
                employee=row["employee"],
                valid_from=None if begun == _SINCE_EVER else begun,
                rate=HourlyRate(amount=row["rate"], currency=row["currency"]),
            )
        )
    return {employee: tuple(rates) for employee, rates in found.items()}
