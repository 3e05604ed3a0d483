"""A made-up firm to measure with: 200 people on 120 projects, full timesheets, all in order."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from connectors.harvest.simulated_state import SimulatedEntry
from sandbox.firm import (
    CUSTOMERS,
    DE01,
    DELIVERY,
    US01,
    Employee,
    Firm,
    LegalEntity,
    Month,
    Project,
)
from sandbox.month import FirmAccount

LINES_PER_TIMESHEET: Final = 20
PEOPLE: Final = 200
_PROJECTS: Final = 120
_PROJECTS_PER_PERSON: Final = 3
_TASKS: Final = ("Analysis", "Implementation", "Workshops", "Project management")
_MONTH: Final = Month(2026, 10)
# The first week warms programs up; what is measured begins a week later.
WARM_UP_WEEK: Final = date(2026, 10, 5)
# To the end of the month after: the ERP's calendar goes no further.
WEEKS_MAX: Final = 7
LINES_MAX: Final = WEEKS_MAX * PEOPLE * LINES_PER_TIMESHEET
_FIRST_ID: Final = 6_400_000
_SEED: Final = 7


def large_firm() -> Firm:
    """Describe the firm; the same for every call."""
    entities = (DE01, US01)
    return Firm(
        month=_MONTH,
        legal_entities=entities,
        cost_centres=(DELIVERY,),
        customers=CUSTOMERS,
        projects=tuple(_project(number, entities[number % 2]) for number in range(_PROJECTS)),
        employees=tuple(_employee(number, entities[number % 2]) for number in range(PEOPLE)),
    )


def _project(number: int, legal_entity: LegalEntity) -> Project:
    customer = CUSTOMERS[number % len(CUSTOMERS)]
    return Project(f"PRJ-{2000 + number}", f"Engagement {number}", customer, legal_entity, _TASKS)


def _employee(number: int, legal_entity: LegalEntity) -> Employee:
    return Employee(
        code=f"{legal_entity.code}-EMP-{number:03}",
        given_name="Consultant",
        family_name=f"Number{number:03}",
        legal_entity=legal_entity,
        cost_centre=DELIVERY,
        started_on=date(2020, 1, 1),
        ended_on=None,
        bill_rate=Decimal("150.00"),
        cost_rate=Decimal("65.00"),
    )


@dataclass(frozen=True)
class FullTimesheets(FirmAccount):
    """The firm's Harvest account, with exactly as many full timesheets as are asked for."""

    warm_up: int = 0
    timesheets: int = 0

    def _entries(self) -> Iterator[SimulatedEntry]:
        chance = random.Random(_SEED)
        places = self._projects_by_person(chance)
        number = _FIRST_ID
        for person, monday in self._weeks():
            for line in range(LINES_PER_TIMESHEET):
                number += 1
                project = chance.choice(places[person])
                yield SimulatedEntry(
                    id=number,
                    user_id=self.user_id(self.firm.employees[person]),
                    project_id=self.project_id(project),
                    task_id=self.task_id(chance.choice(_TASKS)),
                    spent_date=monday + timedelta(days=line % 5),
                    hours=Decimal(chance.randint(2, 12)) / 4,
                    notes=f"Work on deliverable {number % 50} for the customer, part {line}",
                    billable_rate=Decimal("150.00"),
                    is_closed=True,
                    updated_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
                )

    def _projects_by_person(self, chance: random.Random) -> list[list[Project]]:
        return [
            chance.sample(self.firm.projects_of(one.legal_entity), _PROJECTS_PER_PERSON)
            for one in self.firm.employees
        ]

    def _weeks(self) -> Iterator[tuple[int, date]]:
        """Person (by number) and Monday of each timesheet: first those of the warm-up."""
        for number in range(self.warm_up):
            yield number, WARM_UP_WEEK
        for number in range(self.timesheets):
            week = 1 + number // PEOPLE
            yield number % PEOPLE, WARM_UP_WEEK + timedelta(weeks=week)
