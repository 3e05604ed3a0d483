"""BambooHR's records and ours: pure functions; what cannot be read is left out and logged."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from canonical.masters import COST_CENTRE, CostCentreAssignment, DimensionValue, Employee
from canonical.text import label, storable
from connectors.bamboohr.options import BambooHrOptions, JobField, Spared
from connectors.bamboohr.wire import Choice, JobRow, Person, StatusRow, Wire
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.records import RawRecord, parsed, trouble_of

_LOG: Final = logging.getLogger(__name__)
_NAME_MAX: Final = 250
_ACTIVE: Final = "Active"

W = TypeVar("W", bound=Wire)
R = TypeVar("R")


def list_field(field: JobField) -> str:
    """What the list of employees calls a column of the job information."""
    return f"{field}Name"


@dataclass(frozen=True, slots=True)
class Reading:
    """How one company's records are read: its own words, and what it does without."""

    connection: str
    cost_centre_field: JobField
    cost_centres: Mapping[str, str]
    pattern: re.Pattern[str]
    legal_entity_field: JobField | None
    legal_entities: Mapping[str, str]
    without: frozenset[Spared]
    terminated: frozenset[str]

    @classmethod
    def by(cls, options: BambooHrOptions) -> "Reading":
        """Read as the options say."""
        return cls(
            connection=options.connection,
            cost_centre_field=options.cost_centre_field,
            cost_centres={label(name): code for name, code in options.cost_centres.items()},
            pattern=re.compile(options.cost_centre_pattern),
            legal_entity_field=options.legal_entity_field,
            legal_entities={label(name): code for name, code in options.legal_entities.items()},
            without=frozenset(options.without_fields),
            terminated=frozenset(map(label, options.terminated_statuses)),
        )

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that are asked for beside those that the list always has."""
        names = {
            "email": "workEmail",
            "active_from": "hireDate",
            "cost_centre": list_field(self.cost_centre_field),
        }
        fields = [name for ours, name in names.items() if ours not in self.without]
        if self.legal_entity_field and "legal_entity" not in self.without:
            fields.append(list_field(self.legal_entity_field))
        return tuple(dict.fromkeys(fields))

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields that must be seen of everybody."""
        role = () if "role" in self.without else ("jobTitleName",)
        return ("firstName", "lastName", "status", *role, *self.asked)

    def knows(self, field: Spared) -> bool:
        """Whether a field is read at all."""
        return field not in self.without

    def cost_centre(self, value: str | None) -> str | None:
        """The code of a cost centre: by the table, by the pattern, or the value itself."""
        name = label(value or "")
        if not name:
            return None
        found = self.pattern.search(name)
        return self.cost_centres.get(name) or label(found.group(1) if found else name)


def hidden_fields(records: Iterable[RawRecord], needed: Sequence[str]) -> tuple[str, ...]:
    """Which fields the key may not see, of anybody: named as restricted, or not there at all."""
    hidden: set[str] = set()
    for record in records:
        if not isinstance(record.value, dict):
            continue
        restricted = _words(record.value.get("_restrictedFields"))
        hidden |= {one for one in needed if one in restricted or one not in record.value}
    return tuple(sorted(hidden))


def require_seen(records: Sequence[RawRecord], needed: Sequence[str], where: str) -> None:
    """Missing is not empty: raises ConnectionConfigError that names what is hidden."""
    hidden = hidden_fields(records, needed)
    if hidden:
        raise ConnectionConfigError(
            "hidden_field",
            f"{where} does not show {', '.join(hidden)}: let the key's user see it, or name what "
            "this connection does without in without_fields",
        )


def _words(value: Any) -> set[str]:
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def readable(records: Iterable[RawRecord], kind: type[W], key: str) -> list[W]:
    """The records that can be read. One that cannot is left out and logged by its id."""
    found: list[W] = []
    for record in records:
        wired = parsed(record, kind)
        if isinstance(wired, str):
            _left_out(kind.__name__, record, key, wired)
        else:
            found.append(wired)
    return found


def all_read(rows: Iterable[RawRecord], kind: type[W], table: str) -> list[W]:
    """Every row of a table, or TransientError: one left out would be taken for one taken away.

    Without the row that ends an employment somebody would stay; without one of job information
    all their work since then would be moved to the cost centre before.
    """
    found: list[W] = []
    for row in rows:
        wired = parsed(row, kind)
        if isinstance(wired, str):
            raise TransientError("row_unreadable", f"a row of {table} cannot be read: {wired}")
        found.append(wired)
    return found


