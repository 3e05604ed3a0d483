"""The checks a simulated Tryton makes before it takes a line of time, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.tryton.simulated_lines import Line
from connectors.tryton.simulated_search import decoded

_FORBIDDEN: Final = frozenset("\t\n\r\x0b\x0c")
_LABELS: Final = {
    "company": "Company",
    "employee": "Employee",
    "date": "Date",
    "duration": "Duration",
    "work": "Work",
}
_WRITABLE: Final = frozenset({*_LABELS, "description"})
_READ_ONLY: Final = {"uuid": "UUID", "cost_price": "Cost Price", "invoice_line": "Invoice Line"}
_MODELS: Final = {"timesheet.line": "Timesheet Line", "timesheet.work": "Timesheet Work"}
# What a line refers to: field, model, and the dates between which it may be used.
_REFERRED: Final = (
    ("employee", "company.employee", "start_date", "end_date"),
    ("work", "timesheet.work", "timesheet_start_date", "timesheet_end_date"),
)
Tables = Mapping[str, Mapping[int, Mapping[str, Any]]]


class UserError(Exception):
    """Tryton's own: the content is refused."""

    def __init__(self, message: str, domain: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.domain = domain


class ConcurrencyError(Exception):
    """Tryton's ConcurrencyException: a record of the call was changed in the meantime."""


def gone(action: str, ids: Sequence[int], model: str) -> UserError:
    """Say that records are not there."""
    named = ", ".join(map(str, ids))
    return UserError(
        f'You are trying to {action} records "{named}" of "{_MODELS.get(model, model)}" that '
        "don't exist."
    )


def new_line(number: int, values: Mapping[str, Any], company: Any, tables: Tables) -> Line:
    """Make a line of what a client sent. Raises UserError, or KeyError for an unknown field."""
    line: Line = {"company": company, "description": None, "id": number, "invoice_line": None}
    for name, value in values.items():
        if name not in _WRITABLE:
            raise _unwritable(name)
        line[name] = decoded(value)
    for name, label in _LABELS.items():
        if line.get(name) is None:
            raise UserError(f'A value is required for field "{label}" in "Timesheet Line".')
    check(line, tables)
    return line


def _unwritable(name: str) -> Exception:
    if name not in _READ_ONLY:
        return KeyError(name)
    return UserError(
        f'You are not allowed to modify the field "{_READ_ONLY[name]}" of "Timesheet Line".'
    )


def check(line: Line, tables: Tables) -> None:
    """Check a line against what it refers to; brings its description into Tryton's form."""
    if line["description"] is not None:
        line["description"] = _description(line)
    if line["duration"] < 0:
        raise _refused(line, "duration", line["duration"], "duration", [["duration", ">=", 0]])
    for field, model, starts, ends in _REFERRED:
        record = tables[model].get(line[field])
        if record is None:
            raise UserError(
                f'The value "{line[field]}" for field "{_LABELS[field]}" in "Timesheet Line" '
                "does not exist."
            )
        name = record["rec_name"]
        if record["company"] != line["company"]:
            raise _refused(line, field, name, "company", [["company", "=", line["company"]]])
        if record[starts] is not None and line["date"] < record[starts]:
            raise _refused(line, field, name, starts, ["OR", [starts, "=", None]])
        if record[ends] is not None and line["date"] > record[ends]:
            raise _refused(line, field, name, ends, ["OR", [ends, "=", None]])


def _description(line: Line) -> str:
    text: str = line["description"]
    if "\x00" in text:
        raise ValueError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    text = text.strip()
    if not _FORBIDDEN.isdisjoint(text):
        raise UserError(
            f'The value "{text}" for field "Description" in record "({line["id"]})" of '
            '"Timesheet Line" contains some invalid chars.'
        )
    return text


def _refused(line: Line, field: str, value: Any, failed: str, clause: list[Any]) -> UserError:
    """Refuse as Tryton does: the value's own name is in the text, and the definition beside it."""
    return UserError(
        f'The value "{value}" for field "{_LABELS[field]}" in record "({line["id"]})" of '
        '"Timesheet Line" is not valid according to its domain.',
        [clause, {failed: {"name": failed, "searchable": True, "states": "{}"}}],
    )
