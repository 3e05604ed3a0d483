"""Tryton's companies, people, customers, accounts and periods as our master data."""

import logging
from collections.abc import Callable, Container, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from canonical.base import Canonical
from canonical.masters import (
    COST_CENTRE,
    Account,
    Currency,
    Customer,
    DimensionValue,
    Employee,
    LegalEntity,
    TaxCode,
)
from canonical.posting_period import PeriodState, PostingPeriod
from canonical.text import same_code, storable
from connectors.tryton.document_wire import AccountRow, CurrencyRow, TaxRow
from connectors.tryton.wire import (
    AnalyticAccountRow,
    CompanyRow,
    CustomerRow,
    EmployeeRow,
    PeriodRow,
    R,
    row_from,
)

_LOG: Final = logging.getLogger(__name__)
CODE_MAX: Final = 80
_NAME_MAX: Final = 250
PERCENT: Final = Decimal(100)

M = TypeVar("M", bound=Canonical)


def readable(kind: type[R], values: Iterable[Any], made: Callable[[R], M | None]) -> tuple[M, ...]:
    """Turn records into ours. One that cannot be read is left out and logged by its id.

    Work that refers to it then waits in an exception case, while all other work goes on.
    """
    found: list[M] = []
    for value in values:
        try:
            master = made(row_from(kind, value))
        except ValueError as error:
            _LOG.warning("tryton: %s left out: %s", kind.__name__, error)
            continue
        if master is not None:
            found.append(master)
    return tuple(found)


class Companies:
    """The companies of a database, by id: other records only name the id."""

    def __init__(self, connection: str, values: Sequence[Any]) -> None:
        self.connection: Final = connection
        self.all: Final = readable(CompanyRow, values, self._legal_entity)
        # One company bills the other, so each is a customer too, with its party's id.
        self.parties: Final = readable(CompanyRow, values, self._party)
        self._codes: Final = {int(each.id): each.code for each in self.all}

    def code(self, company: int) -> str:
        """Give a company's code; raises ValueError for one that was not readable."""
        code = self._codes.get(company)
        if code is None:
            raise ValueError(f"company {company} is not readable")
        return code

    def _legal_entity(self, row: CompanyRow) -> LegalEntity:
        return LegalEntity(
            connection=self.connection,
            id=str(row.id),
            code=code_of(row.party.code, row.id),
            name=name_of(row.party.name),
            currency=row.currency.code,
        )

    def _party(self, row: CompanyRow) -> Customer:
        return self.customer(row.party)

    def customer(self, party: CustomerRow) -> Customer:
        """Who can be billed; Tryton keeps no currency with a party."""
        return Customer(
            connection=self.connection,
            id=str(party.id),
            code=code_of(party.code, party.id),
            name=name_of(party.name),
            active=party.active,
        )

    def employee(self, row: EmployeeRow) -> Employee:
        """A person's employment; who left stays in the list, with the last day of work."""
        return Employee(
            connection=self.connection,
            id=str(row.id),
            code=code_of(row.party.code, row.id),
            name=name_of(row.party.name),
            legal_entity=self.code(row.company),
            active_from=row.start_date,
            active_until=row.end_date,
            email=row.party.email or None,
            party=str(row.party.id),
        )

    def cost_centre(self, row: AnalyticAccountRow) -> DimensionValue:
        """A cost centre. Tryton books on a closed one all the same: that check is ours."""
        return DimensionValue(
            connection=self.connection,
            id=str(row.id),
            code=code_of(row.code, row.id),
            name=name_of(row.name),
            legal_entity=self.code(row.company),
            active=row.active and row.state == "opened",
            dimension=COST_CENTRE,
        )

    def account(self, row: AccountRow) -> Account | None:
        """An account that can be booked on; None for one that only groups others."""
        if row.type is None:
            return None
        return Account(
            connection=self.connection,
            id=str(row.id),
            code=code_of(row.code, row.id),
            name=name_of(row.name),
            legal_entity=self.code(row.company),
            active=row.active and not row.closed,
            active_from=row.start_date,
            active_until=row.end_date,
        )

    def tax_code(self, row: TaxRow) -> TaxCode:
        """A tax, by the short name that is printed on documents: its only code."""
        rate = row.rate if row.type == "percentage" else None
        return TaxCode(
            connection=self.connection,
            id=str(row.id),
            code=code_of(row.description, row.id),
            name=name_of(row.name),
            legal_entity=self.code(row.company),
            active=row.active,
            active_from=row.start_date,
            active_until=row.end_date,
            rate=None if rate is None else rate * PERCENT,
        )

    def currency(self, row: CurrencyRow) -> Currency:
        """A currency; it belongs to no company."""
        return Currency(
            connection=self.connection,
            id=str(row.id),
            code=code_of(row.code, row.id),
            name=name_of(row.name),
            active=row.active,
        )

    def period(self, row: PeriodRow) -> PostingPeriod:
        """A period; 'closed' may be reopened, 'locked' may not, and neither takes postings."""
        return PostingPeriod(
            connection=self.connection,
            id=str(row.id),
            name=code_of(row.name, row.id),
            legal_entity=self.code(row.company),
            fiscal_year=code_of(row.fiscal_year.name, row.fiscal_year.id),
            starts_on=row.start_date,
            ends_on=row.end_date,
            state=PeriodState.OPEN if row.state == "open" else PeriodState.CLOSED,
        )


def customers(
    companies: Companies, parties: Sequence[Any], staff: Container[str]
) -> tuple[Customer, ...]:
    """Everybody who may be billed: Tryton marks no party as a customer, so all but our people.

    Our own companies are among them, for one bills the other.
    """
    found = readable(CustomerRow, parties, companies.customer)
    return tuple(one for one in found if one.id not in staff)


def staff_of(people: Iterable[Any], works: Iterable[Any]) -> frozenset[str]:
    """The parties of our people, but for somebody who pays for a project as well."""
    payers = {one.get("party") for one in works}
    found = (one["party."]["id"] for one in people if isinstance(one.get("party."), dict))
    return frozenset(str(one) for one in found if one not in payers)


def code_of(text: str | None, record: int) -> str:
    """Give a code; without one it must match nothing by accident, and people must see why."""
    return same_code(text or "")[:CODE_MAX].strip() or f"(no code: {record})"


def name_of(text: str | None) -> str:
    """Give a name, no longer than ours may be."""
    return storable(text or "")[:_NAME_MAX].strip()
