"""The simulated Harvest's clients, projects and users: made and changed as its pages say."""

from typing import Any

import httpx
import pytest

from tests.connectors.harvest.test_simulated_invoices import careless, vendor
from tests.connectors.harvest.world import ACME, DESIGN, KIM, LEE, WEBSITE, HarvestWorld

__all__ = ["careless", "vendor"]
PROJECT = {"client_id": ACME, "name": "New", "is_billable": True, "bill_by": "none"}
PROJECT |= {"budget_by": "none"}
USER = {"first_name": "Ada", "last_name": "Quist", "email": "ada@firm.example"}


async def test_what_is_made_is_answered_listed_and_stamped(
    vendor: httpx.AsyncClient, world: HarvestWorld
) -> None:
    world.pass_time(60)
    now = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for path, body in (
        ("clients", {"name": "CUST-9 Nine", "currency": "CHF"}),
        ("projects", PROJECT | {"code": "P-9"}),
        ("users", USER | {"roles": ["Lead", "CC-100"]}),
    ):
        answer = await vendor.post(f"/{path}", json=body)
        assert answer.status_code == 201
        made = answer.json()
        assert {name: made.get(name) for name in body.keys() & made.keys()} == {
            name: value for name, value in body.items() if name in made
        }
        assert made["updated_at"] == now
        [newest, *_] = (await vendor.get(f"/{path}", params={"updated_since": now})).json()[path]
        assert newest == made


async def test_members_that_are_not_given_stay_as_they_are(vendor: httpx.AsyncClient) -> None:
    answer = await vendor.patch(f"/users/{KIM}", json={"first_name": "Kimberley"})
    changed = answer.json()
    assert (changed["first_name"], changed["last_name"]) == ("Kimberley", "Allen")
    assert changed["roles"] == ["Consultant", "CC-100 Delivery", "CC-200 Sales"]


async def test_a_task_is_assigned_once(vendor: httpx.AsyncClient, world: HarvestWorld) -> None:
    path = f"/projects/{WEBSITE}/task_assignments"
    answer = await vendor.post(path, json={"task_id": DESIGN})
    assert (answer.status_code, answer.json()["task"]["name"]) == (201, "Design")
    assert (await vendor.post(path, json={"task_id": DESIGN})).status_code == 422
    # From the first that is named on, the account assigns nothing by itself.
    assert len(world.account.book.assignments) == 1


@pytest.mark.parametrize(
    "asked",
    [
        ("POST", "clients", {"name": "Acme"}, 422),
        ("POST", "clients", {"name": " "}, 422),
        ("POST", "clients", {"currency": "EUR"}, 422),
        ("POST", "clients", {"name": "X", "currency": "XXX"}, 422),
        ("POST", "clients", {"name": "X", "code": "1"}, 422),
        ("PATCH", f"clients/{ACME}", {"is_active": False}, 422),
        ("PATCH", f"clients/{ACME}", {"name": "Studio"}, 422),
        ("PATCH", "clients/1", {"name": "X"}, 404),
        ("POST", "projects", {"client_id": ACME, "name": "X"}, 422),
        ("POST", "projects", PROJECT | {"client_id": 1}, 422),
        ("POST", "projects", PROJECT | {"bill_by": "moon"}, 422),
        ("PATCH", f"projects/{WEBSITE}", {"client_id": 1}, 422),
        ("POST", "users", USER | {"email": "KIM@firm.example"}, 422),
        ("POST", "users", USER | {"email": "nobody"}, 422),
        ("POST", "users", {"first_name": "Ada", "email": "ada@firm.example"}, 422),
        ("PATCH", f"users/{LEE}", {"last_name": "Parker"}, 422),
        ("PATCH", f"users/{KIM}", {"email": "lee@firm.example"}, 422),
        ("POST", f"projects/{WEBSITE}/task_assignments", {"task_id": 1}, 422),
        ("POST", "projects/1/task_assignments", {"task_id": DESIGN}, 404),
    ],
)
async def test_what_harvest_forbids_is_refused_and_changes_nothing(
    careless: httpx.AsyncClient, world: HarvestWorld, asked: tuple[str, str, Any, int]
) -> None:
    method, path, body, status = asked
    before = world.account.state()
    answer = await careless.request(method, f"/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert world.account.state() == before


async def test_who_is_inactive_can_be_brought_back(vendor: httpx.AsyncClient) -> None:
    assert (await vendor.patch(f"/users/{LEE}", json={"is_active": True})).json()["is_active"]
    renamed = await vendor.patch(f"/users/{LEE}", json={"last_name": "Parker"})
    assert renamed.json()["last_name"] == "Parker"


async def test_every_answer_says_what_time_it_is_at_harvest(
    careless: httpx.AsyncClient, world: HarvestWorld
) -> None:
    world.pass_time(3_600)
    for path in ("clients", "nothing-here"):
        answer = await careless.get(f"/{path}")
        assert answer.headers["date"] == "Mon, 12 Jan 2026 10:30:00 GMT"
