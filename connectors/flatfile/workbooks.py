"""Workbooks (XLSX): the lines of a table that somebody keeps in a spreadsheet.

A cell's number is a binary float in such a file. It is taken for the decimal that people see and
typed, if that is one: the shortest that means this float, with at most four places. Whatever was
computed and is not exact is refused, and no float goes any further than `_decimal_of`.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from openpyxl import load_workbook

from canonical.exact import decimal_text, scale_of
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.flatfile.drop import DropFile
from connectors.flatfile.manifest import FILE_BYTES_MAX, LINES_MAX
from connectors.flatfile.tables import BLANKS, Columns, Row, checked_titles

UNPACKED_BYTES_MAX: Final = 4 * FILE_BYTES_MAX
PLACES_MAX: Final = 4
# A float tells apart all decimals of so many digits, and no more.
_DIGITS_MAX: Final = 15
_FORMULA: Final = "f"
_ERROR: Final = "e"


def rows_of_workbook(file: DropFile, columns: Columns) -> Sequence[Row]:
    """Read the one sheet of a workbook as a table; hidden and filtered lines are lines too.

    Raises ConnectionConfigError if it is no table of these columns, and TransientError if it is no
    workbook (yet): one that is being written looks the same.
    """
    _require_sane(file)
    try:
        lines = list(_lines(file))
    except (ConnectionConfigError, TransientError):
        raise
    except Exception as error:
        # The library raises whatever its parsers meet; its words may hold a cell's content.
        raise _no_table(file, f"it cannot be read ({type(error).__name__})") from None
    titles = tuple(cell.text.lower() for cell in lines[0][1]) if lines else ()
    while titles and not titles[-1]:
        titles = titles[:-1]
    checked_titles(file.name, titles, columns)
    return [_row(file.name, number, line, titles) for number, line in lines[1:]]


def _require_sane(file: DropFile) -> None:
    """Look at a file's table of contents before anything of it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile:
        raise TransientError(
            "file_cut", f"{file.name} is no workbook, or is not written to its end yet"
        ) from None
    if unpacked > UNPACKED_BYTES_MAX:
        raise ConnectionConfigError(
            "file_too_large",
            f"{file.name} unpacks to {unpacked} bytes and may come to {UNPACKED_BYTES_MAX}",
        )


def _lines(file: DropFile) -> Iterator[tuple[int, Sequence["_Cell"]]]:
    """The lines of the sheet with their numbers, the first and all that are not empty.

    Each is read twice: what a formula came to, and that it is one, are told by different readings.
    """
    results = load_workbook(io.BytesIO(file.data), read_only=True, data_only=True)
    formulas = load_workbook(io.BytesIO(file.data), read_only=True)
    try:
        shown, computed = _only_sheet(file, results), _only_sheet(file, formulas)
        count = 0
        for number, both in enumerate(zip(shown.rows, computed.rows, strict=True), start=1):
            line = [_Cell(*cells) for cells in zip(*both, strict=True)]
            if number > 1 and not any(cell.text or cell.trouble for cell in line):
                continue
            count += 1
            if count > LINES_MAX + 1:
                raise _no_table(file, f"it has more than {LINES_MAX} lines")
            yield number, line
    finally:
        results.close()
        formulas.close()


def _only_sheet(file: DropFile, book: Any) -> Any:
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if len(visible) != 1:
        raise _no_table(file, f"it has {len(visible)} visible sheets: keep one")
    # What a file says of its own extent may be wrong.
    visible[0].reset_dimensions()
    return visible[0]


class _Cell:
    """One cell as text, or what is wrong with it."""

    def __init__(self, shown: Any, written: Any) -> None:
        self.text, self.trouble = "", ""
        value = shown.value
        if value is None:
            if written.data_type == _FORMULA:
                self.trouble = "its result is not in the file: open it and save it again"
        elif shown.data_type == _ERROR:
            self.trouble = "it shows an error"
        else:
            self._read(value)

    def _read(self, value: Any) -> None:
        match value:
            case str():
                self.text = value.strip(BLANKS)
            case bool():
                self.text = "yes" if value else "no"
            case datetime() if value.time() == time():
                self.text = value.date().isoformat()
            case datetime():
                self.trouble = "a moment has no zone in a workbook: write it as text"
            case date():
                self.text = value.isoformat()
            case int() | float():
                number = _decimal_of(value)
                if number is None:
                    self.trouble = (
                        f"a computed number that is not exact to {PLACES_MAX} places: round it, "
                        "or write it as text"
                    )
                else:
                    self.text = decimal_text(number)
            case _:
                self.trouble = "write it as a decimal number, or as text"


def _decimal_of(value: Any) -> Decimal | None:
    """The decimal that a number of a workbook stands for; None if it is not sure to be one."""
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if not number.is_finite() or number.adjusted() >= _DIGITS_MAX:
        return None
    places = scale_of(number)
    if places > PLACES_MAX or number.adjusted() + 1 + places > _DIGITS_MAX:
        return None
    return number.quantize(Decimal(1).scaleb(-places))


def _row(name: str, number: int, line: Sequence[_Cell], titles: Sequence[str]) -> Row:
    cells = {title: cell.text for title, cell in zip(titles, line, strict=False)}
    wrong = [
        f"column {title}: {cell.trouble}"
        for title, cell in zip(titles, line, strict=False)
        if cell.trouble
    ]
    if any(cell.text or cell.trouble for cell in line[len(titles) :]):
        wrong.append("it has a cell beyond the header line's")
    missing = dict.fromkeys(titles, "")
    return Row(name, number, missing | cells, wrong[0] if wrong else None, with_points=True)


def _no_table(file: DropFile, why: str) -> ConnectionConfigError:
    return ConnectionConfigError("file_unreadable", f"{file.name}: {why}")
