"""Tryton's search domains, evaluated over records in memory as its SQL would."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

Record = Mapping[str, Any]
Predicate = Callable[[Record], bool]

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

# A backslash takes the next character for itself.
_PIECES: Final = re.compile(r"\\?.", re.DOTALL)
_WILD: Final[Mapping[str, str]] = {"%": ".*", "_": "."}


class DomainError(Exception):
    """The domain names an operator or field that is not there."""


def decoded(value: Any) -> Any:
    """Read one value of the wire; durations become seconds."""
    if not isinstance(value, dict) or "__class__" not in value:
        return value
    match value["__class__"]:
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "datetime":
            names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
            return datetime(*(value[name] for name in names))  # noqa: DTZ001  Naive UTC.
        case "timedelta":
            return value["seconds"]
        case other:
            raise DomainError(other)


def compiled(domain: Sequence[Any]) -> Predicate:
    """Turn a domain into a function of one record."""
    if not domain:
        return _always
    if isinstance(domain[0], str) and domain[0] not in ("AND", "OR"):
        return _clause(domain)
    either = domain[0] == "OR"
    parts = list(domain[1:]) if isinstance(domain[0], str) else list(domain)
    beginnings = _beginnings(parts) if either else None
    if beginnings is not None:
        return beginnings
    tests = [compiled(part) for part in parts]
    if len(tests) == 1:
        return tests[0]
    if either:
        return lambda record: any(test(record) for test in tests)
    return lambda record: all(test(record) for test in tests)


def _always(_: Record) -> bool:
    return True


def _beginnings(parts: Sequence[Any]) -> Predicate | None:
    """Many comparisons of one field with prefixes are one comparison, done in C."""
    begins = tuple(prefix for part in parts if (prefix := prefix_of(part)) is not None)
    if len(begins) != len(parts) or len({part[0] for part in parts}) != 1:
        return None
    field = parts[0][0]
    return lambda record: (record[field] or "").startswith(begins)


def prefix_of(clause: Any) -> str | None:
    """Give the literal beginning that a LIKE asks for, if it asks for nothing else."""
    match clause:
        case [str(), "like", str(pattern)] if pattern.endswith("%"):
            prefix = pattern[:-1]
            return prefix if prefix and not set(prefix) & set("%_\\") else None
        case _:
            return None


def _clause(clause: Sequence[Any]) -> Predicate:
    field, name, operand = clause[0], clause[1], clause[2]
    value = value_getter(field)
    if name in ("in", "not in"):
        members = frozenset(map(decoded, operand))
        wanted = name == "in"
        return lambda record: _among(value(record), members) is wanted
    prefix = prefix_of(clause)
    if prefix is not None:
        return lambda record: (value(record) or "").startswith(prefix)
    if name in ("like", "ilike"):
        pattern = _like(operand, re.IGNORECASE if name == "ilike" else re.NOFLAG)
        return lambda record: any(pattern(one or "") for one in _each(value(record)))
    compare = _COMPARISONS.get(name)
    if compare is None:
        raise DomainError(name)
    right: Any = decoded(operand)
    if name in ("=", "!="):
        return lambda record: compare(value(record), right)
    return lambda record: (left := value(record)) is not None and compare(left, right)


def value_getter(path: str) -> Callable[[Record], Any]:
    """Give a function that reads a field, also through relations ('root.name')."""
    if "." not in path:
        return operator.itemgetter(path)
    first, rest = path.split(".", 1)
    nested = value_getter(rest)

    def through(record: Record) -> Any:
        related = record[f"{first}."]
        if isinstance(related, list):
            return [nested(one) for one in related]
        return nested(related) if related is not None else None

    return through


def _among(value: Any, members: frozenset[Any]) -> bool:
    """Whether a value is one of these; of several, as a relation to many has, any."""
    return any(one in members for one in _each(value))


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, flags: re.RegexFlag) -> Callable[[str], re.Match[str] | None]:
    parts = (_WILD.get(one) or re.escape(one[-1]) for one in _PIECES.findall(pattern))
    return re.compile("".join(parts), re.DOTALL | flags).fullmatch
