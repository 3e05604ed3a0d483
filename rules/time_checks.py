"""Checks on time that the ERP does not make, and what an accepted line looks like to the ERP.

Each check finds the root cause in a form that is equal for all lines that share it, so that a
person fixes it once. The order is fixed: the first cause found is the one that is told.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause, RootCause
from canonical.hours import SECONDS_PER_HOUR, value_of
from canonical.masters import COST_CENTRE, Employee, Project, Task
from canonical.money import NO_CURRENCY, Money
from canonical.posting import Dimension, TimeLine
from canonical.posting_period import PeriodDecision
from canonical.time_entry import TimeEntry
from rules.facts import Facts
from rules.intercompany_time import Intercompany, Loan, between, task_for
from rules.policies import Policies, Policy
from rules.posting_period import PeriodTrouble, decide_period

_DAY_SECONDS: Final = 24 * SECONDS_PER_HOUR
# Where no legal entity can be told, because the line names nothing that the ERP knows.
NO_LEGAL_ENTITY: Final = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be checked: what the source says, and what a person put in its place."""

    entry: TimeEntry
    revision: int
    amendments: Mapping[str, str]
    # It is in the ERP already, and is here so that the others can be compared with it.
    posted: bool = False

    def accepts(self, cause: Cause) -> bool:
        """Whether a person vouched that this is right as it is."""
        return f"accept:{cause}" in self.amendments


@dataclass(frozen=True, slots=True)
class Ready:
    """A line that may be posted, and how."""

    line: Line
    legal_entity: str
    body: TimeLine
    dimensions: tuple[Dimension, ...]
    period: PeriodDecision
    value: Money
    # For work on another legal entity's project: what else is to be booked.
    intercompany: Intercompany | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A line that a person must look at first.

    `intercompany` is there if it is only the hours that cannot be booked now.
    """

    line: Line
    root_cause: RootCause
    value: Money
    intercompany: Intercompany | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """The ERP's records that a line is about."""

    employee: Employee
    project: Project
    task: Task
    # Of work on another legal entity's project: the worker's own task that the hours go on.
    own_task: Task | None = None
    intercompany: Intercompany | None = None

    @property
    def booked_on(self) -> Task:
        """The task that the hours are booked on."""
        return self.own_task or self.task

    @property
    def books(self) -> str:
        """The legal entity that books the hours."""
        entity = self.employee.legal_entity if self.own_task else self.project.legal_entity
        return entity or NO_LEGAL_ENTITY


def check_timesheet(
    lines: Sequence[Line], facts: Facts, policies: Policies
) -> Iterator[Ready | Stopped]:
    """Check the lines of one person's week, in order."""
    together = {**_over_a_day(lines, facts), **_duplicates(lines, facts)}
    for line in lines:
        value = value_at_bill_rate(line.entry, facts)
        found = _hours(line, facts) or _find(line, facts)
        if isinstance(found, _Found):
            found = _cleared(line, found, facts, policies)
        cause = found if isinstance(found, RootCause) else together.get(line.entry.id)
        if cause is not None or isinstance(found, RootCause):
            assert cause is not None
            yield Stopped(line, cause, value)
        else:
            yield _with_period(line, found, value, facts, policies.of(found.books))


def value_at_bill_rate(entry: TimeEntry, facts: Facts) -> Money:
    """What a line is worth to the firm: its hours at the source's bill rate; else nothing."""
    if entry.billable and entry.bill_rate is not None:
        return value_of(entry.seconds, entry.bill_rate)
    entity = facts.legal_entities.get(_entity_of_line(entry, facts))
    return Money.zero(entity.currency if entity else NO_CURRENCY)


def _owner(found: _Found) -> str:
    return found.project.legal_entity or NO_LEGAL_ENTITY


def _entity_of_line(entry: TimeEntry, facts: Facts) -> str:
    project = facts.projects.get(entry.project)
    employee = facts.employees.get(entry.employee)
    return (
        (project and project.legal_entity)
        or (employee and employee.legal_entity)
        or NO_LEGAL_ENTITY
    )


def _hours(line: Line, facts: Facts) -> RootCause | None:
    if line.entry.seconds >= 0:
        return None
    return RootCause(
        legal_entity=_entity_of_line(line.entry, facts),
        cause=Cause.NEGATIVE_HOURS,
        subject=line.entry.id,
        sentence=f"Time entry {line.entry.id} has negative hours. Correct it in the source, or "
        "waive it with a reason.",
    )


