"""What is deprecated and in use is found wherever it is said, and nothing else is."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from canonical.base import Canonical
from canonical.deprecation import Deprecation, InUse, in_use, options_in_use
from canonical.published import contracts, deprecated

SINCE, UNTIL = date(2026, 1, 1), date(2026, 12, 31)
BY_CENTRE = Deprecation("cost_centre", SINCE, UNTIL)
BY_LEVEL = Deprecation("level", SINCE, UNTIL)
V2 = Deprecation("part/v2", SINCE, UNTIL)


class Part(Canonical):
    """A contract of these tests alone."""

    CONTRACT: ClassVar[str] = "part/v1"

    name: str
    department: Annotated[str | None, BY_CENTRE] = None


class Whole(Canonical):
    """Holds parts."""

    CONTRACT: ClassVar[str] = "whole/v1"

    parts: tuple[Part, ...] = ()
    by_name: dict[str, Part] = Field(default_factory=dict)


class Limits(BaseModel):
    """A policy within another."""

    strict: Annotated[bool, BY_LEVEL] = False


class Rules(BaseModel):
    """Policies of these tests alone."""

    default: Limits = Limits()
    entities: dict[str, Limits] = Field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """A connector's options."""

    connection: str
    region: Annotated[str, Deprecation("url", SINCE, UNTIL)] = "eu"
    url: str = ""


@pytest.mark.parametrize(
    ("value", "things"),
    [
        (Part(name="a"), []),
        (Part(name="a", department=None), []),
        (Part(name="a", department="D-1"), ["field part/v1.department"]),
        (Whole(parts=(Part(name="a", department="D-1"),)), ["field part/v1.department"]),
        (Whole(by_name={"a": Part(name="a", department="D")}), ["field part/v1.department"]),
        (Rules(), []),
        (Rules(default=Limits(strict=False)), []),
        (Rules(default=Limits(strict=True)), ["field default.strict"]),
        (Rules(entities={"DE01": Limits(strict=True)}), ["field entities.DE01.strict"]),
    ],
)
def test_a_member_is_in_use_where_it_says_something(value: BaseModel, things: list[str]) -> None:
    assert [each.thing for each in in_use(value, "field")] == things


def test_a_version_is_in_use_wherever_a_record_of_it_is() -> None:
    versions = {"part/v1": V2}
    found = list(in_use(Whole(parts=(Part(name="a"), Part(name="b"))), "field", versions))
    assert found == 2 * [InUse("contract part/v1", V2)]
    assert list(in_use(Whole(), "field", versions)) == []


def test_an_option_is_in_use_where_it_is_given() -> None:
    assert list(options_in_use(Options, {"url": "https://x.example"})) == []
    [(name, deprecation)] = options_in_use(Options, {"region": "us"})
    assert (name, deprecation.replaced_by) == ("region", "url")


@pytest.mark.parametrize(("kind", "member"), [(Part, "department"), (Options, "region")])
def test_published_schemas_say_it_too(kind: type, member: str) -> None:
    said = TypeAdapter(kind).json_schema()["properties"][member]
    assert said["deprecated"] is True
    assert str(UNTIL) in said["description"]


def test_what_is_on_its_way_out_has_time_to_go_and_somewhere_to() -> None:
    for name, one in deprecated().items():
        assert one.since < one.until, name
        known = contracts()
        contract, _, member = name.partition(".")
        if member:
            assert one.replaced_by in known[contract].model_fields
        else:
            assert one.replaced_by in known
