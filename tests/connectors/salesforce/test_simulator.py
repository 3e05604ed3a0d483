"""The simulated org: inside the description, as strict as Salesforce, and servable over HTTP."""

import json
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from connectors.salesforce.simulated_org import SimulatedOrg
from connectors.salesforce.simulated_state import OrgState
from connectors.salesforce.simulator import simulated_salesforce
from tests.connectors.salesforce.spec_check import BASE_URL, asked, description
from tests.connectors.salesforce.world import OWN, STATE, SalesforceWorld

DATA = "/services/data/v61.0"
_EXAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "salesforce.postman-requests.json").read_text()
)
_FILLED = {
    "{{_endpoint}}": BASE_URL,
    "{{url}}{{site}}": BASE_URL,
    "{{version}}": "51.0",
    "{{_jobId}}": "7505e0000000001AAA",
    "<SOBJECT_API_NAME>": "Account",
    "<RECORD_ID>": "0015e0000000001AAA",
    "<FIELD_NAME>": OWN,
    "<FIELD_VALUE>": "C-1",
    "?ids&fields": "?ids=0015e0000000001AAA&fields=Name",
    "?start=&end=": "?start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z",
}


def raw(world: SalesforceWorld) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {world.org.open_session()}"}
    return httpx.AsyncClient(transport=world.spec, base_url=BASE_URL + DATA, headers=headers)


def example(name: str) -> httpx.Request:
    """One request of the official collection, its blanks filled in."""
    told = _EXAMPLES[name]
    url = told["url"]
    for blank, value in _FILLED.items():
        url = url.replace(blank, value)
    content_type = {
        "auth/jwt_bearer_token_flow": "application/x-www-form-urlencoded",
        "bulk_v2/upload_job_data": "text/csv",
    }.get(name, "application/json")
    default = {"PUT": "Name\nx", "POST": "grant_type=x"}.get(told["method"], "")
    return httpx.Request(
        told["method"],
        url,
        content=told.get("body", default),
        headers={"Content-Type": content_type},
    )


