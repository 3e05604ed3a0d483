"""Business Central's lists as master data, and its calendar as posting periods; no I/O."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final, TypeVar

from canonical import masters
from canonical.contracts import ExchangeRate
from canonical.exact import round_to
from canonical.masters import COST_CENTRE
from canonical.posting_period import PeriodState, PostingPeriod
from canonical.text import label
from connectors.base.records import RawRecord
from connectors.business_central import wire
from connectors.business_central.ids import task_of
from connectors.business_central.options import BusinessCentralOptions

T = TypeVar("T")
R = TypeVar("R", bound=wire.Row)
_LAST_DAY: Final = date(2100, 12, 31)
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_RATE_PLACES: Final = 10


def readable(kind: type[R], records: Iterable[RawRecord], make: Callable[[R], T | None]) -> list[T]:
    """Read what can be read; one bad record never takes its neighbours along."""
    made: list[T] = []
    for record in records:
        try:
            one = make(wire.row_from(kind, record.value))
        except ValueError:
            continue
        if one is not None:
            made.append(one)
    return made


def legal_entity_code(company: wire.Company) -> str:
    """By what a company is known as a legal entity."""
    return label(company.display_name or company.name)


class CompanyMasters:
    """Makes one company's masters."""

    def __init__(
        self, options: BusinessCentralOptions, company: wire.Company, setup: wire.LedgerSetup
    ) -> None:
        self._options: Final = options
        self._company: Final = company
        self._setup: Final = setup
        self.code: Final = legal_entity_code(company)

    def _named(self, row_id: str, code: str, name: str) -> dict[str, Any]:
        return {
            "connection": self._options.connection,
            "id": row_id,
            "code": label(code),
            "name": name,
            "legal_entity": self.code,
        }

    @property
    def legal_entity(self) -> masters.LegalEntity:
        """The company itself."""
        named = self._named(self._company.id, self.code, self.code)
        return masters.LegalEntity(**named, currency=self._setup.local_currency_code)

    def customer(self, row: wire.Customer) -> masters.Customer:
        """A customer; one that may not be invoiced is not active."""
        return masters.Customer(
            **self._named(row.id, row.number, row.display_name),
            currency=row.currency_code or None,
            active=row.blocked.strip() in ("", "Ship"),
            # The code of a country in the ERP is the firm's own, and mostly the ISO's.
            country=row.country if _COUNTRY.fullmatch(row.country) else None,
            tax_number=label(row.tax_registration_number) or None,
            email=row.email or None,
        )

    def employee(self, row: wire.Employee, vendors: dict[str, str]) -> masters.Employee:
        """An employee, and the vendor by whose number the company owes the person money."""
        return masters.Employee(
            # Made of two names by the API, of which the second may be blank.
            **self._named(row.id, row.number, row.display_name.strip()),
            # Who has left may still be paid, until the last day; who was set inactive is not.
            active=row.status in ("", "Active")
            or (row.status == "Terminated" and row.termination_date is not None),
            active_from=row.employment_date,
            active_until=row.termination_date,
            email=row.email or None,
            party=vendors.get(self._options.vendor_prefix + row.number),
            role=label(row.job_title) if row.job_title.strip() else None,
            cost_centre=self._cost_centre_of(row),
        )

    def _cost_centre_of(self, row: wire.Employee) -> str | None:
        axis = self._options.cost_centre_dimension
        values = (
            one.dimension_value_code
            for one in row.default_dimensions
            if one.dimension_code == axis and one.dimension_value_code
        )
        return next((label(value) for value in values), None)

    def project(self, row: wire.Project) -> masters.Project:
        """A project."""
        return masters.Project(**self._named(row.id, row.number, row.display_name))

    def tasks(self, row: wire.Project) -> list[masters.Task]:
        """The tasks that every project is said to have."""
        names = self._options.task_names
        return [
            masters.Task(
                **self._named(task_of(row.id, number), number, names.get(number, number)),
                project=row.id,
            )
            for number in self._options.project_tasks
        ]

    def account(self, row: wire.Account) -> masters.Account | None:
        """An account that lines can be posted on."""
        if row.account_type != "Posting":
            return None
        return masters.Account(
            **self._named(row.id, row.number, row.display_name),
            active=row.direct_posting and not row.blocked,
        )

    def cost_centre(self, row: wire.DimensionValue) -> masters.DimensionValue:
        """A value of the axis that cost centres are on."""
        named = self._named(row.id, row.code, row.display_name)
        return masters.DimensionValue(**named, dimension=COST_CENTRE)

    def tax_code(self, row: wire.TaxGroup) -> masters.TaxCode:
        """A tax group; its rate depends on who is invoiced, and the API does not list it."""
        return masters.TaxCode(**self._named(row.id, row.code, row.display_name))

    def currency(self, row: wire.Currency) -> masters.Currency:
        """A currency that the company can book in."""
        return masters.Currency(**self._named(row.id, row.code, row.display_name))

    def base_currency(self) -> masters.Currency:
        """The company's own, which is in no list."""
        code = self._setup.local_currency_code
        return masters.Currency(**self._named(self._setup.id, code, code))

    def exchange_rate(self, row: wire.ExchangeRate, first: date, last: date) -> ExchangeRate | None:
        """A rate of a day in the window."""
        day = row.starting_date
        if day is None or not first <= day <= last or row.exchange_rate_amount <= 0:
            return None
        rate = row.relational_exchange_rate_amount / row.exchange_rate_amount
        return ExchangeRate(
            source_currency=row.currency_code,
            target_currency=row.relational_currency_code or self._setup.local_currency_code,
            rate=round_to(rate, _RATE_PLACES),
            on_date=day,
            origin=self._options.connection,
        )

    def periods(self, rows: Sequence[wire.AccountingPeriod]) -> list[PostingPeriod]:
        """The calendar: a period is open if it is not closed, and lies where it may be posted.

        A period of which only some days may be posted on is given in parts.
        """
        found: list[PostingPeriod] = []
        ordered = sorted(
            (row for row in rows if row.starting_date is not None),
            key=lambda row: row.starting_date or _LAST_DAY,
        )
        year = ""
        for row, following in zip(ordered, [*ordered[1:], None], strict=True):
            starts = row.starting_date or _LAST_DAY
            if row.new_fiscal_year or not year:
                year = starts.isoformat()[:4]
            if following is None:
                continue  # The last one only says where the calendar ends.
            ends = (following.starting_date or _LAST_DAY) - timedelta(days=1)
            found += self._parts(row, starts, ends, year)
        return found

    def _parts(
        self, row: wire.AccountingPeriod, starts: date, ends: date, year: str
    ) -> list[PostingPeriod]:
        begins = max(starts, self._setup.allow_posting_from or starts)
        closes = min(ends, self._setup.allow_posting_to or ends)
        if row.closed or begins > closes:
            return [self._period(row, starts, ends, year, PeriodState.CLOSED)]
        parts = [(starts, begins - timedelta(days=1), PeriodState.CLOSED)]
        parts += [(begins, closes, PeriodState.OPEN)]
        parts += [(closes + timedelta(days=1), ends, PeriodState.CLOSED)]
        return [
            self._period(row, first, last, year, state)
            for first, last, state in parts
            if first <= last
        ]

    def _period(
        self, row: wire.AccountingPeriod, starts: date, ends: date, year: str, state: PeriodState
    ) -> PostingPeriod:
        month = (row.starting_date or starts).isoformat()[:7]
        whole = starts == row.starting_date
        return PostingPeriod(
            connection=self._options.connection,
            id=row.id if whole else f"{row.id}/{starts}",
            name=month if whole else f"{month} from {starts.day}",
            legal_entity=self.code,
            fiscal_year=year,
            starts_on=starts,
            ends_on=ends,
            state=state,
        )
