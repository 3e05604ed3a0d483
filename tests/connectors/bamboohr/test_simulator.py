"""The simulated BambooHR: inside the vendor's specification, with its limits and quirks."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.bamboohr import BambooHrOptions, connect
from connectors.bamboohr.mapping import Reading, require_seen
from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_state import CompanyState, SimulatedJob
from connectors.bamboohr.webhooks import signature_of
from connectors.bamboohr.wire import Changed, ChangedTable, Delivery, Envelope, Person
from connectors.base.rate_budget import Unlimited
from connectors.base.records import RawRecord
from tests.connectors.bamboohr.spec_check import HOST, description, trouble_with_request
from tests.connectors.bamboohr.world import STATE, BambooWorld

LOGIN = (STATE.api_key, "x")
ALL = "/api/v1/employees"
DATASET = "/api/v2/datasets/employee/data"
WEBHOOK = {"name": "ours", "url": "https://us.example/", "format": "json"}


def raw(world: BambooWorld, login: tuple[str, str] = LOGIN) -> httpx.AsyncClient:
    """Speak to the simulator without the connector in between."""
    return httpx.AsyncClient(transport=world.network, base_url=HOST, auth=login, timeout=5)


def example(path: str, *members: str) -> Any:
    """An example of the vendor's own description."""
    found: Any = description()["paths"][path]
    for member in members:
        found = found[member]
    return found


@pytest.mark.parametrize("name", ["basic", "batchByIds"])
def test_the_vendors_own_examples_of_employees_can_be_read(name: str) -> None:
    told = example(
        ALL, "get", "responses", "200", "content", "application/json", "examples", name, "value"
    )
    people = [Person.model_validate(one) for one in told["data"]]
    assert [one.id for one in people] == [one["employeeId"] for one in told["data"]]
    assert Envelope.model_validate(told).meta.page.next == told["meta"]["page"]["nextCursor"]
    # They hide a picture from us, which nobody needs.
    reading = Reading.by(BambooHrOptions("hr", "example", SecretStr("k")))
    needed = [one for one in reading.needed if one not in reading.asked]
    require_seen([RawRecord("", one) for one in told["data"]], needed, "it")


@pytest.mark.parametrize("event", ["Created", "Updated", "Deleted"])
async def test_a_webhook_has_the_form_of_the_vendors_examples(
    world: BambooWorld, event: str
) -> None:
    schema = description()["components"]["schemas"][f"Employee{event}WebhookPayload"]
    members = schema["properties"]
    own = world.hire()
    name = members["type"]["example"]
    async with raw(world) as client:
        order = {"event": name, "id": int(own), "changed": ["department"]}
        world.spec.tolerant = True
        sent = (await client.post("/__sim/webhook", json=order)).json()["done"]
    world.spec.broken.clear()  # What people do in BambooHR's pages is in no description.
    body = json.loads(sent["body"])
    assert body.keys() == members.keys()
    assert body["data"].keys() == members["data"]["properties"].keys()
    assert world.connect().is_genuine(sent["headers"], sent["body"].encode(), world.now)