@pytest.mark.parametrize("name", sorted(_EXAMPLES))
def test_each_request_of_the_official_collection_fits_the_description(name: str) -> None:
    if name in {"bulk_v2/upload_job_data", "auth/jwt_bearer_token_flow"}:
        pytest.skip("the description has an object where a text is sent")
    request = example(name)
    assert description().trouble_with_request(asked(request)) is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{DATA}/query", None),
        ("GET", f"{DATA}/queryAll", None),
        ("GET", f"{DATA}/sobjects/Account/updated?start=2026-01-01T00:00:00Z", None),
        ("GET", f"{DATA}/sobjects/Account/deleted?end=2026-01-01T00:00:00Z", None),
        ("PATCH", f"{DATA}/sobjects/Account/{OWN}/C-1", None),
        ("PATCH", f"{DATA}/sobjects/Account/{OWN}/C-1", ["a list"]),
        ("PATCH", f"{DATA}/composite/sobjects", {"allOrNone": False}),
        ("PATCH", f"{DATA}/composite/sobjects", {"records": [{"id": "0015e0000000001AAA"}]}),
        ("PATCH", f"{DATA}/composite/sobjects", {"allOrNone": "no", "records": []}),
        ("DELETE", f"{DATA}/query?q=x", None),
        ("GET", f"{DATA}/nowhere", None),
    ],
)
def test_the_description_is_not_satisfied_by_anything(method: str, path: str, body: object) -> None:
    request = httpx.Request(method, BASE_URL + path, json=body) if body else None
    request = request or httpx.Request(method, BASE_URL + path)
    assert description().trouble_with_request(asked(request)) is not None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/query?q=SELECT", None, 400, "MALFORMED_QUERY"),
        ("GET", "/query?q=SELECT Id FROM Account WHERE", None, 400, "MALFORMED_QUERY"),
        ("GET", "/query?q=SELECT Id FROM Account; DROP", None, 400, "MALFORMED_QUERY"),
        ("GET", "/query?q=SELECT Nope__c FROM Account", None, 400, "INVALID_FIELD"),
        (
            "GET",
            "/query?q=SELECT Id,(SELECT Id FROM Nope) FROM Account",
            None,
            400,
            "INVALID_FIELD",
        ),
        ("GET", "/query?q=SELECT Id FROM Nope", None, 400, "INVALID_TYPE"),
        (
            "GET",
            "/query?q=SELECT Id FROM Account WHERE Id='7'",
            None,
            400,
            "INVALID_QUERY_FILTER_OPERATOR",
        ),
        ("GET", "/query/01g-7", None, 400, "INVALID_QUERY_LOCATOR"),
        ("PATCH", "/sobjects/Account/0015e0000000999AAA", {}, 404, "ENTITY_IS_DELETED"),
        ("GET", "/sobjects/Nope/describe", None, 404, "NOT_FOUND"),
        (
            "GET",
            "/sobjects/Account/updated?start=2026-01-02T00:00:00Z&end=2026-01-02T00:00:30Z",
            None,
            400,
            "INVALID_REPLICATION_DATE",
        ),
        (
            "GET",
            "/sobjects/Account/deleted?start=2026-01-02T00:00:00Z&end=2026-01-02T00:01:00Z",
            None,
            400,
            "INVALID_REPLICATION_DATE",
        ),
        ("PATCH", "/sobjects/Account/AccountNumber/C-1", {"Name": "x"}, 404, "NOT_FOUND"),
        ("PATCH", f"/sobjects/Account/{OWN}/C-1", {OWN: "C-1"}, 400, "INVALID_FIELD"),
        ("PATCH", f"/sobjects/Account/{OWN}/C-1", {}, 400, "REQUIRED_FIELD_MISSING"),
        (
            "PATCH",
            f"/sobjects/Account/{OWN}/C-1",
            {"Name": "x", "Id": "1"},
            400,
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        ("PATCH", f"/sobjects/Account/{OWN}/C-1", {"Name": 5}, 400, "JSON_PARSER_ERROR"),
        ("PATCH", "/sobjects/Account/7", {"Name": "x"}, 400, "MALFORMED_ID"),
        ("POST", "/sobjects/Account", {"AccountNumber": "1"}, 400, "REQUIRED_FIELD_MISSING"),
        ("POST", "/sobjects/Account", {"Name": "x" * 256}, 400, "STRING_TOO_LONG"),
    ],
)
async def test_a_bad_request_is_refused_with_salesforces_own_code(
    *,
    world: SalesforceWorld,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
    code: str,
) -> None:
    async with raw(world) as client:
        answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    assert world.held() == []


async def test_more_than_two_hundred_records_are_refused_at_once(world: SalesforceWorld) -> None:
    made = world.make(world.sample(1))
    record = {"attributes": {"type": "Account"}, "id": made, "Name": "x"}
    world.spec.broken.clear()
    async with raw(world) as client:
        answer = await client.patch("/composite/sobjects", json={"records": [record] * 201})
    assert answer.json()[0]["errorCode"] == "EXCEEDED_MAX_SIZE_REQUEST"
    # The description knows the limit too.
    assert len(world.spec.broken) == 1
    world.spec.broken.clear()


async def test_deleted_and_merged_records_are_in_the_bin_only(world: SalesforceWorld) -> None:
    main, loser, gone = (world.make(world.sample(number)) for number in range(3))
    world.org.merge(main, [loser])
    world.org.delete([gone])
    query = {"q": "SELECT Id, IsDeleted, MasterRecordId FROM Account ORDER BY Id"}
    async with raw(world) as client:
        live = (await client.get("/query", params=query)).json()["records"]
        whole = (await client.get("/queryAll", params=query)).json()["records"]
    assert [each["Id"] for each in live] == [main]
    assert {each["Id"]: (each["IsDeleted"], each["MasterRecordId"]) for each in whole} == {
        main: (False, None),
        loser: (True, main),
        gone: (True, None),
    }


