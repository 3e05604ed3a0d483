"""Expense reports: whole on one line of JSON, or put together from up to three tables."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from canonical.expense import ExpenseItem, ExpenseReport
from connectors.flatfile.approvals import approval
from connectors.flatfile.cells import Cells, RowTroubleError
from connectors.flatfile.contents import LINES, Contents
from connectors.flatfile.drafts import Draft, kept, raw_of
from connectors.flatfile.expense_parts import (
    ALLOCATIONS,
    ITEMS,
    REPORTS,
    TABLES,
    allocation,
    item,
    named,
)
from connectors.flatfile.json_lines import JsonLine
from connectors.flatfile.kinds import id_from
from connectors.flatfile.tables import Row
from connectors.flatfile.troubles import Trouble

T = TypeVar("T")
# Since when it is so, whoever reads the files says.
_ANY_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SAID: Final = {"connection": "", "changed_at": "", "items": "", "approval": "approved"}


def expense_reports(
    contents: Contents, changed_at: datetime, *, evidence: bool
) -> Iterator[Draft[ExpenseReport]]:
    """Make all reports, and a trouble of each part that belongs to none of them.

    A report is told whole, so that all of them are as new as the newest of their files.
    """
    for file in contents.of_kind(REPORTS):
        if file.name.endswith(LINES):
            for line in contents.lines(file.name):
                yield _whole(line, contents.connection, changed_at, evidence=evidence)
    yield from _assembled(contents, changed_at, evidence=evidence)


def _whole(
    line: JsonLine, connection: str, changed_at: datetime, *, evidence: bool
) -> Draft[ExpenseReport]:
    name = line.text_of("id")
    about: dict[str, Any] = {
        "id": id_from(name) if name else None,
        "place": line.place,
        "raw": kept(line.text),
        "changed_at": changed_at,
    }
    try:
        report = line.make(ExpenseReport, connection=connection, changed_at=changed_at.isoformat())
    except ValueError as error:
        return Draft(**about, troubles=(Trouble.at(line.place, str(error)),))
    given = report.approval
    if evidence and given and (given.approver is None or given.approved_at is None):
        what = "approval: say approver and approved_at, which are its evidence"
        return Draft(**about, troubles=(Trouble.at(line.place, what),))
    # By one spelling of its name, whatever its accents are made of.
    return Draft(**about, record=report.model_copy(update={"id": about["id"]}))


def _assembled(
    contents: Contents, changed_at: datetime, *, evidence: bool
) -> Iterator[Draft[ExpenseReport]]:
    items = _by(contents, ITEMS, "report")
    shares = _by(contents, ALLOCATIONS, "report", "item")
    known: set[str] = set()
    for head in contents.table_rows(REPORTS, TABLES[REPORTS]):
        name = head.cells.get("id", "")
        known.add(name)
        of_it = items.get((name,), [])
        of_items = {key[1]: rows for key, rows in shares.items() if key[0] == name}
        made = _Assembly(contents, head, evidence=evidence)
        report = made.report(of_it, of_items)
        rows = [head, *of_it, *(row for rows in of_items.values() for row in rows)]
        yield Draft(
            id=id_from(name),
            place=head.place,
            raw=raw_of(*rows),
            changed_at=changed_at,
            record=report
            and report.model_copy(
                update={"connection": contents.connection, "changed_at": changed_at}
            ),
            troubles=tuple(made.troubles),
            rows=(head,),
        )
    for table in (items, shares):
        for key, rows in table.items():
            if key[0] in known:
                continue
            for row in rows:
                said = (_astray(row, "report", REPORTS),)
                yield Draft(id_from(key[0]), row.place, raw_of(row), changed_at, None, said)


def _by(contents: Contents, stem: str, *columns: str) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in contents.rows_of_kind(stem, TABLES[stem]):
        key = tuple(row.cells.get(column, "") for column in columns)
        found.setdefault(key, []).append(row)
    return found


class _Assembly:
    """One report being put together; if one part is wrong, all of it is.

    A report without one of its items would be paid out as another one.
    """

    def __init__(self, contents: Contents, head: Row, *, evidence: bool) -> None:
        self._contents: Final = contents
        self._head: Final = head
        self._evidence: Final = evidence
        self._currency: Final = head.cells.get("currency", "")
        self.troubles: Final[list[Trouble]] = []

    def report(self, items: Sequence[Row], shares: dict[str, list[Row]]) -> ExpenseReport | None:
        """Make it; None if there is trouble."""
        there = {row.cells.get("id", "") for row in items}
        for name, rows in shares.items():
            if name not in there:
                self.troubles.extend(_astray(row, "item", ITEMS) for row in rows)
        made: list[ExpenseItem] = []
        for row in items:
            one = self._item(row, shares.get(row.cells.get("id", ""), ()))
            made += [one] if one else []
        self._each_once(items)
        report = self._tried(self._head, lambda cells: self._made(cells, tuple(made)))
        return None if self.troubles else report

    def _item(self, row: Row, shares: Sequence[Row]) -> ExpenseItem | None:
        currency = self._currency
        allocations = self._all(shares, lambda cells: allocation(cells, currency))
        return self._tried(row, lambda cells: item(cells, currency, allocations))

    def _made(self, cells: Cells, items: tuple[ExpenseItem, ...]) -> ExpenseReport:
        total = cells.money("total", "currency") if cells.text("total") else None
        return cells.make(
            ExpenseReport,
            _SAID,
            connection="-",
            id=named(cells, "id"),
            number=cells.text("number"),
            name=cells.text("name"),
            employee=named(cells, "employee"),
            legal_entity=cells.text("legal_entity"),
            cost_centre=cells.text("cost_centre"),
            home_country=cells.text("home_country"),
            currency=cells.text("currency"),
            report_date=cells.day("report_date"),
            items=items,
            total=total,
            approval=approval(cells, evidence=self._evidence),
            changed_at=_ANY_INSTANT,
        )

    def _each_once(self, items: Sequence[Row]) -> None:
        names = [row.cells.get("id", "") for row in items]
        for row, name in zip(items, names, strict=True):
            if names.count(name) > 1:
                self.troubles.append(Trouble.at(row.place, "it stands twice: keep one", "id"))

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
    return Trouble.at(row.place, f"there is no such one in {table}.csv", column)
