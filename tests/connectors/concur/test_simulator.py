"""The simulated Concur behaves like the real one, as far as SAP describes it, and misbehaves."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from canonical.expense import ExpenseReport
from connectors.base.capabilities import Claim, ReportStep
from connectors.base.errors import TransientError
from connectors.base.http import Timeouts, exact_json, exact_json_text
from connectors.base.rate_budget import Unlimited
from connectors.concur import ConcurOptions, connect
from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_orders import ORDERS
from connectors.concur.simulated_state import CompanyState, Quirks
from connectors.concur.simulator import simulated_concur
from connectors.conformance.expense_source import failed, greeted, payment, posted, ready
from connectors.conformance.http_contract import Tokens
from tests.connectors.concur.spec_check import BASE_URL, SpecChecked
from tests.connectors.concur.world import STATE, ConcurWorld

GOLDEN: Final = exact_json(Path(__file__).with_name("fis-v4.golden-cases.json").read_bytes())
LIST: Final = "/financialintegration/fi/v4/companies/transactiontypes/expense/transactions"


@asynccontextmanager
async def people(world: ConcurWorld) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a good token, and no connector in between."""
    token = world.company.issue_token()
    async with httpx.AsyncClient(
        transport=world.spec, base_url=BASE_URL, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client


def samples() -> list[Mapping[str, Any]]:
    """SAP's own sample documents, once each."""
    cases = (case["document"] for case in GOLDEN["cases"] if case["document"])
    return [each for case in cases for each in case["fIDocuments"]]


async def reports(world: ConcurWorld, form: str) -> Mapping[str, ExpenseReport]:
    concur = world.connect(document_format=form)
    read = [each async for page in concur.expense_reports(None) for each in page.records]
    assert [each.trouble for each in read if each.trouble] == []
    return {each.record.id: each.record for each in read if each.record}


async def test_it_serves_saps_own_samples_as_objects_and_as_text_alike(world: ConcurWorld) -> None:
    # One of them is SAP's sample of something acknowledged; here it is released anew.
    released = {world.company.release(each) for each in samples()}
    assert len(released) == len(samples()) == 23
    as_objects = await reports(world, "json")
    assert as_objects.keys() == released
    assert await reports(world, "text") == as_objects


async def test_documents_as_text_are_text(world: ConcurWorld) -> None:
    world.release("70.10")
    async with people(world) as client:
        answer = await client.get(LIST, headers={"DocumentFormatAs": "text"})
        [document] = exact_json(answer.content)["content"]
        assert isinstance(document["document"], str)
        content = exact_json(document["document"])
        assert content["report"]["totalApprovedAmount"] == Decimal("70.10")
        assert '"totalApprovedAmount":70.10' in document["document"], "a digit was lost"


async def test_pages_have_numbers_from_nothing_and_links_that_lead_nowhere(
    world: ConcurWorld,
) -> None:
    for _ in range(5):
        world.release("1.00")
    async with people(world) as client:
        told = (await client.get(LIST, params={"page": "1", "limit": "2"})).json()
        assert told["page"] == {"size": 2, "totalElements": 5, "totalPages": 3, "number": 1}
        links = {each["rel"]: each["href"] for each in told["links"]}
        assert links.keys() == {"first", "self", "next", "last"}
        assert all("fiserviceurlhere" in href for href in links.values())
        for wrong in ({"page": "-1"}, {"limit": "0"}, {"page": "x"}):
            assert (await client.get(LIST, params=wrong)).status_code == 400
        refused = await client.get(LIST, headers={"DocumentFormatAs": "xml"})
        assert refused.status_code == 400
    world.spec.broken.clear()  # The wrong requests were meant.


async def test_one_document_can_be_asked_for_in_any_state(world: ConcurWorld) -> None:
    report = world.release("1.00")
    await world.connect().claim([report])
    async with people(world) as client:
        waiting = (await client.get(LIST, params={"docId": report})).json()
        assert waiting["content"] == []
        for name in (report, f"{1:020X}"):
            query = {"docId": name, "ignoreDocumentStatus": "yes"}
            [found] = (await client.get(LIST, params=query)).json()["content"]
            assert (found["docStatus"], found["erpSystemId"]) == ("ACKNOWLEDGED", "LEDGERWAY")


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_it_throttles_and_both_forms_of_retry_after_are_heeded(
    world: ConcurWorld, form: str
) -> None:
    report = world.release("1.00")
    budget = Tokens()
    concur = world.connect(budget)
    await concur.check()
    world.now = datetime.now(UTC)  # A date is compared with the real clock.
    world.misbehave(throttled=1, throttle_seconds=60, retry_after_as_date=form == "date")
    with pytest.raises(TransientError) as told:
        await concur.claim([report])
    assert 55 <= (told.value.retry_after_seconds or 0) <= 60
    assert 55 <= budget.paused[-1] <= 60
    assert await world.connect().claim([report])


async def test_a_limit_is_kept_by_the_call(world: ConcurWorld) -> None:
    world.misbehave(rate_limit_calls=3)
    concur = await greeted(world)
    async for _ in concur.expense_reports(None):
        break
    with pytest.raises(TransientError):
        await concur.check()
    assert world.company.served["throttled"] == 1


async def test_a_write_can_be_carried_out_and_answered_too_late(tmp_path: Path) -> None:
    company = ConcurWorld()
    report = company.release("1.00")
    async with served(company.company.state(), tmp_path) as url:
        concur = connect(options(url, read_seconds=0.2), Unlimited())
        async with httpx.AsyncClient(base_url=url) as orders:
            await concur.check()
            await order(orders, "quirks", hangs_after_write=1, hang_seconds=1)
            assert [each.claim for each in await concur.claim([report])] == [Claim.NOT_NOW]
            assert [each.claim for each in await concur.claim([report])] == [Claim.CLAIMED_BEFORE]
        await concur.close()


@pytest.mark.parametrize(
    ("what", "item", "code"),
    [
        ("acknowledgements", None, 105),
        (
            "postingconfirmations",
            {"overallPostingStatusCode": "success", "systemMessages": []},
            115,
        ),
        ("paymentconfirmations", {"processingStatusCode": "CP"}, 115),
    ],
)
async def test_a_document_asked_for_under_the_wrong_kind_is_said_to_be_of_another(
    world: ConcurWorld, what: str, item: dict[str, Any] | None, code: int
) -> None:
    advance = world.advance("10.00")
    member = {"postingconfirmations": "postingConfirmations"}.get(what, "processingConfirmation")
    body = {member: [{"docId": advance, **item}]} if item else {"ids": [advance]}
    async with people(world) as client:
        answer = await client.post(f"{LIST}/{what}", json={"systemId": "", **body})
        [judged] = answer.json()
    assert (judged["code"], judged["docId"]) == (code, advance)


async def test_a_failure_without_a_message_is_invalid(world: ConcurWorld) -> None:
    report = world.release("10.00")
    await world.connect(system_id="S").claim([report])
    item = {"docId": report, "overallPostingStatusCode": "error", "systemMessages": []}
    async with people(world) as client:
        body = {"systemId": "S", "postingConfirmations": [item]}
        [judged] = (await client.post(f"{LIST}/postingconfirmations", json=body)).json()
    assert judged["code"] == 198


async def test_judgements_are_kept_in_their_order_and_as_often_as_they_were_given(
    world: ConcurWorld,
) -> None:
    report = world.release("10.00")
    concur = world.connect()
    for _ in range(2):
        await concur.claim([report])
        await concur.tell([posted(report), payment(report, ReportStep.PAID, "10.00")])
    assert [(each.what, each.code) for each in world.company.judgements] == [
        ("acknowledgements", 0),
        ("postingconfirmations", 0),
        ("paymentconfirmations", 0),
        ("acknowledgements", 101),
        ("postingconfirmations", 113),
        ("paymentconfirmations", 298),
    ]


async def test_a_company_outlives_its_process_with_all_that_it_was_told(world: ConcurWorld) -> None:
    report, waiting = world.release("10.00"), world.release("20.00")
    concur = world.connect()
    await concur.claim([report])
    await concur.tell([posted(report)])
    kept = CompanyState.model_validate_json(world.company.state().model_dump_json())
    world.company = SimulatedConcur(kept, clock=lambda: world.now)
    world.spec = SpecChecked(httpx.ASGITransport(simulated_concur(world.company)))
    world.network._system = world.spec
    assert world.told(report) == [ReportStep.POSTED]
    assert list(await ready(world)) == [waiting]
    assert [each.accepted for each in await concur.tell([posted(report)])] == [True]


def test_what_was_released_before_is_not_released_again(world: ConcurWorld) -> None:
    content = world.content("R1", "10.00")
    world.company.release(content)
    with pytest.raises(ValueError, match="released before"):
        world.company.release(content)


def test_a_misspelt_member_of_the_state_is_noticed() -> None:
    for wrong in ('{"documnets": []}', '{"users": [{"login": "x"}]}'):
        with pytest.raises(ValidationError):
            CompanyState.model_validate_json(wrong)
    with pytest.raises(ValidationError):
        Quirks.model_validate({"poisen": []})


async def test_the_check_against_the_specification_can_fail(world: ConcurWorld) -> None:
    async with people(world) as client:
        body = {"systemId": "S", "postingConfirmations": [{"docId": "d"}]}
        await client.post(f"{LIST}/postingconfirmations", json=body)
        world.misbehave(nulls=True)
        await client.post(f"{LIST}/acknowledgements", json={"ids": ["d"]})
        await client.get("/financialintegration/fi/v4/nothing")
        await client.get("/elsewhere")
    assert len(world.spec.broken) == 4
    world.spec.broken.clear()


async def test_the_check_against_the_specification_saw_everything(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = world.connect()
    await ready(world)
    await concur.claim([report])
    await concur.tell([posted(report), payment(report, ReportStep.PAID, "10.00")])
    await concur.masters()
    unsigned = [each for each in world.network.requests if "/oauth2/" not in each.url.path]
    assert world.spec.checked == len(unsigned) == 6


# In a process of its own.


def options(url: str, *, read_seconds: float = 30) -> ConcurOptions:
    return ConcurOptions(
        connection="concur-emea",
        client_id=STATE.client_id,
        client_secret=SecretStr(STATE.client_secret),
        refresh_token=SecretStr(STATE.refresh_token),
        base_url=url,
        timeouts=Timeouts(read_seconds=read_seconds),
    )


@asynccontextmanager
async def served(state: CompanyState, tmp_path: Path) -> AsyncIterator[str]:
    """Serve a state file from another process; gives the address that it prints first."""
    file = tmp_path / "state.json"
    file.write_text(state.model_dump_json())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connectors.concur.simulator", "--port", "0"),
        *("--state", str(file)),
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
    answer = await client.post(f"/__sim/{name}", content=exact_json_text(body))
    assert answer.status_code == 200, answer.text
    return answer.json()["done"]


async def test_served_in_a_process_of_its_own_it_is_read_and_ordered_about(
    tmp_path: Path, world: ConcurWorld
) -> None:
    async with served(STATE, tmp_path) as url, httpx.AsyncClient(base_url=url) as orders:
        concur = connect(options(url), Unlimited())
        contents = [world.content(f"R{number}", "70.10") for number in range(4)]
        first, second, third, fourth = await order(orders, "release", documents=contents)
        [late] = await order(
            orders, "release", documents=[world.content("R9", "1.00")], delayed=True
        )
        assert await order(orders, "recall", documents=[second]) == 1
        assert await order(orders, "withdraw", documents=[third]) == 1
        assert await order(orders, "ready", documents=[late]) == 1
        assert await order(orders, "quirks", poison=["{broken}"], failures_after_write=1) == 2
        new = STATE.users[0].model_dump(mode="json") | {"login": "new@firm.example"}
        assert (await orders.post("/__sim/users", json=[new])).json() == {"done": 1}

        read = [each async for page in concur.expense_reports(None) for each in page.records]
        assert {each.source_id for each in read if each.record} == {first, fourth, late}
        assert len([each for each in read if each.trouble]) == 1
        assert all(each.claim is Claim.NOT_NOW for each in await concur.claim([first]))
        assert [each.claim for each in await concur.claim([first, second, third])] == [
            Claim.CLAIMED_BEFORE,
            Claim.RECALLED,
            Claim.REFUSED,
        ]
        assert await order(orders, "expire_tokens") == 1
        assert [each.accepted for each in await concur.tell([failed(first)])] == [True]
        again = await order(orders, "resubmit", document=first, content=contents[1])
        assert [each.claim for each in await concur.claim([again])] == [Claim.CLAIMED]
        assert {each.email for each in (await concur.masters()).employees} >= {"kim@firm.example"}

        status = (await orders.get("/__sim/status")).json()
        assert status["documents"]["RECALLED"] == status["documents"]["CANCEL"] == 1
        assert status["told"] == {"error": 1}
        state = CompanyState.model_validate_json((await orders.get("/__sim/state")).content)
        assert {each.id for each in state.documents} == {first, second, third, fourth, late, again}
        for name, body, wrong in [
            ("recall", {"document": "x"}, 422),
            ("recall", {"documents": ["nosuchdocument"]}, 404),
            ("resubmit", {"document": fourth}, 422),
            ("release", [], 422),
            ("quirks", {"poisen": []}, 422),
        ]:
            assert (await orders.post(f"/__sim/{name}", json=body)).status_code == wrong
        await concur.close()


def test_every_order_is_tried_by_these_tests() -> None:
    assert ORDERS.keys() == {
        *("release", "ready", "recall", "withdraw", "resubmit"),
        *("users", "expire_tokens", "quirks"),
    }
