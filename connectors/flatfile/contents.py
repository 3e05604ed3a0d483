"""The contents of a drop at one moment: lines of its files, read when they are asked for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.flatfile.cells import Cells
from connectors.flatfile.drop import DropFile
from connectors.flatfile.json_lines import JsonLine, json_lines
from connectors.flatfile.json_rows import rows_of_json
from connectors.flatfile.options import Format
from connectors.flatfile.tables import Columns, Row, rows_of

TABLE: Final = ".csv"
LINES: Final = ".jsonl"


def files_of(stem: str, *, many: bool = False) -> tuple[str, ...]:
    """The names under which one kind of record may be there; `many` of each, with a suffix."""
    stems = (stem, f"{stem}-*") if many else (stem,)
    return tuple(f"{each}{form}" for each in stems for form in (TABLE, LINES))


class Contents:
    """What one reading of a folder found, and how its files are written."""

    def __init__(self, connection: str, files: Mapping[str, DropFile], written: Format) -> None:
        self.connection = connection
        self._files = files
        self._written = written

    def has(self, *names: str) -> bool:
        """Whether one of these files is there."""
        return any(name in self._files for name in names)

    def rows(self, name: str, columns: Columns) -> Sequence[Row]:
        """The lines of a table; none if the file is not there."""
        return rows_of(self._files.get(name), columns, self._written)

    def rows_of_kind(self, stem: str, columns: Columns) -> Iterator[Row]:
        """The lines of all files of one kind of record, in whichever form they are."""
        for file in self.of_kind(stem):
            if file.name.endswith(LINES):
                yield from rows_of_json(file, columns)
            else:
                yield from rows_of(file, columns, self._written)

    def table_rows(self, stem: str, columns: Columns) -> Iterator[Row]:
        """The lines of the tables of one kind of record, where its JSON is of another form."""
        for file in self.of_kind(stem):
            if not file.name.endswith(LINES):
                yield from rows_of(file, columns, self._written)

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
        return max(self._files[name].changed_at for name in names if name in self._files)

    def arrived_at(self, name: str) -> datetime:
        """Since when a file is there as it is."""
        return self._files[name].arrived_at


def _is_of_kind(name: str, stem: str) -> bool:
    own = name.rpartition(".")[0]
    return own == stem or own.startswith(f"{stem}-")
