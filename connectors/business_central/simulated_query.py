"""OData as Business Central understands it: errors, filters, pages and what is expanded."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

Record = dict[str, Any]
Predicate = Callable[[Record], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<id>[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27})"
    r"|(?P<word>[A-Za-z_@.][\w.@]*)|(?P<sign>[(),])"
    r"|(?P<other>[0-9A-Fa-f][^\s(),]*|-[0-9][^\s(),]*))"
)
_CORRELATION: Final = "0f1e2d3c-0000-4000-8000-000000000001"


class ODataError(Exception):
    """An error as the service answers it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> Record:
        """Its JSON; the sentence ends in the id under which telemetry has the rest."""
        said = f"{self.message}  CorrelationId:  {_CORRELATION}."
        return {"error": {"code": self.code, "message": said}}


def refused(message: str, code: str = "Application_DialogException") -> ODataError:
    """The application says no."""
    return ODataError(400, code, message)


def not_found(message: str = "No HTTP resource was found that matches the request.") -> ODataError:
    """There is no such record or segment."""
    return ODataError(404, "BadRequest_ResourceNotFound", message)


def bad_request(message: str, code: str = "BadRequest") -> ODataError:
    """The request is not formed as it should be."""
    return ODataError(400, code, message)


class Filter:
    """A `$filter`: and, or, parentheses, six comparisons, startswith and contains.

    `or` joins conditions on one member only, as in Business Central.
    """

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self.matches, self.members = self._either()
        if self._at != len(self._tokens):
            raise bad_request("Syntax error in the filter.", "BadRequest_NotFound")

    def _either(self) -> tuple[Predicate, set[str]]:
        test, members = self._both()
        tests = [test]
        while self._take("or"):
            test, more = self._both()
            members |= more
            tests.append(test)
        if len(tests) > 1 and len(members) > 1:
            raise bad_request(
                "An error occurred while processing this request."
                " The 'OR' operator is not supported on distinct fields on an OData filter.",
                "BadRequest_MethodNotImplemented",
            )
        return (lambda record: any(one(record) for one in tests)), members

    def _both(self) -> tuple[Predicate, set[str]]:
        test, members = self._one()
        tests = [test]
        while self._take("and"):
            test, more = self._one()
            members |= more
            tests.append(test)
        return (lambda record: all(one(record) for one in tests)), members

    def _one(self) -> tuple[Predicate, set[str]]:
        if self._take("("):
            inside = self._either()
            self._expect(")")
            return inside
        word = self._next()
        if word in _TEXT_TESTS:
            self._expect("(")
            member = self._next()
            self._expect(",")
            part, test = str(_literal(self._next())), _TEXT_TESTS[word]
            self._expect(")")
            return (lambda record: test(str(_member(record, member)), part)), {member}
        compare = _COMPARISONS.get(self._next())
        if compare is None:
            raise bad_request("Syntax error in the filter.", "BadRequest_NotFound")
        value = _literal(self._next())
        return (lambda record: compare(*_alike(_member(record, word), value))), {word}

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise bad_request("Syntax error in the filter.", "BadRequest_NotFound")

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise bad_request("Syntax error in the filter.", "BadRequest_NotFound")
        self._at += 1
        return self._tokens[self._at - 1]


_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "startswith": str.startswith,
    "contains": lambda text, part: part in text,
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}


_TRUTHS: Final = {"true": True, "false": False}


def _tokens(text: str) -> Iterable[str]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise bad_request("Syntax error in the filter.", "BadRequest_NotFound")
        at = found.end()
        yield found.group().strip()


def _literal(token: str) -> Any:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    return _TRUTHS.get(token, token)


def _member(record: Record, name: str) -> Any:
    if name not in record:
        raise bad_request(f"Could not find a property named '{name}'.", "BadRequest_NotFound")
    return record[name]


def _alike(held: Any, asked: Any) -> tuple[Any, Any]:
    """Bring what is held and what is asked for to one type."""
    if isinstance(held, Decimal | int) and not isinstance(held, bool):
        return Decimal(held), Decimal(str(asked))
    if isinstance(held, str) and re.match(r"\d{4}-\d\d-\d\dT", held):
        return datetime.fromisoformat(held), datetime.fromisoformat(str(asked))
    if isinstance(held, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", held):
        return date.fromisoformat(held), date.fromisoformat(str(asked))
    return held, asked


def expansions(text: str | None) -> dict[str, str]:
    """Take `$expand` apart: `lines($expand=dimensionSetLines),customer`."""
    found: dict[str, str] = {}
    depth, part = 0, ""
    for sign in [*(text or ""), ","]:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            name, _, inside = part.partition("(")
            if name:
                found[name] = inside.rstrip(")").removeprefix("$expand=")
            part = ""
        else:
            part += sign
    return found