def converted(records: Iterable[W], convert: Callable[[W], R], kind: str) -> tuple[R, ...]:
    """Turn records into ours. One that cannot be is left out and logged by its id."""
    found: list[R] = []
    for record in records:
        try:
            found.append(convert(record))
        except ValueError as error:
            named = getattr(record, "id", None) or getattr(record, "employee_id", None)
            _LOG.warning("bamboohr %s %s left out: %s", kind, named, trouble_of(error))
    return tuple(found)


def _left_out(kind: str, record: RawRecord, key: str, trouble: str) -> None:
    named = record.value.get(key) if isinstance(record.value, dict) else None
    # An id that is no number might be anything, a name included.
    known = named if isinstance(named, str) and named.isdigit() else "without an id"
    _LOG.warning("bamboohr %s %s left out: %s", kind, known, trouble)


def employee(
    person: Person, number: str | None, statuses: Sequence[StatusRow], by: Reading
) -> Employee:
    """A person; who left stays in the list, inactive, because last entries may still come."""
    active = person.status == _ACTIVE
    return Employee(
        connection=by.connection,
        id=person.id,
        # Without a number it must match nothing by accident, and people must see why.
        code=label(number or "") or f"(no number: {person.id})",
        name=_name(f"{person.first_name or ''} {person.last_name or ''}"),
        legal_entity=_legal_entity(person, by),
        active=active,
        active_from=person.hire_date if by.knows("active_from") else None,
        active_until=last_day(statuses, by.terminated, active=active)
        if by.knows("active_until")
        else None,
        email=(person.email or None) if by.knows("email") else None,
        cost_centre=by.cost_centre(_of(person, by.cost_centre_field))
        if by.knows("cost_centre")
        else None,
        role=(label(person.role or "") or None) if by.knows("role") else None,
    )


def last_day(
    statuses: Sequence[StatusRow], terminated: frozenset[str], *, active: bool
) -> date | None:
    """The day of the last termination, unless the person was hired again after it.

    Rows come in no order. One of a day to come counts: it is known before its day. A rehire that
    is still to come does not make somebody who has left a person without an end.
    """
    dated = sorted(
        ((row.day, label(row.status or "") in terminated) for row in statuses if row.day),
        # Of one day the termination comes first: who is rehired on that day has not left.
        key=lambda one: (one[0], not one[1]),
    )
    ends = [day for day, is_end in dated if is_end]
    if not ends or (active and not dated[-1][1]):
        return None
    return ends[-1]


def assignments(rows: Iterable[JobRow], by: Reading) -> tuple[CostCentreAssignment, ...]:
    """From when on people work for which cost centre. A row that names none says nothing.

    Of several rows of one day the one that was made last counts.
    """
    found: dict[tuple[str, date], CostCentreAssignment] = {}
    for row in sorted(rows, key=lambda one: int(one.id)):
        code = by.cost_centre(getattr(row, by.cost_centre_field))
        if code is not None and row.day is not None:
            found[row.employee_id, row.day] = CostCentreAssignment(
                employee=row.employee_id, valid_from=row.day, cost_centre=code
            )
    return tuple(found.values())


def dimension_value(choice: Choice, by: Reading) -> DimensionValue:
    """A department, or what cost centres are called in this company."""
    return DimensionValue(
        connection=by.connection,
        id=str(choice.id),
        code=by.cost_centre(choice.name) or f"(no name: {choice.id})",
        name=_name(choice.name),
        active=choice.archived == "no",
        dimension=COST_CENTRE,
    )


def _legal_entity(person: Person, by: Reading) -> str | None:
    place = _of(person, by.legal_entity_field) if by.knows("legal_entity") else None
    if not place:
        return None
    found = by.legal_entities.get(label(place))
    if found is None:
        # Nobody is left out for that: who is not shown might be taken for somebody deleted.
        _LOG.warning("bamboohr employee %s: no legal entity for their place", person.id)
    return found


def _of(person: Person, field: JobField | None) -> str | None:
    value: str | None = getattr(person, field) if field else None
    return value


def _name(text: str) -> str:
    name = storable(text).strip()
    return name if len(name) <= _NAME_MAX else name[: _NAME_MAX - 1] + "…"
