"""The simulated company's records as BambooHR's JSON; what the key may not see is hidden there."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_state import SimulatedEmployee

# What the list of employees calls a field; permissions know it by its alias.
LISTED: Final = {
    "jobTitleName": "jobTitle",
    "departmentName": "department",
    "divisionName": "division",
    "locationName": "location",
}
ALWAYS: Final = ("firstName", "lastName", "preferredName", "photoUrl", "jobTitleName", "status")
OPTIONAL: Final = frozenset(
    {"workEmail", "hireDate", "departmentName", "divisionName", "locationName", "mobilePhone"}
)
DATASET: Final = {
    "employeeId": "id",
    "employeeNumber": "employeeNumber",
    "firstName": "firstName",
    "lastName": "lastName",
    "supervisorId": "supervisorId",
}
TABLES: Final = ("jobInfo", "employmentStatus")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def values_of(company: BambooCompany, person: SimulatedEmployee) -> dict[str, Any]:
    """All fields of an employee by their aliases, as they are today."""
    today = company.now.date()
    job = company.job_on(person, today)
    ended = [one.day for one in person.statuses if one.status == "Terminated" and one.day <= today]
    return {
        **person.others,
        "id": str(person.id),
        "employeeNumber": person.number,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "preferredName": None,
        "photoUrl": None,
        "workEmail": person.email,
        "hireDate": _day(person.hire_date),
        "terminationDate": _day(max(ended)) if ended else None,
        "status": "Active" if company.is_active(person, today) else "Inactive",
        "jobTitle": (job.title or None) if job else None,
        "department": (job.department or None) if job else None,
        "division": (job.division or None) if job else None,
        "location": (job.location or None) if job else None,
    }


def listed(company: BambooCompany, person: SimulatedEmployee, fields: list[str]) -> dict[str, Any]:
    """An employee as the list shows one: what is hidden is null, and named."""
    values = values_of(company, person)
    shown = [*ALWAYS, *(one for one in dict.fromkeys(fields) if one in OPTIONAL)]
    hidden = [one for one in shown if LISTED.get(one, one) in company.quirks.hidden]
    record = {one: None if one in hidden else values.get(LISTED.get(one, one)) for one in shown}
    return {"employeeId": values["id"], **record, "_restrictedFields": hidden}


def single(company: BambooCompany, person: SimulatedEmployee, fields: list[str]) -> dict[str, Any]:
    """An employee as one is shown alone: what is hidden is left out, and so is what is unknown."""
    values = values_of(company, person)
    shown = [one for one in fields if one in values and one not in company.quirks.hidden]
    return {"id": values["id"], **{one: values[one] for one in shown}}


def row_of(company: BambooCompany, person: SimulatedEmployee, fields: list[str]) -> dict[str, Any]:
    """An employee as a row of a dataset, whose values are text."""
    values = values_of(company, person)
    shown = [one for one in fields if DATASET[one] not in company.quirks.hidden]
    return {"fields": {one: values.get(DATASET[one]) or "" for one in shown}}


def table_rows(
    company: BambooCompany, person: SimulatedEmployee, table: str
) -> list[dict[str, Any]]:
    """The rows of one table, in no order that means anything."""
    if table == "jobInfo":
        rows: list[dict[str, Any]] = [
            {
                "date": one.day.isoformat(),
                "location": one.location or None,
                "department": one.department or None,
                "division": one.division or None,
                "jobTitle": one.title or None,
                "reportsTo": None,
            }
            for one in person.jobs
        ]
    else:
        rows = [
            {"date": one.day.isoformat(), "employmentStatus": one.status, "comment": None}
            for one in person.statuses
        ]
    hidden = company.quirks.hidden
    return [
        {
            "id": f"{person.id}{number:03}",
            "employeeId": str(person.id),
            **{name: value for name, value in row.items() if name not in hidden},
        }
        for number, row in reversed(list(enumerate(rows)))
    ]


def changed_since(company: BambooCompany, since: datetime, wanted: str) -> dict[str, Any]:
    """The feed of changes: each employee once, with the last thing that happened to them."""
    found = {
        str(one.id): (one.last_changed, "Inserted" if _is_new(one, since) else "Updated")
        for one in company.people
        if one.last_changed and one.last_changed >= since
    }
    found |= {
        str(one.id): (one.last_changed, "Deleted")
        for one in company.tombstones.values()
        if one.last_changed >= since
    }
    told = {
        own: {"id": own, "action": action, "lastChanged": instant(at)}
        for own, (at, action) in found.items()
        if wanted in ("all", action.lower())
    }
    latest = max((at for at, _ in found.values()), default=since)
    return {"latest": instant(latest), "employees": told}


def instant(moment: datetime) -> str:
    """An instant as BambooHR writes it: with its zone, and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def moment_in(text: str | None) -> datetime | None:
    """An instant as somebody asks for it; None if it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day_in(text: str) -> date | None:
    """A day as somebody writes it; raises ValueError for what is none."""
    if not text:
        return None
    if not _DAY.fullmatch(text):
        raise ValueError("not a day")
    return date.fromisoformat(text)


def lists_of(company: BambooCompany) -> list[Mapping[str, Any]]:
    """The fields that have a list of values."""
    return [
        {
            "fieldId": str(number),
            "name": column.capitalize(),
            "alias": column,
            "manageable": "yes",
            "multiple": "no",
            "options": [
                {
                    "id": one.id,
                    "name": one.name,
                    "archived": "yes" if one.archived else "no",
                    "createdDate": None,
                    "archivedDate": None,
                }
                for one in values
            ],
        }
        for number, (column, values) in enumerate(company.lists.items(), start=4)
        if column not in company.quirks.hidden
    ]


def _is_new(person: SimulatedEmployee, since: datetime) -> bool:
    return person.inserted_at is not None and person.inserted_at >= since


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
