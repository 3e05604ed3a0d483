"""What every canonical type promises, found by looking at all of them."""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

import canonical
import rules
from canonical.base import Canonical
from canonical.messages import Message
from canonical.time_entry import Approval
from tests.unit.building import (
    DAY,
    NOON,
    cost_centre,
    document,
    employee,
    legal_entity,
    period,
    posting_intent,
    time_entry,
)

for _module in pkgutil.iter_modules(canonical.__path__, "canonical."):
    importlib.import_module(_module.name)


def _below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("canonical."):
            yield one
            yield from _below(one)


MODELS = sorted(_below(Canonical), key=lambda kind: kind.__name__)
# `Master` and `Dated` are what several kinds share, and no contracts of their own.
CONTRACTS = [kind for kind in MODELS if "CONTRACT" in kind.__dict__]
MESSAGES = sorted(_below(Message), key=lambda kind: kind.__name__)


def bases_of(annotation: Any) -> set[type]:
    """The plain classes that an annotation is made of."""
    if isinstance(annotation, type):
        return {annotation}
    return set().union(*(bases_of(part) for part in get_args(annotation)), set())


def fields_of(*wanted: type) -> list[tuple[type[BaseModel], str]]:
    return [
        (model, name)
        for model in CONTRACTS
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is not tuple and bases_of(field.annotation) & set(wanted)
    ]


def troubled(model: type[BaseModel], document: str) -> set[str]:
    """The members of a JSON document that the model refuses."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(document)
    return {str(error["loc"][0]) for error in caught.value.errors()}


def test_all_types_are_looked_at() -> None:
    assert len(MODELS) >= 30
    assert {kind.__name__ for kind in MODELS if "CONTRACT" not in kind.__dict__} == {
        "Dated",
        "Master",
    }


@pytest.mark.parametrize("model", CONTRACTS)
def test_a_contract_is_named_with_its_version(model: type[Canonical]) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*/v[1-9][0-9]*", model.CONTRACT)


def test_no_two_contracts_have_one_name() -> None:
    names = [str(getattr(kind, "CONTRACT", "")) for kind in CONTRACTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("model", MODELS)
def test_a_canonical_type_is_frozen_closed_and_strict(model: type[Canonical]) -> None:
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("strict") is True
    assert model.model_config.get("allow_inf_nan") is False
    # A value that is refused may be personal data.
    assert model.model_config.get("hide_input_in_errors") is True


@pytest.mark.parametrize("model", CONTRACTS)
def test_a_fact_cannot_be_changed(model: type[Canonical]) -> None:
    fact = model.model_construct()
    for name in model.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(fact, name, "other")


@pytest.mark.parametrize("model", CONTRACTS)
def test_an_unknown_member_is_refused(model: type[Canonical]) -> None:
    assert "surprise" in troubled(model, '{"surprise": 1}')


@pytest.mark.parametrize("model", [*CONTRACTS, *MESSAGES])
def test_its_json_schema_can_be_published(model: type[BaseModel]) -> None:
    for mode in ("validation", "serialization"):
        schema = model.model_json_schema(mode=mode)
        assert schema["title"] == model.__name__
        assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("model", CONTRACTS)
def test_its_json_schema_says_that_it_is_closed(model: type[BaseModel]) -> None:
    assert model.model_json_schema()["additionalProperties"] is False


def _types(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("type"), str):
            yield schema["type"]
        for value in schema.values():
            yield from _types(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _types(value)


@pytest.mark.parametrize("model", [*CONTRACTS, *MESSAGES])
def test_no_number_with_a_fraction_crosses_a_contract(model: type[BaseModel]) -> None:
    # Decimals travel as strings; 'number' would be a binary float on the other side.
    assert "number" not in set(_types(model.model_json_schema()))


@pytest.mark.parametrize("model", [*MODELS, *MESSAGES])
def test_no_default_comes_from_a_clock_or_from_chance(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.default_factory in (None, dict), f"{name} is made when it is missing"
        if not field.is_required() and field.default_factory is None:
            hash(field.default)  # What cannot change can be shared.


@pytest.mark.parametrize(
    "path",
    [
        file
        for package in (canonical, rules)
        for file in sorted(Path(package.__path__[0]).glob("*.py"))
    ],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_the_middle_is_pure(path: Path) -> None:
    """No clock, no chance, no input or output: time and ids come in."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    imported = {name.partition(".")[0] for name in [*plain, *(one.module or "" for one in froms)]}
    impure = {"time", "random", "secrets", "os", "io", "pathlib", "asyncio", "logging", "socket"}
    assert imported & impure == set()
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {alias.name for one in froms for alias in one.names}
    assert used & {"now", "utcnow", "today", "uuid1", "uuid4", "fromtimestamp"} == set()


