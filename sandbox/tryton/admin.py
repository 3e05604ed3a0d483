"""An administrator's hands and eyes in the ERP, for drills and for checking what it really holds.

It shares no code with the connector, so that what it reads is an independent view of the ERP.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from types import TracebackType
from typing import Any, Self

from sandbox.tryton.delivery_seed import DONE_STATUS, OPEN_STATUS, set_status
from sandbox.tryton.json_rpc import ErpError, JsonRpcSession

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class TimeLine:
    """One line of time as the ERP holds it, told in codes instead of the ERP's ids.

    `task` is None for time that is booked on the project itself.
    """

    id: int
    legal_entity: str
    employee: str
    project: str
    task: str | None
    work_date: date
    seconds: int
    description: str


class AdminClient:
    """A session of the ERP's administrator; every method names things by their codes."""

    def __init__(self, url: str, database: str, user: str, password: str) -> None:
        self.session = JsonRpcSession(url, database)
        self._user = user
        self._password = password

    async def __aenter__(self) -> Self:
        await self.session.log_in(self._user, self._password)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.__aexit__(kind, error, trace)

    async def close_period(self, legal_entity: str, name: str) -> None:
        """Close a posting period, such as 2026-10."""
        await self.session.press(
            "account.period", "close", [await self._period(legal_entity, name)]
        )

    async def reopen_period(self, legal_entity: str, name: str) -> None:
        """Open a closed posting period again."""
        await reopen(self.session, await self._period(legal_entity, name))

    async def end_task(self, project: str, task: str, last_day: date | None) -> None:
        """Take no time on a task after a day; None takes it for ever again."""
        work = await self._task(project, task)
        await self.session.write("project.work", [work], {"timesheet_end_date": last_day})

    async def finish_project(self, project: str) -> None:
        """Set a project and its tasks to Done. (Tryton takes time on it all the same.)"""
        await self._set_status(project, DONE_STATUS)

    async def reopen_project(self, project: str) -> None:
        """Set a project and its tasks back to Open."""
        await self._set_status(project, OPEN_STATUS)

    async def end_employee(self, code: str, last_day: date | None) -> None:
        """Note an employee's last day of work; None makes him stay."""
        employee = await self.session.find_one("company.employee", [["party.code", "=", code]])
        await self.session.write("company.employee", [employee], {"end_date": last_day})

    async def close_cost_centre(self, legal_entity: str, code: str) -> None:
        """Close a cost centre. (Tryton does not enforce it on what clients send.)"""
        await self._set_cost_centre(legal_entity, code, "closed")

    async def open_cost_centre(self, legal_entity: str, code: str) -> None:
        """Open a cost centre again."""
        await self._set_cost_centre(legal_entity, code, "opened")

    async def edit_time_line(self, line: int, seconds: int) -> None:
        """Change a line behind everybody's back, as a person in the ERP's own client would."""
        await self.session.write("timesheet.line", [line], {"duration": timedelta(seconds=seconds)})

    async def delete_time_line(self, line: int) -> None:
        """Delete a line behind everybody's back."""
        await self.session.call("model.timesheet.line.delete", [line])

    async def time_lines(self) -> tuple[TimeLine, ...]:
        """Read every line of time that the ERP holds, of all companies, in the order of its ids."""
        works = {
            f"project.work,{row['id']}": row
            for row in await self.session.find(
                "project.work", [], "name", "number", "type", "parent.number"
            )
        }
        lines = await self.session.find(
            "timesheet.line",
            [],
            "company.party.code",
            "employee.party.code",
            "work.origin",
            "date",
            "duration",
            "description",
        )
        return tuple(_time_line(line, works[line["work."]["origin"]]) for line in lines)

    async def _company(self, legal_entity: str) -> int:
        return await self.session.find_one("company.company", [["party.code", "=", legal_entity]])

    async def _period(self, legal_entity: str, name: str) -> int:
        company = await self._company(legal_entity)
        self.session.work_for(company)
        return await self.session.find_one(
            "account.period", [["company", "=", company], ["name", "=", name]]
        )

    async def _task(self, project: str, task: str) -> int:
        return await self.session.find_one(
            "project.work", [["parent.number", "=", project], ["name", "=", task]]
        )

    async def _set_status(self, project: str, name: str) -> None:
        rows = await self.session.find("project.work", [["number", "=", project]], "children")
        if not rows:
            raise ErpError("Lookup", f"the ERP knows no project {project}")
        await set_status(self.session, rows[0]["id"], rows[0]["children"], name)

    async def _set_cost_centre(self, legal_entity: str, code: str, state: str) -> None:
        company = await self._company(legal_entity)
        self.session.work_for(company)
        account = await self.session.find_one(
            "analytic_account.account", [["company", "=", company], ["code", "=", code]]
        )
        await self.session.write("analytic_account.account", [account], {"state": state})


def _time_line(line: dict[str, Any], work: dict[str, Any]) -> TimeLine:
    seconds, rest = divmod(line["duration"], SECOND)
    if rest:
        raise ErpError("Content", f"time line {line['id']} is not a whole number of seconds")
    is_task = work["type"] == "task"
    return TimeLine(
        id=line["id"],
        legal_entity=line["company."]["party."]["code"],
        employee=line["employee."]["party."]["code"],
        project=work["parent."]["number"] if is_task else work["number"],
        task=work["name"] if is_task else None,
        work_date=line["date"],
        seconds=seconds,
        description=line["description"] or "",
    )


async def reopen(session: JsonRpcSession, period: int) -> None:
    """Open a closed period again, and what closing it closed in each journal."""
    await session.press("account.period", "reopen", [period])
    closed = [["period", "=", period], ["state", "=", "closed"]]
    journals = await session.find("account.journal.period", closed, "id")
    if journals:
        await session.press("account.journal.period", "reopen", [row["id"] for row in journals])
