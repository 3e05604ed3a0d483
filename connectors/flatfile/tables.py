"""Tables: the lines of a CSV file, each with its number, by the names of its columns."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.base.errors import ConnectionConfigError
from connectors.flatfile.drop import DropFile
from connectors.flatfile.manifest import LINES_MAX
from connectors.flatfile.options import Format
from connectors.flatfile.troubles import Place

_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = (",", ";", "\t")
# What an undecodable byte becomes, which no text of a file can have by itself.
_UNDECODABLE: Final = re.compile("[\udc80-\udcff]")
OTHER_ENCODING: Final = "it has characters of another encoding: save the file as UTF-8"
# Spaces as spreadsheets write them, and line breaks around a cell.
BLANKS: Final = " \t\r\n\u00a0\u202f"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one file: those that it must have, and those that it may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.required, *self.optional))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `trouble` is set if it has no cells that can be relied on.

    Even then `cells` holds what is likely to be in it, so that a record can be told whose it is.
    """

    file: str
    line: int
    cells: Mapping[str, str]
    trouble: str | None = None
    # Its numbers have a point, whatever is said of the tables.
    with_points: bool = False

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.file, self.line)


def rows_of(file: DropFile | None, columns: Columns, written: Format) -> Sequence[Row]:
    """Take a table apart, without its empty lines; a file that is not there has none.

    Raises ConnectionConfigError if it is no table of these columns, or if its lines cannot be
    told apart: then nothing can be said of what is missing in it.
    """
    if file is None:
        return ()
    lines = list(io.StringIO(_text(file, written), newline=""))
    delimiter, header = _header(file.name, lines[0] if lines else "", columns, written)
    rows = tuple(_rows(file.name, lines, delimiter, header))
    if len(rows) > LINES_MAX:
        raise _no_table(file.name, f"it has {len(rows)} lines and may have {LINES_MAX}")
    return rows


def blank(row: Row) -> bool:
    """Whether a line has nothing in it, as spreadsheets leave such below a table."""
    return row.trouble is None and not any(row.cells.values())


def undecodable(text: str) -> bool:
    """Whether there are bytes in a text that its encoding does not have."""
    return _UNDECODABLE.search(text) is not None


def _text(file: DropFile, written: Format) -> str:
    encoding = "utf-8-sig" if file.data.startswith(_BOM) else written.encoding
    return file.data.decode(encoding, errors="surrogateescape")


def _header(
    name: str, first: str, columns: Columns, written: Format
) -> tuple[str, tuple[str, ...]]:
    """Find the delimiter with which the header line makes sense, and the columns in its order."""
    tried = (written.delimiter,) if written.delimiter else _DELIMITERS
    found = {delimiter: _titles(first, delimiter) for delimiter in tried}
    fitting = [each for each in tried if columns.known.intersection(found[each])]
    delimiter = max(fitting or tried, key=lambda each: len(found[each]))
    titles = found[delimiter]
    checked_titles(name, titles, columns)
    return delimiter, titles


def checked_titles(name: str, titles: Sequence[str], columns: Columns) -> None:
    """Raise ConnectionConfigError unless these are the columns of a table."""
    if missing := [title for title in columns.required if title not in titles]:
        raise _no_table(
            name,
            f"its header line does not have the column {', '.join(missing)}; it is to have "
            f"{', '.join((*columns.required, *columns.optional))}",
        )
    for number, title in enumerate(titles, start=1):
        # A misspelt column would be a fact that is silently left out.
        if title not in columns.known:
            raise _no_table(name, f"column {number} of its header line is not known: take it out")
        if titles.index(title) != number - 1:
            raise _no_table(name, f"it has the column {title} twice: take one out")


def _titles(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return ()
    return tuple(each.strip(BLANKS).lower() for each in cells)


def _rows(name: str, lines: Sequence[str], delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    next(reader)
    while True:
        before = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = _broken(name, before + 1, lines[before].split(delimiter), header)
        else:
            row = _row(name, before + 1, cells, header)
        if row.trouble and reader.line_num - before > 1:
            raise _no_table(
                name, f"a quotation mark at or behind line {before + 1} is not closed: close it"
            )
        if not blank(row):
            yield row


def _row(name: str, line: int, cells: Sequence[str], header: Sequence[str]) -> Row:
    values = {title: cell.strip(BLANKS) for title, cell in zip(header, cells, strict=False)}
    trouble = None
    # Never too many either, not even empty ones: 12,50 may have become two cells.
    if len(cells) != len(header) and any(cell.strip(BLANKS) for cell in cells):
        trouble = (
            f"it has {len(cells)} cells and the header line {len(header)}: put a cell that has "
            "the delimiter in it between quotation marks"
        )
    elif any(undecodable(cell) for cell in cells):
        trouble = OTHER_ENCODING
    return Row(name, line, values, trouble)


def _broken(name: str, line: int, written: Sequence[str], header: Sequence[str]) -> Row:
    guessed = (cell.strip(BLANKS + '"') for cell in written)
    trouble = 'its quotation marks do not fit: write " inside of quotation marks twice'
    return Row(name, line, dict(zip(header, guessed, strict=False)), trouble)


def _no_table(name: str, why: str) -> ConnectionConfigError:
    return ConnectionConfigError("file_unreadable", f"{name}: {why}")
