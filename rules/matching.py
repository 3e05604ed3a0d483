"""Matching master data across systems: by exact keys only; a fuzzy match waits for a person."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from canonical.cross_reference import CrossReference, MasterKind
from canonical.masters import Customer, Employee, Master, Masters, Project
from canonical.text import same_code

M = TypeVar("M", bound=Master)

_BY_EXACT_KEY = "exact key"


def match_exactly(
    source: tuple[str, Masters],
    target: tuple[str, Masters],
    known: Mapping[MasterKind, Mapping[str, str]],
) -> list[CrossReference]:
    """Link what has the same key on both sides and is not linked yet.

    Each side is given with the name of its connection.
    Employees match by e-mail, projects and customers by code, tasks by their project and their
    name. A key that stands twice on either side links nothing.
    """
    (source_name, ours), (target_name, theirs) = source, target
    employees = _pairs(ours.employees, theirs.employees, _email)
    projects = _pairs(ours.projects, theirs.projects, _code)
    customers = _pairs(ours.customers, theirs.customers, _code)
    project_of = {**dict(projects), **known[MasterKind.PROJECT]}
    tasks = _pairs(
        ours.tasks,
        theirs.tasks,
        lambda task: (project_of.get(task.project), same_code(task.name)),
        lambda task: (task.project, same_code(task.name)),
    )
    found: dict[MasterKind, Sequence[tuple[str, str]]] = {
        MasterKind.EMPLOYEE: employees,
        MasterKind.PROJECT: projects,
        MasterKind.CUSTOMER: customers,
        MasterKind.TASK: tasks,
    }
    taken = {kind: set(known[kind].values()) for kind in found}
    return [
        CrossReference(
            kind=kind,
            source=source_name,
            source_id=source_id,
            target=target_name,
            target_id=target_id,
            made_by=_BY_EXACT_KEY,
        )
        for kind, pairs in found.items()
        for source_id, target_id in pairs
        if source_id not in known[kind] and target_id not in taken[kind]
    ]


def _email(employee: Employee) -> str | None:
    return employee.email.strip().casefold() if employee.email else None


def _code(record: Project | Customer) -> str:
    return same_code(record.code)


def _pairs(
    ours: Sequence[M],
    theirs: Sequence[M],
    our_key: Callable[[M], object],
    their_key: Callable[[M], object] | None = None,
) -> list[tuple[str, str]]:
    their_ids = dict(_unambiguous(theirs, their_key or our_key))
    return [
        (our_id, their_ids[key]) for key, our_id in _unambiguous(ours, our_key) if key in their_ids
    ]


def _unambiguous(
    records: Sequence[M], key_of: Callable[[M], object]
) -> Iterator[tuple[object, str]]:
    keys = [(key_of(record), record.id) for record in records]
    times = Counter(key for key, _ in keys)
    for key, record_id in keys:
        if key is not None and times[key] == 1:
            yield key, record_id
