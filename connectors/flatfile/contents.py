"""The contents of a drop at one moment: lines of its files, read when they are asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.flatfile.cells import Cells
from connectors.flatfile.drop import DropFile
from connectors.flatfile.json_lines import JsonLine, json_lines
from connectors.flatfile.json_rows import rows_of_json
from connectors.flatfile.options import Format
from connectors.flatfile.tables import Columns, Row, rows_of
from connectors.flatfile.workbooks import rows_of_workbook

TABLE: Final = ".csv"
LINES: Final = ".jsonl"
WORKBOOK: Final = ".xlsx"


def files_of(stem: str, *, many: bool = False) -> tuple[str, ...]:
    """The names under which one kind of record may be there; `many` of each, with a suffix."""
    stems = (stem, f"{stem}-*") if many else (stem,)
    return tuple(f"{each}{form}" for each in stems for form in (TABLE, LINES, WORKBOOK))


def in_workbook(table: str) -> str:
    """The name under which a table may be there as a workbook."""
    return f"{table.removesuffix(TABLE)}{WORKBOOK}"


class Contents:
    """What one reading of a folder found, and how its files are written."""

    def __init__(self, connection: str, files: Mapping[str, DropFile], written: Format) -> None:
        self.connection = connection
        self._files = files
        self._written = written

    def has(self, *names: str) -> bool:
        """Whether one of these files is there; a table also as a workbook."""
        return bool(self._of(names))

    def names(self, among: Iterable[str]) -> Sequence[str]:
        """Those of these files that are there."""
        return [name for name in among if name in self._files]

    def rows(self, name: str, columns: Columns) -> Sequence[Row]:
        """The lines of a table, of its workbook too; none if neither is there."""
        return [row for file in self._of([name]) for row in self._rows_in(file, columns)]

    def rows_of_kind(self, stem: str, columns: Columns) -> Iterator[Row]:
        """The lines of all files of one kind of record, in whichever form they are."""
        for file in self.of_kind(stem):
            yield from self._rows_in(file, columns)

    def table_rows(self, stem: str, columns: Columns) -> Iterator[Row]:
        """The lines of the tables of one kind of record, where its JSON is of another form."""
        for file in self.of_kind(stem):
            if not file.name.endswith(LINES):
                yield from self._rows_in(file, columns)

    def of_kind(self, stem: str) -> Sequence[DropFile]:
        """The files of one kind of record, in the order of their names."""
        found = (file for name, file in self._files.items() if _is_of_kind(name, stem))
        return sorted(found, key=lambda file: file.name)

    def lines(self, name: str) -> Sequence[JsonLine]:
        """The objects of a file of JSON lines; none if it is not there."""
        return json_lines(self._files.get(name))

    def cells(self, row: Row) -> Cells:
        """A line of a table, to be read cell by cell."""
        return Cells(row, decimal_comma=self._written.decimal_comma)

    def changed_at(self, *names: str) -> datetime:
        """When the newest of these files was written; one of them is there."""
        return max(file.changed_at for file in self._of(names))

    def arrived_at(self, name: str) -> datetime:
        """Since when a file is there as it is."""
        return self._files[name].arrived_at

    def _of(self, names: Iterable[str]) -> Sequence[DropFile]:
        forms = (form for name in names for form in (name, in_workbook(name)))
        found = (self._files.get(form) for form in dict.fromkeys(forms))
        return [file for file in found if file is not None]

    def _rows_in(self, file: DropFile, columns: Columns) -> Sequence[Row]:
        if file.name.endswith(LINES):
            return rows_of_json(file, columns)
        if file.name.endswith(WORKBOOK):
            return rows_of_workbook(file, columns)
        return rows_of(file, columns, self._written)


def _is_of_kind(name: str, stem: str) -> bool:
    own = name.rpartition(".")[0]
    return own == stem or own.startswith(f"{stem}-")
