"""Master data that time and expenses refer to, as either side knows it: the PSA's or the ERP's."""

from datetime import date
from typing import ClassVar

from pydantic import Field

from canonical.base import Canonical, Day
from canonical.exact import ExactDecimal
from canonical.money import CurrencyCode, HourlyRate
from canonical.text import Code, CountryCode, ExternalId, Name


class Master(Canonical):
    """One master record; `id` is the system's own, `code` the name by which people know it.

    `active_from` and `active_until` are inclusive dates in the legal entity's own zone.
    """

    connection: Code
    id: ExternalId
    code: Code
    name: Name
    legal_entity: Code | None = None
    active: bool = True
    active_from: Day | None = None
    active_until: Day | None = None

    def active_on(self, day: date) -> bool:
        """Whether it may be used for something of that day."""
        return (
            self.active
            and (self.active_from is None or self.active_from <= day)
            and (self.active_until is None or day <= self.active_until)
        )


class LegalEntity(Master):
    """A company that books, with its base currency."""

    CONTRACT: ClassVar[str] = "legal_entity/v1"

    currency: CurrencyCode


class Customer(Master):
    """Who pays."""

    CONTRACT: ClassVar[str] = "customer/v1"

    currency: CurrencyCode | None = None
    # Where it is resident for tax, ISO 3166-1 alpha-2, and its number there.
    country: CountryCode | None = None
    tax_number: Code | None = None
    # Where invoices go: personal data, like an employee's.
    email: Name | None = Field(default=None, repr=False)


class Employee(Master):
    """A person who works, contractors included; `active_until` is the last day of work.

    `email` is personal data: it matches people across systems and never leaves the database.
    `cost_centre` is the code or name of the dimension value that the person's work belongs to.
    """

    CONTRACT: ClassVar[str] = "employee/v1"

    email: Name | None = Field(default=None, repr=False)
    # Under which the ERP owes this person money.
    party: ExternalId | None = None
    cost_centre: Code | None = None
    # What the person works as; contracts may price by it.
    role: Code | None = None


class CostRate(Canonical):
    """What an hour of a person costs from a day on, until the next rate; the ERP's or HR's own.

    `employee` is the id in the system that says so. Personal data: it stays in the database.
    """

    CONTRACT: ClassVar[str] = "cost_rate/v1"

    employee: ExternalId
    valid_from: Day | None
    rate: HourlyRate = Field(repr=False)


class CostCentreAssignment(Canonical):
    """For which cost centre a person works from a day on, until the next assignment.

    `employee` is the id in the system that says so, `cost_centre` the code of the dimension value.
    """

    CONTRACT: ClassVar[str] = "cost_centre_assignment/v1"

    employee: ExternalId
    valid_from: Day
    cost_centre: Code


class Project(Master):
    """The delivery structure that work is booked on."""

    CONTRACT: ClassVar[str] = "project/v1"

    customer: ExternalId | None = None


class Task(Master):
    """A part of a project; a source whose tasks are global lists one per project and task."""

    CONTRACT: ClassVar[str] = "task/v1"

    project: ExternalId


class DimensionValue(Master):
    """One value of an analytic axis, such as cost centre CC-100."""

    CONTRACT: ClassVar[str] = "dimension_value/v1"

    dimension: Code


class Account(Master):
    """One account of a legal entity's chart."""

    CONTRACT: ClassVar[str] = "account/v1"


class TaxCode(Master):
    """One tax that the ERP knows; `rate` is in percent, None where it is no percentage."""

    CONTRACT: ClassVar[str] = "tax_code/v1"

    rate: ExactDecimal | None = None


class Currency(Master):
    """A currency that the ERP can book in; `code` is its ISO 4217 code."""

    CONTRACT: ClassVar[str] = "currency/v1"


class Masters(Canonical):
    """All master data of one connection at one moment."""

    CONTRACT: ClassVar[str] = "masters/v1"

    legal_entities: tuple[LegalEntity, ...] = ()
    customers: tuple[Customer, ...] = ()
    employees: tuple[Employee, ...] = ()
    projects: tuple[Project, ...] = ()
    tasks: tuple[Task, ...] = ()
    dimension_values: tuple[DimensionValue, ...] = ()
    accounts: tuple[Account, ...] = ()
    tax_codes: tuple[TaxCode, ...] = ()
    currencies: tuple[Currency, ...] = ()


COST_CENTRE = "cost_centre"
