"""Workbooks as spreadsheet programs write them, and as they must not be."""

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook

SHEET = "xl/worksheets/sheet1.xml"


def workbook(
    lines: Sequence[Sequence[Any]], *, also: Callable[[Workbook], None] = lambda _: None
) -> bytes:
    """Make a workbook of one sheet; `also` changes it before it is saved."""
    book = Workbook()
    sheet = book.worksheets[0]
    for line in lines:
        sheet.append(list(line))
    also(book)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def rewritten(data: bytes, change: Callable[[str], str], name: str = SHEET) -> bytes:
    """The same workbook with one of its parts changed, as another program would have it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(made, "w") as after:
        for each in before.namelist():
            part = before.read(each)
            after.writestr(each, change(part.decode()) if each == name else part)
    return made.getvalue()
