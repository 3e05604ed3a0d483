"""The organisation itself: its currency, its calendar, and how far that is locked."""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Final

from pydantic import Field

from canonical.masters import LegalEntity
from canonical.posting_period import PeriodState, PostingPeriod
from canonical.text import storable
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.xero.client import XeroClient
from connectors.xero.options import XeroOptions
from connectors.xero.wire import Row, WireDay, row_from

_NAME_MAX: Final = 250
# Xero keeps no list of periods: months are made for so many years around today.
_YEARS_BACK: Final = 3
_YEARS_AHEAD: Final = 1


class OrganisationRow(Row):
    """What Xero says of an organisation."""

    name: str
    base_currency: str
    financial_year_end_day: Annotated[int, Field(ge=1, le=31)] = 31
    financial_year_end_month: Annotated[int, Field(ge=1, le=12)] = 12
    period_lock_date: WireDay | None = None
    end_of_year_lock_date: WireDay | None = None
    short_code: str | None = None

    @property
    def locked_until(self) -> date | None:
        """The last day that takes no documents any more."""
        return max(filter(None, (self.period_lock_date, self.end_of_year_lock_date)), default=None)


class Organisation:
    """Reads what belongs to the organisation as a whole; its currency never changes."""

    def __init__(self, client: XeroClient, options: XeroOptions) -> None:
        self._client: Final = client
        self._options: Final = options
        self._currency: str | None = None

    async def read(self) -> OrganisationRow:
        """Read it anew."""
        values = await self._client.whole("Organisation", "Organisations")
        if len(values) != 1:
            raise ConnectionConfigError("organisation_unknown", "the id opens no organisation")
        try:
            row = row_from(OrganisationRow, values[0])
        except ValueError as error:
            raise TransientError("organisation_unreadable", str(error)) from None
        self._currency = row.base_currency
        return row

    async def base_currency(self) -> str:
        """Give the currency that its books are kept in."""
        return self._currency or (await self.read()).base_currency

    def legal_entity(self, row: OrganisationRow) -> LegalEntity:
        """It as a company that books; configuration knows its code."""
        return LegalEntity(
            connection=self._options.connection,
            id=self._options.tenant_id,
            code=self._options.legal_entity,
            name=storable(row.name)[:_NAME_MAX],
            currency=row.base_currency,
        )

    def periods(self, row: OrganisationRow, today: date) -> list[PostingPeriod]:
        """Give the months around today; one that is locked in part is two periods."""
        return [
            self._period(row, first, last, part)
            for year in range(today.year - _YEARS_BACK, today.year + _YEARS_AHEAD + 1)
            for month in range(1, 13)
            for first, last, part in _parts(year, month, row.locked_until)
        ]

    def _period(self, row: OrganisationRow, first: date, last: date, part: str) -> PostingPeriod:
        locked = row.locked_until is not None and last <= row.locked_until
        name = f"{first:%Y-%m}{part}"
        return PostingPeriod(
            connection=self._options.connection,
            id=name,
            name=name,
            legal_entity=self._options.legal_entity,
            fiscal_year=_fiscal_year(row, first),
            starts_on=first,
            ends_on=last,
            state=PeriodState.CLOSED if locked else PeriodState.OPEN,
        )


def _parts(year: int, month: int, locked_until: date | None) -> Iterator[tuple[date, date, str]]:
    first, last = date(year, month, 1), _last_day(year, month)
    if locked_until is None or not first <= locked_until < last:
        yield first, last, ""
        return
    yield first, locked_until, " locked"
    yield locked_until + timedelta(days=1), last, " open"


def _fiscal_year(row: OrganisationRow, day: date) -> str:
    """Name the fiscal year of a day by the year that it ends in."""
    month = row.financial_year_end_month
    last = _last_day(day.year, month).day
    ends = date(day.year, month, min(row.financial_year_end_day, last))
    return str(day.year if day <= ends else day.year + 1)


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