def _find(line: Line, facts: Facts) -> _Found | RootCause:
    entry, amended = line.entry, line.amendments
    entity = _entity_of_line(entry, facts)
    employee = (
        facts.employees_by_code.get(amended["employee"])
        if "employee" in amended
        else facts.employees.get(entry.employee)
    )
    if employee is None and (waits := _waits(MasterKind.EMPLOYEE, entry.employee, facts)):
        return waits
    if employee is None:
        known = amended.get("employee") or f"{facts.source} user {entry.employee}"
        return RootCause(
            legal_entity=entity,
            cause=Cause.UNKNOWN_EMPLOYEE,
            subject=known,
            sentence=f"The ERP has no employee for {known}. Give the employee the same e-mail "
            "address there and retry, or amend the lines to another employee.",
        )
    project = (
        facts.projects_by_code.get(amended["project"])
        if "project" in amended
        else facts.projects.get(entry.project)
    )
    if project is None and (waits := _waits(MasterKind.PROJECT, entry.project, facts)):
        return waits
    if project is None:
        ours = facts.source_projects.get(entry.project)
        known = amended.get("project") or (ours.code if ours else entry.project)
        return RootCause(
            legal_entity=entity,
            cause=Cause.UNKNOWN_PROJECT,
            subject=known,
            sentence=f"The ERP has no project {known}. Create it there or correct its code in the "
            "source, then retry; or amend the lines to another project.",
        )
    task = _task(line, project, facts)
    if isinstance(task, RootCause):
        return task
    return _Found(employee, project, task)


def _waits(kind: MasterKind, source_id: str, facts: Facts) -> RootCause | None:
    """What people have to decide first about a record that the ERP does not have yet."""
    return facts.waiting.get((kind, source_id))


def _task(line: Line, project: Project, facts: Facts) -> Task | RootCause:
    amended = line.amendments
    if "task" in amended:
        task = facts.tasks_by_code.get(amended["task"])
    elif "project" in amended:
        ours = facts.source_tasks.get(line.entry.task)
        task = _same_name(ours, project, facts)
    else:
        task = facts.tasks.get(line.entry.task)
    if task is not None and task.project == project.id:
        return task
    if not amended and (waits := _waits(MasterKind.TASK, line.entry.task, facts)):
        return waits
    ours = facts.source_tasks.get(line.entry.task)
    name = amended.get("task") or (ours.name if ours else line.entry.task)
    return RootCause(
        legal_entity=project.legal_entity or NO_LEGAL_ENTITY,
        cause=Cause.UNKNOWN_TASK,
        subject=f"{project.code} / {name}",
        sentence=f"Project {project.code} has no task '{name}' in the ERP. Create it there and "
        "retry, or amend the lines to another task.",
    )


def _same_name(ours: Task | None, project: Project, facts: Facts) -> Task | None:
    if ours is None:
        return None
    return next(
        (
            task
            for task in facts.tasks_by_code.values()
            if task.project == project.id and task.name == ours.name
        ),
        None,
    )


def _cleared(line: Line, found: _Found, facts: Facts, policies: Policies) -> _Found | RootCause:
    """Whether it may be booked, and on which legal entity's task."""
    employee, project = found.employee, found.project
    if employee.legal_entity == project.legal_entity:
        return _may_be_booked(line, found) or found
    loan = Loan(line.entry, employee, project, line.amendments.get("period"))
    own_task = task_for(loan, facts, policies)
    if own_task is None:
        return RootCause(
            legal_entity=_owner(found),
            cause=Cause.OTHER_LEGAL_ENTITY,
            subject=f"{employee.code} on {project.code}",
            sentence=f"Employee {employee.code} belongs to {employee.legal_entity}, project "
            f"{project.code} to {project.legal_entity}. Amend the lines to a project of the "
            "employee's own legal entity, or waive them.",
        )
    cause = _may_be_booked(line, found)
    if cause is not None:
        return cause
    if isinstance(own_task, RootCause):
        return own_task
    pair = between(loan, own_task, facts, policies)
    if isinstance(pair, RootCause):
        return pair
    return replace(found, own_task=own_task, intercompany=pair)


def _may_be_booked(line: Line, found: _Found) -> RootCause | None:
    day = line.entry.work_date
    employee, project, task = found.employee, found.project, found.task
    entity = _owner(found)

    def stop(cause: Cause, subject: str, sentence: str) -> RootCause:
        return RootCause(legal_entity=entity, cause=cause, subject=subject, sentence=sentence)

    if not project.active_on(day):
        return stop(
            Cause.CLOSED_PROJECT,
            project.code,
            f"Project {project.code} is closed in the ERP. Reopen it there and retry, or amend "
            "the lines to another project.",
        )
    if not task.active_on(day):
        return stop(
            Cause.CLOSED_TASK,
            task.code,
            f"Task {task.code} of project {project.code} takes no time of this date. Reopen it in "
            "the ERP and retry, or amend the lines to another task.",
        )
    return _employment(line, employee, stop_at=entity)


def _employment(line: Line, employee: Employee, *, stop_at: str) -> RootCause | None:
    day = line.entry.work_date
    if not employee.active and employee.active_until is None:
        return RootCause(
            legal_entity=stop_at,
            cause=Cause.LEAVER,
            subject=employee.code,
            sentence=f"Employee {employee.code} is not active in the ERP. Give the date of leaving "
            "there or make the employee active again, then retry; or have the lines withdrawn in "
            "the source.",
        )
    if employee.active_until is not None and day > employee.active_until:
        return RootCause(
            legal_entity=stop_at,
            cause=Cause.LEAVER,
            subject=employee.code,
            sentence=f"Employee {employee.code} left on {employee.active_until} and has time "
            "after that date. Correct the date of leaving in the ERP and retry, or have the lines "
            "withdrawn in the source.",
        )
    if employee.active_from is not None and day < employee.active_from:
        return RootCause(
            legal_entity=stop_at,
            cause=Cause.NOT_YET_EMPLOYED,
            subject=employee.code,
            sentence=f"Employee {employee.code} is employed from {employee.active_from} and has "
            "time before that date. Correct the date in the ERP and retry, or have the lines "
            "withdrawn in the source.",
        )
    return None


