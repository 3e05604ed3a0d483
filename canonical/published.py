"""The canonical types as other programs see them: a JSON Schema for each contract, `name/vN`."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from pydantic.json_schema import models_json_schema

import canonical
from canonical.base import Canonical
from canonical.deprecation import DEPRECATED, Deprecation, deprecation_in

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_LOCAL: Final = "#/$defs/"
Schema = dict[str, Any]


def contracts() -> dict[str, type[Canonical]]:
    """All canonical types that have a contract, by its name; ValueError if two share one."""
    found: dict[str, type[Canonical]] = {}
    for model in sorted(_models(), key=lambda each: each.CONTRACT):
        if found.setdefault(model.CONTRACT, model) is not model:
            raise ValueError(f"two types have the contract {model.CONTRACT}")
    return found


def deprecated() -> dict[str, Deprecation]:
    """All that is on its way out: versions of contracts, and members of those there are."""
    members = {
        f"{name}.{member}": deprecation
        for name, model in contracts().items()
        for member, field in model.model_fields.items()
        if (deprecation := deprecation_in(field.metadata)) is not None
    }
    return {**DEPRECATED, **members}


def schemas() -> dict[str, Schema]:
    """The JSON Schema of each contract; a contract within it is named by its own file."""
    models = contracts()
    refs, shared = models_json_schema([(model, "validation") for model in models.values()])
    definitions: Schema = shared["$defs"]
    contract_of = {
        refs[model, "validation"]["$ref"].removeprefix(_LOCAL): name
        for name, model in models.items()
    }
    return {
        name: _standing_alone(definition, contract_of, definitions)
        for definition, name in contract_of.items()
    }


def _models() -> Iterator[type[Canonical]]:
    for module in iter_modules(canonical.__path__, f"{canonical.__name__}."):
        for value in vars(import_module(module.name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, Canonical)
                and value.__module__ == module.name
                and "CONTRACT" in vars(value)
            ):
                yield value


def _standing_alone(name: str, contract_of: Mapping[str, str], definitions: Schema) -> Schema:
    """One definition with all that it needs, but for other contracts."""
    needed: dict[str, Any] = {}

    def pointed(value: Any) -> Any:
        if isinstance(value, list):
            return [pointed(each) for each in value]
        if not isinstance(value, dict):
            return value
        local = value.get("$ref", "").removeprefix(_LOCAL)
        if local in contract_of:
            return {**value, "$ref": f"../{contract_of[local]}.json"}
        if "$ref" in value and local not in needed:
            needed[local] = None
            needed[local] = pointed(definitions[local])
        return {key: pointed(each) for key, each in value.items() if key != "discriminator"}

    body = pointed(definitions[name])
    made = {"$schema": DRAFT, "$id": f"ledgerway/{contract_of[name]}", **body}
    return {**made, **({"$defs": dict(sorted(needed.items()))} if needed else {})}