def test_what_the_feed_and_the_log_are_said_to_be_can_be_read() -> None:
    # Their descriptions have no examples; these are of the vendor's pages.
    assert Changed.model_validate(
        {
            "latest": "2024-02-16T15:54:38+00:00",
            "employees": {
                "123": {
                    "id": "123",
                    "action": "Updated",
                    "lastChanged": "2024-02-16T15:54:38+00:00",
                }
            },
        }
    ).employees
    assert ChangedTable.model_validate({"table": "jobInfo", "employees": {"1": {"rows": [{}]}}})
    entry = example("/api/v1/webhooks/{id}/log", "get", "responses", "200", "content")
    listed = entry["application/json"]["schema"]["oneOf"][0]["items"]["properties"]
    assert Delivery.model_validate(dict.fromkeys(listed, "Webhook Not Found")).status_code


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"{ALL}?page[limit]=0", None, 400),
        ("GET", f"{ALL}?page[limit]=2501", None, 400),
        ("GET", f"{ALL}?sort=salary", None, 400),
        ("GET", f"{ALL}?page[after]=999", None, 400),
        ("GET", f"{ALL}/changed", None, 400),
        ("GET", f"{ALL}/changed?since=yesterday", None, 400),
        ("GET", f"{ALL}/changed?since=2026-01-01T00:00:00Z&type=hired", None, 400),
        ("GET", f"{ALL}/changed/tables/jobInfo", None, 400),
        ("GET", f"{ALL}/changed/tables/wishes?since=2026-01-01T00:00:00Z", None, 404),
        ("GET", f"{ALL}/all/tables/wishes", None, 404),
        ("GET", f"{ALL}/999/tables/jobInfo", None, 404),
        ("GET", f"{ALL}/999", None, 404),
        ("GET", f"{ALL}/101?fields={','.join(['x'] * 401)}", None, 400),
        ("POST", ALL, {"firstName": "Kim"}, 400),
        ("POST", ALL, {"firstName": "K", "lastName": "A", "workEmail": "E-1@firm.example"}, 409),
        ("POST", ALL, {"firstName": "K", "lastName": "A", "hireDate": "1.3.2024"}, 409),
        ("POST", f"{ALL}/999", {"workEmail": "k@firm.example"}, 404),
        ("POST", f"{ALL}/101", {"workEmail": "none"}, 409),
        ("POST", DATASET, {}, 400),
        ("POST", DATASET, {"fields": ["employeeId"], "pageSize": 1001}, 422),
        ("POST", DATASET, {"fields": ["wish"]}, 422),
        ("POST", "/api/v2/datasets/wishes/data", {"fields": ["employeeId"]}, 404),
        ("POST", "/api/v1/webhooks", {**WEBHOOK, "monitorFields": []}, 400),
        ("POST", "/api/v1/webhooks", {**WEBHOOK, "url": "http://us.example/"}, 400),
        ("GET", "/api/v1/webhooks/5/log", None, 404),
    ],
)
async def test_a_bad_request_is_refused_as_the_vendor_says(
    world: BambooWorld, method: str, path: str, body: object, status: int
) -> None:
    world.hire()
    world.spec.tolerant = True  # The requests are wrong; their answers are looked at below.
    async with raw(world) as client:
        answer = await client.request(method, path, json=body)
    assert answer.status_code == status
    world.spec.broken.clear()
    operations = description()["paths"]
    [named] = [
        one[method.lower()]
        for name, one in operations.items()
        if method.lower() in one and _leads(name, answer.request.url.path)
    ][:1]
    assert str(status) in named["responses"]


def _leads(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        one == other or one.startswith("{") for one, other in zip(parts, given, strict=True)
    )


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET", f"{HOST}{ALL}?page[limit]=2501"),
        httpx.Request("GET", f"{HOST}{ALL}?fields=shoeSize"),
        httpx.Request("GET", f"{HOST}{ALL}?page[after]=abc"),
        httpx.Request("GET", f"{HOST}{ALL}/changed"),
        httpx.Request("GET", f"{HOST}{ALL}/changed?since=2026-01-01T00:00:00Z&type=hired"),
        httpx.Request("POST", f"{HOST}{ALL}", json={"firstName": "Kim"}),
        httpx.Request("POST", f"{HOST}{ALL}/101", json={"workEmail": 7}),
        httpx.Request("POST", f"{HOST}{DATASET}", json={"fields": "employeeId"}),
        httpx.Request("POST", f"{HOST}{DATASET}", json={"fields": [], "pageSize": 1001}),
        httpx.Request("GET", f"{HOST}/api/v1/nothing"),
    ],
    ids=lambda one: f"{one.method} {one.url.raw_path.decode()}",
)
def test_the_check_of_our_requests_bites(request_: httpx.Request) -> None:
    assert trouble_with_request(request_) is not None


