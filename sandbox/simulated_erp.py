"""The firm's master data as a simulated Tryton holds it, for tests and benchmarks."""

from collections.abc import Iterator
from datetime import date

from connectors.tryton.simulated_state import (
    SimulatedCompany,
    SimulatedCostCentre,
    SimulatedCostPrice,
    SimulatedCustomer,
    SimulatedEmployee,
    SimulatedPeriod,
    SimulatedProject,
    SimulatedRate,
    SimulatedState,
    SimulatedTask,
)
from sandbox.firm import Firm, Month, Project
from sandbox.tryton.currency_seed import CURRENCIES, rates_of


def erp_state_of(firm: Firm) -> SimulatedState:
    """Describe the firm as its ERP knows it; the month before is closed."""
    return SimulatedState(
        companies=tuple(
            SimulatedCompany(code=one.code, name=one.name, currency=one.currency)
            for one in firm.legal_entities
        ),
        employees=tuple(
            SimulatedEmployee(
                company=one.legal_entity.code,
                code=one.code,
                name=one.name,
                email=one.email,
                start_date=one.started_on,
                end_date=one.ended_on,
                cost_prices=(SimulatedCostPrice(date=one.started_on, cost_price=one.cost_rate),),
            )
            for one in firm.employees
        ),
        customers=tuple(SimulatedCustomer(code=one.code, name=one.name) for one in firm.customers),
        projects=tuple(_project(one) for one in firm.projects if one.known_to_erp),
        cost_centres=tuple(
            SimulatedCostCentre(
                company=entity.code,
                code=centre.code,
                name=centre.name,
                state="closed" if centre.closed else "opened",
            )
            for entity in firm.legal_entities
            for centre in firm.cost_centres
        ),
        periods=tuple(_periods(firm)),
        rates=tuple(
            SimulatedRate(currency=code, date=day, rate=rate)
            for code in CURRENCIES
            for day, rate in rates_of(
                code, date(firm.month.before().year, 1, 1), firm.month
            ).items()
        ),
    )


def _project(project: Project) -> SimulatedProject:
    return SimulatedProject(
        company=project.legal_entity.code,
        number=project.code,
        name=project.name,
        customer=project.customer.code,
        done=project.done_in_erp,
        tasks=tuple(
            SimulatedTask(number=f"{project.code}-{number}", name=name)
            for number, name in enumerate(project.tasks, start=1)
        ),
    )


def _periods(firm: Firm) -> Iterator[SimulatedPeriod]:
    month = Month(firm.month.before().year, 1)
    while month <= firm.month.next():
        for entity in firm.legal_entities:
            yield SimulatedPeriod(
                company=entity.code,
                name=month.name,
                fiscal_year=str(month.year),
                start_date=month.first_day,
                end_date=month.last_day,
                state="closed" if month < firm.month else "open",
            )
        month = month.next()
