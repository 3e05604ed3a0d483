"""Records of a page, each on its own: one that is broken never takes its neighbours along."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from json.decoder import scanstring  # type: ignore[attr-defined]  # Public there, not in the stubs.
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from canonical.text import storable
from connectors.base.http import exact_int

W = TypeVar("W", bound=BaseModel)

# What is kept of a record as it came; the largest seen in practice are a tenth of this.
RAW_CHARS_MAX: Final = 16_384
_TROUBLES_MAX: Final = 5
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
_DEPTH: Final = {"{": 1, "[": 1, "}": -1, "]": -1}
# What stands where a number should be: not finite, so that every exact type refuses it.
_NO_NUMBER: Final = Decimal("NaN")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as text, and as a value: None if not even its JSON could be read."""

    text: str
    value: Any

    @property
    def kept(self) -> str:
        """The text as the inbox keeps it: storable, and cut."""
        return storable(self.text[:RAW_CHARS_MAX])


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page taken apart: its records, and all other members."""

    records: tuple[RawRecord, ...]
    envelope: Mapping[str, Any]


def raw_page(body: bytes, member: str) -> RawPage:
    """Take a JSON object apart whose `member` is the list of records.

    Numbers are exact; NaN, Infinity and exponents beyond anything become a number that is not
    finite. A record whose JSON is broken has the value None, as long as its end can be found.
    Raises ValueError if the page itself cannot be read, or has no such list.
    """
    # A broken byte in one person's note must not cost the page.
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return _page(text, member)
    except (IndexError, RecursionError):
        raise ValueError("the page is cut off or nested too deeply") from None


def trouble_of(error: ValueError) -> str:
    """Say which member is wrong and how, without a single value: values are personal data."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{'.'.join(map(str, each['loc'])) or 'record'}: {each['msg']}" for each in found]
    rest = f"; and {len(said) - _TROUBLES_MAX} more" if len(said) > _TROUBLES_MAX else ""
    return "; ".join(said[:_TROUBLES_MAX]) + rest


def parsed(record: RawRecord, kind: type[W]) -> W | str:
    """Read one record as its wire type, or say why it cannot be read."""
    if not isinstance(record.value, dict):
        return "record: not a JSON object"
    try:
        return kind.model_validate(record.value)
    except ValueError as error:
        return trouble_of(error)


def _page(text: str, member: str) -> RawPage:
    envelope: dict[str, Any] = {}
    records: list[RawRecord] | None = None
    at = _after(text, 0, "{")
    while text[at] != "}":
        name, at = scanstring(text, _after(text, at, '"', space=False), False)  # noqa: FBT003
        at = _after(text, at, ":")
        if name == member and text[at] == "[":
            if records is not None:
                raise ValueError(f"the page has two lists of {member}")
            records, at = _records(text, at)
        else:
            envelope[name], at = _JSON.raw_decode(text, at)
        at = _more(text, at, "}")
    if records is None or _skip(text, at + 1) != len(text):
        raise ValueError(f"the page is not an object with a list of {member}")
    return RawPage(tuple(records), envelope)


def _records(text: str, at: int) -> tuple[list[RawRecord], int]:
    records: list[RawRecord] = []
    at = _after(text, at, "[")
    while text[at] != "]":
        start = at
        try:
            value, at = _JSON.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, at = None, _end_of(text, start)
        records.append(RawRecord(text[start:at], value))
        at = _more(text, at, "]")
    return records, at + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after(text: str, at: int, expected: str, *, space: bool = True) -> int:
    at = _skip(text, at)
    if text[at] != expected:
        raise ValueError(f"the page is broken at character {at}")
    return _skip(text, at + 1) if space else at + 1


def _more(text: str, at: int, closing: str) -> int:
    """Go to the next item, or to the closing bracket; nothing else may stand here."""
    at = _skip(text, at)
    return at if text[at] == closing else _after(text, at, ",")


def _end_of(text: str, start: int) -> int:
    """Find where an object ends that is no good JSON; raises ValueError if it cannot be told."""
    depth = 0
    for token in _TOKEN.finditer(text, start) if text[start] == "{" else ():
        if token.group() == '"':
            break  # A string without an end: what follows cannot be told apart.
        depth += _DEPTH.get(token.group(), 0)
        if depth == 0:
            return token.end()
    raise ValueError(f"a record is broken at character {start} and its end cannot be found")


def _number(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return _NO_NUMBER


# strict=False: a line break that somebody's note contains as it is harms nobody.
_JSON: Final = json.JSONDecoder(
    parse_float=_number,
    parse_int=exact_int,
    parse_constant=lambda _: _NO_NUMBER,
    strict=False,
)