async def test_pages_have_the_vendors_limits(world: SalesforceWorld) -> None:
    world.misbehave(page_size_max=2000)
    for number in range(250):
        world.make(world.sample(number))
    async with raw(world) as client:
        for wish, records in (("1", 200), ("220", 220), ("9000", 250)):
            headers = {"Sforce-Query-Options": f"batchSize={wish}"}
            query = {"q": "SELECT Id FROM Account"}
            page = (await client.get("/query", params=query, headers=headers)).json()
            assert len(page["records"]) == records
            assert page["done"] is (records == 250)


async def test_a_unique_field_takes_no_value_twice(world: SalesforceWorld) -> None:
    async with raw(world) as client:
        path = f"/sobjects/Account/{OWN}"
        assert (await client.patch(f"{path}/A", json={"Name": "1"})).status_code == 201
        assert (await client.patch(f"{path}/A", json={"Name": "2"})).status_code == 204
        twin = await client.post("/sobjects/Account", json={"Name": "3", OWN: "A"})
    assert twin.json()[0]["errorCode"] == "DUPLICATE_VALUE"
    assert [each.values["name"] for each in world.held()] == ["2"]


async def test_what_is_not_there_is_refused_in_the_same_form(world: SalesforceWorld) -> None:
    world.spec.tolerant = True
    async with raw(world) as client:
        for method, path, status in (("GET", "/nowhere", 404), ("PUT", "/query", 405)):
            answer = await client.request(method, path)
            assert answer.status_code == status
            assert answer.json()[0]["errorCode"]
    world.spec.broken.clear()  # The description knows neither.


async def test_nobody_gets_in_without_a_session(world: SalesforceWorld) -> None:
    async with raw(world) as client:
        answer = await client.get("/query?q=x", headers={"Authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
        for form in ({"grant_type": "password"}, {"grant_type": "client_credentials"}):
            told = await client.post(f"{BASE_URL}/services/oauth2/token", data=form)
            assert told.status_code == 400


async def test_orders_do_what_people_do() -> None:
    org = SimulatedOrg(STATE)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(simulated_salesforce(org)), base_url=f"{BASE_URL}/__sim"
    )
    names = [{"kind": "Account", "fields": {"Name": name}} for name in ("A", "B", "C")]
    assert (await client.post("/add", json={"records": names})).json() == {"done": 3}
    a, b, c = (each.id for each in org.records("Account"))
    changes = {"changes": [{"id": a, "fields": {"Name": "D"}}]}
    assert (await client.post("/change", json=changes)).json() == {"done": 1}
    assert (await client.post("/delete", json={"ids": [c]})).json() == {"done": 1}
    assert (await client.post("/restore", json={"ids": [c]})).json() == {"done": 1}
    assert (await client.post("/merge", json={"main": a, "losers": [b]})).json() == {"done": 1}
    assert (await client.post("/end_sessions")).json() == {"done": 0}
    assert (await client.post("/quirks", json={"failures": 2})).json() == {"done": 1}
    assert (await client.post("/quirks", json={"failing": 2})).status_code == 422
    assert (await client.post("/delete", json={"ids": ["nobody"]})).status_code == 404
    assert (await client.get("/status")).json()["Account"] == 2
    kept = OrgState.model_validate_json((await client.get("/state")).content)
    assert SimulatedOrg(kept).state() == kept
    await client.aclose()


async def test_it_can_be_served_from_a_state_file(tmp_path: Path) -> None:
    state = tmp_path / "org.json"
    state.write_text(STATE.model_dump_json())
    program = await create_subprocess_exec(
        *(sys.executable, "-m", "connectors.salesforce.simulator", "--state", str(state)),
        stdout=PIPE,
    )
    try:
        assert program.stdout is not None
        url = json.loads(await program.stdout.readline())["url"]
        assert urlsplit(url).hostname == "127.0.0.1"
        form = {
            "grant_type": "client_credentials",
            "client_id": STATE.client_id,
            "client_secret": STATE.client_secret,
        }
        async with httpx.AsyncClient(base_url=url) as client:
            token = (await client.post("/services/oauth2/token", data=form)).json()
            assert token["instance_url"] == url
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            answer = await client.get(f"{DATA}/sobjects/Account/describe", headers=headers)
        assert OWN in {each["name"] for each in answer.json()["fields"]}
    finally:
        program.terminate()
        await program.wait()
