"""The simulated Fyle: inside the vendor's specification, with the vendor's limits and quirks."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from connectors.base.capabilities import ReportStep
from connectors.base.rate_budget import Unlimited
from connectors.conformance.expense_source import payment, posted
from connectors.fyle import FyleOptions, connect
from connectors.fyle.simulated_organisation import SimulatedFyle
from connectors.fyle.simulated_state import OrganisationState, SimulatedReport
from connectors.fyle.wire import ReportState
from tests.connectors.fyle.spec_check import ACCOUNTS_URL, CLUSTER_URL, SpecChecked
from tests.connectors.fyle.world import STATE, FyleWorld

PLACE = "order=id.asc&offset=0&limit=200"
TOKEN = {
    "grant_type": "refresh_token",
    "refresh_token": STATE.refresh_token,
    "client_id": STATE.client_id,
    "client_secret": STATE.client_secret,
}


@asynccontextmanager
async def raw(world: FyleWorld) -> AsyncIterator[httpx.AsyncClient]:
    """Speak to the simulator without the connector in between."""
    async with httpx.AsyncClient(transport=world.spec, timeout=5) as client:
        token = (await client.post(f"{ACCOUNTS_URL}/api/oauth/token", data=TOKEN)).json()
        client.headers["Authorization"] = f"Bearer {token['access_token']}"
        client.base_url = httpx.URL(f"{CLUSTER_URL}/platform/v1/admin/")
        yield client


async def ids(client: httpx.AsyncClient, name: str, query: str) -> list[str]:
    answer = await client.get(f"{name}?{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


@pytest.mark.parametrize(
    "name",
    [
        "reports",
        "expenses",
        "employees",
        "categories",
        "projects",
        "cost_centers",
        "tax_groups",
        "reimbursements",
        "accounting_exports",
        "accounting_export_lineitems",
    ],
)
async def test_each_list_is_as_the_vendor_describes_it(world: FyleWorld, name: str) -> None:
    report = world.report(
        world.expense(
            "10.00", project_id=202, cost_center_id=302, tax_group_id="tgVat19", files=("fi1",)
        )
    )
    await world.connect().tell([posted(report), payment(report, ReportStep.PAID, "10.00")])
    async with raw(world) as client:
        answer = (await client.get(f"{name}?{PLACE}")).json()
    assert answer["count"] == len(answer["data"]) > 0
    assert world.spec.broken == []


async def test_filters_select_as_the_guide_to_data_apis_says(world: FyleWorld) -> None:
    first = world.release("10.00")
    world.pass_time(1)
    second = world.release("20.00")
    world.recall(second)
    async with raw(world) as client:
        for query, expected in [
            ("", [first, second]),
            (f"id=eq.{first}", [first]),
            (f"id=in.({first},{second})", [first, second]),
            (f'id=in.("{second}")', [second]),
            (f"id=gt.{first}", [second]),
            ("state=eq.PAYMENT_PROCESSING", [first]),
            ("state=in.(APPROVER_INQUIRY,DRAFT)", [second]),
            ("amount=gt.10", [second]),
            ("amount=lte.10", [first]),
            ("employee->code=eq.E-1001", [first, second]),
            ("employee->code=eq.E-1", []),
            ("updated_at=gte.2026-01-12T09:30:01.000Z", [second]),
            ("updated_at=lt.2026-01-12T10:30:01%2B01:00", [first]),
            ("is_exported=eq.false", [first, second]),
        ]:
            assert await ids(client, "reports", f"{PLACE}&{query}") == expected, query
        newest = await ids(client, "reports", "order=updated_at.desc&offset=0&limit=1")
        assert newest == [second]
        assert await ids(client, "reports", "order=updated_at.asc&offset=1&limit=1") == [second]


@pytest.mark.parametrize(
    "query",
    [
        "order=id.asc&offset=0&limit=201",
        "order=id.asc&offset=0&limit=0",
        "order=id.asc&offset=-1&limit=1",
        "order=id.asc&offset=0",
        "offset=0&limit=1",
        "order=id&offset=0&limit=1",
        "order=nothing.asc&offset=0&limit=1",
        f"{PLACE}&no_such_member=eq.1",
        f"{PLACE}&id=like.rp",
        f"{PLACE}&amount=gt.much",
        f"{PLACE}&updated_at=gte.yesterday",
    ],
)
async def test_a_query_that_is_wrong_is_refused(world: FyleWorld, query: str) -> None:
    world.release("10.00")
    async with raw(world) as client:
        assert (await client.get(f"reports?{query}")).status_code == 400


async def test_it_counts_calls_and_throttles_like_the_vendor(world: FyleWorld) -> None:
    async with raw(world) as client:
        world.misbehave(rate_limit_calls=10, rate_limit_seconds=60)  # So that no clock is raced.
        answers = [await client.get(f"reports?{PLACE}") for _ in range(12)]
    # The token's call came before the limit was set, and counts.
    assert [each.status_code for each in answers] == [200] * 9 + [429] * 3
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


async def test_it_throttles_for_as_long_as_it_says_and_no_longer() -> None:
    fyle = SimulatedFyle(STATE)
    assert (fyle.quirks.rate_limit_calls, fyle.quirks.rate_limit_seconds) == (10, 1)
    assert [fyle.admit(n / 100) for n in range(11)] == [0] * 10 + [1]
    assert fyle.admit(0.99) == 1
    assert fyle.admit(1.0) == 0


async def test_it_can_say_retry_after_as_a_date(world: FyleWorld) -> None:
    async with raw(world) as client:
        world.misbehave(rate_limit_calls=1, rate_limit_seconds=60, retry_after_as_date=True)
        answer = await client.get(f"reports?{PLACE}")
    assert answer.status_code == 429
    seconds = (parsedate_to_datetime(answer.headers["retry-after"]) - world.now).total_seconds()
    assert 1 <= seconds <= 60


async def test_a_token_lives_an_hour(world: FyleWorld) -> None:
    async with raw(world) as client:
        world.pass_time(3599)
        assert (await client.get(f"reports?{PLACE}")).status_code == 200
        world.pass_time(1)
        answer = await client.get(f"reports?{PLACE}")
    assert (answer.status_code, answer.json()) == (401, {"message": "invalid token"})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("reports/mark_paid/bulk", {"data": [{}]}),
        ("reports/mark_paid/bulk", {"data": []}),
        ("reports/mark_paid/bulk", {"data": {"id": "rp1"}}),
        ("reports/mark_paid/bulk", {"data": [{"id": "rp1"}], "stray": 1}),
        ("reports/mark_paid/bulk", []),
        ("accounting_export_lineitems/bulk", {"data": [{"object_id": "rp1"}]}),
        ("accounting_exports", {"data": {"name": "x"}}),
        ("accounting_exports", {"data": {"name": "x", "exported_at": "2026", "file_ids": []}}),
        ("reports/revert_to_processing", {"data": {"id": "rp000000001"}}),
    ],
)
async def test_what_is_sent_wrongly_is_refused_and_changes_nothing(
    world: FyleWorld, path: str, body: Any
) -> None:
    world.release("10.00")
    before = world.fyle.state()
    async with raw(world) as client:
        assert (await client.post(path, json=body)).status_code == 400
    assert world.fyle.state() == before
    world.spec.broken.clear()  # The description would not have let most of it through.


async def test_a_bulk_call_is_all_or_nothing_and_names_each_bad_row(world: FyleWorld) -> None:
    good, back = world.release("10.00"), world.release("10.00")
    world.recall(back)
    rows = [{"id": good}, {"id": back}, {"id": "rpNone"}]
    async with raw(world) as client:
        answer = await client.post("reports/mark_paid/bulk", json={"data": rows})
    assert answer.status_code == 400
    assert answer.json() == {
        "data": [
            {
                "row": 1,
                "key": back,
                "message": "Report is not in APPROVED or PAYMENT_PROCESSING State",
            },
            {"row": 2, "key": "rpNone", "message": "Permission denied to perform this action."},
        ],
        "error": "BulkError",
        "message": None,
    }
    assert world.fyle.reports[good].state is ReportState.PAYMENT_PROCESSING


async def test_every_change_moves_updated_at(world: FyleWorld) -> None:
    report = world.release("10.00")
    for step in (posted(report), payment(report, ReportStep.PAID, "10.00")):
        before = world.fyle.reports[report].updated_at
        world.pass_time(60)
        await world.connect().tell([step])
        assert world.fyle.reports[report].updated_at != before


def test_a_report_needs_its_masters() -> None:
    world = FyleWorld()
    for wrong in ({"employee_id": "ouNone"}, {"approver_id": "ouNone"}):
        with pytest.raises(KeyError):
            world.report(world.expense("1.00"), **wrong)
    with pytest.raises(KeyError):
        world.report(world.expense("1.00", category_id=404))
    assert world.fyle.reports == {}


async def test_what_was_kept_starts_another(world: FyleWorld) -> None:
    report = world.release("10.00")
    await world.connect().tell([posted(report)])
    state = OrganisationState.model_validate_json(world.fyle.state().model_dump_json())
    again = SimulatedFyle(state)
    assert again.state() == world.fyle.state()
    assert again.told == {report: ["posted"]}


async def test_the_check_against_the_specification_can_fail() -> None:
    def wrong(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"id": 5}], "count": 1, "offset": 0})

    checked = SpecChecked(httpx.MockTransport(wrong))
    async with httpx.AsyncClient(
        transport=checked, base_url=f"{CLUSTER_URL}/platform/v1/admin/"
    ) as client:
        await client.get("reports?limit=1")
        await client.get("no_such_thing")
        await client.post("reports/mark_paid/bulk", json={"data": [{"id": 5}]})
        await client.post("reports/mark_paid/bulk", json={"data": [], "stray": True})
    assert checked.checked == 4
    assert len(checked.broken) == 4


def test_a_misspelt_member_of_the_state_is_noticed() -> None:
    with pytest.raises(ValidationError):
        OrganisationState.model_validate_json('{"report": []}')
    with pytest.raises(ValidationError):
        SimulatedReport.model_validate_json(
            '{"id": "rp1", "seq_num": "1", "employee_id": "ouKim", '
            '"submitted_at": "2026-01-01T00:00:00Z", '
            '"expenses": [{"id": "tx1", "category_id": 1, "spent_on": "2026-01-01", '
            '"amount": 1.5}]}'
        )


# In a process of its own.


@asynccontextmanager
async def served(state: OrganisationState, tmp_path: Path) -> AsyncIterator[str]:
    """Serve a state file from another process; gives the address that it prints first."""
    file = tmp_path / "state.json"
    file.write_text(state.model_dump_json())
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connectors.fyle.simulator",
        "--port",
        "0",
        "--state",
        str(file),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        first = await asyncio.wait_for(process.stdout.readline(), 30)
        yield json.loads(first)["url"]
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


async def order(client: httpx.AsyncClient, name: str, **body: Any) -> Any:
    answer = await client.post(f"/__sim/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["done"]


async def test_served_in_a_process_of_its_own_it_is_read_and_ordered_about(
    tmp_path: Path,
) -> None:
    world = FyleWorld()
    reports = [world.report(world.expense("10.00"), world.expense("2.50")) for _ in range(250)]
    state = world.fyle.state().model_copy(update={"cluster_domain": None})
    async with served(state, tmp_path) as url:
        options = FyleOptions(
            "fyle-emea",
            STATE.client_id,
            SecretStr(STATE.client_secret),
            SecretStr(STATE.refresh_token),
            accounts_url=url,
            cluster_pattern=r"http://127\.0\.0\.1:[0-9]+",
        )
        fyle = connect(options, Unlimited())
        async with httpx.AsyncClient(base_url=url) as people:
            assert await order(people, "quirks", rate_limit_calls=1_000) == 1
            assert await order(people, "send_back", ids=reports[:2]) == 2
            assert await order(people, "release", ids=reports[1:2]) == 1
            assert await order(people, "submit", ids=reports[2:3]) == 1
            assert await order(people, "approve", ids=reports[3:4]) == 1
            assert await order(people, "pay", ids=reports[4:5]) == 1
            assert await order(people, "delete", ids=reports[5:6]) == 1
            change = {"id": "tx000000020", "amount": "3.50"}
            assert await order(people, "change", changes=[change]) == 1
            category = {"id": 999, "name": "Fuel"}
            assert await order(people, "masters", categories=[category]) == 1
            expense = {
                "id": "txNew",
                "category_id": 999,
                "spent_on": "2026-01-07",
                "amount": "1.00",
            }
            new = {"id": "rpNew", "seq_num": "N/1", "employee_id": "ouKim"}
            new["submitted_at"] = "2026-01-08T08:00:00Z"
            assert await order(people, "add", reports=[{**new, "expenses": [expense]}]) == 1

            pages = [page async for page in fyle.expense_reports(None)]
            read = {each.source_id: each.record for page in pages for each in page.records}
            assert read.keys() == {*reports[1:2], *reports[6:], "rpNew"}
            changed = read[reports[9]]
            assert changed is not None
            assert [str(each.amount.amount) for each in changed.items] == ["10.00", "3.50"]

            told = await fyle.tell([posted("rpNew"), payment("rpNew", ReportStep.PAID, "1.00")])
            assert [each.accepted for each in told] == [True, True]
            assert (await people.get("/__sim/told")).json()["rpNew"] == ["posted", "paid"]
            status = (await people.get("/__sim/status")).json()
            assert (status["reports"], status["exports"], status["lines"]) == (250, 1, 1)
            kept = (await people.get("/__sim/state")).content
            assert "rpNew" in OrganisationState.model_validate_json(kept).told

            for name, body, wrong in [
                ("release", {"id": 1}, 422),
                ("release", {"ids": ["rpNone"]}, 404),
                ("change", {"changes": [{"id": "txNone"}]}, 404),
                ("quirks", {"poisen": []}, 422),
            ]:
                assert (await people.post(f"/__sim/{name}", json=body)).status_code == wrong
        await fyle.close()
