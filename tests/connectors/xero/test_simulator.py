"""The simulated Xero stays inside the vendor's descriptions, and refuses what Xero refuses."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from canonical.posting import Executed
from connectors.base.rate_budget import Unlimited
from connectors.xero import connect
from connectors.xero.master_mapping import (
    AccountRow,
    CategoryRow,
    ContactRow,
    OptionRow,
    ProjectRow,
    TaskRow,
    TaxRateRow,
    UserRow,
)
from connectors.xero.organisation import OrganisationRow
from connectors.xero.simulated_where import WhereError, where
from connectors.xero.simulator import simulated_xero
from connectors.xero.wire import InvoiceRow, JournalRow, PaymentRow, Row, TimeEntryRow, row_from
from tests.connectors.described_api import Asked
from tests.connectors.xero.firm import CUSTOMER, PEOPLE, PERSON, PROJECTS, STATE, TASKS
from tests.connectors.xero.firm import TRAVEL as ACCOUNT
from tests.connectors.xero.spec_check import BASE_URL, PARTS, SpecChecked, description, told
from tests.connectors.xero.world import BillWorld, XeroWorld

ACCOUNTING, PROJECTS_API = PARTS
# What of each answer the connector reads, by the path that it is read from.
READ: dict[str, tuple[str, type[Row]]] = {
    "/Accounts": ("Accounts", AccountRow),
    "/Organisation": ("Organisations", OrganisationRow),
    "/TaxRates": ("TaxRates", TaxRateRow),
    "/Contacts": ("Contacts", ContactRow),
    "/Contacts/{ContactID}": ("Contacts", ContactRow),
    "/Invoices": ("Invoices", InvoiceRow),
    "/Invoices/{InvoiceID}": ("Invoices", InvoiceRow),
    "/ManualJournals": ("ManualJournals", JournalRow),
    "/ManualJournals/{ManualJournalID}": ("ManualJournals", JournalRow),
    "/Payments": ("Payments", PaymentRow),
    "/Payments/{PaymentID}": ("Payments", PaymentRow),
    "/TrackingCategories": ("TrackingCategories", CategoryRow),
    "/TrackingCategories/{TrackingCategoryID}/Options": ("Options", OptionRow),
    "/Projects": ("items", ProjectRow),
    "/Projects/{projectId}": ("items", ProjectRow),
    "/Projects/{projectId}/Tasks/{taskId}": ("items", TaskRow),
    "/Projects/{projectId}/Time/{timeEntryId}": ("items", TimeEntryRow),
    "/ProjectsUsers": ("items", UserRow),
    "/Projects/{projectId}/Tasks": ("items", TaskRow),
    "/Projects/{projectId}/Time": ("items", TimeEntryRow),
}


def examples(part: str) -> Iterator[tuple[str, str, Any]]:
    """All official examples of good answers: operation, path, example."""
    for path, operations in told(part)["paths"].items():
        for method, operation in operations.items():
            answers = operation.get("responses", {}) if isinstance(operation, dict) else {}
            for status, answer in answers.items():
                for media in answer.get("content", {}).values():
                    if status.startswith("2") and "example" in media:
                        yield f"{method} {path}", path, media["example"]


EXAMPLES = [each for part in PARTS for each in examples(part)]


def test_there_are_official_examples() -> None:
    assert len(EXAMPLES) >= 30


def as_answered(example: Any) -> Any:
    """An example as it comes over the wire, with exact numbers."""
    return json.loads(json.dumps(example), parse_float=Decimal)


@pytest.mark.parametrize(
    ("operation", "path", "example"), EXAMPLES, ids=[each[0] for each in EXAMPLES]
)
def test_each_official_example_of_what_we_read_can_be_read(
    operation: str, path: str, example: Any
) -> None:
    answer = as_answered(example)
    member, kind = READ[path]
    for record in answer.get(member, [answer]):
        row_from(kind, record)


@pytest.fixture
async def desk(world: XeroWorld) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks the simulated Xero directly, and is entitled to."""
    transport = SpecChecked(httpx.ASGITransport(simulated_xero(world.xero)))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        token = await client.post(
            "http://identity.xero.test/connect/token",
            auth=(STATE.client_id, STATE.client_secret),
            data={"grant_type": "client_credentials"},
        )
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        client.headers["xero-tenant-id"] = STATE.tenant_id
        yield client


