"""What changed between two versions of a JSON Schema, and whether that breaks who kept to it.

Breaking is what refuses something that was good: a member that went or has another type, one that
is required now, an enum or a bound that is narrower.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from canonical.deprecation import Deprecation

Schema = Mapping[str, Any]
_LOCAL: Final = "#/$defs/"
_LOWER: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems")
_UPPER: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems")
_SAME: Final = ("pattern", "format")
_COVERED: Final = {"number": {"number", "integer"}}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of one contract, in a sentence."""

    contract: str
    sentence: str
    breaking: bool


def changes_between(
    old: Mapping[str, Schema],
    new: Mapping[str, Schema],
    deprecated: Mapping[str, Deprecation],
    today: date,
) -> Iterator[Change]:
    """Compare published contracts with those that the code has now."""
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield from _gone(name, new, deprecated.get(name), today)
        elif name not in old:
            yield Change(name, "is new", breaking=False)
        elif old[name] != new[name]:
            narrower = list(_Comparison(old[name], new[name]).narrowed())
            for sentence in narrower:
                yield Change(name, sentence, breaking=True)
            if not narrower:
                yield Change(name, "takes all that it took before", breaking=False)


def _gone(
    name: str, new: Mapping[str, Schema], deprecation: Deprecation | None, today: date
) -> Iterator[Change]:
    if deprecation is None:
        yield Change(name, "is gone, and no deprecation says what replaced it", breaking=True)
    elif deprecation.replaced_by not in new:
        said = f"is replaced by {deprecation.replaced_by}, which there is not"
        yield Change(name, said, breaking=True)
    elif deprecation.until < deprecation.since:
        yield Change(name, "is deprecated for less than no time", breaking=True)
    else:
        said = f"is replaced by {deprecation.replaced_by}, understood until {deprecation.until}"
        if deprecation.until < today:
            said += ": its file may go"
        yield Change(name, said, breaking=False)


class _Comparison:
    """An old schema against a new one, each with its own definitions."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def narrowed(self) -> Iterator[str]:
        """What the new one refuses that the old one took."""
        yield from self._object(self._old, self._new, "")

    def _object(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        had, has = old.get("properties", {}), new.get("properties", {})
        for member, schema in had.items():
            path = f"{at}.{member}" if at else member
            if member not in has:
                yield f"member '{path}' is gone"
            else:
                yield from self._value(schema, has[member], path)
        for member in new.get("required", ()):
            if member not in old.get("required", ()):
                yield f"member '{f'{at}.{member}' if at else member}' is required now"
        more, still = old.get("additionalProperties"), new.get("additionalProperties")
        if isinstance(more, Mapping) and isinstance(still, Mapping):
            yield from self._value(more, still, f"{at}.*")

    def _value(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        taken = [list(self._one(each, new_one, at)) for each, new_one in self._closest(old, new)]
        for troubles in taken:
            yield from troubles

    def _closest(self, old: Schema, new: Schema) -> Iterator[tuple[Schema, Schema | None]]:
        """Each alternative of the old one, beside the new one's that takes most of it."""
        choices = _alternatives(_opened(new, self._new))
        for each in _alternatives(_opened(old, self._old)):
            one = _opened(each, self._old)
            fitting = [_opened(choice, self._new) for choice in choices]
            fitting = [choice for choice in fitting if _same_type(one, choice)]
            ranked = sorted(fitting, key=lambda choice: len(list(self._one(one, choice, ""))))
            yield one, (ranked[0] if ranked else None)

    def _one(self, old: Schema, new: Schema | None, at: str) -> Iterator[str]:
        if new is None:
            yield f"member '{at}' is no longer {_called(old)}"
            return
        lost = sorted(str(each) for each in _values(old) - _values(new)) if _values(new) else []
        if _values(new) and not _values(old):
            yield f"member '{at}' takes certain values only now"
        elif lost:
            yield f"member '{at}' no longer takes {', '.join(lost)}"
        for bound in (*_LOWER, *_UPPER):
            if bound in new and _tighter(bound, old.get(bound), new[bound]):
                yield f"member '{at}' has a narrower {bound}: {new[bound]}"
        for keyword in _SAME:
            if keyword in new and new[keyword] != old.get(keyword):
                yield f"member '{at}' has another {keyword}"
        if "items" in old and isinstance(new.get("items"), Mapping):
            yield from self._value(old["items"], new["items"], f"{at}[]")
        if old.get("prefixItems") != new.get("prefixItems"):
            yield f"member '{at}' has other items"
        yield from self._object(old, new, at)


def _opened(schema: Schema, root: Schema) -> Schema:
    """A local reference's definition, with what stands beside the reference."""
    ref = schema.get("$ref", "")
    if not ref.startswith(_LOCAL):
        return schema
    beside = {key: each for key, each in schema.items() if key != "$ref"}
    return {**root["$defs"][ref.removeprefix(_LOCAL)], **beside}


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def _same_type(old: Schema, new: Schema) -> bool:
    if "$ref" in old or "$ref" in new:
        return old.get("$ref") == new.get("$ref")
    if "type" not in new:
        return True
    return old.get("type") in _COVERED.get(new["type"], {new["type"]})


def _values(schema: Schema) -> frozenset[Any]:
    """The values that are taken, if they are listed."""
    listed = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(listed)


def _tighter(bound: str, old: Any, new: Any) -> bool:
    if old is None:
        return not (bound in _LOWER and new == 0)
    return bool(new > old) if bound in _LOWER else bool(new < old)


def _called(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix("../").removesuffix(".json")
    return str(schema.get("type", "what it was"))
