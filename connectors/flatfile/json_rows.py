"""Lines of a table that are written as JSON objects, with the columns as their members."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.flatfile.drop import DropFile
from connectors.flatfile.json_lines import JsonLine, json_lines
from connectors.flatfile.tables import BLANKS, Columns, Row

_FLAGS: Final = {True: "yes", False: "no"}


def rows_of_json(file: DropFile, columns: Columns) -> Sequence[Row]:
    """Read each object as a line of a table: text, whole numbers, true and false, or null."""
    return [_row(line, columns) for line in json_lines(file)]


def _row(line: JsonLine, columns: Columns) -> Row:
    if line.value is None:
        cells = {title: line.text_of(title) or "" for title in columns.known}
        return Row(line.file, line.line, cells, line.trouble, with_points=True)
    cells = {title: _cell(line.value.get(title)) or "" for title in columns.known}
    trouble = line.trouble or _trouble(line.value, columns)
    return Row(line.file, line.line, cells, trouble, with_points=True)


def _trouble(value: Mapping[str, Any], columns: Columns) -> str | None:
    wrong = sorted(title for title in columns.known if _cell(value.get(title)) is None)
    if wrong:
        return f"column {wrong[0]}: write it as text"
    if value.keys() - columns.known:
        # A misspelt member would be a fact that is silently left out.
        return "it has a member that is not known: take it out"
    return None


def _cell(value: Any) -> str | None:
    """A member as the text of a cell; None if it is none, such as a number with decimals."""
    match value:
        case None:
            return ""
        case bool():
            return _FLAGS[value]
        case str():
            return value.strip(BLANKS)
        case int():
            return str(value)
        case _:
            return None
