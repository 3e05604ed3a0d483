"""Cells: what a line of a table says, as exact values, with every trouble by its column."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from canonical.exact import exact_decimal
from canonical.hours import seconds_from_hours
from canonical.money import HourlyRate, Money
from connectors.base.dates import day_of, moment_of
from connectors.flatfile.tables import BLANKS, Row
from connectors.flatfile.troubles import Finding, Trouble

C = TypeVar("C", bound=BaseModel)
E = TypeVar("E", bound=StrEnum)

_FLAGS: Final = {"yes": True, "true": True, "no": False, "false": False}
# One name of several in a cell, in which a bar or a backslash that belongs to it is escaped.
_NAME: Final = re.compile(r"((?:[^|\\]|\\[|\\])*)(\||\Z)")


class RowTroubleError(ValueError):
    """A line that is no good: where it stands, and each thing that is to be mended."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class Cells:
    """One line of a table, read cell by cell; trouble is collected until something is made."""

    def __init__(self, row: Row, *, decimal_comma: bool = False) -> None:
        self.row: Final = row
        self._decimal_comma: Final = decimal_comma and not row.with_points
        self._findings: Final = [Finding(None, row.trouble)] if row.trouble else []

    def text(self, column: str) -> str | None:
        """A text; None for an empty cell."""
        return self.row.cells.get(column) or None

    def day(self, column: str) -> date | None:
        """A plain date of the form YYYY-MM-DD."""
        text = self.text(column)
        try:
            return None if text is None else day_of(text)
        except ValueError as error:
            self.wrong(column, str(error))
            return None

    def moment(self, column: str) -> datetime | None:
        """An instant with its zone, brought to UTC."""
        text = self.text(column)
        try:
            return None if text is None else moment_of(text)
        except ValueError as error:
            self.wrong(column, str(error))
            return None

    def seconds(self, column: str) -> int | None:
        """A duration that is written in decimal hours, in whole seconds."""
        hours = self.number(column)
        try:
            return None if hours is None else seconds_from_hours(hours)
        except ValueError as error:
            self.wrong(column, str(error))
            return None

    def flag(self, column: str) -> bool | None:
        """Yes or no."""
        text = self.text(column)
        if text is None:
            return None
        if text.lower() not in _FLAGS:
            self.wrong(column, "write yes or no")
        return _FLAGS.get(text.lower())

    def choice(self, column: str, kind: type[E]) -> E | None:
        """One of a few words."""
        text = self.text(column)
        if text is None:
            return None
        try:
            return kind(text.lower())
        except ValueError:
            self.wrong(column, f"write one of {', '.join(kind)}")
            return None

    def number(self, column: str) -> Decimal | None:
        """A number, exactly as it is written."""
        text = self.text(column)
        if text is None:
            return None
        try:
            return exact_decimal(self._with_a_point(text))
        except ValueError:
            sign = "comma" if self._decimal_comma else "point"
            self.wrong(
                column,
                f"write a plain number with a decimal {sign}, without signs of thousands or of a "
                "currency",
            )
            return None

    def _with_a_point(self, text: str) -> str:
        if not self._decimal_comma:
            return text
        if "." in text:
            raise ValueError("a point is no decimal sign here")
        return text.replace(",", ".")

    def money(self, column: str = "amount", currency: str = "currency") -> Money | None:
        """An amount and its currency, which go together."""
        return self._priced(Money, column, currency)

    def hourly_rate(self, column: str = "amount", currency: str = "currency") -> HourlyRate | None:
        """The price of an hour and its currency, which go together."""
        return self._priced(HourlyRate, column, currency)

    def names(self, column: str) -> tuple[str, ...]:
        """Several names in one cell, with a bar between them."""
        text = self.text(column)
        if text is None:
            return ()
        try:
            return tuple(_names(text))
        except ValueError as error:
            self.wrong(column, str(error))
            return ()

    def part(self, kind: type[C], said: Mapping[str, str] = {}, /, **values: Any) -> C | None:
        """Make a part of what the line says; None, and its trouble collected, if that fails.

        `said` names the columns of members that are called otherwise. What is None is left out,
        unless a member has to say so.
        """
        if self.row.trouble is not None:
            return None
        given = {
            name: value
            for name, value in values.items()
            if value is not None or _says_nothing(kind.model_fields[name])
        }
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            self._findings.extend(_of_members(error, said))
            return None

    def make(self, kind: type[C], said: Mapping[str, str] = {}, /, **values: Any) -> C:
        """Make what the line says of its values; raises RowTroubleError with all its troubles."""
        made = None if self._findings else self.part(kind, said, **values)
        if made is None:
            raise RowTroubleError(Trouble((self.row.place,), tuple(self._findings)))
        return made

    def _priced(self, kind: type[C], column: str, currency: str) -> C | None:
        amount, code = self.number(column), self.text(currency)
        if self.text(column) is None and code is None:
            return None
        if self.text(column) is None or code is None:
            empty = column if code else currency
            self.wrong(empty, "an amount and its currency go together: fill it in")
            return None
        if amount is None:
            return None
        said = {"amount": column, "currency": currency, "": column}
        return self.part(kind, said, amount=amount, currency=code)

    def wrong(self, column: str, what: str) -> None:
        """Collect what is wrong with a column."""
        # What a broken line seems to say is no news of its own.
        if self.row.trouble is None:
            self._findings.append(Finding(column, what))


def _says_nothing(field: FieldInfo) -> bool:
    """Whether a member has to be given, and may be nothing."""
    return field.is_required() and NoneType in get_args(field.annotation)


def name_in_cell(name: str) -> str:
    """Write one name of several; the opposite of `Cells.names`."""
    return name.replace("\\", "\\\\").replace("|", "\\|")


def _names(text: str) -> Iterator[str]:
    at = 0
    while True:
        found = _NAME.match(text, at)
        if found is None:
            raise ValueError("write a backslash that belongs to a name twice")
        name = re.sub(r"\\(.)", r"\1", found[1]).strip(BLANKS)
        if not name:
            raise ValueError("a name between two bars is empty: take a bar out")
        yield name
        if not found[2]:
            return
        at = found.end()


def _of_members(error: ValidationError, said: Mapping[str, str]) -> Iterator[Finding]:
    """Say which column is wrong and how, without a value: values may be personal data."""
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        member = str(each["loc"][0]) if each["loc"] else ""
        column = said.get(member, member)
        what = "fill it in" if each["type"] == "missing" else each["msg"]
        yield Finding(column or None, what)
