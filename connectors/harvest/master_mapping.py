"""Harvest's master records and ours: pure functions; what cannot be read is left out and logged."""

import logging
import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Final, TypeVar

from canonical.masters import Customer, Employee, Master, Project, Task
from canonical.text import same_code, storable
from connectors.base.records import RawRecord, parsed, trouble_of
from connectors.harvest import wire
from connectors.harvest.mapping import cut, id_of, task_id

_LOG: Final = logging.getLogger(__name__)
_CODE_MAX: Final = 80
_NAME_MAX: Final = 250
# What people write between a code and a name, behind the one or the other.
_DASHES: Final = "-\N{EN DASH}\N{EM DASH}:/"
_BEHIND_CODE: Final = re.compile(rf"[\])]?\s*(?:[{_DASHES}]\s+)?")
_BEFORE_CODE: Final = re.compile(rf"(?:\s+[{_DASHES}])?\s*[\[(]?$")

W = TypeVar("W", bound=wire.Wire)
M = TypeVar("M", bound=Master)


def readable(
    records: Iterable[RawRecord], kind: type[W], convert: Callable[[W], M]
) -> tuple[M, ...]:
    """Turn a list of master records into ours. One that cannot be read is left out and logged.

    Work that refers to it then waits in an exception case, while all other work goes on.
    """
    masters: dict[str, M] = {}
    for record in records:
        try:
            master = _converted(record, kind, convert)
        except ValueError as error:
            value = record.value if isinstance(record.value, dict) else {}
            named = id_of(value.get("id"))
            _LOG.warning("harvest %s %s left out: %s", kind.__name__, named, trouble_of(error))
            continue
        # A task that was taken off a project and put back is one task, usable if either is.
        known = masters.get(master.id)
        if known is None or not known.active:
            masters[master.id] = master
    return tuple(masters.values())


def _converted(record: RawRecord, kind: type[W], convert: Callable[[W], M]) -> M:
    wired = parsed(record, kind)
    if isinstance(wired, str):
        raise ValueError(wired)  # noqa: TRY004  One way out for both kinds of trouble.
    return convert(wired)


def archived_tasks(records: Iterable[RawRecord]) -> frozenset[int]:
    """The tasks that the whole account no longer uses."""
    tasks = (parsed(record, wire.Task) for record in records)
    return frozenset(task.id for task in tasks if not isinstance(task, str) and not task.is_active)


def employee(user: wire.User, connection: str, cost_centre_role: re.Pattern[str]) -> Employee:
    """A person; who left stays in the list, inactive, because last entries may still come."""
    return Employee(
        connection=connection,
        id=str(user.id),
        code=str(user.id),
        name=_name(f"{user.first_name or ''} {user.last_name or ''}".strip()),
        active=user.is_active,
        email=user.email or None,
        cost_centre=_cost_centre(user.roles or (), cost_centre_role),
        role=_role(user.roles or (), cost_centre_role),
    )


def _cost_centre(roles: Sequence[str], pattern: re.Pattern[str]) -> str | None:
    for role in roles:
        found = pattern.search(same_code(role))
        if found:
            return found.group(1)
    return None


def _role(roles: Sequence[str], cost_centre_role: re.Pattern[str]) -> str | None:
    """What a person works as: the first role that names no cost centre."""
    for role in roles:
        code = _code(role)
        if code and not cost_centre_role.search(same_code(role)):
            return code
    return None


def customer_code(client: wire.Client, pattern: re.Pattern[str]) -> str:
    """Harvest knows no code of a client: it stands in the name, or the name is the code."""
    found = pattern.search(same_code(client.name))
    return _code(found.group(1) if found else client.name)


def customer_name(name: str, pattern: re.Pattern[str]) -> str:
    """What is left of a client's name without its code and what parts the two."""
    line = same_code(name)
    found = pattern.search(line)
    if found is None:
        return name
    before, after = line[: found.start(1)], line[found.end(1) :]
    if not before.strip(" [("):
        return after[_end_of(_BEHIND_CODE.match(after)) :] or name
    if not after.strip(" ])"):
        return _BEFORE_CODE.sub("", before) or name
    return name


def _end_of(found: re.Match[str] | None) -> int:
    return found.end() if found else 0


def client_name(code: str, name: str, pattern: re.Pattern[str]) -> str | None:
    """The name of a client that is read as this code and this name; None if there is none."""
    tried = (f"{code} {name}", f"{name} ({code})", f"{name} {code}", *((code,) * (code == name)))
    return next((each for each in tried if _reads_as(each, code, name, pattern)), None)


def _reads_as(tried: str, code: str, name: str, pattern: re.Pattern[str]) -> bool:
    found = pattern.search(same_code(tried))
    read = found.group(1) if found else same_code(tried)
    return read == code and same_code(customer_name(tried, pattern)) == same_code(name)


def customer(client: wire.Client, connection: str, code: re.Pattern[str]) -> Customer:
    """Who pays."""
    return Customer(
        connection=connection,
        id=str(client.id),
        code=customer_code(client, code),
        name=_name(customer_name(client.name, code)),
        active=client.is_active,
        currency=client.currency or None,
    )


def project(found: wire.Project, connection: str) -> Project:
    """A project. `ends_on` is a plan in Harvest, not a lock, so it is not taken as an end."""
    return Project(
        connection=connection,
        id=str(found.id),
        # Without a code it must match nothing by accident, and people must see why.
        code=_code(found.code or "") or f"(no code: {found.id})",
        name=_name(found.name),
        active=found.is_active,
        customer=str(found.client.id) if found.client else None,
    )


def task(assignment: wire.TaskAssignment, connection: str, archived: Container[int]) -> Task:
    """A task of a project; archived on the project or in the whole account is inactive."""
    return Task(
        connection=connection,
        id=task_id(assignment.project.id, assignment.task.id),
        code=_code(assignment.task.name),
        name=_name(assignment.task.name),
        active=assignment.is_active and assignment.task.id not in archived,
        project=str(assignment.project.id),
    )


def _code(text: str) -> str:
    return same_code(text)[:_CODE_MAX].strip()


def _name(text: str) -> str:
    return cut(storable(text), _NAME_MAX)
