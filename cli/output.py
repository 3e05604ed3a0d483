"""What commands print: tables for people, JSON for programs, progress only on a terminal."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table

from canonical.exact import decimal_text
from canonical.hours import hours_from_seconds

# Ids, dates and amounts stay on one line; what is longer is broken between words.
_NEVER_BROKEN: Final = 16
out = Console(soft_wrap=False)
err = Console(stderr=True)


def as_json(value: Any) -> str:
    """Write JSON: amounts as text, instants in ISO 8601."""
    return json.dumps(value, indent=2, default=_plain)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Make a table; numbers stand to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for number, column in enumerate(columns):
        values = [row[number] for row in rows if row[number] is not None]
        numeric = bool(values) and isinstance(values[0], int | Decimal)
        short = all(len(cell(row[number])) <= _NEVER_BROKEN for row in rows)
        made.add_column(
            column,
            justify="right" if numeric else "left",
            no_wrap=short,
            # An id that is longer than its column goes on below: half of it helps nobody.
            overflow="ellipsis" if short else "fold",
        )
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def cell(value: Any) -> str:
    """One value as people read it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value)


def hours(seconds: int) -> Decimal:
    """Seconds as decimal hours, for a table."""
    return hours_from_seconds(seconds).quantize(Decimal("0.01"))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON")
