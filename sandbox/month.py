"""The firm's month as its people entered it in Harvest: deterministic, and not all in order."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from connectors.harvest.simulated_state import (
    AccountState,
    SimulatedClient,
    SimulatedEntry,
    SimulatedProject,
    SimulatedTask,
    SimulatedUser,
)
from sandbox.firm import Employee, Firm, LegalEntity, Project

_USERS, _CLIENTS, _PROJECTS, _TASKS, _ENTRIES = (
    3_100_000,
    5_700_000,
    14_300_000,
    8_080_000,
    6_400_000,
)
_QUARTERS_PER_HOUR: Final = 4
_NOTES: Final = (
    "Interviews with the team",
    "Follow-up on open points",
    "Data checks",
    "Draft of the report",
    "Review with the customer",
    "Preparation of the workshop",
    "Configuration and tests",
    "Weekly call",
    "Handover",
    "",
)
# Of each legal entity, this many entries of the month before were entered late.
LATE_ENTRIES: Final = 7
_NOT_BILLABLE: Final = "Project management"
# Every sixth person, counted from the second.
_ON_TROUBLED_PROJECTS: Final = 1


@dataclass(frozen=True)
class _Work:
    """A part of a day."""

    project: Project
    task: str
    quarters: int


@dataclass(frozen=True)
class FirmAccount:
    """The firm's Harvest account; ids count the firm's own tuples, so they never change."""

    firm: Firm
    seed: int = 20_26
    # How many entries a person makes on a day, at least and at most.
    entries_a_day: tuple[int, int] = (2, 4)
    account_id: str = "1027316"

    def user_id(self, employee: Employee) -> int:
        """Harvest's id of a person."""
        return _USERS + self.firm.employees.index(employee) + 1

    def project_id(self, project: Project) -> int:
        """Harvest's id of a project."""
        return _PROJECTS + self.firm.projects.index(project) + 1

    def task_id(self, name: str) -> int:
        """Harvest's id of a kind of work."""
        return _TASKS + self.firm.task_names.index(name) + 1

    def state(self) -> AccountState:
        """The whole account at the moment when the month's timesheets have been approved."""
        customers = {customer.code: n for n, customer in enumerate(self.firm.customers, start=1)}
        return AccountState(
            account_id=self.account_id,
            company="Northwind Advisory",
            users=tuple(
                SimulatedUser(
                    id=self.user_id(person),
                    first_name=person.given_name,
                    last_name=person.family_name,
                    email=person.email,
                    roles=(person.role, person.cost_centre.role),
                    # Who has left is archived by the time the month is approved.
                    is_active=person.ended_on is None,
                )
                for person in self.firm.employees
            ),
            clients=tuple(
                SimulatedClient(
                    id=_CLIENTS + customers[customer.code],
                    name=f"{customer.code} {customer.name}",
                    currency=self.firm.currency_of(customer),
                )
                for customer in self.firm.customers
            ),
            projects=tuple(
                SimulatedProject(
                    id=self.project_id(project),
                    client_id=_CLIENTS + customers[project.customer.code],
                    name=project.name,
                    code=project.code,
                )
                for project in self.firm.projects
            ),
            tasks=tuple(
                SimulatedTask(id=self.task_id(name), name=name) for name in self.firm.task_names
            ),
            time_entries=tuple(self._entries()),
        )

    def _entries(self) -> Iterator[SimulatedEntry]:
        chance = random.Random(self.seed)
        days = self.firm.month.working_days()
        stints = [(person, day) for person in self.firm.employees for day in days]
        stints += [stint for entity in self.firm.legal_entities for stint in self._late(entity)]
        number = _ENTRIES
        for person, day in stints:
            for work in self._day(person, day, chance):
                number += 1
                yield self._entry(number, person, day, work, chance)

    def _day(self, person: Employee, day: date, chance: random.Random) -> Sequence[_Work]:
        """What one person did on one day."""
        if person.ended_on is not None and day > person.ended_on + timedelta(days=6):
            # Somebody goes on entering time for some days after having left.
            return ()
        if day < self.firm.month.first_day:
            parts, quarters = 1, chance.randint(4, 16)
        else:
            parts, quarters = chance.randint(*self.entries_a_day), chance.randint(28, 36)
        cuts = [0, *sorted(chance.sample(range(2, quarters - 1), parts - 1)), quarters]
        sizes = [end - start for start, end in pairwise(cuts)]
        projects = chance.choices(self._projects_of(person), k=parts)
        return [
            _Work(project, chance.choice(project.tasks), size)
            for project, size in zip(projects, sizes, strict=True)
        ]

    def _projects_of(self, person: Employee) -> Sequence[Project]:
        """Three projects each; a few people also work where the ERP does not follow."""
        delivered = self.firm.projects_of(person.legal_entity)
        sound = [one for one in delivered if one.known_to_erp and not one.done_in_erp]
        troubled = [one for one in delivered if one not in sound]
        number = self.firm.employees.index(person)
        chosen = [sound[(number + step) % len(sound)] for step in range(3)]
        return [*chosen, *troubled] if number % 6 == _ON_TROUBLED_PROJECTS else chosen

    def _late(self, legal_entity: LegalEntity) -> Iterator[tuple[Employee, date]]:
        """Work of the month before, entered and approved after its period was closed."""
        days = self.firm.month.before().working_days()[-5:]
        people = [
            one
            for one in self.firm.employees_of(legal_entity)
            if not one.cost_centre.closed and one.ended_on is None
        ]
        for number in range(LATE_ENTRIES):
            yield people[number % 3], days[number % len(days)]

    def _entry(
        self, number: int, person: Employee, day: date, work: _Work, chance: random.Random
    ) -> SimulatedEntry:
        approved = datetime.combine(
            self.firm.month.last_day + timedelta(days=2), time(9), tzinfo=UTC
        )
        return SimulatedEntry(
            id=number,
            user_id=self.user_id(person),
            project_id=self.project_id(work.project),
            task_id=self.task_id(work.task),
            spent_date=day,
            hours=Decimal(work.quarters) / _QUARTERS_PER_HOUR,
            # Harvest itself allows two equal entries; ours are told apart by their notes.
            notes=f"{chance.choice(_NOTES)} {number % 1000}".strip(),
            billable=work.task != _NOT_BILLABLE,
            billable_rate=person.bill_rate,
            is_closed=True,
            updated_at=approved + timedelta(seconds=number - _ENTRIES),
        )