@pytest.mark.parametrize(("model", "name"), fields_of(date, datetime))
@pytest.mark.parametrize(
    "poison", ["0", "1", "1e400", "true", '"0"', '"1700000000"', '"2026-02-30"', '"1.1.2026"', '""']
)
def test_no_number_passes_for_a_day(model: type[BaseModel], name: str, poison: str) -> None:
    assert name in troubled(model, f'{{"{name}": {poison}}}')


@pytest.mark.parametrize(("model", "name"), fields_of(datetime))
@pytest.mark.parametrize("poison", ["2026-10-01T12:00:00", "2026-10-01T12:00:00+02:00"])
def test_an_instant_is_given_in_utc(model: type[BaseModel], name: str, poison: str) -> None:
    assert name in troubled(model, f'{{"{name}": "{poison}"}}')


@pytest.mark.parametrize(("model", "name"), fields_of(bool))
@pytest.mark.parametrize("poison", ["0", "1", '"true"', '"yes"', "1.0", "2"])
def test_nothing_passes_for_true_or_false(model: type[BaseModel], name: str, poison: str) -> None:
    assert name in troubled(model, f'{{"{name}": {poison}}}')


@pytest.mark.parametrize(("model", "name"), fields_of(int))
@pytest.mark.parametrize("poison", ["true", "1.0", '"1"', "1e400", "NaN", "12345678901234567.89"])
def test_nothing_passes_for_a_whole_number(model: type[BaseModel], name: str, poison: str) -> None:
    assert name in troubled(model, f'{{"{name}": {poison}}}')


@pytest.mark.parametrize(("model", "name"), fields_of(str))
@pytest.mark.parametrize("poison", ["5", "true", "7.10", "[]", "{}"])
def test_nothing_passes_for_text(model: type[BaseModel], name: str, poison: str) -> None:
    assert name in troubled(model, f'{{"{name}": {poison}}}')


# A label is made of other systems' texts, and is cut instead of refused.
CUT = {("RootCause", "subject")}


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model, name in fields_of(str) if (model.__name__, name) not in CUT],
)
def test_text_is_bounded(model: type[BaseModel], name: str) -> None:
    endless = json.dumps("x" * 5000)
    assert name in troubled(model, f'{{"{name}": {endless}}}')


def test_what_is_refused_is_not_repeated_in_the_error() -> None:
    for model in CONTRACTS:
        with pytest.raises(ValidationError) as caught:
            model.model_validate({"surprise": "canary-of-a-person"})
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "fact",
    [
        time_entry(),
        time_entry(
            approval=Approval(approver="u9", approved_at=NOON, revision="3"),
            changed_at=NOON.replace(microsecond=123456),
            bill_rate=None,
            customer=None,
        ),
        posting_intent(),
        document(posting_intent(), locked=True),
        period("2026-02"),
        employee(active_from=DAY, active_until=DAY),
        cost_centre(),
        legal_entity(),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_fact_reads_back_from_its_own_json(fact: Canonical) -> None:
    assert type(fact).model_validate_json(fact.model_dump_json()) == fact
