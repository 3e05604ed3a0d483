"""The simulated Business Central's masters: made and changed as Microsoft's pages do it."""

from typing import Any

import httpx
import pytest

from tests.connectors.business_central.test_simulator import Desk, desk

__all__ = ["desk"]


async def made(desk: Desk, path: str, **values: Any) -> dict[str, Any]:
    answer = await desk.ask("POST", path, json=values)
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()
    return record


async def test_a_customers_own_currency_is_the_companys(desk: Desk) -> None:
    for number, given in (
        ("C-1", {}),
        ("C-2", {"currencyCode": ""}),
        ("C-3", {"currencyCode": "EUR"}),
    ):
        customer = await made(desk, "customers", number=number, displayName="X", **given)
        assert customer["currencyCode"] == "EUR"
    customer = await made(desk, "customers", number="c-4", displayName="X", currencyCode="USD")
    assert (customer["number"], customer["currencyCode"]) == ("C-4", "USD")


async def test_an_employee_is_called_by_two_names(desk: Desk) -> None:
    names = {"givenName": "Kim", "middleName": "Maria", "surname": "Allen"}
    employee = await made(desk, "employees", number="E-9", **names)
    assert (employee["displayName"], employee["status"]) == ("Kim Allen", "Active")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("customers", {"number": "C-100", "displayName": "X"}, "Internal_EntityWithSameKeyExists"),
        ("customers", {"number": "c-100", "displayName": "X"}, "Internal_EntityWithSameKeyExists"),
        ("customers", {"number": "C-9"}, "Application_DialogException"),
        ("customers", {"displayName": " "}, "Application_DialogException"),
        ("customers", {"displayName": "X", "currencyCode": "ZZZ"}, "Application_DialogException"),
        ("customers", {"displayName": "X", "country": "ZZ"}, "Internal_InvalidTableRelation"),
        ("customers", {"number": 21 * "9"}, "Application_StringExceededLength"),
        ("employees", {"displayName": "Kim"}, "BadRequest_InvalidOperation"),
        ("employees", {"number": "E-1001"}, "Internal_EntityWithSameKeyExists"),
        ("projects", {"number": "P-100"}, "Internal_EntityWithSameKeyExists"),
        ("projects", {"number": "P-9", "customerNumber": "C-100"}, "BadRequest"),
    ],
)
async def test_what_the_erp_forbids_is_refused(
    desk: Desk, path: str, body: dict[str, Any], expected: str
) -> None:
    assert await desk.refused("POST", path, json=body) == (400, expected)


async def test_a_change_needs_the_version_that_was_read(desk: Desk) -> None:
    employee = await made(desk, "employees", number="E-9", givenName="Kim", surname="Allen")
    path, change = f"employees({employee['id']})", {"jobTitle": "Lead"}
    assert (await desk.refused("PATCH", path, json=change))[1] == "BadRequest_InvalidToken"
    version = {"If-Match": employee["@odata.etag"]}
    answer: httpx.Response = await desk.ask("PATCH", path, json=change, headers=version)
    assert answer.json()["jobTitle"] == "Lead"
    stale = await desk.refused("PATCH", path, json={"jobTitle": "X"}, headers=version)
    assert stale == (409, "Request_EntityChanged")


async def test_an_employee_has_one_value_on_each_axis(desk: Desk) -> None:
    employee = await made(desk, "employees", number="E-9", givenName="Kim", surname="Allen")
    path = f"employees({employee['id']})/defaultDimensions"
    axis = desk.world.id_of("dimensions", "DEPARTMENT")
    first, second = (desk.world.id_of("dimensionValues", f"DEPARTMENT/CC-{n}00") for n in (1, 2))
    given = {"dimensionId": axis, "dimensionValueId": first}
    dimension = await made(desk, path, **given)
    assert (dimension["dimensionCode"], dimension["dimensionValueCode"]) == ("DEPARTMENT", "CC-100")
    assert await desk.refused("POST", path, json=given) == (400, "Internal_EntityWithSameKeyExists")
    one, version = f"{path}({dimension['id']})", {"If-Match": dimension["@odata.etag"]}
    for wrong in ({"dimensionId": axis}, {"dimensionValueId": axis}):
        refusal = await desk.refused("PATCH", one, json=wrong, headers=version)
        assert refusal == (400, "Application_DialogException")
    answer = await desk.ask("PATCH", one, json={"dimensionValueId": second}, headers=version)
    assert answer.json()["dimensionValueCode"] == "CC-200"
    shown = await desk.ask("GET", f"employees({employee['id']})?$expand=defaultDimensions")
    assert [each["id"] for each in shown.json()["defaultDimensions"]] == [dimension["id"]]
