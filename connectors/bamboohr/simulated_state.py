"""The state file of the simulated company: what a generator writes, and tests say.

Instants are UTC, days are plain. `CompanyState.model_dump_json()` writes a file that
`python -m connectors.bamboohr.simulator --state FILE` reads.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EmployeeId = Annotated[int, Field(gt=0, lt=10**12)]
JobColumn = Literal["department", "division", "location"]


class State(BaseModel):
    """What all parts share: closed, so that a misspelt member is noticed at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedStatus(State):
    """From when on a person has an employment status."""

    day: date
    status: str


class SimulatedJob(State):
    """From when on a person has a job."""

    day: date
    department: str = ""
    division: str = ""
    location: str = ""
    title: str = ""


class SimulatedEmployee(State):
    """A person. Without `last_changed` they were changed just now."""

    id: EmployeeId
    first_name: str
    last_name: str
    number: str | None = None
    email: str | None = None
    hire_date: date | None = None
    statuses: tuple[SimulatedStatus, ...] = ()
    jobs: tuple[SimulatedJob, ...] = ()
    # Fields that nobody here asks about, such as a mobile phone.
    others: dict[str, str] = Field(default_factory=dict)
    inserted_at: datetime | None = None
    last_changed: datetime | None = None


class SimulatedOption(State):
    """One value of a list."""

    id: int
    name: str
    archived: bool = False


class Tombstone(State):
    """An employee who was deleted."""

    id: EmployeeId
    last_changed: datetime


class SimulatedDelivery(State):
    """What became of one request of the webhook."""

    at: datetime
    status: int
    employee_id: EmployeeId


class Quirks(State):
    """What the vendor does, or may do; counters are used up."""

    # Fields that the key may not see, by their aliases.
    hidden: frozenset[str] = frozenset()
    # Fields that the next update that has them answers with 200 and does not write.
    ignored: frozenset[str] = frozenset()
    failures: int = 0
    throttled: int = 0
    # Until September 2026 whoever asked too often was told 503.
    throttled_status: Literal[429, 503] = 429
    retry_after_seconds: int = 30
    log_throttled: bool = False
    employees_max: int | None = None
    # Whether datasets know of who was made or changed since they were last filled.
    dataset_lags: bool = False
    # Records as they came from somewhere, put before the first page of employees.
    poison: tuple[str, ...] = ()


class CompanyState(State):
    """Everything in a company's account."""

    company: str = "example"
    api_key: str
    webhook_key: str = ""
    employees: tuple[SimulatedEmployee, ...] = ()
    departments: tuple[SimulatedOption, ...] = ()
    divisions: tuple[SimulatedOption, ...] = ()
    locations: tuple[SimulatedOption, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    deliveries: tuple[SimulatedDelivery, ...] = ()
    quirks: Quirks = Quirks()
