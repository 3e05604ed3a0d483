"""The JSON Schemas of connections.yaml and policies.yaml, for editors and for tests."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter

from connectors.base.system import System
from rules.policies import Policies
from runtime.configuration import Configuration, is_secret
from runtime.registry import system_named, system_names

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = {
    "type": "string",
    "pattern": "^(env|file):.+$",
    "description": "A reference to a secret: env:NAME or file:PATH.",
}
Schema = dict[str, Any]


def connections_schema(systems: Iterable[System] | None = None) -> Schema:
    """The schema of connections.yaml; each system's options have their own."""
    known = [system_named(name) for name in system_names()] if systems is None else systems
    made = Configuration.model_json_schema()
    definitions: Schema = made["$defs"]
    connection = definitions["ConnectionSettings"]
    connection["allOf"] = []
    for system in sorted(known, key=lambda each: each.name):
        name = f"options.{system.name}"
        definitions[name] = _options(system, definitions)
        connection["allOf"].append(
            {
                "if": {"properties": {"system": {"const": system.name}}},
                "then": {
                    "properties": {"options": {"$ref": f"#/$defs/{name}"}},
                    **({"required": ["options"]} if definitions[name].get("required") else {}),
                },
            }
        )
    return {"$schema": _DRAFT, "$id": "ledgerway/config/connections", **made}


def policies_schema() -> Schema:
    """The schema of policies.yaml."""
    return {
        "$schema": _DRAFT,
        "$id": "ledgerway/config/policies",
        **Policies.model_json_schema(),
    }


def _options(system: System, definitions: Schema) -> Schema:
    """A connector's options as they are written: no connection, and secrets by reference."""
    schema = TypeAdapter(system.options).json_schema()
    definitions |= schema.pop("$defs", {})
    hints = get_type_hints(system.options)
    members: Mapping[str, Any] = schema["properties"]
    schema["properties"] = {
        field.name: _REFERENCE if is_secret(hints[field.name]) else members[field.name]
        for field in fields(system.options)
        if field.name != "connection"
    }
    required = [each for each in schema.get("required", ()) if each != "connection"]
    return {**schema, "required": required, "additionalProperties": False}


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = {
    "connections": connections_schema,
    "policies": policies_schema,
}