LINE = {"Description": "x", "Quantity": 1, "UnitAmount": 5, "AccountCode": ACCOUNT}
BILL = {
    "Type": "ACCPAY",
    "Status": "AUTHORISED",
    "Contact": {"ContactID": PEOPLE[0]},
    "Date": "2026-03-01",
    "DueDate": "2026-03-31",
    "LineItems": [LINE],
}
SALE = {**BILL, "Type": "ACCREC", "Contact": {"ContactID": CUSTOMER}}
JOURNAL = {
    "Narration": "n",
    "JournalLines": [
        {"LineAmount": 5, "AccountCode": ACCOUNT},
        {"LineAmount": -5, "AccountCode": "850"},
    ],
}
ENTRY = {"userId": PERSON, "taskId": TASKS[0], "dateUtc": "2026-03-01T12:00:00Z", "duration": 30}

# Shape and content that Xero refuses, each with a part of what it says.
BAD: list[tuple[str, Any, str]] = [
    ("Invoices", BILL | {"Type": "ACCPAYX"}, "is not valid for this document"),
    ("Invoices", BILL | {"Contact": {"ContactID": "x"}}, "Contact could not be"),
    ("Invoices", BILL | {"Contact": {"ContactID": PEOPLE[2]}}, "has been archived"),
    ("Invoices", BILL | {"DueDate": None}, "due date cannot be empty"),
    ("Invoices", BILL | {"LineItems": []}, "At least one line item"),
    ("Invoices", BILL | {"LineItems": [{"Description": "x"}]}, "At least one line"),
    ("Invoices", BILL | {"CurrencyCode": "GBP"}, "is not set up"),
    ("Invoices", BILL | {"Status": "PAID"}, "not of valid status"),
    ("Invoices", BILL | {"LineItems": [LINE | {"AccountCode": "820"}]}, "not a valid"),
    ("Invoices", BILL | {"LineItems": [LINE | {"AccountCode": None}]}, "specified"),
    ("Invoices", BILL | {"LineItems": [LINE | {"TaxType": "OLD"}]}, "TaxType code"),
    ("Invoices", BILL | {"LineItems": [LINE | {"LineAmount": 6}]}, "expected line"),
    ("Invoices", BILL | {"LineItems": [LINE | {"UnitAmount": -5}]}, "greater than"),
    ("CreditNotes", BILL, "is not valid for this document"),
    (
        "ManualJournals",
        JOURNAL | {"JournalLines": [JOURNAL["JournalLines"][0]]},
        "on each side",
    ),
    (
        "ManualJournals",
        JOURNAL | {"JournalLines": [*JOURNAL["JournalLines"], JOURNAL["JournalLines"][0]]},
        "must equal total credits",
    ),
    ("ManualJournals", JOURNAL | {"Status": "VOIDED"}, "cannot be created"),
]


@pytest.mark.parametrize("summarize", ["true", "false"])
@pytest.mark.parametrize(("name", "item", "said"), BAD)
async def test_what_xero_refuses_is_refused_in_the_form_that_was_asked_for(
    desk: httpx.AsyncClient, name: str, item: Any, said: str, summarize: str
) -> None:
    sent = {member: value for member, value in item.items() if value is not None}
    answer = await desk.put(f"{ACCOUNTING}/{name}?summarizeErrors={summarize}", json={name: [sent]})
    if summarize == "true":
        assert answer.status_code == 400
        [element] = answer.json()["Elements"]
    else:
        assert answer.status_code == 200
        [element] = answer.json()[name]
        assert element["StatusAttributeString"] == "ERROR"
    assert any(said in each["Message"] for each in element["ValidationErrors"])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ENTRY | {"duration": 0}, "duration"),
        (ENTRY | {"duration": 59_941}, "duration"),
        (ENTRY | {"duration": 1.5}, "duration"),
        (ENTRY | {"taskId": TASKS[1]}, "Task"),
        (ENTRY | {"userId": PEOPLE[0]}, "User"),
        (ENTRY | {"dateUtc": "yesterday"}, "dateUtc"),
    ],
)
async def test_time_that_xero_refuses_is_refused(
    desk: httpx.AsyncClient, entry: Any, said: str
) -> None:
    answer = await desk.post(f"{PROJECTS_API}/Projects/{PROJECTS[0]}/Time", json=entry)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


