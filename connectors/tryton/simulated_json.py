"""Records as Tryton writes them: exact types as objects, relations nested under 'name.'."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from connectors.tryton.simulated_search import Record

_text_of_string: Final = json.encoder.encode_basestring_ascii


def rendered(rows: Iterable[Record], fields: Sequence[str]) -> str:
    """Write records with the fields that were asked for. Raises KeyError for an unknown field."""
    render = _renderer(tuple(fields))
    return f"[{','.join(map(render, rows))}]"


@lru_cache(maxsize=256)
def _renderer(fields: tuple[str, ...]) -> Callable[[Record], str]:
    """Make the function that writes one record; kept, because the same fields come each time."""
    plain = [field for field in fields if "." not in field and field != "id"]
    nested: dict[str, list[str]] = {}
    for field in fields:
        if "." in field:
            name, rest = field.split(".", 1)
            nested.setdefault(name, []).append(rest)
    relations = {f"{name}.": _renderer(tuple(rest)) for name, rest in nested.items()}

    def render(record: Record) -> str:
        parts = [f'"{field}":{_text(record, field)}' for field in plain]
        for name, related in relations.items():
            value = record[name]
            parts.append(f'"{name}":{"null" if value is None else related(value)}')
        parts.append(f'"id":{record["id"]}')
        return f"{{{','.join(parts)}}}"

    return render


def _text(record: Record, field: str) -> str:
    value = record[field]
    if field == "duration":
        return f'{{"__class__":"timedelta","seconds":{float(value)}}}'
    return _TEXTS[type(value)](value)


@lru_cache(maxsize=4096)
def _date(value: date) -> str:
    return f'{{"__class__":"date","year":{value.year},"month":{value.month},"day":{value.day}}}'


def _datetime(value: datetime) -> str:
    return json.dumps(
        {
            "__class__": "datetime",
            "year": value.year,
            "month": value.month,
            "day": value.day,
            "hour": value.hour,
            "minute": value.minute,
            "second": value.second,
            "microsecond": value.microsecond,
        }
    )


_TEXTS: Final[Mapping[type, Callable[[Any], str]]] = {
    int: int.__repr__,
    str: _text_of_string,
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    float: float.__repr__,
    list: json.dumps,
    date: _date,
    datetime: _datetime,
    Decimal: lambda value: f'{{"__class__":"Decimal","decimal":"{value:f}"}}',
}
