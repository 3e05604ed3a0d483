"""The firm's BambooHR company: its people, since when, until when, and for which cost centre."""

from dataclasses import dataclass
from typing import Final

from connectors.bamboohr.simulated_company import TERMINATED
from connectors.bamboohr.simulated_state import (
    CompanyState,
    SimulatedEmployee,
    SimulatedJob,
    SimulatedOption,
    SimulatedStatus,
)
from sandbox.firm import Employee, Firm

COMPANY: Final = "northwind"
_EMPLOYEES, _DEPARTMENTS, _DIVISIONS = 100, 18_200, 18_300


@dataclass(frozen=True)
class HrCompany:
    """The company; ids count the firm's own tuples, so they never change."""

    firm: Firm

    def state(self) -> CompanyState:
        """Everybody, those who left included."""
        return CompanyState(
            company=COMPANY,
            api_key="the-key-of-a-made-up-company",
            employees=tuple(map(self._person, self.firm.employees)),
            departments=tuple(
                SimulatedOption(id=_DEPARTMENTS + number, name=one.role, archived=one.closed)
                for number, one in enumerate(self.firm.cost_centres, start=1)
            ),
            # BambooHR knows no companies of a group; this firm keeps them as divisions.
            divisions=tuple(
                SimulatedOption(id=_DIVISIONS + number, name=one.name)
                for number, one in enumerate(self.firm.legal_entities, start=1)
            ),
        )

    def employee_id(self, person: Employee) -> int:
        """BambooHR's id of a person."""
        return _EMPLOYEES + self.firm.employees.index(person) + 1

    def _person(self, person: Employee) -> SimulatedEmployee:
        statuses = [SimulatedStatus(day=person.started_on, status="Full-Time")]
        if person.ended_on is not None:
            statuses.append(SimulatedStatus(day=person.ended_on, status=TERMINATED))
        return SimulatedEmployee(
            id=self.employee_id(person),
            first_name=person.given_name,
            last_name=person.family_name,
            number=person.code,
            email=person.email,
            hire_date=person.started_on,
            statuses=tuple(statuses),
            jobs=(
                SimulatedJob(
                    day=person.started_on,
                    department=person.cost_centre.role,
                    division=person.legal_entity.name,
                    title=person.role,
                ),
            ),
        )
