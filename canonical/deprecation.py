"""What is on its way out, and where it is still in use: contracts, members, options, policies."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Replaced since a day, and understood until another.

    In the annotation of a member it says so of that member:
    `centre: Annotated[Code | None, Deprecation("cost_centre", date(…), date(…))] = None`.
    """

    replaced_by: str
    since: date
    until: date

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Let the published schema say it too."""
        return {**handler(core_schema), "deprecated": True, "description": self.sentence}

    @property
    def sentence(self) -> str:
        """What whoever uses it is told."""
        return (
            f"deprecated since {self.since}, understood until {self.until}: "
            f"use {self.replaced_by} instead"
        )


# Versions that the code no longer makes, by contract. One stays here until the day after its last.
DEPRECATED: Final[Mapping[str, Deprecation]] = {}


@dataclass(frozen=True, slots=True)
class InUse:
    """Something deprecated that is used all the same; `thing` is the same for all its uses."""

    thing: str
    deprecation: Deprecation


def in_use(
    value: Any, kind: str, versions: Mapping[str, Deprecation] = DEPRECATED, at: str = ""
) -> Iterator[InUse]:
    """Everything deprecated that a record or a configuration says, within its parts too.

    A member that only has its default is not in use. `kind` says what its members are called.
    """
    match value:
        case BaseModel():
            if not _concerns(type(value), frozenset(versions)):
                return
            yield from _in_model(value, kind, versions, at)
        case Mapping():
            for key, each in value.items():
                yield from in_use(each, kind, versions, f"{at}.{key}".lstrip("."))
        case tuple() | list():
            for each in value:
                yield from in_use(each, kind, versions, at)
        case _:
            return


def options_in_use(options: type, given: Mapping[str, Any]) -> Iterator[tuple[str, Deprecation]]:
    """The options of a dataclass that are given and deprecated, by their names."""
    for name, hint in get_type_hints(options, include_extras=True).items():
        deprecation = deprecation_in(get_args(hint)[1:]) if get_origin(hint) is Annotated else None
        if deprecation is not None and name in given:
            yield name, deprecation


def _in_model(
    value: BaseModel, kind: str, versions: Mapping[str, Deprecation], at: str
) -> Iterator[InUse]:
    contract = getattr(type(value), "CONTRACT", "")
    if contract in versions:
        yield InUse(f"contract {contract}", versions[contract])
    for name, field in type(value).model_fields.items():
        said = getattr(value, name)
        place = f"{contract or at}.{name}".lstrip(".")
        deprecation = deprecation_in(field.metadata)
        if deprecation is not None and _is_given(value, name, field):
            yield InUse(f"{kind} {place}", deprecation)
        yield from in_use(said, kind, versions, place)


def _is_given(value: BaseModel, name: str, field: FieldInfo) -> bool:
    if name not in value.model_fields_set:
        return False
    return field.is_required() or getattr(value, name) != field.get_default(
        call_default_factory=True, validated_data={}
    )


def deprecation_in(metadata: Any) -> Deprecation | None:
    """What the annotations of a member say of it, if they say that it is on its way out."""
    return next((each for each in metadata if isinstance(each, Deprecation)), None)


@cache
def _concerns(model: type[BaseModel], versions: frozenset[str]) -> bool:
    """Whether anything that a record of this type may hold is deprecated: mostly nothing is."""
    return any(
        getattr(each, "CONTRACT", "") in versions
        or any(deprecation_in(field.metadata) for field in each.model_fields.values())
        for each in _within(model)
    )


def _within(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A type, and all types that its members may be of."""
    found, left = set[type[BaseModel]](), [model]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            for field in one.model_fields.values():
                left += _models_in(field.annotation)
    return found


def _models_in(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
        return [hint] if issubclass(hint, BaseModel) else []
    return [model for each in get_args(hint) for model in _models_in(each)]
