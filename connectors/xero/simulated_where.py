"""Xero's language of filters, as far as anybody here speaks it; all else is refused.

`(Type=="ACCPAY" AND InvoiceNumber!=null AND InvoiceNumber.StartsWith("L"))`, dates as
`DateTime(2026,01,31)` and ids as `guid("…")`. To ask a member that is not there for its
beginning is an error, as it is at Xero.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

Record = Mapping[str, Any]
Predicate = Callable[[Record], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<word>[A-Za-z]+(?:\.[A-Za-z]+)?)|(?P<text>\"[^\"]*\")|(?P<number>\d+)"
    r"|(?P<sign>==|!=|>=|<=|>|<|&&|\|\||[(),]))"
)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a is not None and a >= b,
    "<=": lambda a, b: a is not None and a <= b,
    ">": lambda a, b: a is not None and a > b,
    "<": lambda a, b: a is not None and a < b,
}
_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": str.__contains__,
}


class WhereError(ValueError):
    """The filter cannot be understood, or asks what is not there."""


def where(text: str) -> Predicate:
    """Understand a filter; raises WhereError."""
    parser = _Parser(text)
    found = parser.either()
    if parser.tokens:
        raise WhereError(f"unexpected '{parser.tokens[0]}'")
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))

    def either(self) -> Predicate:
        parts = [self._both()]
        while self._is_next("OR", "||"):
            parts.append(self._both())
        return lambda record: any(part(record) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._term()]
        while self._is_next("AND", "&&"):
            parts.append(self._term())
        return lambda record: all(part(record) for part in parts)

    def _term(self) -> Predicate:
        if self._is_next("("):
            found = self.either()
            self._expect(")")
            return found
        member, _, test = self._take().partition(".")
        if test:
            return self._test(member, test)
        sign = self._take()
        if sign not in _COMPARE:
            raise WhereError(f"no comparison '{sign}'")
        value = self._value()
        return lambda record: _COMPARE[sign](record.get(member), value)

    def _test(self, member: str, test: str) -> Predicate:
        if test not in _TESTS:
            raise WhereError(f"no function '{test}'")
        self._expect("(")
        wanted = self._value()
        self._expect(")")

        def holds(record: Record) -> bool:
            text = record.get(member)
            if text is None:
                raise WhereError(f"{member} is null")
            return _TESTS[test](text, wanted)

        return holds

    def _value(self) -> Any:
        word = self._take()
        if word.startswith('"'):
            return word[1:-1]
        if word == "null":
            return None
        if word in ("DateTime", "guid"):
            self._expect("(")
            parts = [self._take()]
            while self._is_next(","):
                parts.append(self._take())
            self._expect(")")
            return _day(parts) if word == "DateTime" else parts[0][1:-1].lower()
        raise WhereError(f"no value '{word}'")

    def _take(self) -> str:
        if not self.tokens:
            raise WhereError("the filter ends too early")
        return self.tokens.pop(0)

    def _expect(self, sign: str) -> None:
        if self._take() != sign:
            raise WhereError(f"'{sign}' expected")

    def _is_next(self, *signs: str) -> bool:
        if self.tokens and self.tokens[0] in signs:
            self.tokens.pop(0)
            return True
        return False


def _day(parts: list[str]) -> date:
    try:
        year, month, day = map(int, parts)
        return date(year, month, day)
    except ValueError as error:
        raise WhereError("no such day") from error


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise WhereError(f"the filter cannot be read at character {at}")
        found.append(match.group().strip())
        at = match.end()
    return found
