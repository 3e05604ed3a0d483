"""Days and instants as vendors write them in JSON, read without guessing."""

import re
from datetime import UTC, date, datetime
from typing import Any, Final

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_YEARS: Final = range(2000, 2101)


def day_of(value: Any) -> date:
    """Read a plain date; raises ValueError, never with the value in it."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("not a date of the form YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None
    if day.year not in _YEARS:
        raise ValueError("not between the years 2000 and 2100")
    return day


def moment_of(value: Any) -> datetime:
    """Read an instant and bring it to UTC; raises ValueError, never with the value in it."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("not an ISO 8601 instant with its zone")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such instant") from None
    if moment.year not in _YEARS:
        raise ValueError("not between the years 2000 and 2100")
    return moment


def day_in(value: Any) -> date:
    """Read the day of a plain date, or of an instant as it is written; zones do not move it."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return day_of(value[:10])
    return day_of(value)
