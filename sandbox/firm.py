"""Northwind Advisory, a made-up firm: its master data, as every system of the local world has it.

Pure and deterministic: the month alone decides. Tuples keep their order for ever, so that whoever
needs numeric ids may count. Five things are deliberately not in order, as in any real firm: in each
legal entity somebody left in the middle of the month, somebody still books on a closed cost centre,
a project is done in the ERP while its people go on, and a project was never set up in the ERP.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Self

MONTHS_PER_YEAR = 12
COST_CENTRE_DIMENSION = "Cost centre"
EMAIL_DOMAIN = "northwind.example"
# Who joined in this year or later works as this.
ROLES = ((2021, "Consultant"), (2018, "Senior consultant"), (0, "Manager"))


@dataclass(frozen=True, order=True)
class Month:
    """One calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that a day lies in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name such as 2026-10; ValueError if it is none."""
        day = date.fromisoformat(f"{text}-01")
        return cls(day.year, day.month)

    @property
    def name(self) -> str:
        """Its name as posting periods carry it, such as 2026-10."""
        return f"{self.year:04}-{self.month:02}"

    @property
    def first_day(self) -> date:
        """The first of the month."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The last day of the month."""
        return self.next().first_day - timedelta(days=1)

    def next(self) -> "Month":
        """The month after."""
        if self.month == MONTHS_PER_YEAR:
            return Month(self.year + 1, 1)
        return Month(self.year, self.month + 1)

    def before(self) -> "Month":
        """The month before."""
        return Month.of(self.first_day - timedelta(days=1))

    def working_days(self) -> tuple[date, ...]:
        """Its days from Monday to Friday; the firm knows no holidays."""
        count = (self.last_day - self.first_day).days + 1
        days = (self.first_day + timedelta(days=offset) for offset in range(count))
        return tuple(day for day in days if day.isoweekday() <= 5)  # noqa: PLR2004  Friday.


@dataclass(frozen=True)
class LegalEntity:
    """A company of the group, with its base currency."""

    code: str
    name: str
    currency: str


@dataclass(frozen=True)
class CostCentre:
    """Where a person's work is accounted; a closed one takes no new work."""

    code: str
    name: str
    closed: bool = False

    @property
    def role(self) -> str:
        """The role name by which time systems carry it on a person."""
        return f"{self.code} {self.name}"


@dataclass(frozen=True)
class Customer:
    """Who pays."""

    code: str
    name: str
    street: str
    city: str


@dataclass(frozen=True)
class Project:
    """What is worked on, for one customer and one legal entity; task names are unique within it."""

    code: str
    name: str
    customer: Customer
    legal_entity: LegalEntity
    tasks: tuple[str, ...]
    known_to_erp: bool = True
    done_in_erp: bool = False


@dataclass(frozen=True)
class Employee:
    """A person who works; rates are per hour in the legal entity's currency.

    `ended_on` is the last day of work. Time goes on in the source after it, wrongly.
    """

    code: str
    given_name: str
    family_name: str
    legal_entity: LegalEntity
    cost_centre: CostCentre
    started_on: date
    ended_on: date | None
    bill_rate: Decimal
    cost_rate: Decimal

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}"

    @property
    def role(self) -> str:
        """What the person works as, by the year of joining; contracts may price by it."""
        return next(role for since, role in ROLES if self.started_on.year >= since)

    @property
    def email(self) -> str:
        """The exact key by which a person is found in every system."""
        return f"{self.given_name}.{self.family_name}@{EMAIL_DOMAIN}".lower()


@dataclass(frozen=True)
class Firm:
    """All master data for one month."""

    month: Month
    legal_entities: tuple[LegalEntity, ...]
    cost_centres: tuple[CostCentre, ...]
    customers: tuple[Customer, ...]
    projects: tuple[Project, ...]
    employees: tuple[Employee, ...]

    @cached_property
    def task_names(self) -> tuple[str, ...]:
        """Each task name once, for time systems whose tasks are global."""
        return tuple(dict.fromkeys(task for project in self.projects for task in project.tasks))

    @property
    def leavers(self) -> tuple[Employee, ...]:
        """Who left in the middle of the month."""
        return tuple(employee for employee in self.employees if employee.ended_on is not None)

    def employees_of(self, legal_entity: LegalEntity) -> tuple[Employee, ...]:
        """Everybody employed by one legal entity."""
        return tuple(person for person in self.employees if person.legal_entity == legal_entity)

    def currency_of(self, customer: Customer) -> str:
        """The currency of a customer: that of the legal entity that works for it."""
        return next(one.legal_entity.currency for one in self.projects if one.customer == customer)

    def projects_of(self, legal_entity: LegalEntity) -> tuple[Project, ...]:
        """Every project that one legal entity delivers, also one that the ERP does not know."""
        return tuple(project for project in self.projects if project.legal_entity == legal_entity)


DE01 = LegalEntity("DE01", "Northwind Advisory GmbH", "EUR")
US01 = LegalEntity("US01", "Northwind Advisory Inc", "USD")

DELIVERY = CostCentre("CC-100", "Delivery")
ADVISORY = CostCentre("CC-200", "Advisory")
RESEARCH = CostCentre("CC-300", "Research")
OLD_PRACTICE = CostCentre("CC-900", "Old practice", closed=True)

CUSTOMERS = (
    Customer("CUST-001", "Halden Maschinenbau AG", "Werftstrasse 12", "Kiel"),
    Customer("CUST-002", "Brightwater Utilities Ltd", "18 Quay Street", "Bristol"),
    Customer("CUST-003", "Osterberg Versicherung", "Am Wall 77", "Bremen"),
    Customer("CUST-004", "Cedar Ridge Health", "400 Pine Avenue", "Denver"),
    Customer("CUST-005", "Lakeshore Logistics", "2210 Harbor Drive", "Milwaukee"),
    Customer("CUST-006", "Pinnacle Credit Union", "95 Summit Road", "Salt Lake City"),
)

