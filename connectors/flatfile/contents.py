"""The contents of a drop at one moment: lines of its files, read when they are asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.flatfile.cells import Cells
from connectors.flatfile.drop import DropFile
from connectors.flatfile.json_lines import JsonLine, json_lines
from connectors.flatfile.options import Format
from connectors.flatfile.tables import Columns, Row, rows_of


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

    def lines(self, name: str) -> Sequence[JsonLine]:
        """The objects of a file of JSON lines; none if it is not there."""
        return json_lines(self._files.get(name))

    def cells(self, row: Row) -> Cells:
        """A line of a table, to be read cell by cell."""
        return Cells(row, decimal_comma=self._written.decimal_comma)

    def changed_at(self, *names: str) -> datetime:
        """When the newest of these files was written; one of them is there."""
        return max(self._files[name].changed_at for name in names if name in self._files)
