"""Customers, employees and projects of the simulated ERP, made and changed as its pages say."""

from typing import Final

from connectors.business_central.simulated_books import Company
from connectors.business_central.simulated_query import ODataError, Record, refused

WRITTEN: Final = ("customers", "employees", "projects")
# Country codes that the company has set up.
COUNTRIES: Final = frozenset({"", "AT", "CH", "DE", "FR", "GB", "US"})
_NAMES: Final = frozenset({"givenName", "surname"})


def create(company: Company, entity: str, values: Record) -> Record:
    """Make a record; without a number it would get the next one of its series."""
    number = str(values.get("number", "")).strip().upper()
    if not number:
        number = f"AUTO-{len(list(company.rows(entity))) + 1:05d}"
    if any(True for _ in company.rows(entity, number=number)):
        raise ODataError(
            400, "Internal_EntityWithSameKeyExists", f"The record already exists: No.='{number}'."
        )
    values = {**_looked_over(company, entity, values), "number": number}
    if entity == "customers":
        if "displayName" not in values:
            raise refused('A "displayName" must be provided.')
        values.setdefault("currencyCode", company.facts["currency"])
    if entity == "employees":
        values = {"status": "Active", **values}
    return company.insert(entity, _with_full_name(entity, {}, values))


def change(company: Company, entity: str, record: Record, values: Record) -> None:
    """Change a record; one that says what is there already keeps its version."""
    values = _looked_over(company, entity, values)
    if "number" in values:
        values["number"] = str(values["number"]).strip().upper()
    if all(record.get(member) == value for member, value in values.items()):
        return
    record.update(_with_full_name(entity, record, values))
    company.touch(entity, record)


def create_dimension(company: Company, parent: Record, values: Record) -> Record:
    """Give a record its value on an axis, which it has only one of."""
    axis = company.get("dimensions", str(values.get("dimensionId", "")))
    if axis is None:
        raise refused('The "dimensionId" does not match to a Dimension.')
    if any(
        True
        for _ in company.rows("defaultDimensions", parentId=parent["id"], dimensionId=axis["id"])
    ):
        raise ODataError(
            400,
            "Internal_EntityWithSameKeyExists",
            f"The Default Dimension already exists. Dimension Code='{axis['code']}'",
        )
    kept = {
        "parentType": "Employee",
        "parentId": parent["id"],
        "dimensionId": axis["id"],
        "dimensionCode": axis["code"],
        "postingValidation": values.get("postingValidation", " "),
    }
    return company.insert("defaultDimensions", kept | _value_on(company, axis["id"], values))


def change_dimension(company: Company, record: Record, values: Record) -> None:
    """Another value on the same axis; the axis itself is a part of the key."""
    if not {"parentId", "dimensionId", "parentType"}.isdisjoint(values):
        raise refused("You cannot rename a Default Dimension.")
    if not values:
        return
    if "dimensionValueId" in values:
        record |= _value_on(company, record["dimensionId"], values)
    record["postingValidation"] = values.get("postingValidation", record["postingValidation"])
    company.touch("defaultDimensions", record)


def _value_on(company: Company, axis: str, values: Record) -> Record:
    value = company.get("dimensionValues", str(values.get("dimensionValueId", "")))
    if value is None or value["dimensionId"] != axis:
        raise refused('The "dimensionValueId" does not match to a Dimension Value.')
    return {"dimensionValueId": value["id"], "dimensionValueCode": value["code"]}


def _looked_over(company: Company, entity: str, values: Record) -> Record:
    """What is refused, and what is written in another way than it was given."""
    values = dict(values)
    if entity == "customers":
        if not str(values.get("displayName", "?")).strip():
            raise refused('The blank "displayName" is not allowed.')
        if "currencyCode" in values:
            values["currencyCode"] = _currency(company, values["currencyCode"])
        if str(values.get("country", "")) not in COUNTRIES:
            raise refused(
                "The field Country/Region Code of table Customer contains a value"
                f" ({values['country']}) that cannot be found in the related table"
                " (Country/Region).",
                "Internal_InvalidTableRelation",
            )
    return values


def _currency(company: Company, code: str) -> str:
    """The company's own currency is said by its code and by nothing at all."""
    own = str(company.facts["currency"])
    if code in ("", own):
        return own
    if not any(True for _ in company.rows("currencies", code=code)):
        raise refused('The "currencyCode" does not match to a Currency.')
    return code


def _with_full_name(entity: str, known: Record, values: Record) -> Record:
    """An employee is called by two of their names, which cannot be said together."""
    if entity != "employees" or _NAMES.isdisjoint(values):
        return values
    names = {**known, **values}
    return {**values, "displayName": f"{names.get('givenName', '')} {names.get('surname', '')}"}