BUILD = ("Analysis", "Implementation", "Project management")
ADVISE = ("Analysis", "Workshops", "Project management")
RUN = ("Support", "Training", "Project management")

# Code, name, customer, legal entity, tasks. The ERP numbers them in this order.
PROJECTS = (
    ("PRJ-1001", "Shop floor data platform", "CUST-001", DE01, BUILD),
    ("PRJ-1002", "Spare parts pricing", "CUST-001", DE01, ADVISE),
    ("PRJ-1003", "Meter data migration", "CUST-002", DE01, BUILD),
    ("PRJ-1004", "Network outage analytics", "CUST-002", DE01, RUN),
    ("PRJ-1005", "Claims automation", "CUST-003", DE01, BUILD),
    ("PRJ-1006", "Underwriting review", "CUST-003", DE01, ADVISE),
    ("PRJ-1007", "Treasury operating model", "CUST-003", DE01, ADVISE),
    ("PRJ-1008", "Patient intake redesign", "CUST-004", US01, BUILD),
    ("PRJ-1009", "Clinic scheduling support", "CUST-004", US01, RUN),
    ("PRJ-1010", "Warehouse slotting", "CUST-005", US01, BUILD),
    ("PRJ-1011", "Carrier contract advice", "CUST-005", US01, ADVISE),
    ("PRJ-1012", "Branch network study", "CUST-006", US01, ADVISE),
    ("PRJ-1090", "Fraud signals pilot", "CUST-006", US01, BUILD),
)
DONE_IN_ERP = "PRJ-1006"
UNKNOWN_TO_ERP = "PRJ-1090"

# Given name, family name, cost centre, year of joining, bill rate, cost rate.
STAFF = {
    DE01: (
        ("Anna", "Berger", DELIVERY, 2017, "165.00", "72.50"),
        ("Mateo", "Fuentes", DELIVERY, 2019, "145.00", "63.00"),
        ("Leila", "Haddad", ADVISORY, 2016, "210.00", "94.00"),
        ("Jonas", "Lindqvist", DELIVERY, 2021, "130.00", "55.40"),
        ("Priya", "Raman", RESEARCH, 2020, "150.00", "66.10"),
        ("Tobias", "Ahrens", ADVISORY, 2018, "185.00", "82.75"),
        ("Chiara", "Moretti", DELIVERY, 2022, "125.00", "52.30"),
        ("Emeka", "Okafor", DELIVERY, 2019, "148.50", "64.00"),
        ("Hanna", "Virtanen", ADVISORY, 2020, "178.00", "79.90"),
        ("Lukas", "Novak", OLD_PRACTICE, 2015, "195.00", "88.00"),
        ("Sofia", "Almeida", RESEARCH, 2021, "140.00", "60.25"),
        ("Kenji", "Mori", DELIVERY, 2023, "120.00", "49.80"),
        ("Marta", "Kowalska", ADVISORY, 2017, "188.00", "84.40"),
    ),
    US01: (
        ("Grace", "Whitfield", ADVISORY, 2016, "240.00", "108.00"),
        ("Daniel", "Oyelaran", DELIVERY, 2019, "190.00", "84.50"),
        ("Rosa", "Delgado", DELIVERY, 2020, "182.00", "80.00"),
        ("Peter", "Nakamura", RESEARCH, 2018, "205.00", "91.60"),
        ("Aisha", "Khan", DELIVERY, 2021, "170.00", "74.20"),
        ("Noah", "Bergstrom", ADVISORY, 2017, "228.00", "102.30"),
        ("Carmen", "Ruiz", DELIVERY, 2022, "162.00", "70.00"),
        ("Wei", "Zhang", RESEARCH, 2020, "198.00", "88.80"),
        ("Olivia", "Tremblay", ADVISORY, 2019, "215.00", "96.70"),
        ("Samuel", "Adeyemi", DELIVERY, 2023, "155.00", "66.90"),
        ("Ingrid", "Solberg", DELIVERY, 2021, "172.50", "75.30"),
    ),
}
LEAVERS = ("Chiara Moretti", "Wei Zhang")


def firm_of(month: Month) -> Firm:
    """Describe the firm as it is in one month."""
    customers = {customer.code: customer for customer in CUSTOMERS}
    # The tenth working day, so that work lies before it and after it.
    leaving_day = month.working_days()[9]
    return Firm(
        month=month,
        legal_entities=(DE01, US01),
        cost_centres=(DELIVERY, ADVISORY, RESEARCH, OLD_PRACTICE),
        customers=CUSTOMERS,
        projects=tuple(
            Project(
                code,
                name,
                customers[customer],
                legal_entity,
                tasks,
                known_to_erp=code != UNKNOWN_TO_ERP,
                done_in_erp=code == DONE_IN_ERP,
            )
            for code, name, customer, legal_entity, tasks in PROJECTS
        ),
        employees=tuple(
            Employee(
                f"{legal_entity.code}-EMP-{number:03}",
                given_name,
                family_name,
                legal_entity,
                cost_centre,
                date(joined, 1 + number % MONTHS_PER_YEAR, 1),
                leaving_day if f"{given_name} {family_name}" in LEAVERS else None,
                Decimal(bill_rate),
                Decimal(cost_rate),
            )
            for legal_entity, staff in STAFF.items()
            for number, (given_name, family_name, cost_centre, joined, bill_rate, cost_rate) in (
                enumerate(staff, start=1)
            )
        ),
    )
