"""A desk at the simulated ERP: what is booked there, and what people do on its screens."""

from datetime import date
from decimal import Decimal
from typing import Any

from connectors.tryton.simulated_lines import Line
from connectors.tryton.simulator import SimulatedTryton
from connectors.tryton.wire import date_on_wire, duration_on_wire
from tests.invariants.rows import ErpLine
from tests.invariants.snapshot import erp_line

_OPEN = {"id": 1, "progress": None}
_DONE = {"id": 2, "progress": 1.0}
_REFERENCE_LENGTH = 21


class ErpDesk:
    """Asks the ERP itself, never our ledger."""

    def __init__(self, erp: SimulatedTryton) -> None:
        self._erp = erp
        self._books = erp.books
        # References of lines that were spoilt here on purpose.
        self.spoilt: set[str] = set()

    # What is booked.

    @property
    def lines(self) -> list[Line]:
        """All lines of time."""
        return list(self._books.store.lines.values())

    def lines_of(self, entry: int) -> list[Line]:
        """The lines that were booked for a time entry."""
        return [line for line in self.lines if line["description"].endswith(f" private {entry}")]

    def hours_of(self, *entries: int) -> list[Decimal]:
        """The hours of every line that was booked for these entries, in their order."""
        return [
            Decimal(line["duration"]) / 3600 for entry in entries for line in self.lines_of(entry)
        ]

    def place_of(self, entry: int) -> tuple[str, date]:
        """The task's number and the date of the one line that was booked for an entry."""
        (line,) = self.lines_of(entry)
        origin = self._books.tables["timesheet.work"][line["work"]]["origin"]
        work = self._books.tables["project.work"][int(origin.split(",")[1])]
        return work["number"], line["date"]

    def employee_of(self, entry: int) -> str:
        """The code of the employee on the one line that was booked for an entry."""
        (line,) = self.lines_of(entry)
        employee = self._books.tables["company.employee"][line["employee"]]
        return str(employee["party."]["code"])

    def references(self) -> list[str]:
        """The references of all lines, each as often as it is there."""
        return [line["description"][:_REFERENCE_LENGTH] for line in self.lines]

    def as_dumped(self) -> list[ErpLine]:
        """All lines, for the invariants."""
        companies = self._books.tables["company.company"]
        return [
            erp_line(
                document_id=str(line["id"]),
                reference=(line["description"] or "")[:_REFERENCE_LENGTH],
                seconds=int(line["duration"]),
                work_date=line["date"],
                legal_entity=companies[line["company"]]["party."]["code"],
            )
            for line in self.lines
        ]

    @property
    def writes(self) -> int:
        """How many writes the ERP was asked for through tasks, whatever became of them."""
        return self._erp.calls["model.timesheet.work.write"]

    # What people do there.

    def reopen(self, project: str) -> None:
        """Set a project's status back to open."""
        self._project(project)["status."] = _OPEN

    def close(self, project: str) -> None:
        """Set a project to done."""
        self._project(project)["status."] = _DONE

    def end_task(self, project: str, task: str, on: date | None) -> None:
        """Let a task take no time after a date; None takes that back. This moves its stamp."""
        number = self._task(project, task)["id"]
        value = None if on is None else date_on_wire(on)
        self._books.masters.write("project.work", [([number], {"timesheet_end_date": value})], {})

    def touch(self, project: str, task: str) -> None:
        """Book and remove something on a task, as another client does: its stamp moves."""
        self._books.write_works([([self._work(project, task)], {"timesheet_lines": []})], {})

    def set_period(self, legal_entity: str, name: str, state: str) -> None:
        """Open or close a month of one company."""
        company = self._company(legal_entity)
        for period in self._books.tables["account.period"].values():
            if (period["company"], period["name"]) == (company, name):
                period["state"] = state

    def open_cost_centre(self, legal_entity: str, code: str) -> None:
        """Open a closed cost centre."""
        company = self._company(legal_entity)
        for centre in self._books.tables["analytic_account.account"].values():
            if (centre["company"], centre["code"]) == (company, code):
                centre["state"] = "opened"

    def invoice(self, project: str) -> None:
        """Put everything on a project on an invoice."""
        self._books.invoice_projects([self._project(project)["id"]])

    def credit(self, project: str) -> None:
        """Take everything on a project off its invoices again."""
        for task in self._tasks(self._project(project)["id"]):
            for line in self._books.store.of_work(self._work_of(task["id"])):
                line["invoice_line"] = None

    def edit(self, entry: int, *, hours: str | None = None, on: date | None = None) -> None:
        """Change the one line of an entry on the screen."""
        (line,) = self.lines_of(entry)
        self._spoil(line)
        values: dict[str, Any] = {}
        if hours is not None:
            values["duration"] = duration_on_wire(int(Decimal(hours) * 3600))
        if on is not None:
            values["date"] = date_on_wire(on)
        self._books.write_lines([line["id"]], values)

    def remove(self, *numbers: int) -> None:
        """Delete lines on the screen."""
        for number in numbers:
            self._spoil(self._books.store.lines[number])
        self._books.delete_lines(numbers)

    def put_back(self, line: Line) -> None:
        """Restore a line that was deleted, as from a backup."""
        self._books.store.add(line)

    def copy(self, entry: int) -> int:
        """Book the line of an entry once more, reference and all; gives the new line's id."""
        line = self.lines_of(entry)[0]
        self._spoil(line)
        again = {
            **{name: line[name] for name in ("company", "employee", "work", "description")},
            "date": date_on_wire(line["date"]),
            "duration": duration_on_wire(int(line["duration"])),
        }
        (number,) = self._books.create_lines([again], {"company": line["company"]})
        return number

    def _spoil(self, line: Line) -> None:
        self.spoilt.add(line["description"][:_REFERENCE_LENGTH])

    # Its records.

    def _project(self, code: str) -> dict[str, Any]:
        return self._numbered(code, self._books.tables["project.work"].values())

    def _task(self, project: str, name: str) -> dict[str, Any]:
        tasks = self._tasks(self._project(project)["id"])
        return next(one for one in tasks if one["name"] == name)

    def _tasks(self, parent: int) -> list[dict[str, Any]]:
        works = self._books.tables["project.work"].values()
        return [one for one in works if one["parent"] == parent]

    def _work(self, project: str, task: str) -> int:
        return self._work_of(self._task(project, task)["id"])

    def _work_of(self, project_work: int) -> int:
        origin = f"project.work,{project_work}"
        works = self._books.tables["timesheet.work"].items()
        return next(number for number, one in works if one["origin"] == origin)

    def _company(self, code: str) -> int:
        companies = self._books.tables["company.company"].items()
        return next(number for number, one in companies if one["party."]["code"] == code)

    @staticmethod
    def _numbered(code: str, records: Any) -> dict[str, Any]:
        return next(one for one in records if one["number"] == code)


def hours(*numbers: str) -> list[Decimal]:
    """Hours, to compare with those that the ERP shows."""
    return [Decimal(number) for number in numbers]
