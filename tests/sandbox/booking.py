"""Booking time in the ERP by hand, as tests of the local world do it."""

from datetime import timedelta

from sandbox.firm import Employee, Project
from sandbox.tryton.admin import AdminClient, TimeLine
from sandbox.tryton.json_rpc import JsonRpcSession
from tests.erp_fixtures import last_month


async def book(
    session: JsonRpcSession, project: Project, person: Employee, note: str, seconds: int = 3600
) -> int:
    """Book time on the first task of a project, on the last day of the month; return the line."""
    line = await values_of_line(session, project, person, note, seconds)
    (number,) = await session.create("timesheet.line", [line])
    return number


async def values_of_line(
    session: JsonRpcSession, project: Project, person: Employee, note: str, seconds: int = 3600
) -> dict[str, object]:
    """Compose a line of time on the first task of a project."""
    employee = await session.find_one("company.employee", [["party.code", "=", person.code]])
    return {
        "work": await timesheet_work(session, project),
        "employee": employee,
        "date": last_month().last_day,
        "duration": timedelta(seconds=seconds),
        "description": note,
    }


async def timesheet_work(session: JsonRpcSession, project: Project) -> int:
    """Find what time on the first task of a project is booked on."""
    (row,) = await session.find(
        "project.work",
        [["parent.number", "=", project.code], ["name", "=", project.tasks[0]]],
        "timesheet_works",
    )
    work: int = row["timesheet_works"][0]
    return work


async def lines_noted(admin: AdminClient, note: str) -> list[TimeLine]:
    """Read the lines that carry a note."""
    return [line for line in await admin.time_lines() if line.description == note]