# Requests that no description allows.
BAD_SHAPES: list[tuple[str, str, str, Any]] = [
    (ACCOUNTING, "PUT", "/Invoices", {"Invoices": [{"Type": "BILL"}]}),
    (ACCOUNTING, "PUT", "/Invoices", {"Invoices": {"Type": "ACCPAY"}}),
    (ACCOUNTING, "PUT", "/Invoices", {"Invoices": [{"Status": "APPROVED"}]}),
    (ACCOUNTING, "PUT", "/Invoices", {"Invoices": [{"LineItems": [{"Quantity": "two"}]}]}),
    (ACCOUNTING, "PUT", "/ManualJournals", {"ManualJournals": [{"Date": "2026-03-01"}]}),
    (ACCOUNTING, "PUT", "/CreditNotes", {"CreditNotes": [{"CurrencyCode": "euro"}]}),
    (PROJECTS_API, "POST", f"/Projects/{PROJECTS[0]}/Time", {"duration": 30}),
    (PROJECTS_API, "POST", f"/Projects/{PROJECTS[0]}/Time", ENTRY | {"duration": "30"}),
]


@pytest.mark.parametrize(("part", "method", "path", "body"), BAD_SHAPES)
async def test_a_request_of_the_wrong_shape_is_refused_by_the_description_and_the_simulator(
    desk: httpx.AsyncClient, part: str, method: str, path: str, body: Any
) -> None:
    named = {"xero-tenant-id": STATE.tenant_id}
    request = httpx.Request(method, BASE_URL + part + path, headers=named, json=body)
    assert description(part).trouble_with_request(Asked.of(request)) is not None
    answer = await desk.request(method, part + path, json=body)
    assert answer.status_code == 400


async def test_numbers_of_invoices_are_unique_and_those_of_bills_are_not(
    desk: httpx.AsyncClient,
) -> None:
    for kind, said in ((SALE, "# must be unique"), (BILL, None)):
        sent = {"Invoices": [kind | {"InvoiceNumber": "N-1"}]}
        await desk.put(f"{ACCOUNTING}/Invoices", json=sent)
        answer = await desk.put(f"{ACCOUNTING}/Invoices", json=sent)
        errors = answer.json().get("Elements", [{}])[0].get("ValidationErrors")
        assert (errors[0]["Message"] if errors else None) == (said and f"Invoice {said}")


async def test_a_key_is_answered_with_what_the_first_one_did_until_it_expires(
    world: XeroWorld, desk: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "k"}
    first = await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [BILL]}, headers=key)
    again = await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [BILL]}, headers=key)
    assert again.content == first.content
    other = await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [SALE]}, headers=key)
    assert other.status_code == 400
    await world.pass_time(360)
    await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [BILL]}, headers=key)
    assert len(world.xero.documents["Invoices"]) == 2


