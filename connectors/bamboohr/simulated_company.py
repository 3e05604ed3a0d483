"""One simulated BambooHR company: its people, and what HR does with them."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from connectors.bamboohr.simulated_state import (
    CompanyState,
    Quirks,
    SimulatedDelivery,
    SimulatedEmployee,
    SimulatedJob,
    SimulatedOption,
    SimulatedStatus,
    Tombstone,
)

TERMINATED = "Terminated"


class BambooCompany:
    """All state behind one object; a method for each thing that people do in BambooHR."""

    def __init__(
        self,
        state: CompanyState | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        state = state or CompanyState(api_key="the-api-key")
        self.clock = clock
        self.company = state.company
        self.api_key = state.api_key
        self.webhook_key = state.webhook_key
        self.quirks: Quirks = state.quirks
        self.lists: dict[str, list[SimulatedOption]] = {
            "department": list(state.departments),
            "division": list(state.divisions),
            "location": list(state.locations),
        }
        self.tombstones: dict[int, Tombstone] = {one.id: one for one in state.tombstones}
        self.deliveries: list[SimulatedDelivery] = list(state.deliveries)
        self.served: Counter[str] = Counter()
        self._people: dict[int, SimulatedEmployee] = {}
        for one in state.employees:
            self._people[one.id] = self._stamped(one)
        self._in_dataset: dict[int, SimulatedEmployee] = dict(self._people)

    @property
    def now(self) -> datetime:
        """BambooHR's clock: stamps have whole seconds."""
        return self.clock().replace(microsecond=0)

    @property
    def people(self) -> list[SimulatedEmployee]:
        """Everybody, in the order of their ids."""
        return [self._people[one] for one in sorted(self._people)]

    @property
    def in_dataset(self) -> list[SimulatedEmployee]:
        """Everybody whom the datasets know."""
        if not self.quirks.dataset_lags:
            self._in_dataset = dict(self._people)
        return [self._in_dataset[one] for one in sorted(self._in_dataset)]

    def person(self, employee_id: int) -> SimulatedEmployee:
        """One employee; raises KeyError."""
        return self._people[employee_id]

    def state(self) -> CompanyState:
        """Everything, as a state file keeps it."""
        return CompanyState(
            company=self.company,
            api_key=self.api_key,
            webhook_key=self.webhook_key,
            employees=tuple(self.people),
            departments=tuple(self.lists["department"]),
            divisions=tuple(self.lists["division"]),
            locations=tuple(self.lists["location"]),
            tombstones=tuple(self.tombstones.values()),
            deliveries=tuple(self.deliveries),
            quirks=self.quirks,
        )

    def use_up(self, counter: str) -> bool:
        """Whether something is still to go wrong; it then has."""
        left: int = getattr(self.quirks, counter)
        if left:
            self.quirks = self.quirks.model_copy(update={counter: left - 1})
        return bool(left)

    def hire(self, person: SimulatedEmployee) -> SimulatedEmployee:
        """Make an employee; with id 0 the next is given."""
        own = person.id
        used = {*self._people, *self.tombstones}
        if own in used:
            own = max(used) + 1
        made = self._stamped(person.model_copy(update={"id": own}))
        self._people[own] = made
        for column in self.lists:
            for job in made.jobs:
                self._list(column, getattr(job, column))
        return made

    def next_id(self) -> int:
        """The id that BambooHR gives next; one of somebody deleted is never given again."""
        return max([100, *self._people, *self.tombstones]) + 1

    def change(self, employee_id: int, **fields: object) -> SimulatedEmployee:
        """Change fields of the record, by the names of `SimulatedEmployee`."""
        news = {**fields, "last_changed": fields.get("last_changed", self.now)}
        changed = self._people[employee_id].model_copy(update=news)
        self._people[employee_id] = changed
        return changed

    def terminate(self, employee_id: int, day: date) -> None:
        """Add the row that ends the employment; its day may be past or to come."""
        self._add_status(employee_id, SimulatedStatus(day=day, status=TERMINATED))

    def rehire(self, employee_id: int, day: date, status: str = "Full-Time") -> None:
        """Take somebody back: a new row, and a new hire date."""
        self._add_status(employee_id, SimulatedStatus(day=day, status=status))
        self.change(employee_id, hire_date=day)

    def move(self, employee_id: int, job: SimulatedJob) -> None:
        """Add a row of job information; its day may be past or to come."""
        self.change(employee_id, jobs=(*self._people[employee_id].jobs, job))
        for column in self.lists:
            self._list(column, getattr(job, column))

    def delete(self, employee_id: int) -> None:
        """Delete an employee, which leaves nothing but a line in the feed."""
        del self._people[employee_id]
        self.tombstones[employee_id] = Tombstone(id=employee_id, last_changed=self.now)

    def archive(self, column: str, name: str) -> None:
        """Take a value out of use; who has it keeps it."""
        self.lists[column] = [
            one.model_copy(update={"archived": True}) if one.name == name else one
            for one in self.lists[column]
        ]

    def job_on(self, person: SimulatedEmployee, day: date) -> SimulatedJob | None:
        """The row of job information in force on a day; of one day the last that was made."""
        begun = [one for one in reversed(person.jobs) if one.day <= day]
        return max(begun, key=lambda one: one.day) if begun else None

    def is_active(self, person: SimulatedEmployee, day: date) -> bool:
        """Whether somebody is employed; who begins later is not, yet."""
        if person.hire_date and person.hire_date > day:
            return False
        begun = [one for one in person.statuses if one.day <= day]
        # Of two rows of one day the later one counts.
        return (
            not begun
            or max(enumerate(begun), key=lambda one: (one[1].day, one[0]))[1].status != TERMINATED
        )

    def summary(self) -> Mapping[str, int]:
        """Counts, for who watches."""
        return {"employees": len(self._people), "deleted": len(self.tombstones), **self.served}

    def _add_status(self, employee_id: int, row: SimulatedStatus) -> None:
        self.change(employee_id, statuses=(*self._people[employee_id].statuses, row))

    def _list(self, column: str, name: str) -> None:
        known = self.lists[column]
        if name and name not in {one.name for one in known}:
            ids = [one.id for values in self.lists.values() for one in values]
            known.append(SimulatedOption(id=max([18000, *ids]) + 1, name=name))

    def _stamped(self, person: SimulatedEmployee) -> SimulatedEmployee:
        at = person.last_changed or self.now
        return person.model_copy(
            update={"last_changed": at, "inserted_at": person.inserted_at or at}
        )
