"""Master data of a simulated Tryton being made, changed and deleted, with its checks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any, Final

from connectors.tryton.simulated_checks import ConcurrencyError, UserError, gone
from connectors.tryton.simulated_search import decoded
from connectors.tryton.simulated_tables import DONE, Table, mechanisms_of, timesheet_of

Values = Mapping[str, Any]
Changes = Sequence[tuple[Sequence[int], Values]]

_PARTY: Final = "party.party"
_EMPLOYEE: Final = "company.employee"
_WORK: Final = "project.work"
_ACCOUNT: Final = "analytic_account.account"
_SHEET: Final = "timesheet.work"
_SHEET_DATES: Final = frozenset({"timesheet_start_date", "timesheet_end_date"})
# What may be given, and what it is where it is not.
_FIELDS: Final[Mapping[str, Values]] = {
    "company.company": {},
    _PARTY: {"name": None, "code": None, "active": True, "email": None},
    _EMPLOYEE: {"party": None, "company": None, "start_date": None, "end_date": None},
    _WORK: {
        **dict.fromkeys(("name", "type", "company", "parent", "party", "comment", "progress")),
        "status": 1,
    },
    _ACCOUNT: {
        **dict.fromkeys(("name", "code", "type", "root", "parent", "company")),
        "state": "draft",
        "active": True,
    },
}
# Given by those who use the real one, and of no consequence here.
_IDLE: Final = frozenset({"addresses", "project_invoice_method", "timesheet_available"})
# Through which member of a record others are made, and by which of theirs they refer to it.
_MEMBERS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("company.company", "employees"): (_EMPLOYEE, "company"),
    (_WORK, "children"): (_WORK, "parent"),
    (_ACCOUNT, "childs"): (_ACCOUNT, "parent"),
}
_TEXTS: Final = ("name", "code")
_LABELS: Final = {"name": "Name", "code": "Code", "party": "Party"}
# Relations that are shown whole beside their id.
_RELATED: Final = {"party": _PARTY, "status": "project.work.status", "root": _ACCOUNT}
WRITABLE: Final = tuple(_FIELDS)


def _restore(record: dict[str, Any], before: Values) -> None:
    record.clear()
    record.update(before)


class SimulatedMasters:
    """The tables of master data. Every public method is one transaction."""

    def __init__(self, tables: Mapping[str, Table], stamp: Callable[[], str]) -> None:
        self._tables: Final = tables
        self._stamp: Final = stamp
        self._ids: Final = {
            model: count(max(table, default=0) + 1) for model, table in tables.items()
        }
        self._undo: list[Callable[[], object]] = []
        self._now = ""

    def create(self, model: str, values: Sequence[Values], context: Values) -> list[int]:
        """Make records."""
        with self._transaction():
            return [self._made(model, one, context) for one in values]

    def write(self, model: str, changes: Changes, context: Values) -> None:
        """Change records, or make others through them."""
        numbers = [number for some, _ in changes for number in some]
        table = self._tables[model]
        missing = [number for number in numbers if number not in table]
        if missing:
            raise gone("write to", missing, model)
        stamps = context.get("_timestamp") or {}
        for number in numbers:
            held = table[number]["_timestamp"]
            # As the real one: a stamp that is not given is not checked.
            if stamps.get(f"{model},{number}", held) != held:
                raise ConcurrencyError
        with self._transaction():
            for some, values in changes:
                for number in some:
                    self._change(model, table[number], values, context)

    def delete(self, model: str, numbers: Sequence[int]) -> None:
        """Delete records, and what time is booked on with them."""
        missing = [number for number in numbers if number not in self._tables[model]]
        # Only where no rule of access makes the real one read them first.
        if missing and model != _PARTY:
            raise gone("read", missing, model)
        with self._transaction():
            for number in numbers:
                self._remove(model, number)
                if model == _WORK:
                    origin = f"{_WORK},{number}"
                    sheets = self._tables[_SHEET]
                    for sheet in [one for one, row in sheets.items() if row["origin"] == origin]:
                        self._remove(_SHEET, sheet)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._undo, self._now = [], self._stamp()
        try:
            yield
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise

    def _made(self, model: str, values: Values, context: Values) -> int:
        record: dict[str, Any] = {"id": next(self._ids[model]), "rec_name": None}
        record |= _FIELDS[model]
        if "company" in record:
            record["company"] = context.get("company")
        if model == _WORK:
            record["number"] = f"PRJ-{record['id']}"
        self._tables[model][record["id"]] = record
        self._undo.append(lambda: self._tables[model].pop(record["id"], None))
        self._change(model, record, values, context)
        if model == _WORK and values.get("timesheet_available"):
            sheet = timesheet_of(record, next(self._ids[_SHEET]), self._now)
            self._tables[_SHEET][sheet["id"]] = sheet
            self._undo.append(lambda: self._tables[_SHEET].pop(sheet["id"], None))
        number: int = record["id"]
        return number

    def _change(self, model: str, record: dict[str, Any], values: Values, context: Values) -> None:
        before = dict(record)
        self._undo.append(partial(_restore, record, before))
        children: list[tuple[str, str, Any]] = []
        for name, value in values.items():
            if name == "contact_mechanisms" and model == _PARTY:
                record["email"] = _address(value)
            elif (model, name) in _MEMBERS:
                child, by = _MEMBERS[model, name]
                children += [(child, by, one) for one in _created(value)]
            elif name in _SHEET_DATES and model == _WORK:
                self._date(record, name, value)
            elif name in _FIELDS[model]:
                record[name] = decoded(value)
            elif name not in _IDLE:
                raise KeyError(name)
        record["_timestamp"] = self._now
        self._relate(model, record)
        for child, by, one in children:
            self._made(child, {**one, by: record["id"]}, context)
        _CHECKS[model](record, self._tables)

    def _relate(self, model: str, record: dict[str, Any]) -> None:
        for name in _TEXTS:
            if isinstance(record.get(name), str):
                record[name] = _text(record, name, trimmed=(model, name) != (_PARTY, "name"))
        if model == _PARTY:
            record |= mechanisms_of(record["email"])
        for name, related in _RELATED.items():
            if name not in record:
                continue
            number = record[name]
            record[f"{name}."] = self._tables[related].get(number)
            if number is not None and record[f"{name}."] is None:
                raise UserError(f'The value "{number}" for field "{_LABELS[name]}" does not exist.')
        record["rec_name"] = (record.get("party.") or record).get("name")

    def _date(self, work: Values, name: str, value: Any) -> None:
        origin = f"{_WORK},{work['id']}"
        for sheet in self._tables[_SHEET].values():
            if sheet["origin"] == origin:
                self._update(sheet, {name: decoded(value), "_timestamp": self._now})

    def _update(self, record: dict[str, Any], values: Values) -> None:
        before = dict(record)
        self._undo.append(lambda: record.update(before))
        record.update(values)

    def _remove(self, model: str, number: int) -> None:
        record = self._tables[model].pop(number, None)
        if record is not None:
            self._undo.append(lambda: self._tables[model].update({number: record}))


def _address(actions: Sequence[Any]) -> str:
    """The e-mail address after these actions; a party has one here."""
    ((action, *operands),) = actions
    written = operands[0][0] if action == "create" else operands[1]
    address: str = written["value"]
    return address


def _created(actions: Sequence[Any]) -> Sequence[Values]:
    for action, _ in actions:
        if action != "create":
            raise KeyError(action)
    return [one for _, operand in actions for one in operand]


def _text(record: Values, name: str, *, trimmed: bool) -> str:
    text: str = record[name].strip() if trimmed else record[name]
    if not set(text).isdisjoint("\t\n\r\x0b\x0c"):
        raise UserError(
            f'The value "{text}" for field "{_LABELS[name]}" in record "{text}" contains some '
            "invalid chars."
        )
    return text


def _check_party(record: Values, tables: Mapping[str, Table]) -> None:
    others = (one for one in tables[_PARTY].values() if one is not record)
    if record["code"] is not None and any(one["code"] == record["code"] for one in others):
        raise UserError("The code on party must be unique.")


def _check_employee(record: Values, _: Mapping[str, Table]) -> None:
    starts, ends = record["start_date"], record["end_date"]
    if starts is not None and ends is not None and ends < starts:
        raise UserError(
            f'The value "{ends}" for field "End Date" in record "{record["rec_name"]}" of "Company '
            'Employee" is not valid according to its domain.',
            [["end_date", ">=", starts], {"end_date": {"name": "end_date"}}],
        )


def _check_work(record: Values, tables: Mapping[str, Table]) -> None:
    done = record["progress"] == DONE
    if record["status."]["progress"] == DONE and not done:
        raise UserError(f'The work "{record["name"]}" needs more progress for its status.')
    works = tables[_WORK]
    children = [one for one in works.values() if one["parent"] == record["id"]]
    if record["status."]["progress"] == DONE and any(one["progress"] != DONE for one in children):
        raise UserError(f'To complete work "{record["name"]}" you must complete also its children.')
    above = works.get(record["parent"])
    if above is not None and above["progress"] == DONE and not done:
        raise UserError(f'The work "{record["name"]}" is open below one that is complete.')


_CHECKS: Final[Mapping[str, Callable[[Values, Mapping[str, Table]], None]]] = {
    "company.company": lambda _, __: None,
    _PARTY: _check_party,
    _EMPLOYEE: _check_employee,
    _WORK: _check_work,
    _ACCOUNT: lambda _, __: None,
}
