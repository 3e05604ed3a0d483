"""What a simulated Tryton does: searches, and transactions that happen as a whole or not at all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count, islice
from typing import Any, Final

from connectors.tryton.simulated_checks import ConcurrencyError, UserError, check, gone, new_line
from connectors.tryton.simulated_lines import Line, LineStore
from connectors.tryton.simulated_masters import SimulatedMasters
from connectors.tryton.simulated_search import Record, compiled, decoded
from connectors.tryton.simulated_state import SimulatedState
from connectors.tryton.simulated_tables import TableBuilder

_LINE: Final = "timesheet.line"
_WORK: Final = "timesheet.work"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  Naive UTC, as Tryton keeps all instants.
# Made of the lines of a call before they are kept: how a test lets the ERP alter what it takes.
Alter = Callable[[Line], None]


class Books:
    """One database. Every public method is one transaction."""

    def __init__(self, state: SimulatedState, clock: Callable[[], datetime] | None = None) -> None:
        self._clock: Final = clock or (lambda: datetime.now(UTC))
        self._last = _EPOCH
        self._numbers: Final = count(1)
        self._invoices: Final = count(1)
        self.store: Final = LineStore()
        self.tables: Final = TableBuilder(state, _stamp(self._now())).build()
        self.masters: Final = SimulatedMasters(self.tables, lambda: _stamp(self._now()))
        self.alter: Alter | None = None

    def _now(self) -> datetime:
        """Give the time of a transaction; no two have the same."""
        now = self._clock().astimezone(UTC).replace(tzinfo=None)
        self._last = max(now, self._last + timedelta(microseconds=1))
        return self._last

    def search(
        self, model: str, domain: Sequence[Any], offset: int, limit: int | None, order: Any
    ) -> Sequence[Record]:
        """Find records, by id unless another order is asked for."""
        test = compiled(domain)
        rows: Iterable[Record] = (
            self.store.candidates(domain) if model == _LINE else self.tables[model].values()
        )
        found = filter(test, rows)
        stop = None if limit is None else offset + limit
        if order in (None, [["id", "ASC"]]):
            return list(islice(found, offset, stop))
        ordered = list(found)
        for field, direction in reversed(order):
            ordered.sort(key=lambda row: row[field], reverse=direction.startswith("DESC"))
        return ordered[offset:stop]

    def read(self, model: str, ids: Sequence[int]) -> list[Record]:
        """Read records; refuses the whole call if one is not there."""
        table: Mapping[int, Record] = self.store.lines if model == _LINE else self.tables[model]
        missing = [number for number in ids if number not in table]
        if missing:
            raise gone("read", missing, model)
        return [table[number] for number in ids]

    def rate_in_force(self, currency: int, day: date | None) -> Decimal:
        """Give a currency's newest rate on or before a day, today if none is given; or nothing."""
        until = day or self._clock().date()
        dated = [
            (each["date"], each["rate"])
            for each in self.tables["currency.currency.rate"].values()
            if each["currency"] == currency and each["date"] <= until
        ]
        return max(dated)[1] if dated else Decimal(0)

    def write_works(self, changes: Sequence[tuple[list[int], Any]], context: Any) -> None:
        """Write tasks through which lines come and go: stamps, then deletions, then creations."""
        works = self.tables[_WORK]
        numbers = [number for some, _ in changes for number in some]
        missing = [number for number in numbers if number not in works]
        if missing:
            raise gone("write to", missing, _WORK)
        stamps = context.get("_timestamp") or {}
        for number in numbers:
            held = works[number]["_timestamp"]
            # As the real one: a stamp that is not given is not checked.
            if stamps.get(f"{_WORK},{number}", held) != held:
                raise ConcurrencyError
        deleted, created = _actions(changes)
        self._may_be_deleted(deleted)
        ready = self._ready(created, context)
        self._commit(deleted, ready)
        for number in numbers:
            works[number]["_timestamp"] = _stamp(self._last)

    def create_lines(self, lines: Sequence[Line], context: Any) -> list[int]:
        """Create lines directly, as a simple script does: this moves no task's stamp."""
        ready = self._ready(lines, context)
        self._commit((), ready)
        return [line["id"] for line in ready]

    def write_lines(self, numbers: Sequence[int], values: Mapping[str, Any]) -> None:
        """Change lines directly, as a person does on the screen: this moves no task's stamp."""
        before = self.read(_LINE, numbers)
        if values.keys() & {"duration", "work"} and any(line["invoice_line"] for line in before):
            raise UserError("You cannot modify the timesheet line because it has been invoiced.")
        changed = {name: decoded(value) for name, value in values.items()}
        after = [{**line, **changed} for line in before]
        for line in after:
            check(line, self.tables)
        self._commit(numbers, after)

    def delete_lines(self, numbers: Sequence[int]) -> None:
        """Delete lines directly: this moves no task's stamp."""
        self._may_be_deleted(numbers)
        self._commit(numbers, ())

    def invoice_projects(self, numbers: Sequence[int]) -> None:
        """Put all lines of projects on an invoice, as far as they are on none yet."""
        tree = set(numbers)
        for record in self.tables["project.work"].values():
            if record["parent"] in tree:
                tree.add(record["id"])
        invoice = next(self._invoices)
        for work in self._works_of(tree):
            for line in self.store.of_work(work["id"]):
                line["invoice_line"] = line["invoice_line"] or invoice

    def _works_of(self, projects: set[int]) -> list[dict[str, Any]]:
        origins = {f"project.work,{number}" for number in projects}
        return [work for work in self.tables[_WORK].values() if work["origin"] in origins]

    def _ready(self, lines: Iterable[Mapping[str, Any]], context: Any) -> list[Line]:
        company = context.get("company")
        ready = [new_line(next(self._numbers), each, company, self.tables) for each in lines]
        if self.alter is not None:
            for line in ready:
                self.alter(line)
        return ready

    def _may_be_deleted(self, numbers: Sequence[int]) -> None:
        for line in self.read(_LINE, numbers):
            if line["invoice_line"]:
                raise UserError(
                    f'You cannot delete timesheet line "({line["id"]})" because it has been '
                    "invoiced."
                )

    def _commit(self, deleted: Iterable[int], written: Iterable[Line]) -> None:
        now = self._now()
        for number in set(deleted):
            self.store.remove(number)
        for line in written:
            line["last_modified_at"] = now
            self.store.add(line)


def _actions(changes: Sequence[tuple[list[int], Any]]) -> tuple[list[int], list[Line]]:
    deleted: list[int] = []
    created: list[Line] = []
    for numbers, values in changes:
        if values.keys() != {"timesheet_lines"}:
            raise KeyError(min(values.keys() - {"timesheet_lines"}))
        for action, operand in values["timesheet_lines"]:
            if action == "delete":
                deleted += operand
            elif action == "create":
                created += [{**line, "work": number} for number in numbers for line in operand]
            else:
                raise KeyError(action)
    return deleted, created


def _stamp(at: datetime) -> str:
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    return f"{micros // 1_000_000}.{micros % 1_000_000:06}"
