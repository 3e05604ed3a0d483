"""The Projects API of the simulated Xero: projects, tasks, users and time."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.xero.simulated_json import Record, instant_text
from connectors.xero.simulated_organisation import SimulatedXero
from connectors.xero.simulated_state import SimulatedProject
from connectors.xero.wire import instant

_MINUTES: Final = range(1, 59_941)
_PAGE_SIZE_MAX: Final = 500


class BadRequestError(Exception):
    """What Xero answers 400 to, with its sentence."""


class NoSuchRecordError(Exception):
    """What Xero answers 404 to."""


def page_of(items: list[Record], query: Mapping[str, str]) -> Record:
    """One page of a list."""
    number, size = int(query.get("page", "1")), int(query.get("pageSize", "50"))
    if number < 1 or not 1 <= size <= _PAGE_SIZE_MAX:
        raise BadRequestError("page and pageSize must be within their limits")
    paging = {
        "page": number,
        "pageSize": size,
        "pageCount": max(1, -(-len(items) // size)),
        "itemCount": len(items),
    }
    return {"pagination": paging, "items": items[(number - 1) * size : number * size]}


def projects(xero: SimulatedXero, query: Mapping[str, str]) -> Record:
    """List projects, by their state if one is asked for."""
    states = query.get("states", "INPROGRESS,CLOSED").split(",")
    listed = [_project(xero, each) for each in xero.projects.values()]
    return page_of([each for each in listed if each["status"] in states], query)


def _project(xero: SimulatedXero, project: SimulatedProject) -> Record:
    return {
        "projectId": project.id,
        "contactId": project.contact_id,
        "name": project.name,
        "currencyCode": xero.facts.base_currency,
        "minutesLogged": xero.minutes_on(project.id),
        "status": "CLOSED" if project.closed else "INPROGRESS",
    }


def users(xero: SimulatedXero, query: Mapping[str, str]) -> Record:
    """List who may log time."""
    found = [
        {"userId": each.id, "name": each.name, "email": each.email} for each in xero.users.values()
    ]
    return page_of(found, query)


def tasks(xero: SimulatedXero, project_id: str, query: Mapping[str, str]) -> Record:
    """List the tasks of a project."""
    found = [
        {
            "taskId": each.id,
            "projectId": project_id,
            "name": each.name,
            "chargeType": each.charge_type,
            "totalMinutes": 0,
            "status": "ACTIVE",
        }
        for each in _existing(xero, project_id).tasks
    ]
    return page_of(found, query)


def entries(xero: SimulatedXero, project_id: str, query: Mapping[str, str]) -> Record:
    """List the time of a project."""
    _existing(xero, project_id)
    after = instant(query["dateAfterUtc"]) if "dateAfterUtc" in query else None
    before = instant(query["dateBeforeUtc"]) if "dateBeforeUtc" in query else None
    now = xero.clock()
    found = [
        shown_entry(each)
        for each in xero.entries.values()
        if each["projectId"] == project_id
        and (after is None or each["dateUtc"] >= after)
        and (before is None or each["dateUtc"] <= before)
        and (now - each["dateEnteredUtc"]).total_seconds() >= xero.quirks.lag_seconds
    ]
    return page_of(found, query)


def entry(xero: SimulatedXero, project_id: str, entry_id: str) -> Record:
    """Show one entry."""
    found = xero.entries.get(entry_id)
    if found is None or found["projectId"] != project_id:
        raise NoSuchRecordError
    return found


def log_time(xero: SimulatedXero, project_id: str, item: Mapping[str, Any]) -> Record:
    """Make an entry."""
    project = _existing(xero, project_id)
    wrong = list(_wrong(xero, project, item))
    if wrong:
        raise BadRequestError(wrong[0])
    rounded = xero.quirks.rounds_minutes_to
    record = {
        "timeEntryId": xero.issue("time"),
        "userId": item["userId"],
        "projectId": project_id,
        "taskId": item["taskId"],
        "dateUtc": instant(item["dateUtc"]),
        "dateEnteredUtc": xero.clock(),
        "duration": -(-item["duration"] // rounded) * rounded,
        "description": item.get("description"),
        "status": "ACTIVE",
    }
    xero.entries[record["timeEntryId"]] = record
    return record


def _wrong(
    xero: SimulatedXero, project: SimulatedProject, item: Mapping[str, Any]
) -> Iterator[str]:
    duration = item.get("duration")
    if isinstance(duration, bool) or not isinstance(duration, int) or duration not in _MINUTES:
        yield "The duration must be between 1 and 59940 minutes"
    if project.closed:
        yield "Project is closed"
    if item.get("taskId") not in {each.id for each in project.tasks}:
        yield "Task could not be found on this project"
    if item.get("userId") not in xero.users:
        yield "User has no access to projects"
    try:
        instant(item.get("dateUtc"))
    except ValueError:
        yield "dateUtc is not a valid date"


def remove_entry(xero: SimulatedXero, project_id: str, entry_id: str) -> None:
    """Remove an entry; one that is on an invoice stays."""
    if entry(xero, project_id, entry_id)["status"] != "ACTIVE":
        raise BadRequestError("A time entry that is invoiced cannot be deleted")
    del xero.entries[entry_id]


def shown_entry(record: Record) -> Record:
    """An entry as it goes over the wire."""
    return {
        name: instant_text(value) if isinstance(value, datetime) else value
        for name, value in record.items()
    }


def _existing(xero: SimulatedXero, project_id: str) -> SimulatedProject:
    if project_id not in xero.projects:
        raise NoSuchRecordError
    return xero.projects[project_id]
