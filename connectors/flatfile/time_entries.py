"""Time entries as lines of a table, and what can be made out of a line that is none."""

from datetime import UTC, date, datetime
from typing import Final

from canonical.text import same_code
from canonical.time_entry import TimeEntry, week_of
from connectors.base.capabilities import SourceRecord
from connectors.base.dates import day_of
from connectors.flatfile import approvals
from connectors.flatfile.approvals import approval, said_approved
from connectors.flatfile.cells import Cells
from connectors.flatfile.drafts import Draft, agreed
from connectors.flatfile.kinds import Kind, id_from
from connectors.flatfile.masters import task_id
from connectors.flatfile.tables import Columns

COLUMNS: Final = Columns(
    (
        *("id", "employee", "project", "task", "work_date", "hours", "billable"),
        *approvals.COLUMNS,
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
        approval=approval(cells, evidence=evidence),
        changed_at=_ANY_INSTANT,
    )


def _name(cells: Cells, column: str) -> str | None:
    name = cells.text(column)
    return None if name is None else same_code(name)


def source_record(
    draft: Draft[TimeEntry], connection: str, changed_at: datetime
) -> SourceRecord[TimeEntry]:
    """What the intake is shown of a line; never raises for its content."""
    record = draft.record
    if record is not None:
        shown = record.model_copy(update={"connection": connection, "changed_at": changed_at})
        return SourceRecord(
            source_id=draft.id,
            raw=draft.raw,
            record=shown,
            document_id=shown.timesheet,
            employee=shown.employee,
            work_date=shown.work_date,
            approved=shown.approval is not None,
            changed_at=changed_at,
        )
    employee = agreed(draft.rows, "employee", id_from)
    day = agreed(draft.rows, "work_date", day_of)
    return SourceRecord(
        source_id=draft.id,
        raw=draft.raw,
        trouble=draft.trouble,
        document_id=timesheet_id(employee, day) if employee and day else None,
        employee=employee,
        work_date=day,
        approved=agreed(draft.rows, "approved", said_approved),
        changed_at=changed_at,
    )