async def test_a_list_without_a_page_has_no_lines(desk: httpx.AsyncClient) -> None:
    await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [BILL]})
    bare = await desk.get(f"{ACCOUNTING}/Invoices")
    paged = await desk.get(f"{ACCOUNTING}/Invoices?page=1")
    lines = [each.json()["Invoices"][0]["LineItems"] for each in (bare, paged)]
    assert [len(each) for each in lines] == [0, 1]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('Type=="ACCPAY"', True),
        ('Type=="ACCPAY" AND Total!=null', True),
        ('(Type=="ACCREC" OR Type=="ACCPAY") && Number.StartsWith("L")', True),
        ('Reference!=null AND Reference.StartsWith("L")', False),
        ("Date>=DateTime(2026,03,01) AND Date<DateTime(2026,03,02)", True),
        ('InvoiceID==guid("AB")', True),
        ('Number.Contains("2") || Number.EndsWith("x")', True),
    ],
)
def test_a_filter_holds_or_not(text: str, *, holds: bool) -> None:
    record = {
        "Type": "ACCPAY",
        "Number": "L12",
        "Reference": None,
        "Total": Decimal(1),
        "Date": date(2026, 3, 1),
        "InvoiceID": "ab",
    }
    assert where(text)(record) is holds


@pytest.mark.parametrize(
    "text", ["Type=", 'Type="x"', 'Type=="x" XOR', "(", 'A.Soundex("x")', "A==b", "DateTime(1)"]
)
def test_a_filter_that_nobody_speaks_is_refused(text: str) -> None:
    with pytest.raises(WhereError):
        where(text)


async def test_to_ask_a_member_that_is_not_there_is_an_error(desk: httpx.AsyncClient) -> None:
    await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [BILL]})
    query = {"where": 'Warnings.StartsWith("x")'}
    answer = await desk.get(f"{ACCOUNTING}/Invoices", params=query)
    assert answer.status_code == 400
    assert answer.json()["Type"] == "QueryParseException"


async def test_what_counts_is_voided_only_while_nothing_was_paid_on_it(
    world: XeroWorld, desk: httpx.AsyncClient
) -> None:
    made = await desk.put(f"{ACCOUNTING}/Invoices", json={"Invoices": [BILL]})
    record = made.json()["Invoices"][0]["InvoiceID"]
    order = {"document": record, "amount": "1.00", "paid_on": "2026-03-02"}
    assert (await desk.post("/__sim/pay", json=order)).json() == {"done": 1}
    void = {"Invoices": [{"Status": "VOIDED"}]}
    answer = await desk.post(f"{ACCOUNTING}/Invoices/{record}", json=void)
    assert answer.status_code == 400
    payments = [each["PaymentID"] for each in world.xero.documents["Invoices"][record]["Payments"]]
    await desk.post("/__sim/take_payments_back", json={"ids": payments})
    answer = await desk.post(f"{ACCOUNTING}/Invoices/{record}", json=void)
    assert answer.json()["Invoices"][0]["Status"] == "VOIDED"


@pytest.mark.parametrize(
    ("order", "body", "status"),
    [
        ("quirks", {"lag_seconds": 3}, 200),
        ("quirks", {"no_such_quirk": 3}, 422),
        ("lock", {"period": "2026-03-31"}, 200),
        ("void", {"ids": ["nothing"]}, 404),
        ("masters", {"contacts": [{"id": PEOPLE[0], "name": "Kim A."}]}, 200),
    ],
)
async def test_orders_are_checked(
    desk: httpx.AsyncClient, order: str, body: Any, status: int
) -> None:
    assert (await desk.post(f"/__sim/{order}", json=body)).status_code == status
    assert (await desk.get("/__sim/status")).status_code == 200


@pytest.fixture
def served_url(tmp_path: Path) -> Iterator[str]:
    """The address of a simulated Xero that runs as its own process, as a demo would run it."""
    state = tmp_path / "state.json"
    state.write_text(STATE.model_dump_json())
    command = [sys.executable, "-m", "connectors.xero.simulator", "--port", "0", "--state", state]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


async def test_it_serves_in_a_process_of_its_own(bills: BillWorld, served_url: str) -> None:
    options = bills.options(api_url=served_url, identity_url=served_url)
    xero, report = connect(options, Unlimited()), bills.report()
    [outcome] = await xero.post([report], {})
    assert isinstance(outcome, Executed)
    assert list(await xero.find([report])) == [report.reference]
    await xero.close()
