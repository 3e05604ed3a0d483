"""Engagements: whole on one line of JSON, or put together from up to four tables."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from canonical.contracts import ContractLine, Engagement
from connectors.flatfile.cells import Cells, RowTroubleError
from connectors.flatfile.contents import Contents
from connectors.flatfile.contract_parts import (
    CHANGE_ORDERS,
    HEADS,
    LINES,
    SCHEDULES,
    TABLES,
    change_order,
    contract_line,
    schedule_line,
    tax_party,
)
from connectors.flatfile.drafts import Draft, id_of, kept, raw_of
from connectors.flatfile.tables import Row
from connectors.flatfile.troubles import Trouble

T = TypeVar("T")

KIND: Final = "engagement"
JSON: Final = "engagements.jsonl"
_PARTS: Final = (LINES, SCHEDULES, CHANGE_ORDERS)


def engagements(contents: Contents) -> Iterator[Draft[Engagement]]:
    """Make all engagements, and a trouble of each part that belongs to none of them."""
    yield from _whole(contents)
    if contents.has(*TABLES):
        yield from _assembled(contents)


def _whole(contents: Contents) -> Iterator[Draft[Engagement]]:
    for line in contents.lines(JSON):
        about: dict[str, Any] = {
            "id": id_of(KIND, line.text_of("id")),
            "place": line.place,
            "raw": kept(line.text),
            "changed_at": contents.changed_at(JSON),
        }
        try:
            record = line.make(Engagement, connection=contents.connection)
        except ValueError as error:
            yield Draft(**about, troubles=(Trouble.at(line.place, str(error)),))
        else:
            yield Draft(**about, record=record)


def _assembled(contents: Contents) -> Iterator[Draft[Engagement]]:
    changed_at = contents.changed_at(*TABLES)
    parts: dict[str, _Parts] = {}
    for table in _PARTS:
        for row in contents.rows(table, TABLES[table]):
            parts.setdefault(row.cells.get("engagement", ""), _Parts()).add(table, row)
    known: set[str] = set()
    for head in contents.rows(HEADS, TABLES[HEADS]):
        name = head.cells.get("id", "")
        known.add(name)
        of_it = parts.get(name, _Parts())
        assembly = _Assembly(contents)
        record = assembly.engagement(head, of_it)
        raw, troubles = raw_of(head, *of_it.rows), tuple(assembly.troubles)
        yield Draft(id_of(KIND, name), head.place, raw, changed_at, record, troubles)
    for name in (each for each in parts if each not in known):
        for row in parts[name].rows:
            said = (_astray(row, "engagement", HEADS),)
            yield Draft(id_of(KIND, name), row.place, raw_of(row), changed_at, None, said)


class _Parts:
    """What the other tables have of one engagement, in the order of their lines."""

    def __init__(self) -> None:
        self.lines: Final[list[Row]] = []
        self._below: Final[dict[tuple[str, str], list[Row]]] = {}

    def add(self, table: str, row: Row) -> None:
        """Take in a line of one table."""
        if table == LINES:
            self.lines.append(row)
        else:
            contract_line_id = row.cells.get("contract_line", "")
            self._below.setdefault((table, contract_line_id), []).append(row)

    def below(self, table: str, contract_line_id: str) -> Sequence[Row]:
        """What a table has of one contract line."""
        return self._below.get((table, contract_line_id), ())

    @property
    def rows(self) -> Sequence[Row]:
        """All lines."""
        return [*self.lines, *(row for rows in self._below.values() for row in rows)]

    @property
    def astray(self) -> Sequence[Row]:
        """What belongs to a contract line that there is not."""
        there = {row.cells.get("id", "") for row in self.lines}
        return [row for (_, line), rows in self._below.items() if line not in there for row in rows]


class _Assembly:
    """One engagement being put together; if one part is wrong, all of it is.

    A contract without one of its lines, or with a part of a schedule, is another contract.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents: Final = contents
        self.troubles: Final[list[Trouble]] = []

    def engagement(self, head: Row, parts: _Parts) -> Engagement | None:
        """Make it; None if there is trouble."""
        for row in parts.astray:
            self.troubles.append(_astray(row, "contract_line", LINES))
        if not parts.lines:
            what = f"it has no contract line in {LINES}: add one"
            self.troubles.append(Trouble.at(head.place, what))
        made = tuple(self._contract_line(row, parts) for row in parts.lines)
        if self.troubles:
            return None
        lines = tuple(one for one in made if one is not None)
        connection = self._contents.connection
        return self._tried(head, lambda cells: _engagement(cells, connection, lines))

    def _contract_line(self, row: Row, parts: _Parts) -> ContractLine | None:
        name = row.cells.get("id", "")
        before = len(self.troubles)
        schedule = self._all(parts.below(SCHEDULES, name), schedule_line)
        orders = self._all(parts.below(CHANGE_ORDERS, name), change_order)
        if len(self.troubles) > before:
            return None
        return self._tried(row, lambda cells: contract_line(cells, schedule, orders))

    def _all(self, rows: Sequence[Row], make: Callable[[Cells], T]) -> tuple[T, ...]:
        made = [self._tried(row, make) for row in rows]
        return tuple(one for one in made if one is not None)

    def _tried(self, row: Row, make: Callable[[Cells], T]) -> T | None:
        try:
            return make(self._contents.cells(row))
        except RowTroubleError as error:
            self.troubles.append(error.trouble)
            return None


def _astray(row: Row, column: str, table: str) -> Trouble:
    if row.trouble:
        return Trouble.at(row.place, row.trouble)
    return Trouble.at(row.place, f"there is no such one in {table}", column)


def _engagement(cells: Cells, connection: str, lines: tuple[ContractLine, ...]) -> Engagement:
    return cells.make(
        Engagement,
        {"customer_tax": "", "lines": ""},
        connection=connection,
        id=cells.text("id"),
        code=cells.text("code"),
        name=cells.text("name") or "",
        legal_entity=cells.text("legal_entity"),
        customer=cells.text("customer"),
        customer_tax=tax_party(cells),
        lines=lines,
    )
