"""The simulated Business Central keeps to the documentation, and refuses what the ERP refuses."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.base.http import exact_json
from connectors.business_central import wire
from connectors.business_central.families import FAMILIES
from connectors.business_central.papers import Line, paper_from
from connectors.business_central.simulator import CLIENT_ID, CLIENT_SECRET
from tests.connectors.business_central.document_world import DocumentWorld
from tests.connectors.business_central.spec_check import (
    API_URL,
    LOGIN_URL,
    ROOT,
    asked_in_part,
    description,
)

_SPEC = exact_json(Path(__file__).with_name("bc-v2.0.derived.openapi.json").read_text())
_READ: dict[str, type[wire.Row]] = {
    "companies": wire.Company,
    "customers": wire.Customer,
    "vendors": wire.Vendor,
    "employees": wire.Employee,
    "projects": wire.Project,
    "accounts": wire.Account,
    "dimensions": wire.Dimension,
    "dimensionValues": wire.DimensionValue,
    "journals": wire.Journal,
    "journalLines": wire.JournalLine,
    "timeRegistrationEntries": wire.TimeRegistrationEntry,
}


def _examples() -> Iterator[tuple[str, str, Any]]:
    """Every record that the documentation shows as an answer: where, of which list, what."""
    for path, operations in _SPEC["paths"].items():
        entity = path.rpartition("/")[2].partition("(")[0]
        for method, operation in operations.items():
            responses = operation.get("responses", {}) if isinstance(operation, dict) else {}
            for status, response in responses.items():
                content = response.get("content", {}).get("application/json", {})
                example = content.get("example")
                if example is None or not status.startswith("2"):
                    continue
                records = example.get("value", [example])
                for record in records if isinstance(records, list) else [records]:
                    yield f"{method} {path}", entity, record


# One answer of theirs, to a new customer, is shown without its id.
EXAMPLES = [each for each in _examples() if {"id", "responses"} & each[2].keys()]
OURS = [each for each in EXAMPLES if each[1] in _READ or each[1] in FAMILIES]
LINES = [each for each in EXAMPLES if each[1] in {one.lines for one in FAMILIES.values()}]


@pytest.fixture
async def desk() -> AsyncIterator["Desk"]:
    world = DocumentWorld()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(world.app), base_url=f"{API_URL}{ROOT}/"
    ) as client:
        desk = Desk(world, client)
        await desk.log_in()
        yield desk


class Desk:
    """Somebody who speaks to the simulator by hand."""

    def __init__(self, world: DocumentWorld, client: httpx.AsyncClient) -> None:
        self.world = world
        self.client = client
        self.company = f"companies({world.company.id})"

    async def log_in(self) -> None:
        answer = await self.client.post(
            f"{LOGIN_URL}/firm.example/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": "https://api.businesscentral.dynamics.com/.default",
            },
        )
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return await self.client.request(method, f"{self.company}/{path}", **given)

    async def refused(self, method: str, path: str, **given: Any) -> tuple[int, str]:
        answer = await self.ask(method, path, **given)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["code"]

    async def invoice(self, **values: Any) -> dict[str, Any]:
        """A draft that could be posted."""
        line = {
            "lineType": "Account",
            "lineObjectNumber": "6600",
            "quantity": 1,
            "unitCost": 10,
            "taxCode": "NO VAT",
        }
        told = {
            "vendorNumber": "E-1001",
            "vendorInvoiceNumber": "R-1",
            "invoiceDate": "2026-03-01",
            "purchaseInvoiceLines": [line],
            **values,
        }
        answer = await self.ask("POST", "purchaseInvoices", json=told)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.mark.parametrize(("where", "entity", "record"), OURS, ids=lambda part: str(part)[:50])
def test_each_record_that_the_documentation_shows_is_read(
    where: str, entity: str, record: dict[str, Any]
) -> None:
    if entity in FAMILIES:
        paper = paper_from("c", FAMILIES[entity], record)
        assert (paper.id, paper.number) == (record["id"], record["number"]), where
        assert paper.total == round(paper.total, 2)
    else:
        assert wire.row_from(_READ[entity], record).id == record["id"], where


@pytest.mark.parametrize(("where", "entity", "record"), LINES, ids=lambda part: str(part)[:50])
def test_each_line_that_the_documentation_shows_is_read(
    where: str, entity: str, record: dict[str, Any]
) -> None:
    # Some are shown as the answer to a whole $batch.
    bodies = [each["body"] for each in record["responses"]] if "responses" in record else [record]
    for body in bodies:
        assert Line.model_validate(body).id == body["id"], where


def test_there_are_examples_of_most_of_what_is_read() -> None:
    assert {entity for _, entity, _ in OURS} >= {*_READ, "purchaseInvoices", "salesInvoices"} - {
        "dimensionValues"
    }
    assert len(OURS) == 40
    assert len(LINES) == 8


BAD = {
    "a member that does not exist": (
        "POST",
        "timeRegistrationEntries",
        {"employeeNumber": "E-1001", "date": "2026-03-01", "quantity": 1, "reference": "L1"},
        (400, "BadRequest"),
    ),
    "a member that is read-only": (
        "POST",
        "timeRegistrationEntries",
        {"employeeNumber": "E-1001", "date": "2026-03-01", "quantity": 1, "status": "Approved"},
        (400, "BadRequest_InvalidOperation"),
    ),
    "an id of our own": (
        "POST",
        "timeRegistrationEntries",
        {"id": "11111111-1111-1111-1111-111111111111", "employeeNumber": "E-1001"},
        (400, "BadRequest_InvalidOperation"),
    ),
    "a day that is none": (
        "POST",
        "timeRegistrationEntries",
        {"employeeNumber": "E-1001", "date": "2026-02-30", "quantity": 1},
        (400, "BadRequest"),
    ),
    "a quantity that is a word": (
        "POST",
        "timeRegistrationEntries",
        {"employeeNumber": "E-1001", "date": "2026-03-01", "quantity": "one"},
        (400, "BadRequest"),
    ),
    "an employee that is no id": (
        "POST",
        "timeRegistrationEntries",
        {"employeeId": "E-1001", "date": "2026-03-01", "quantity": 1},
        (400, "BadRequest"),
    ),
    "nobody's work": (
        "POST",
        "timeRegistrationEntries",
        {"date": "2026-03-01", "quantity": 1},
        (400, "Application_DialogException"),
    ),
    "a task of another project": (
        "POST",
        "timeRegistrationEntries",
        {
            "employeeNumber": "E-1001",
            "jobNumber": "P-100",
            "jobTaskNumber": "77",
            "date": "2026-03-01",
        },
        (400, "Internal_InvalidTableRelation"),
    ),
    "a number that is too long": (
        "POST",
        "purchaseInvoices",
        {"vendorNumber": "E-1001", "vendorInvoiceNumber": 36 * "9"},
        (400, "Application_StringExceededLength"),
    ),
    "an invoice of nobody": (
        "POST",
        "purchaseInvoices",
        {"vendorInvoiceNumber": "1"},
        (400, "Application_DialogException"),
    ),
    "a total of our own": (
        "POST",
        "salesInvoices",
        {"customerNumber": "C-100", "totalAmountIncludingTax": 1},
        (400, "BadRequest_InvalidOperation"),
    ),
    "a body that is a list": ("POST", "salesInvoices", [], (400, "BadRequest")),
    "a change to what is only read": (
        "POST",
        "accounts",
        {"number": "1000"},
        (405, "BadRequest_MethodNotAllowed"),
    ),
    "a list that does not exist": ("GET", "timesheets", None, (404, "BadRequest_ResourceNotFound")),
    "lines of nothing": ("GET", "journalLines", None, (404, "BadRequest_ResourceNotFound")),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_request_is_refused(desk: Desk, what: str) -> None:
    method, path, body, expected = BAD[what]
    given = {} if body is None else {"json": body}
    assert await desk.refused(method, path, **given) == expected


# What no state has to be known for; the description refuses these by itself.
BAD_SHAPES = (
    "a quantity that is a word",
    "an employee that is no id",
    "a day that is none",
    "a body that is a list",
    "a list that does not exist",
    "lines of nothing",
)


@pytest.mark.parametrize("what", BAD_SHAPES)
def test_the_description_refuses_it_too(what: str) -> None:
    method, path, body, _ = BAD[what]
    company = "companies(5d115c9c-44e3-ea11-bb43-000d3a2feca1)"
    headers = {"content-type": "application/json"}
    part = {"method": method, "url": f"{company}/{path}", "headers": headers}
    asked = asked_in_part(part if body is None else part | {"body": body})
    assert description().trouble_with_request(asked) is not None


async def test_a_change_needs_the_version_that_it_is_made_to(desk: Desk) -> None:
    draft = await desk.invoice()
    path = f"purchaseInvoices({draft['id']})"
    assert (await desk.refused("DELETE", path))[1] == "BadRequest_InvalidToken"
    stale = {"If-Match": 'W/"old"'}
    assert await desk.refused("DELETE", path, headers=stale) == (409, "Request_EntityChanged")
    fresh = {"If-Match": draft["@odata.etag"]}
    assert (await desk.ask("DELETE", path, headers=fresh)).status_code == 204
    assert (await desk.refused("GET", path))[0] == 404


async def test_a_version_changes_with_what_is_written_and_not_with_what_is_not(
    desk: Desk,
) -> None:
    [journal] = (await desk.ask("GET", "journals")).json()["value"]
    path, match = f"journals({journal['id']})", {"If-Match": journal["@odata.etag"]}
    same = {"displayName": journal["displayName"]}
    for values, moves in ((same, False), ({"displayName": "Other"}, True)):
        answer = await desk.ask("PATCH", path, json=values, headers=match)
        assert (answer.json()["@odata.etag"] != journal["@odata.etag"]) is moves
    assert (await desk.refused("PATCH", path, json=same, headers=match))[0] == 409


async def test_a_posted_document_keeps_its_id_and_is_closed(desk: Desk) -> None:
    draft = await desk.invoice()
    path = f"purchaseInvoices({draft['id']})"
    posted = await desk.ask("POST", f"{path}/Microsoft.NAV.post")
    assert (posted.status_code, posted.content) == (204, b"")
    shown = (await desk.ask("GET", path)).json()
    assert shown["id"] == draft["id"]
    assert (shown["status"], shown["number"] != draft["number"]) == ("Open", True)
    match = {"If-Match": shown["@odata.etag"]}
    assert (await desk.refused("DELETE", path, headers=match))[0] == 400
    assert (await desk.refused("POST", f"{path}/Microsoft.NAV.post"))[0] == 400
    assert (await desk.refused("DELETE", path, headers={"If-Match": draft["@odata.etag"]}))[
        0
    ] == 409


async def test_a_vendor_s_number_is_posted_once(desk: Desk) -> None:
    first, second = await desk.invoice(), await desk.invoice()
    post = "purchaseInvoices({})/Microsoft.NAV.post"
    assert (await desk.ask("POST", post.format(first["id"]))).status_code == 204
    assert (await desk.refused("POST", post.format(second["id"])))[0] == 400
    other = await desk.invoice(vendorNumber="E-1002")
    assert (await desk.ask("POST", post.format(other["id"]))).status_code == 204


async def test_time_is_only_given_by_id_employee_or_some_weeks(desk: Desk) -> None:
    path = "timeRegistrationEntries"
    assert (await desk.refused("GET", path))[0] == 400
    for which, status in (
        ("date ge 2026-01-01 and date le 2026-03-12", 200),
        ("date ge 2026-01-01 and date le 2026-03-13", 400),
        ("date ge 2026-01-01", 400),
        ("status eq 'Open'", 400),
        (f"employeeId eq {desk.world.id_of('employees', 'E-1001')}", 200),
    ):
        answer = await desk.ask("GET", path, params={"$filter": which})
        assert answer.status_code == status, which


@pytest.mark.parametrize(
    "which",
    [
        "number eq 'P-100' or displayName eq 'Shop'",
        "number eq",
        "number like 'P'",
        "(number eq 'P-100'",
        "nothing eq 'x'",
        "number eq 'P-100' %",
    ],
)
async def test_a_filter_that_the_service_does_not_take_is_refused(desk: Desk, which: str) -> None:
    assert (await desk.refused("GET", "projects", params={"$filter": which}))[0] == 400


async def test_filters_select(desk: Desk) -> None:
    for which, numbers in (
        ("number eq 'P-100' or number eq 'P-300'", ["P-100", "P-300"]),
        ("startswith(number,'P-2') and displayName ne 'Website'", ["P-200"]),
        ("(number gt 'P-100' and number le 'P-300')", ["P-200", "P-300"]),
        ("displayName eq 'It''s'", []),
    ):
        answer = await desk.ask("GET", "projects", params={"$filter": which})
        assert [row["number"] for row in answer.json()["value"]] == numbers


async def test_pages_are_as_long_as_was_preferred_and_name_the_next(desk: Desk) -> None:
    found, link = [], "accounts?$filter=blocked eq false"
    headers = {"Prefer": "odata.maxpagesize=5"}
    while link:
        url = link if "://" in link else f"{desk.company}/{link}"
        page = (await desk.client.get(url, headers=headers)).json()
        assert len(page["value"]) <= 5
        found += page["value"]
        link = page.get("@odata.nextLink")
    assert len({row["id"] for row in found}) == len(found) == 13


async def test_a_transactional_batch_is_all_or_nothing_and_ends_at_the_first_refusal(
    desk: Desk,
) -> None:
    good = {"employeeNumber": "E-1001", "date": "2026-03-01", "quantity": 1}
    parts = [
        {"method": "POST", "url": f"{desk.company}/timeRegistrationEntries", "body": body}
        for body in (good, {**good, "employeeNumber": "nobody"}, good)
    ]
    for headers, left in (({"Isolation": "snapshot"}, 0), ({}, 1)):
        answer = await desk.client.post("$batch", json={"requests": parts}, headers=headers)
        assert [each["status"] for each in answer.json()["responses"]] == [201, 400]
        assert len(list(desk.world.company.rows("timeRegistrationEntries"))) == left
    many = {"requests": 101 * parts[:1]}
    assert (await desk.client.post("$batch", json=many)).status_code == 400


async def test_six_thousand_calls_in_five_minutes_are_enough(desk: Desk) -> None:
    desk.world.environment.quirks.calls_in_window = 3
    for _ in range(3):
        assert (await desk.ask("GET", "projects")).status_code == 200
    answer = await desk.ask("GET", "projects")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 300
    desk.world.environment.quirks.retry_after_as_date = True
    assert "GMT" in (await desk.ask("GET", "projects")).headers["retry-after"]


async def test_a_token_ends(desk: Desk) -> None:
    desk.world.environment.quirks.token_seconds = 0
    await desk.log_in()
    assert (await desk.refused("GET", "projects"))[0] == 401


@pytest.mark.parametrize(("when", "made"), [("fail_before", 0), ("fail_after", 1)])
async def test_failures_come_before_or_after_the_fact_and_may_be_html(
    desk: Desk, when: str, made: int
) -> None:
    quirks = desk.world.environment.quirks
    quirks.fail_status, quirks.fail_body = 503, "<html>Unavailable</html>"
    setattr(quirks, when, 1)
    body = {"employeeNumber": "E-1001", "date": "2026-03-01", "quantity": 1}
    answer = await desk.ask("POST", "timeRegistrationEntries", json=body)
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert len(list(desk.world.company.rows("timeRegistrationEntries"))) == made


async def test_orders_are_given_past_the_api(desk: Desk) -> None:
    draft = await desk.invoice(vendorInvoiceNumber="L1")
    await desk.ask("POST", f"purchaseInvoices({draft['id']})/Microsoft.NAV.post")
    sim = f"{API_URL}/__sim"
    place = f"{desk.world.company.id}/purchaseInvoices/{draft['id']}"
    paid = await desk.client.post(f"{sim}/pay", json={"document": place, "amount": "10.00"})
    assert paid.json() == {"done": 1}
    assert (await desk.client.get(f"{sim}/documents")).json()["documents"] == [
        {
            "company": desk.world.company.id,
            "entity": "purchaseInvoices",
            "reference": "L1",
            "status": "Paid",
            "total": 10.0,
        }
    ]
    quirks = (await desk.client.post(f"{sim}/quirks", json={"fail_before": 1})).json()["done"]
    assert quirks["fail_before"] == 1
    assert (await desk.ask("GET", "projects")).status_code == 500
    for order, body in (("quirks", {"unheard_of": 1}), ("dance", {}), ("pay", {"document": "x"})):
        assert (await desk.client.post(f"{sim}/{order}", json=body)).status_code == 422
    assert (await desk.client.post(f"{sim}/approve", json={})).json() == {"done": 0}


def test_it_serves_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "connectors.business_central.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        try:
            answer = httpx.get(f"{url}/v2.0/production/api/v2.0/companies")
        finally:
            process.terminate()
    assert answer.status_code == 401
