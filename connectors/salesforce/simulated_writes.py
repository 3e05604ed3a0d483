"""What the simulated org does with records that a program makes or changes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.salesforce.simulated_org import RefusedError, SimulatedOrg
from connectors.salesforce.simulated_state import PREFIX, Kind, SimulatedField, SimulatedRecord

_COLLECTION_MAX: Final = 200
_PICKLISTS: Final = {
    "BillingCountryCode": re.compile(r"[A-Z]{2}", re.ASCII),
    "CurrencyIsoCode": re.compile(r"[A-Z]{3}", re.ASCII),
}


def kind_named(name: str) -> Kind:
    """An object that the org has; RefusedError for any other."""
    for kind in ("Account", "Contact", "Opportunity"):
        if kind == name:
            return kind
    raise RefusedError("NOT_FOUND", "The requested resource does not exist", status=404)


def created(org: SimulatedOrg, kind: Kind, body: Mapping[str, Any]) -> SimulatedRecord:
    """Make a record; RefusedError if the org does not want it."""
    return org.add(kind, _accepted(org, kind, body, None))


def changed(org: SimulatedOrg, kind: Kind, record: str, body: Mapping[str, Any]) -> None:
    """Change a record; RefusedError if it is not there, or the org does not want it so."""
    if record[:3] != PREFIX[kind] or len(record) not in {15, 18}:
        raise RefusedError("MALFORMED_ID", f"{kind} ID: id value of incorrect type: {record}")
    found = org.live(record)
    if found is None:
        raise RefusedError("ENTITY_IS_DELETED", "entity is deleted", status=404)
    org.change(record, _accepted(org, kind, body, found))


def upserted(
    org: SimulatedOrg, kind: Kind, field: str, value: str, body: Mapping[str, Any]
) -> tuple[str, bool] | Sequence[str]:
    """Make the record with an external id, or change it; several are all named, and none changed.

    Gives its id and whether it was made.
    """
    found = by_external_id(org, kind, field, value)
    if len(found) > 1:
        return [each.id for each in found]
    key = _external(org, kind, field)
    if key.name in body:
        raise RefusedError("INVALID_FIELD", f"The {key.name} field should not be specified")
    if found:
        changed(org, kind, found[0].id, body)
        return found[0].id, False
    return created(org, kind, {**body, key.name: value}).id, True


def by_external_id(
    org: SimulatedOrg, kind: Kind, field: str, value: str
) -> Sequence[SimulatedRecord]:
    """The records with an external id; RefusedError if the field is none."""
    key = _external(org, kind, field)
    return [each for each in org.records(kind) if _same(each.fields.get(key.name), value, key)]


def collection(org: SimulatedOrg, body: Any) -> Sequence[dict[str, Any]]:
    """Change many records, each for itself, or all or none of them."""
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list):
        raise RefusedError("JSON_PARSER_ERROR", "records: a list is needed")
    if len(records) > _COLLECTION_MAX:
        raise RefusedError("EXCEEDED_MAX_SIZE_REQUEST", "record limit reached: 200")
    results = [_of_collection(org, record) for record in records]
    if body.get("allOrNone") and not all(each["success"] for each in results):
        raise RefusedError("NOT_SIMULATED", "only allOrNone=false is carried out here")
    return results


def _of_collection(org: SimulatedOrg, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict) or not isinstance(record.get("attributes"), dict):
        raise RefusedError("INVALID_INPUT", "attributes: a type is needed")
    body = {name: value for name, value in record.items() if name not in {"attributes", "id"}}
    told = str(record.get("id", ""))
    try:
        changed(org, kind_named(str(record["attributes"].get("type"))), told, body)
    except RefusedError as refused:
        error = {"statusCode": refused.code, "message": str(refused), "fields": refused.fields}
        return {"id": told, "success": False, "errors": [error]}
    return {"id": told, "success": True, "errors": []}


def _accepted(
    org: SimulatedOrg, kind: Kind, body: Mapping[str, Any], old: SimulatedRecord | None
) -> Mapping[str, Any]:
    """The fields as the org keeps them; triggers put some back, and nothing is said of it."""
    if old is not None and old.id in org.quirks.locked:
        raise RefusedError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name != "attributes":
            field = org.field(kind, name)
            _fits(field, value)
            values[field.name] = value.strip() if isinstance(value, str) else value
    held = {**(old.fields if old else {}), **values}
    for field in org.fields(kind):
        if field.required and held.get(field.name) in (None, ""):
            words = f"Required fields are missing: [{field.name}]"
            raise RefusedError("REQUIRED_FIELD_MISSING", words, field.name)
        _alone(org, kind, field, held, old)
    if org.quirks.refused_name is not None and values.get("Name") == org.quirks.refused_name:
        raise RefusedError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "We know this name.", "Name")
    once = org.quirks.ignored_once & values.keys()
    org.quirks = org.quirks.model_copy(update={"ignored_once": org.quirks.ignored_once - once})
    put_back = org.quirks.ignored | once
    return {name: value for name, value in values.items() if name not in put_back}


def _fits(field: SimulatedField, value: Any) -> None:
    if field.read_only:
        words = f"Unable to create/update fields: {field.name}."
        raise RefusedError("INVALID_FIELD_FOR_INSERT_UPDATE", words, field.name)
    wanted = bool if field.type == "boolean" else str
    if value is not None and not isinstance(value, wanted):
        raise RefusedError("JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type}")
    if isinstance(value, str) and len(value) > field.length:
        words = f"{field.name}: data value too large (max length={field.length})"
        raise RefusedError("STRING_TOO_LONG", words, field.name)
    known = _PICKLISTS.get(field.name)
    if known is not None and value and not known.fullmatch(str(value)):
        words = f"bad value for restricted picklist field: {field.name}"
        raise RefusedError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, field.name)


def _alone(
    org: SimulatedOrg,
    kind: Kind,
    field: SimulatedField,
    held: Mapping[str, Any],
    old: SimulatedRecord | None,
) -> None:
    value = held.get(field.name)
    if not field.unique or not value:
        return
    for other in org.records(kind):
        if (old is None or other.id != old.id) and _same(
            other.fields.get(field.name), value, field
        ):
            words = f"duplicate value found: {field.name} duplicates value on record: {other.id}"
            raise RefusedError("DUPLICATE_VALUE", words, field.name)


def _same(one: Any, other: str, field: SimulatedField) -> bool:
    if not isinstance(one, str):
        return False
    return one == other if field.case_sensitive else one.casefold() == other.casefold()


def _external(org: SimulatedOrg, kind: Kind, field: str) -> SimulatedField:
    try:
        found = org.field(kind, field)
    except RefusedError:
        found = None
    if found is None or not found.external_id:
        words = "Provided external ID field does not exist or is not accessible"
        raise RefusedError("NOT_FOUND", words, status=404)
    return found
