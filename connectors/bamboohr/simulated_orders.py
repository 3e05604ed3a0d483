"""Orders to the simulated company, as JSON: what HR would do in BambooHR's own pages."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_state import (
    EmployeeId,
    JobColumn,
    Quirks,
    SimulatedEmployee,
    SimulatedJob,
    State,
)
from connectors.bamboohr.simulated_webhooks import webhook

# Carries out a JSON body and says what came of it; raises ValidationError or KeyError.
Order = Callable[[BambooCompany, bytes], Any]


class Dated(State):
    """Something that happens to somebody on a day."""

    id: EmployeeId
    day: date


class Move(State):
    """A new row of job information."""

    id: EmployeeId
    job: SimulatedJob


class Renaming(State):
    """Fields of somebody's record."""

    id: EmployeeId
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


class Chosen(State):
    """One employee."""

    id: EmployeeId


class Archived(State):
    """One value of a list."""

    column: JobColumn
    name: str


class Event(State):
    """A webhook to be signed."""

    event: str
    id: EmployeeId
    changed: tuple[str, ...] = ()


def _hire(company: BambooCompany, body: bytes) -> Any:
    return company.hire(SimulatedEmployee.model_validate_json(body)).id


def _terminate(company: BambooCompany, body: bytes) -> Any:
    told = Dated.model_validate_json(body)
    company.terminate(told.id, told.day)
    return 1


def _rehire(company: BambooCompany, body: bytes) -> Any:
    told = Dated.model_validate_json(body)
    company.rehire(told.id, told.day)
    return 1


def _move(company: BambooCompany, body: bytes) -> Any:
    told = Move.model_validate_json(body)
    company.move(told.id, told.job)
    return 1


def _change(company: BambooCompany, body: bytes) -> Any:
    told = Renaming.model_validate_json(body)
    company.change(told.id, **told.model_dump(exclude={"id"}, exclude_none=True))
    return 1


def _delete(company: BambooCompany, body: bytes) -> Any:
    company.delete(Chosen.model_validate_json(body).id)
    return 1


def _archive(company: BambooCompany, body: bytes) -> Any:
    told = Archived.model_validate_json(body)
    company.archive(told.column, told.name)
    return 1


def _quirks(company: BambooCompany, body: bytes) -> Any:
    told = Quirks.model_validate_json(body)
    news = {name: getattr(told, name) for name in told.model_fields_set}
    company.quirks = company.quirks.model_copy(update=news)
    return len(news)


def _webhook(company: BambooCompany, body: bytes) -> Any:
    told = Event.model_validate_json(body)
    headers, sent = webhook(company, told.event, told.id, told.changed)
    return {"headers": dict(headers), "body": sent.decode()}


ORDERS: Final[dict[str, Order]] = {
    "hire": _hire,
    "terminate": _terminate,
    "rehire": _rehire,
    "move": _move,
    "change": _change,
    "delete": _delete,
    "archive": _archive,
    "quirks": _quirks,
    "webhook": _webhook,
}
