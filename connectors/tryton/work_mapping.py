"""Tryton's projects and tasks as our master data: one tree, with what time is booked on."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from canonical.masters import Project, Task
from canonical.text import same_code
from connectors.tryton.master_mapping import CODE_MAX, Companies, M, code_of, name_of
from connectors.tryton.wire import ProjectWorkRow, StatusRow, TimesheetWorkRow, row_from

_LOG: Final = logging.getLogger(__name__)
_MARK: Final = re.compile(r"\[ledgerway:([^\]\n]+)\]")
_ORIGIN: Final = "project.work,"
_DONE: Final = Decimal(1)
# Tasks may stand below tasks; a tree deeper than this turns in a circle.
WORKS_DEPTH_MAX: Final = 50


class Works:
    """The tree of projects and tasks."""

    def __init__(self, companies: Companies, values: Sequence[Any]) -> None:
        self._companies: Final = companies
        self._rows: Final = dict(_rows_by_id(values))

    def projects(self) -> tuple[Project, ...]:
        """All projects, the done ones inactive."""
        return self._each("project", self._project)

    def task(self, row: TimesheetWorkRow) -> Task | None:
        """What time is booked on for a task of a project; None for anything else."""
        work = self._rows.get(work_of(row))
        if work is None or work.type != "task":
            return None
        return Task(
            connection=self._companies.connection,
            # Lines are booked on the timesheet work, not on the task itself.
            id=str(row.id),
            code=code_of(work.number, work.id),
            name=name_of(work.name),
            legal_entity=self._companies.code(row.company),
            active=not _done(work.status),
            active_from=row.timesheet_start_date,
            active_until=row.timesheet_end_date,
            project=str(self._project_above(work).id),
        )

    def _each(self, kind: str, made: Callable[[ProjectWorkRow], M | None]) -> tuple[M, ...]:
        found: list[M] = []
        for row in self._rows.values():
            if row.type != kind:
                continue
            try:
                master = made(row)
            except ValueError as error:
                _LOG.warning("tryton: project %d left out: %s", row.id, error)
                continue
            if master is not None:
                found.append(master)
        return tuple(found)

    def _project(self, row: ProjectWorkRow) -> Project:
        return Project(
            connection=self._companies.connection,
            id=str(row.id),
            code=marked(row.comment) or code_of(row.number, row.id),
            name=name_of(row.name),
            legal_entity=self._companies.code(row.company),
            active=not _done(row.status),
            customer=str(row.party_id) if row.party_id is not None else None,
        )

    def _project_above(self, work: ProjectWorkRow) -> ProjectWorkRow:
        above: ProjectWorkRow | None = work
        for _ in range(WORKS_DEPTH_MAX):
            if above is None or above.type == "project":
                break
            above = self._rows.get(above.parent) if above.parent is not None else None
        if above is None or above.type != "project":
            raise ValueError(f"record {work.id}: a task without a project")
        return above


def _rows_by_id(values: Iterable[Any]) -> Iterable[tuple[int, ProjectWorkRow]]:
    for value in values:
        try:
            row = row_from(ProjectWorkRow, value)
        except ValueError as error:
            _LOG.warning("tryton: project.work left out: %s", error)
            continue
        yield row.id, row


def project_mark(code: str) -> str:
    """What a project that was made here carries in its comment, beside what people write there."""
    return f"[ledgerway:{code}]"


def can_be_marked(code: str) -> bool:
    """Whether a mark with this code reads back as this code."""
    return marked(project_mark(code)) == code


def marked(comment: str | None) -> str | None:
    """The code of a project that was made here: Tryton numbers it and lets nobody choose."""
    found = _MARK.search(comment or "")
    return same_code(found.group(1))[:CODE_MAX] or None if found else None


def work_of(row: TimesheetWorkRow) -> int:
    """The project or task that time is booked for; 0, which nothing is, for anything else."""
    origin = row.origin or ""
    number = origin.removeprefix(_ORIGIN)
    return int(number) if origin.startswith(_ORIGIN) and number.isdecimal() else 0


def _done(status: StatusRow | None) -> bool:
    return status is not None and status.progress == _DONE
