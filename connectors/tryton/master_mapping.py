"""Tryton's companies, people, projects, tasks, accounts and periods as our master data."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
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
    Project,
    Task,
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
    ProjectWorkRow,
    R,
    StatusRow,
    TimesheetWorkRow,
    row_from,
)

_LOG: Final = logging.getLogger(__name__)
_CODE_MAX: Final = 80
_MARK: Final = re.compile(r"\[ledgerway:([^\]\n]+)\]")
_NAME_MAX: Final = 250
_ORIGIN: Final = "project.work,"
_DONE: Final = Decimal(1)
PERCENT: Final = Decimal(100)
# Tasks may stand below tasks; a tree deeper than this turns in a circle.
_DEPTH_MAX: Final = 50

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
            code=_code(row.party.code, row.id),
            name=_name(row.party.name),
            currency=row.currency.code,
        )

    def _party(self, row: CompanyRow) -> Customer:
        return self.customer(row.party)

    def customer(self, party: CustomerRow) -> Customer:
        """Who can be billed; Tryton keeps no currency with a party."""
        return Customer(
            connection=self.connection,
            id=str(party.id),
            code=_code(party.code, party.id),
            name=_name(party.name),
            active=party.active,
        )

    def employee(self, row: EmployeeRow) -> Employee:
        """A person's employment; who left stays in the list, with the last day of work."""
        return Employee(
            connection=self.connection,
            id=str(row.id),
            code=_code(row.party.code, row.id),
            name=_name(row.party.name),
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
            code=_code(row.code, row.id),
            name=_name(row.name),
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
            code=_code(row.code, row.id),
            name=_name(row.name),
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
            code=_code(row.description, row.id),
            name=_name(row.name),
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
            code=_code(row.code, row.id),
            name=_name(row.name),
            active=row.active,
        )

    def period(self, row: PeriodRow) -> PostingPeriod:
        """A period; 'closed' may be reopened, 'locked' may not, and neither takes postings."""
        return PostingPeriod(
            connection=self.connection,
            id=str(row.id),
            name=_code(row.name, row.id),
            legal_entity=self.code(row.company),
            fiscal_year=_code(row.fiscal_year.name, row.fiscal_year.id),
            starts_on=row.start_date,
            ends_on=row.end_date,
            state=PeriodState.OPEN if row.state == "open" else PeriodState.CLOSED,
        )


def customers(
    companies: Companies, parties: Sequence[Any], people: Sequence[Any]
) -> tuple[Customer, ...]:
    """Everybody who may be billed: Tryton marks no party as a customer, so all but our people.

    Our own companies are among them, for one bills the other.
    """
    staff = {str(one["party."]["id"]) for one in people if isinstance(one.get("party."), dict)}
    found = readable(CustomerRow, parties, companies.customer)
    return tuple(one for one in found if one.id not in staff)


class Works:
    """The tree of projects and tasks."""

    def __init__(self, companies: Companies, values: Sequence[Any]) -> None:
        self._companies: Final = companies
        self._rows: Final = dict(_rows_by_id(values))

    def projects(self) -> tuple[Project, ...]:
        """All projects, the done ones inactive."""
        return self._each("project", self._project)

    def task(self, row: TimesheetWorkRow) -> Task | None:
        """What time is booked on for a task of a project; None for anything else."""
        work = self._rows.get(_origin(row))
        if work is None or work.type != "task":
            return None
        return Task(
            connection=self._companies.connection,
            # Lines are booked on the timesheet work, not on the task itself.
            id=str(row.id),
            code=_code(work.number, work.id),
            name=_name(work.name),
            legal_entity=self._companies.code(row.company),
            active=not _done(work.status),
            active_from=row.timesheet_start_date,
            active_until=row.timesheet_end_date,
            project=str(self._project_above(work).id),
        )

    def _each(self, kind: str, made: Callable[[ProjectWorkRow], M | None]) -> tuple[M, ...]:
        found: list[M] = []
        for row in self._rows.values():
            if row.type != kind:
                continue
            try:
                master = made(row)
            except ValueError as error:
                _LOG.warning("tryton: project %d left out: %s", row.id, error)
                continue
            if master is not None:
                found.append(master)
        return tuple(found)

    def _project(self, row: ProjectWorkRow) -> Project:
        return Project(
            connection=self._companies.connection,
            id=str(row.id),
            code=_marked(row.comment) or _code(row.number, row.id),
            name=_name(row.name),
            legal_entity=self._companies.code(row.company),
            active=not _done(row.status),
            customer=str(row.party_id) if row.party_id is not None else None,
        )

    def _project_above(self, work: ProjectWorkRow) -> ProjectWorkRow:
        above: ProjectWorkRow | None = work
        for _ in range(_DEPTH_MAX):
            if above is None or above.type == "project":
                break
            above = self._rows.get(above.parent) if above.parent is not None else None
        if above is None or above.type != "project":
            raise ValueError(f"record {work.id}: a task without a project")
        return above


def _rows_by_id(values: Iterable[Any]) -> Iterable[tuple[int, ProjectWorkRow]]:
    for value in values:
        try:
            row = row_from(ProjectWorkRow, value)
        except ValueError as error:
            _LOG.warning("tryton: project.work left out: %s", error)
            continue
        yield row.id, row


def _marked(comment: str | None) -> str | None:
    """The code of a project that was made here: Tryton numbers it and lets nobody choose."""
    found = _MARK.search(comment or "")
    return same_code(found.group(1))[:_CODE_MAX] if found else None


def _origin(row: TimesheetWorkRow) -> int:
    origin = row.origin or ""
    number = origin.removeprefix(_ORIGIN)
    return int(number) if origin.startswith(_ORIGIN) and number.isdecimal() else 0


def _done(status: StatusRow | None) -> bool:
    return status is not None and status.progress == _DONE


def _code(text: str | None, record: int) -> str:
    """Give a code; without one it must match nothing by accident, and people must see why."""
    return same_code(text or "")[:_CODE_MAX].strip() or f"(no code: {record})"


def _name(text: str | None) -> str:
    return storable(text or "")[:_NAME_MAX].strip()