@pytest.mark.parametrize("login", [("wrong", "x"), ("", "")])
async def test_it_lets_in_only_who_has_the_key(world: BambooWorld, login: tuple[str, str]) -> None:
    async with raw(world, login) as client:
        answer = await client.get(ALL)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["x-bamboohr-error-message"]


async def test_the_private_key_of_a_webhook_is_shown_once(world: BambooWorld) -> None:
    own = world.hire()
    async with raw(world) as client:
        asked = {**WEBHOOK, "monitorFields": ["department"], "events": ["employee.updated"]}
        made = (await client.post("/api/v1/webhooks", json=asked)).json()
    assert world.company.webhook_key == made["privateKey"]
    assert signature_of(b"x", "1", made["privateKey"]) != signature_of(b"x", "1", STATE.webhook_key)
    assert own


async def test_an_employee_who_was_deleted_is_in_the_feed_and_nowhere_else(
    world: BambooWorld,
) -> None:
    own = world.hire()
    world.pass_time(60)
    world.company.delete(int(own))
    async with raw(world) as client:
        feed = (await client.get(f"{ALL}/changed?since=2026-01-01T00:00:00Z&type=deleted")).json()
        assert feed["employees"][own]["action"] == "Deleted"
        assert (await client.get(ALL)).json()["data"] == []
        assert (await client.get(f"{ALL}/all/tables/jobInfo")).json() == []
    assert world.hire("E-2") != own, "an id is never given again"


async def test_rows_come_into_force_on_their_day(world: BambooWorld) -> None:
    own = world.hire()
    tomorrow = world.now.date() + timedelta(days=1)
    world.company.move(int(own), SimulatedJob(day=tomorrow, department="CC-200"))
    world.company.terminate(int(own), tomorrow)
    stamp = world.company.person(int(own)).last_changed
    for department, status in (("CC-100 Delivery", "Active"), ("CC-200", "Inactive")):
        async with raw(world) as client:
            [shown] = (await client.get(f"{ALL}?fields=departmentName")).json()["data"]
        assert (shown["departmentName"], shown["status"]) == (department, status)
        world.pass_time(86_400)
    # The day itself moved no stamp: whether it does at the vendor is not documented.
    assert world.company.person(int(own)).last_changed == stamp


async def test_state_goes_out_and_in_again(world: BambooWorld) -> None:
    own = int(world.hire())
    world.company.terminate(own, date(2026, 3, 31))
    world.company.delete(int(world.hire("E-2")))
    text = world.company.state().model_dump_json()
    again = BambooCompany(CompanyState.model_validate_json(text), clock=lambda: world.now)
    assert again.state() == world.company.state()


@asynccontextmanager
async def served(state: Path) -> AsyncIterator[str]:
    """Serve the simulator in a process of its own; gives its address."""
    import asyncio

    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connectors.bamboohr.simulator",
        "--state",
        str(state),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        assert program.stdout is not None
        line = await asyncio.wait_for(program.stdout.readline(), 30)
        yield json.loads(line)["url"]
    finally:
        program.terminate()
        await program.wait()


async def test_it_serves_a_state_file_over_real_http_and_takes_orders(
    world: BambooWorld, tmp_path: Path
) -> None:
    own = world.hire()
    state = tmp_path / "company.json"
    state.write_text(world.company.state().model_dump_json())
    async with served(state) as url:
        options = BambooHrOptions("hr", "example", SecretStr(STATE.api_key), base_url=url)
        connector = connect(options, Unlimited())
        [employee] = (await connector.masters()).employees
        assert employee.id == own
        async with httpx.AsyncClient(base_url=url) as client:
            day = {"id": int(own), "day": "2025-06-30"}
            assert (await client.post("/__sim/terminate", json=day)).json() == {"done": 1}
            missing = await client.post("/__sim/delete", json={"id": 999})
            wrong = await client.post("/__sim/move", json={"id": int(own)})
            assert (missing.status_code, wrong.status_code) == (404, 422)
        [employee] = (await connector.masters()).employees
        assert (employee.active, employee.active_until) == (False, date(2025, 6, 30))
        await connector.close()
