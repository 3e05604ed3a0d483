"""Concur's users become employees by the number that documents name; nobody's birthday comes."""

import json
import logging
from datetime import date
from typing import Any

import pytest

from canonical.masters import Employee
from connectors.base.errors import TransientError
from connectors.concur.employees import User, employee
from connectors.concur.simulated_lists import users_page
from connectors.concur.simulated_state import SimulatedUser
from connectors.conformance.expense_source import PRIVATE, ready
from connectors.conformance.http_contract import Tokens
from tests.connectors.concur.world import KIM, ConcurWorld


async def people(world: ConcurWorld, **options: Any) -> dict[str, Employee]:
    masters = await world.connect(**options).masters()
    return {each.code: each for each in masters.employees}


def put(world: ConcurWorld, **changed: Any) -> None:
    world.company.put([KIM.model_copy(update={"login": "new@firm.example", **changed})])


async def test_an_employee_is_known_by_number_e_mail_and_cost_objects(world: ConcurWorld) -> None:
    assert (await people(world))["E-1001"] == Employee(
        connection="concur-emea",
        id="E-1001",
        code="E-1001",
        name="Kim Allen",
        email="kim@firm.example",
        legal_entity="FIRM-DE",
        cost_centre="CC-100",
        active_from=date(1998, 3, 1),
    )


def test_saps_own_example_of_a_user_is_read() -> None:
    # Names and numbers are the page's; zones are missing there, and lists may be null.
    user = {
        "id": "3df11695-e8bb-40ff-8e98-c85913ab2789",
        "active": True,
        "displayName": "John Doe",
        "name": {"familyName": "Doe", "givenName": "John", "familyNamePrefix": None},
        "emails": None,
        "userName": "john@firm.example",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "terminationDate": None,
            "companyId": "aa076ada-80a9-4f57-8e98-9300b1c3171d",
            "manager": None,
            "costCenter": None,
            "startDate": "2021-11-17T00:00:00.000",
            "employeeNumber": "1234_employeeNumber",
        },
    }
    john = employee(User.model_validate(user), "concur-emea")
    assert (john.id, john.name, john.email) == ("1234_employeeNumber", "John Doe", None)
    assert (john.active_from, john.active_until) == (date(2021, 11, 17), None)


async def test_who_left_is_still_there_with_the_last_day(world: ConcurWorld) -> None:
    lee = (await people(world))["E-1002"]
    assert (lee.active, lee.active_until) == (False, date(2025, 12, 31))
    assert lee.cost_centre is None


async def test_who_has_no_number_is_known_by_the_login_as_documents_do(
    world: ConcurWorld,
) -> None:
    put(world, employee_number=None)
    assert "new@firm.example" in await people(world)


async def test_a_report_names_an_employee_of_the_list(world: ConcurWorld) -> None:
    report = world.release("10.00")
    assert (await ready(world))[report].employee in await people(world)


async def test_all_pages_of_people_come(world: ConcurWorld) -> None:
    world.company.put(
        KIM.model_copy(update={"login": f"p{number}@firm.example", "employee_number": f"P{number}"})
        for number in range(8)
    )
    assert len(await people(world, users_page_size=3)) == 10
    assert world.asked.count("Users") == 4


async def test_pages_of_people_in_a_circle_are_noticed(world: ConcurWorld) -> None:
    concur = world.connect()
    await concur.check()
    page = json.dumps({"Resources": [], "nextCursor": "again"}).encode()
    for _ in range(3):
        world.network.answer_next(200, body=page)
    with pytest.raises(TransientError, match="seen before"):
        await concur.masters()


async def test_of_two_users_with_one_number_the_active_one_counts(world: ConcurWorld) -> None:
    put(world, active=False, family_name="Before")
    assert (await people(world))["E-1001"].name == "Kim Allen"
    put(world, employee_number="E-1002", family_name="After")
    assert (await people(world))["E-1002"].name == "Kim After"


async def test_names_of_any_length_are_people(world: ConcurWorld) -> None:
    world.spec.tolerant = True  # Longer than SAP says that they are.
    put(world, employee_number="E-9", given_name="Ä" * 300)
    assert (await people(world))["E-9"].name.startswith("ÄÄÄ")


@pytest.mark.parametrize(
    "wrong",
    [
        "17",
        "null",
        "{broken}",
        f'{{"id": "1", "active": "yes", "userName": "{PRIVATE}"}}',
        f'{{"id": "1", "active": true, "name": "{PRIVATE}"}}',
    ],
)
async def test_a_user_that_cannot_be_read_is_left_out_logged_and_harms_nobody(
    world: ConcurWorld, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    world.spec.tolerant = True
    world.misbehave(poison_users=(wrong,))
    with caplog.at_level(logging.WARNING):
        assert (await people(world)).keys() == {"E-1001", "E-1002"}
    assert "user 1 of the list left out" in caplog.text
    assert PRIVATE not in caplog.text


@pytest.mark.parametrize("day", ["soon", "2020-13-01", 5])
async def test_a_day_that_is_none_is_noticed(world: ConcurWorld, day: Any) -> None:
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    user = {
        "id": "1",
        "active": True,
        "userName": "x",
        "name": {"givenName": "X", "familyName": "Y"},
        enterprise: {"employeeNumber": "E-5", "terminationDate": day},
    }
    world.spec.tolerant = True
    world.misbehave(poison_users=(json.dumps(user),))
    assert "E-5" not in await people(world)


async def test_what_pays_nobody_is_not_asked_for(world: ConcurWorld) -> None:
    await people(world)
    asked = world.network.requests[-1].url
    excluded = asked.params["excludedAttributes"].split(",")
    assert {"dateOfBirth", "phoneNumbers", "addresses", "emergencyContacts"} <= set(excluded)
    body = users_page(world.company, dict(asked.params))
    assert "kim@firm.example" in body
    assert not any(word in body for word in ("dateOfBirth", "phoneNumbers"))


async def test_people_are_read_within_the_budget(world: ConcurWorld) -> None:
    world.company.put([SimulatedUser(**{**KIM.model_dump(), "login": "x@firm.example"})])
    with pytest.raises(TransientError):
        await world.connect(Tokens(2), users_page_size=2).masters()
    assert world.asked == ["token", "Users"]
