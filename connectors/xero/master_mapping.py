"""Xero's contacts, people, projects, accounts and options as our master data."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from canonical.masters import (
    COST_CENTRE,
    Account,
    Currency,
    Customer,
    DimensionValue,
    Employee,
    Project,
    Task,
    TaxCode,
)
from canonical.text import label, same_code, storable
from connectors.xero.options import XeroOptions
from connectors.xero.wire import ProjectsRow, R, Row, WireDecimal, WireId, row_from

_LOG: Final = logging.getLogger(__name__)
_CODE_MAX: Final = 80
_NAME_MAX: Final = 250
ACTIVE: Final = "ACTIVE"
CLOSED: Final = "CLOSED"
M = TypeVar("M")


class GroupRow(Row):
    """A group that a contact is in."""

    name: str


class ContactRow(Row):
    """Anybody that Xero writes documents to or gets them from."""

    contact_id: Annotated[WireId, Field(alias="ContactID")]
    name: str
    account_number: str | None = None
    contact_number: str | None = None
    contact_status: str = ACTIVE
    email_address: str | None = None
    default_currency: str | None = None
    is_customer: bool = False
    contact_groups: list[GroupRow] = Field(default_factory=list)

    @property
    def code(self) -> str | None:
        """The code that people gave it, where they did."""
        return self.account_number or self.contact_number

    @property
    def active(self) -> bool:
        """Whether documents may be made for it."""
        return self.contact_status == ACTIVE


class AccountRow(Row):
    """An account; those of a bank have no code."""

    account_id: Annotated[WireId, Field(alias="AccountID")]
    code: str | None = None
    name: str
    status: str = ACTIVE


class TaxRateRow(Row):
    """A tax, by the type that lines name."""

    tax_type: str
    name: str
    status: str = ACTIVE
    effective_rate: WireDecimal | None = None


class OptionRow(Row):
    """One option of a tracking category."""

    tracking_option_id: Annotated[WireId, Field(alias="TrackingOptionID")]
    name: str
    status: str = ACTIVE


class CategoryRow(Row):
    """A tracking category."""

    name: str
    status: str = ACTIVE
    options: list[OptionRow] = Field(default_factory=list)


class CurrencyRow(Row):
    """A currency that the organisation books in."""

    code: str
    description: str | None = None


class UserRow(ProjectsRow):
    """Somebody who may log time."""

    user_id: WireId
    name: str
    email: str | None = None


class ProjectRow(ProjectsRow):
    """A project; what is called a number elsewhere begins its name here."""

    project_id: WireId
    contact_id: WireId | None = None
    name: str
    status: str | None = None


class TaskRow(ProjectsRow):
    """A task of a project."""

    task_id: WireId
    project_id: WireId
    name: str
    status: str | None = None


def rows(kind: type[R], values: Iterable[Any]) -> tuple[R, ...]:
    """Read records. One that cannot be read is left out, and logged without its values.

    Work that refers to it then waits in an exception case, while all other work goes on.
    """
    return readable(kind, values, lambda row: row)


def readable(kind: type[R], values: Iterable[Any], made: Callable[[R], M]) -> tuple[M, ...]:
    """Turn records into ours; one that cannot be read is left out, as in `rows`."""
    found: list[M] = []
    for value in values:
        try:
            found.append(made(row_from(kind, value)))
        except ValueError as error:
            _LOG.warning("xero: %s left out: %s", kind.__name__, error)
    return tuple(found)


class MasterMapping:
    """Makes master data of one organisation's records."""

    def __init__(self, options: XeroOptions) -> None:
        self._options: Final = options
        self._at: Final = options.connection
        self._entity: Final = options.legal_entity
        self._named: Final = re.compile(options.project_code)

    def customer(self, row: ContactRow) -> Customer:
        """Who can be billed."""
        return Customer(
            connection=self._at,
            id=row.contact_id,
            code=_code(row.code, row.contact_id),
            name=_name(row.name),
            active=row.active,
            currency=row.default_currency or None,
        )

    def employees(self, users: Iterable[Any], contacts: Iterable[ContactRow]) -> list[Employee]:
        """Users of Projects and contacts of the group, brought together by their addresses."""
        people = [each for each in contacts if self._is_employee(each)]
        by_address = {_address(each.email_address): each for each in contacts if each.active}
        by_address |= {_address(each.email_address): each for each in people}
        by_address.pop("", None)
        found = readable(UserRow, users, lambda row: self._user(row, by_address))
        known = {each.party for each in found}
        return [*found, *(self._person(each) for each in people if each.contact_id not in known)]

    def _is_employee(self, row: ContactRow) -> bool:
        return any(group.name == self._options.employee_group for group in row.contact_groups)

    def _user(self, row: UserRow, by_address: Mapping[str, ContactRow]) -> Employee:
        contact = by_address.get(_address(row.email))
        return Employee(
            connection=self._at,
            id=row.user_id,
            code=_code(contact.code if contact else None, row.user_id),
            name=_name(row.name),
            legal_entity=self._entity,
            active=contact is None or contact.active,
            email=row.email or None,
            party=contact.contact_id if contact else None,
        )

    def _person(self, row: ContactRow) -> Employee:
        """Somebody who may be owed expenses, and can log no time."""
        return Employee(
            connection=self._at,
            id=row.contact_id,
            code=_code(row.code, row.contact_id),
            name=_name(row.name),
            legal_entity=self._entity,
            active=row.active,
            email=row.email_address or None,
            party=row.contact_id,
        )

    def project(self, row: ProjectRow) -> Project:
        """A project; its code is taken out of its name, if one is in it."""
        code, name = self._apart(row.name)
        return Project(
            connection=self._at,
            id=row.project_id,
            code=_code(code, row.project_id),
            name=name,
            legal_entity=self._entity,
            active=row.status != CLOSED,
            customer=row.contact_id,
        )

    def task(self, row: TaskRow) -> Task:
        """A task, whose id begins with its project's: Xero asks for both."""
        code, name = self._apart(row.name)
        return Task(
            connection=self._at,
            id=f"{row.project_id}/{row.task_id}",
            # Tasks are matched by their names: one without a code is known by its name as well.
            code=_code(code or row.name, row.task_id),
            name=name,
            legal_entity=self._entity,
            active=row.status in (None, ACTIVE),
            project=row.project_id,
        )

    def options(self, row: CategoryRow) -> list[DimensionValue]:
        """The options of a tracking category as the values of a dimension."""
        is_centre = row.name == self._options.cost_centre_category
        return [
            DimensionValue(
                connection=self._at,
                id=each.tracking_option_id,
                code=_code(each.name, each.tracking_option_id),
                name=_name(each.name),
                legal_entity=self._entity,
                active=each.status == ACTIVE and row.status == ACTIVE,
                dimension=COST_CENTRE if is_centre else label(row.name),
            )
            for each in row.options
        ]

    def account(self, row: AccountRow) -> Account:
        """An account, by its code."""
        return Account(
            connection=self._at,
            id=row.account_id,
            code=_code(row.code, row.account_id),
            name=_name(row.name),
            legal_entity=self._entity,
            active=row.status == ACTIVE,
        )

    def tax_code(self, row: TaxRateRow) -> TaxCode:
        """A tax, by the type that lines name."""
        return TaxCode(
            connection=self._at,
            id=row.tax_type,
            code=_code(row.tax_type, row.tax_type),
            name=_name(row.name),
            legal_entity=self._entity,
            active=row.status == ACTIVE,
            rate=row.effective_rate,
        )

    def currency(self, row: CurrencyRow) -> Currency:
        """A currency; it belongs to no company."""
        return Currency(
            connection=self._at, id=row.code, code=row.code, name=_name(row.description or row.code)
        )

    def _apart(self, text: str) -> tuple[str | None, str]:
        """The code in a name, if there is one, and what the thing is called."""
        found = self._named.fullmatch(text.strip())
        if found is None:
            return None, _name(text)
        return found["code"], _name(found["name"] or text)


def _address(text: str | None) -> str:
    return (text or "").strip().casefold()


def _code(text: str | None, record: str) -> str:
    """Give a code; without one it must match nothing by accident, and people must see why."""
    return same_code(text or "")[:_CODE_MAX].strip() or f"(no code: {record})"


def _name(text: str) -> str:
    return storable(text)[:_NAME_MAX].strip()