def _with_period(
    line: Line, found: _Found, value: Money, facts: Facts, policy: Policy
) -> Ready | Stopped:
    entity, pair = found.books, found.intercompany
    dimensions = _dimensions(line, found, facts, policy)
    if isinstance(dimensions, RootCause):
        return Stopped(line, dimensions, value, pair)
    chosen = line.amendments.get("period")
    period = (
        pair.worker.period_of(line.entry.work_date, chosen)
        if pair
        else decide_period(
            line.entry.work_date, facts.calendars.get(entity, ()), policy.closed_period, chosen
        )
    )
    if isinstance(period, PeriodTrouble):
        cause = RootCause(
            legal_entity=entity,
            cause=period.cause,
            subject=period.subject,
            sentence=period.sentence,
        )
        return Stopped(line, cause, value, pair)
    return Ready(
        line=line,
        legal_entity=entity,
        body=TimeLine(
            legal_entity=facts.legal_entities[entity].id,
            employee=found.employee.id,
            task=found.booked_on.id,
            work_date=line.entry.work_date,
            seconds=line.entry.seconds,
            note=line.entry.note,
        ),
        dimensions=dimensions,
        period=period,
        value=value,
        intercompany=pair,
    )


def _dimensions(
    line: Line, found: _Found, facts: Facts, policy: Policy
) -> tuple[Dimension, ...] | RootCause:
    if COST_CENTRE not in policy.required_dimensions:
        return ()
    entity, employee = found.books, found.employee
    ours = facts.source_employees.get(line.entry.employee)
    # HR says from which day on; the copies that others keep only say what is so today.
    code = (
        line.amendments.get(COST_CENTRE)
        or facts.cost_centre_of(line.entry.employee, line.entry.work_date)
        or (ours and ours.cost_centre)
        or employee.cost_centre
    )
    if not code:
        return RootCause(
            legal_entity=entity,
            cause=Cause.MISSING_DIMENSION,
            subject=f"cost centre of {employee.code}",
            sentence=f"Employee {employee.code} has no cost centre. Give one in the source and "
            "retry, or amend the lines.",
        )
    value = facts.cost_centres.get((entity, code))
    if value is None or not value.active_on(line.entry.work_date):
        what = "is not active" if value else "is not known"
        return RootCause(
            legal_entity=entity,
            cause=Cause.INACTIVE_DIMENSION,
            subject=code,
            sentence=f"Cost centre {code} {what} in the ERP. Open it there and retry, or amend "
            "the lines to another cost centre.",
        )
    return (Dimension(name=COST_CENTRE, value=code),)


def _over_a_day(lines: Sequence[Line], facts: Facts) -> dict[str, RootCause]:
    """Find the days on which one person worked more than 24 hours."""
    days: dict[tuple[str, date], list[Line]] = defaultdict(list)
    for line in lines:
        if line.entry.seconds > 0:
            days[line.entry.employee, line.entry.work_date].append(line)
    causes: dict[str, RootCause] = {}
    for (employee, day), of_day in days.items():
        total = sum(line.entry.seconds for line in of_day)
        if total <= _DAY_SECONDS:
            continue
        known = facts.employees.get(employee)
        code = known.code if known else f"{facts.source} user {employee}"
        for line in of_day:
            if not line.accepts(Cause.OVER_24_HOURS):
                causes[line.entry.id] = RootCause(
                    legal_entity=_entity_of_line(line.entry, facts),
                    cause=Cause.OVER_24_HOURS,
                    subject=f"{code} on {day}",
                    sentence=f"Employee {code} has more than 24 hours on {day}. Correct the "
                    "entries in the source, or amend with accept = over_24_hours if they are "
                    "right.",
                )
    return causes


def _duplicates(lines: Sequence[Line], facts: Facts) -> dict[str, RootCause]:
    """Find lines that say the same as an earlier one, note included."""
    first: dict[tuple[str, ...], str] = {}
    causes: dict[str, RootCause] = {}
    for line in sorted(lines, key=lambda one: (not one.posted, len(one.entry.id), one.entry.id)):
        entry = line.entry
        same = (entry.financial_hash, entry.note)
        if same not in first:
            first[same] = entry.id
        elif not line.accepts(Cause.DUPLICATE_IN_SOURCE):
            causes[entry.id] = RootCause(
                legal_entity=_entity_of_line(entry, facts),
                cause=Cause.DUPLICATE_IN_SOURCE,
                subject=entry.id,
                sentence=f"Time entry {entry.id} says exactly what {first[same]} says. Delete one "
                "in the source, waive it, or amend with accept = duplicate_in_source if both are "
                "right.",
            )
    return causes
