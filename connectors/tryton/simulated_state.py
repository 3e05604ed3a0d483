"""The master data that a simulated Tryton starts with, as a file or a test gives it."""

from datetime import date
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SimulatedCompany(_Part):
    """A company, by the code of its party."""

    code: str
    name: str
    currency: str


class SimulatedCostPrice(_Part):
    """What an hour of a person costs from a day on."""

    date: date
    cost_price: Decimal


class SimulatedEmployee(_Part):
    """A person employed by one company."""

    company: str
    code: str
    name: str
    email: str = ""
    start_date: date | None = None
    end_date: date | None = None
    cost_prices: tuple[SimulatedCostPrice, ...] = ()


class SimulatedRate(_Part):
    """What the currency with rate 1 is worth in another from a day on."""

    currency: str
    date: date
    rate: Decimal


class SimulatedCustomer(_Part):
    """Who pays."""

    code: str
    name: str


class SimulatedTask(_Part):
    """A task; a done one takes time all the same, one past its timesheet end does not."""

    number: str
    name: str
    done: bool = False
    timesheet_start_date: date | None = None
    timesheet_end_date: date | None = None


class SimulatedProject(_Part):
    """A project of one company with its tasks."""

    company: str
    number: str
    name: str
    customer: str | None = None
    done: bool = False
    tasks: tuple[SimulatedTask, ...] = ()


class SimulatedCostCentre(_Part):
    """A cost centre of one company."""

    company: str
    code: str
    name: str
    state: Literal["draft", "opened", "closed"] = "opened"


class SimulatedPeriod(_Part):
    """A month of one company's calendar."""

    company: str
    name: str
    fiscal_year: str
    start_date: date
    end_date: date
    state: Literal["open", "closed", "locked"] = "open"


class SimulatedState(_Part):
    """All that the database holds before the first line of time."""

    companies: tuple[SimulatedCompany, ...]
    employees: tuple[SimulatedEmployee, ...]
    customers: tuple[SimulatedCustomer, ...]
    projects: tuple[SimulatedProject, ...]
    cost_centres: tuple[SimulatedCostCentre, ...] = ()
    periods: tuple[SimulatedPeriod, ...] = ()
    rates: tuple[SimulatedRate, ...] = ()

    @classmethod
    def small(cls) -> Self:
        """Two companies with five people and three projects each; person 5 has left."""
        companies = (
            SimulatedCompany(code="DE01", name="Northwind GmbH", currency="EUR"),
            SimulatedCompany(code="US01", name="Northwind Inc", currency="USD"),
        )
        codes = [company.code for company in companies]
        return cls(
            companies=companies,
            employees=tuple(_person(code, n) for code in codes for n in range(1, 6)),
            customers=tuple(
                SimulatedCustomer(code=f"CUST-{n}", name=f"Customer {n}") for n in range(1, 4)
            ),
            projects=tuple(
                _project(code, 1000 * c + n) for c, code in enumerate(codes, 1) for n in range(1, 4)
            ),
            cost_centres=tuple(
                SimulatedCostCentre(
                    company=code, code=centre, name=centre, state="closed" if closed else "opened"
                )
                for code in codes
                for centre, closed in (("CC-100", False), ("CC-900", True))
            ),
            periods=tuple(_month(code, month) for code in codes for month in range(1, 12)),
        )


def _person(company: str, number: int) -> SimulatedEmployee:
    code = f"{company}-EMP-{number:03}"
    return SimulatedEmployee(
        company=company,
        code=code,
        name=f"Consultant {number} of {company}",
        email=f"{code.lower()}@northwind.example",
        start_date=date(2020, 1, 1),
        end_date=date(2026, 6, 30) if number == 5 else None,  # noqa: PLR2004
    )


def _project(company: str, number: int) -> SimulatedProject:
    return SimulatedProject(
        company=company,
        number=f"P-{number}",
        name=f"Engagement {number}",
        customer=f"CUST-{1 + number % 3}",
        tasks=tuple(SimulatedTask(number=f"P-{number}-{n}", name=f"Task {n}") for n in range(1, 3)),
    )


def _month(company: str, month: int) -> SimulatedPeriod:
    return SimulatedPeriod(
        company=company,
        name=f"2026-{month:02}",
        fiscal_year="2026",
        start_date=date(2026, month, 1),
        end_date=date.fromordinal(date(2026, month + 1, 1).toordinal() - 1),
        state="closed" if month == 1 else "open",
    )
