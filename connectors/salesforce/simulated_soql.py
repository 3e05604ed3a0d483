"""The part of SOQL that the simulated org understands; whatever else is asked is malformed."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.salesforce.simulated_org import RefusedError, SimulatedOrg
from connectors.salesforce.simulated_state import PREFIX, SimulatedRecord, Value

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+)"
    r"|(?P<sign>!=|>=|<=|[=<>(),]))",
    re.DOTALL,
)
_UNESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
# The child relationships that a query of Accounts may look into.
_CHILDREN: Final = {"Contacts": "Contact", "Opportunities": "Opportunity"}
_RECORD_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """A field, and the values of which it has to have one, or must not have any."""

    field: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood."""

    fields: tuple[str, ...]
    children: tuple["Query", ...]
    source: str
    conditions: tuple[Condition, ...]
    order: tuple[str, ...]
    limit: int | None


def parsed_query(text: str) -> Query:
    """Understand a query; raises RefusedError."""
    tokens = _Tokens(text)
    query = _select(tokens)
    tokens.end()
    return query


def answered(org: SimulatedOrg, query: Query, *, deleted_too: bool) -> Sequence[dict[str, Any]]:
    """The records of a query, as JSON."""
    if query.source not in PREFIX:
        words = f"sObject type '{query.source}' is not supported."
        raise RefusedError("INVALID_TYPE", words)
    return _rows(org, query, query.source, org.records(query.source, deleted_too=deleted_too))


def _rows(
    org: SimulatedOrg, query: Query, kind: str, records: Iterable[SimulatedRecord]
) -> list[dict[str, Any]]:
    fields = [org.field(kind, name).name for name in query.fields]
    fits = [_fitting(org, kind, condition) for condition in query.conditions]
    order = [org.field(kind, name).name for name in query.order]
    children = {child.source: (_child_kind(kind, child), child) for child in query.children}
    found = [each for each in records if all(fit(each) for fit in fits)]
    found.sort(key=lambda each: [str(org.value(each, name) or "") for name in order])
    rows = []
    for record in found[: query.limit]:
        row: dict[str, Any] = {"attributes": {"type": kind, "url": f"/sobjects/{record.id}"}}
        row |= {name: org.value(record, name) for name in fields}
        row |= {name: _of_child(org, *child, record) for name, child in children.items()}
        rows.append(row)
    return rows


def _child_kind(kind: str, query: Query) -> str:
    found = _CHILDREN.get(query.source) if kind == "Account" else None
    if found is None:
        raise RefusedError("INVALID_FIELD", f"Didn't understand relationship '{query.source}'")
    return found


def _of_child(
    org: SimulatedOrg, kind: str, query: Query, parent: SimulatedRecord
) -> dict[str, Any] | None:
    own = (each for each in org.records(kind) if each.fields.get("AccountId") == parent.id)
    rows = _rows(org, query, kind, own)
    # An empty list of children is null there.
    return {"totalSize": len(rows), "done": True, "records": rows} if rows else None


def _fitting(
    org: SimulatedOrg, kind: str, condition: Condition
) -> Callable[[SimulatedRecord], bool]:
    field = org.field(kind, condition.field)
    for value in condition.values:
        is_id = field.name == "Id" or field.type == "reference"
        if is_id and isinstance(value, str) and not _RECORD_ID.fullmatch(value):
            raise RefusedError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
    wanted = {_compared(value, exact=field.case_sensitive) for value in condition.values}

    def fits(record: SimulatedRecord) -> bool:
        held = _compared(org.value(record, field.name), exact=field.case_sensitive)
        return (held in wanted) is not condition.negated

    return fits


def _compared(value: Value, *, exact: bool) -> Value:
    return value.casefold() if isinstance(value, str) and not exact else value


def _select(tokens: "_Tokens") -> Query:
    tokens.keyword("SELECT")
    fields: list[str] = []
    children: list[Query] = []
    while True:
        if tokens.take("("):
            children.append(_select(tokens))
            tokens.sign(")")
        else:
            fields.append(tokens.word())
        if not tokens.take(","):
            break
    tokens.keyword("FROM")
    source = tokens.word()
    conditions = tuple(_conditions(tokens)) if tokens.take("WHERE") else ()
    order: list[str] = []
    if tokens.take("ORDER"):
        tokens.keyword("BY")
        order.append(tokens.word())
        while tokens.take(","):
            order.append(tokens.word())
    limit = tokens.number() if tokens.take("LIMIT") else None
    return Query(tuple(fields), tuple(children), source, conditions, tuple(order), limit)


def _conditions(tokens: "_Tokens") -> Iterator[Condition]:
    while True:
        field = tokens.word()
        if tokens.take("IN"):
            tokens.sign("(")
            values = [tokens.value()]
            while tokens.take(","):
                values.append(tokens.value())
            tokens.sign(")")
            yield Condition(field, tuple(values))
        elif tokens.take("!="):
            yield Condition(field, (tokens.value(),), negated=True)
        else:
            tokens.sign("=")
            yield Condition(field, (tokens.value(),))
        if not tokens.take("AND"):
            return


class _Tokens:
    """A query word by word."""

    def __init__(self, text: str) -> None:
        self._found: list[tuple[str, str]] = []
        self._at = 0
        text = text.strip()
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise _malformed()
            self._found.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()

    def take(self, wanted: str) -> bool:
        """Step over a word or sign, if it is the next."""
        found = self._found[self._at] if self._at < len(self._found) else ("", "")
        if found[0] not in {"word", "sign"} or found[1].upper() != wanted:
            return False
        self._at += 1
        return True

    def keyword(self, wanted: str) -> None:
        if not self.take(wanted):
            raise _malformed()

    sign = keyword

    def word(self) -> str:
        return self._next("word")

    def number(self) -> int:
        return int(self._next("number"))

    def value(self) -> Value:
        for word, value in (("NULL", None), ("TRUE", True), ("FALSE", False)):
            if self.take(word):
                return value
        quoted = self._next("text")[1:-1]
        return re.sub(r"\\(.)", lambda each: _UNESCAPED.get(each[1], each[1]), quoted)

    def end(self) -> None:
        if self._at != len(self._found):
            raise _malformed()

    def _next(self, kind: str) -> str:
        if self._at >= len(self._found) or self._found[self._at][0] != kind:
            raise _malformed()
        self._at += 1
        return self._found[self._at - 1][1]


def _malformed() -> RefusedError:
    return RefusedError("MALFORMED_QUERY", "unexpected token")
