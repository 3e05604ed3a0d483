"""Contracts change without breaking anybody, or under a new version; which is which is decided."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from canonical.deprecation import Deprecation
from cli.contract_changes import Change, changes_between

TODAY = date(2026, 3, 1)


class Colour(StrEnum):
    """Two of them."""

    RED = "red"
    BLUE = "blue"


class MoreColours(StrEnum):
    """One more."""

    RED = "red"
    BLUE = "blue"
    GREEN = "green"


class Inner(BaseModel):
    """Within another."""

    size: int


class Wider(BaseModel):
    """The same, that takes more."""

    size: int | str
    name: str = ""


def schema(**members: Any) -> dict[str, Any]:
    """A contract's schema with these members, a type each or a type and a default."""
    fields: dict[str, Any] = {
        name: each if isinstance(each, tuple) else (each, ...) for name, each in members.items()
    }
    made: Any = create_model("Thing", **fields)
    return {**made.model_json_schema(), "additionalProperties": False}


def compared(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return list(changes_between({"thing/v1": old}, {"thing/v1": new}, {}, TODAY))


BREAKING: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"a": int, "b": int}, {"a": int}, "member 'b' is gone"),
    ({"a": int}, {"a": str}, "member 'a' is no longer integer"),
    ({"a": float}, {"a": int}, "member 'a' is no longer number"),
    ({"a": int | None}, {"a": int}, "member 'a' is no longer null"),
    ({"a": (int, 1)}, {"a": int}, "member 'a' is required now"),
    ({"a": int}, {"a": int, "b": int}, "member 'b' is required now"),
    ({"a": MoreColours}, {"a": Colour}, "member 'a' no longer takes green"),
    ({"a": str}, {"a": Colour}, "member 'a' takes certain values only now"),
    ({"a": Literal["x"]}, {"a": Literal["y"]}, "member 'a' no longer takes x"),
    (
        {"a": Annotated[str, Field(max_length=80)]},
        {"a": Annotated[str, Field(max_length=40)]},
        "member 'a' has a narrower maxLength: 40",
    ),
    (
        {"a": int},
        {"a": Annotated[int, Field(ge=1)]},
        "member 'a' has a narrower minimum: 1",
    ),
    ({"a": str}, {"a": Annotated[str, Field(pattern="^x")]}, "member 'a' has another pattern"),
    ({"a": str}, {"a": date}, "member 'a' has another format"),
    ({"a": list[str]}, {"a": list[int]}, "member 'a[]' is no longer string"),
    ({"a": dict[str, str]}, {"a": dict[str, int]}, "member 'a.*' is no longer string"),
    ({"a": Wider}, {"a": Inner}, "member 'a.size' is no longer string"),
    ({"a": Wider}, {"a": Inner}, "member 'a.name' is gone"),
]
COMPATIBLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"a": int}, {"a": int, "b": (int, 1)}),
    ({"a": int}, {"a": (int, 1)}),
    ({"a": int}, {"a": int | None}),
    ({"a": int}, {"a": float}),
    ({"a": int}, {"a": Decimal}),
    ({"a": Colour}, {"a": MoreColours}),
    ({"a": Colour}, {"a": str}),
    ({"a": Annotated[str, Field(max_length=40)]}, {"a": Annotated[str, Field(max_length=80)]}),
    ({"a": Annotated[int, Field(ge=1)]}, {"a": int}),
    ({"a": date}, {"a": str}),
    ({"a": Inner}, {"a": Wider}),
    ({"a": Inner}, {"a": Inner | Wider}),
    ({"a": int}, {"a": Any}),
]


@pytest.mark.parametrize(("old", "new", "said"), BREAKING, ids=[said for *_, said in BREAKING])
def test_what_refuses_something_that_was_good_is_breaking(
    old: dict[str, Any], new: dict[str, Any], said: str
) -> None:
    changes = compared(schema(**old), schema(**new))
    assert said in [each.sentence for each in changes]
    assert all(each.breaking for each in changes)


@pytest.mark.parametrize(("old", "new"), COMPATIBLE)
def test_what_takes_all_that_was_good_is_not(old: dict[str, Any], new: dict[str, Any]) -> None:
    changes = compared(schema(**old), schema(**new))
    assert [each.breaking for each in changes] == [False]


def test_words_for_people_are_no_breaking_change() -> None:
    old = schema(a=int)
    assert [each.breaking for each in compared(old, {**old, "description": "Another."})] == [False]
    assert compared(old, old) == []


def test_another_contract_inside_is_another_type() -> None:
    old, new = (
        {**schema(a=int), "properties": {"a": {"$ref": f"../money/v{n}.json"}}} for n in (1, 2)
    )
    [change] = compared(old, new)
    assert change.breaking
    assert change.sentence == "member 'a' is no longer money/v1"


def test_a_new_version_beside_the_old_one_needs_a_deprecation_with_its_days() -> None:
    old, new = {"thing/v1": schema(a=int)}, {"thing/v2": schema(a=str)}
    undated = {each.contract: each for each in changes_between(old, new, {}, TODAY)}
    assert undated["thing/v1"].breaking
    assert "no deprecation says what replaced it" in undated["thing/v1"].sentence
    assert not undated["thing/v2"].breaking
    dated = Deprecation("thing/v2", since=date(2026, 1, 1), until=date(2026, 6, 30))
    changes = list(changes_between(old, new, {"thing/v1": dated}, TODAY))
    assert not any(each.breaking for each in changes)
    assert "is replaced by thing/v2, understood until 2026-06-30" in changes[0].sentence


@pytest.mark.parametrize(
    "wrong",
    [
        Deprecation("thing/v3", since=date(2026, 1, 1), until=date(2026, 6, 30)),
        Deprecation("thing/v2", since=date(2026, 6, 30), until=date(2026, 1, 1)),
    ],
)
def test_a_deprecation_that_cannot_be_is_no_excuse(wrong: Deprecation) -> None:
    old, new = {"thing/v1": schema(a=int)}, {"thing/v2": schema(a=str)}
    assert any(each.breaking for each in changes_between(old, new, {"thing/v1": wrong}, TODAY))
