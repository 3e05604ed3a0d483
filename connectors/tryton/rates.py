"""What Tryton knows of prices between currencies, and of what an hour of a person costs."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from pydantic import Field

from canonical.contracts import ExchangeRate
from canonical.exact import round_to
from canonical.masters import CostRate
from canonical.money import HourlyRate
from connectors.base.errors import RejectedError
from connectors.tryton.client import TrytonClient
from connectors.tryton.document_wire import WireDecimal
from connectors.tryton.master_mapping import Companies, readable
from connectors.tryton.wire import R, Row, WireDate, date_on_wire, row_from

ORIGIN: Final = "tryton"
_CURRENCY: Final = "currency.currency"
_RATE: Final = "currency.currency.rate"
_COST_PRICE: Final = "company.employee_cost_price"
_CODE_LENGTH: Final = 3
# As many as an exact number may have on its way.
_PLACES: Final = 10
_LOG: Final = logging.getLogger(__name__)


class CurrencyWorthRow(Row):
    """A currency with the rate that is in force on the date in the context; nothing if none is."""

    code: str | None
    rate: WireDecimal


class RateRow(Row):
    """A rate, from its date until the currency's next one."""

    currency: int
    date: WireDate
    rate: WireDecimal


class EmployedRow(Row):
    """A person's employment, by the company."""

    company: int


class CostPriceRow(Row):
    """What an hour of a person costs from a day on, in the company's currency."""

    date: WireDate
    cost_price: WireDecimal
    employee: EmployedRow | None = Field(alias="employee.")


@dataclass(frozen=True, slots=True)
class Worth:
    """A currency's rate: Tryton gives `rate` units for one of the currency whose rate is 1."""

    code: str
    rate: Decimal


async def exchange_rates(client: TrytonClient, first: date, last: date) -> list[ExchangeRate]:
    """Read what changed in a window of days, with two questions.

    Each pair of active currencies comes with the dates on which Tryton's rate of either changed
    within the window, and one way round only: from the currency whose rate is 1, else from the
    dearer one. The answer is the whole truth of its window; what is dated before is not in it.
    """
    opening = {"date": date_on_wire(first - timedelta(days=1))}
    shown = await _all(client, CurrencyWorthRow, _CURRENCY, (), opening)
    within = [["date", ">=", date_on_wire(first)], ["date", "<=", date_on_wire(last)]]
    changes = await _all(client, RateRow, _RATE, within)
    codes = {row.id: row.code or "" for row in shown if _is_code(row.code or "")}
    if left_out := len(shown) - len(codes):
        _LOG.warning("tryton: %d currencies without an ISO code have no rates", left_out)
    in_force = {
        row.id: Worth(codes[row.id], row.rate) for row in shown if row.id in codes and row.rate
    }
    changed = [
        (row.date, row.currency, Worth(codes[row.currency], row.rate))
        for row in changes
        if row.currency in codes
    ]
    return list(exchanges(in_force, changed))


def exchanges(
    in_force: Mapping[int, Worth], changes: Iterable[tuple[date, int, Worth]]
) -> Iterator[ExchangeRate]:
    """Say what each change means for the pairs of its currency; `in_force` is before the first."""
    known = dict(in_force)
    ordered = sorted(changes, key=lambda one: one[:2])
    for day, of_day in groupby(ordered, key=lambda one: one[0]):
        new = {currency: worth for _, currency, worth in of_day}
        known |= new
        for currency in sorted(known):
            for other in sorted(known):
                if currency < other and (currency in new or other in new):
                    yield exchange(known[currency], known[other], day)


def exchange(one: Worth, other: Worth, day: date) -> ExchangeRate:
    """Give the rate of a pair; Tryton multiplies by the one's rate and divides by the other's.

    From a rate of 1 it is exactly the number that Tryton has. Between two others it is a quotient
    with ten places, of which those of the dearer currency's price say most.
    """
    source, target = sorted((one, other), key=lambda worth: (worth.rate != 1, worth.rate))
    return ExchangeRate(
        source_currency=source.code,
        target_currency=target.code,
        rate=target.rate if source.rate == 1 else round_to(target.rate / source.rate, _PLACES),
        on_date=day,
        origin=ORIGIN,
    )


async def cost_rates(client: TrytonClient, companies: Companies) -> list[CostRate]:
    """Read all cost prices, past and coming ones, of leavers too; one per person and day.

    Tryton takes two prices of one person and day, and does not say which counts. The one that
    was entered last does here.
    """
    pages = client.pages(CostPriceRow, _COST_PRICE, (), list)
    rows = [value async for page in pages for value in page]
    currencies = {one.code: one.currency for one in companies.all}

    def cost_rate(row: CostPriceRow) -> CostRate | None:
        if row.employee is None:
            return None
        currency = currencies[companies.code(row.employee.company)]
        return CostRate(
            employee=str(row.employee.id),
            valid_from=row.date,
            rate=HourlyRate(amount=row.cost_price, currency=currency),
        )

    found: dict[tuple[str, date | None], CostRate] = {}
    for one in readable(CostPriceRow, rows, cost_rate):
        if found.get((one.employee, one.valid_from), one) != one:
            _LOG.warning("tryton: employee %s has two cost prices of one day", one.employee)
        found[one.employee, one.valid_from] = one
    return list(found.values())


async def _all(
    client: TrytonClient,
    kind: type[R],
    model: str,
    domain: Sequence[Any],
    context: Mapping[str, Any] | None = None,
) -> list[R]:
    """Read all records; one that cannot be read is an error: without it an older rate counted."""
    pages = client.pages(kind, model, domain, list, context)
    try:
        return [row_from(kind, value) async for page in pages for value in page]
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{model} {error}") from None


def _is_code(text: str) -> bool:
    return len(text) == _CODE_LENGTH and text.isascii() and text.isalpha() and text.isupper()
