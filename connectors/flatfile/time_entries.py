"""Time entries as lines of a table, and what can be made out of a line that is none."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from canonical.text import same_code
from canonical.time_entry import Approval, TimeEntry, week_of
from connectors.base.capabilities import SourceRecord
from connectors.base.dates import day_of
from connectors.flatfile.cells import Cells
from connectors.flatfile.drafts import Draft
from connectors.flatfile.kinds import Kind, id_from
from connectors.flatfile.masters import task_id
from connectors.flatfile.tables import Columns, Row

COLUMNS: Final = Columns(
    (
        *("id", "employee", "project", "task", "work_date", "hours", "billable"),
        *("approved", "approved_by", "approved_at"),
    ),
    ("customer", "rate", "currency", "note"),
)
# Of which connection it is, and since when, whoever reads the file says.
_ANY_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SAID: Final = {
    "connection": "",
    "changed_at": "",
    "approval": "approved",
    "seconds": "hours",
    "bill_rate": "rate",
    "timesheet": "employee",
}


def timesheet_id(employee: str, day: date) -> str:
    """A person's week, Monday to Sunday; a table has no document of its own for it."""
    return f"{employee}-{week_of(day).isoformat()}"


def time_entries(*, evidence: bool) -> Kind[TimeEntry]:
    """The kind of record that `time.csv` has.

    With `evidence`, an approved line names who approved it and when, or is no good.
    """

    def read(cells: Cells) -> TimeEntry:
        return _time_entry(cells, evidence=evidence)

    return Kind("time", COLUMNS, ("id",), read, many=True)


def _time_entry(cells: Cells, *, evidence: bool) -> TimeEntry:
    employee, day = _name(cells, "employee"), cells.day("work_date")
    project, task, customer = (cells.text(one) for one in ("project", "task", "customer"))
    return cells.make(
        TimeEntry,
        _SAID,
        connection="-",
        id=_name(cells, "id"),
        timesheet=timesheet_id(employee, day) if employee and day else "-",
        employee=employee,
        # A field without a default: None is said, and not left out.
        customer=customer and id_from(customer),
        project=project and id_from(project),
        task=project and task and task_id(project, task),
        work_date=day,
        seconds=cells.seconds("hours"),
        billable=cells.flag("billable"),
        bill_rate=cells.hourly_rate("rate", "currency"),
        note=cells.text("note") or "",
        approval=_approval(cells, evidence=evidence),
        changed_at=_ANY_INSTANT,
    )


def _name(cells: Cells, column: str) -> str | None:
    name = cells.text(column)
    return None if name is None else same_code(name)


def _approval(cells: Cells, *, evidence: bool) -> Approval | None:
    approved = cells.flag("approved")
    approver, moment = cells.text("approved_by"), cells.moment("approved_at")
    if cells.text("approved") is None:
        cells.wrong("approved", "fill it in")
    if not approved:
        return None
    for column in ("approved_by", "approved_at"):
        if evidence and cells.text(column) is None:
            cells.wrong(column, "fill it in: it is the evidence of the approval")
    return cells.part(
        Approval,
        {"approver": "approved_by"},
        approver=approver,
        approved_at=moment,
    )


def source_record(
    draft: Draft[TimeEntry], connection: str, changed_at: datetime
) -> SourceRecord[TimeEntry]:
    """What the intake is shown of a line; never raises for its content."""
    employee, day = (
        _agreed(draft.rows, "employee", _named),
        _agreed(draft.rows, "work_date", day_of),
    )
    record = draft.record
    return SourceRecord(
        source_id=draft.id,
        raw=draft.raw,
        record=record
        and record.model_copy(update={"connection": connection, "changed_at": changed_at}),
        trouble=draft.trouble,
        document_id=timesheet_id(employee, day) if employee and day else None,
        employee=employee,
        work_date=day,
        approved=_agreed(draft.rows, "approved", _flag),
        changed_at=changed_at,
    )


def _agreed(rows: Sequence[Row], column: str, read: Callable[[str], Any]) -> Any:
    """What all lines of one record say in a column; None if they differ, or say nothing."""
    try:
        said = {read(row.cells.get(column, "")) for row in rows}
    except ValueError:
        return None
    return said.pop() if len(said) == 1 else None


def _named(text: str) -> str | None:
    return id_from(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise ValueError("neither yes nor no")
    return text.lower() in ("yes", "true")
