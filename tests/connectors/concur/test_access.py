"""The token of a Concur company: taken once, kept while it lasts, and shown to nobody."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from connectors.base.capabilities import Claim
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.concur import ConcurOptions, connect
from connectors.conformance.expense_source import greeted, posted, records
from connectors.conformance.http_contract import Tokens
from tests.connectors.concur.spec_check import BASE_URL
from tests.connectors.concur.world import STATE, ConcurWorld


async def test_a_token_is_used_until_its_last_minute_and_no_longer(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = world.connect()
    for _ in range(3):
        await concur.claim([report])
        world.pass_time(1100)
    world.pass_time(230)
    await concur.claim([report])
    assert world.asked.count("token") == 1
    world.pass_time(20)  # 3550 of its 3600 seconds have passed.
    await concur.claim([report])
    assert world.asked.count("token") == 2


async def test_many_at_once_take_one_token(world: ConcurWorld) -> None:
    reports = [world.release("10.00") for _ in range(5)]
    concur = world.connect()
    await asyncio.gather(*(concur.claim([report]) for report in reports))
    assert world.asked.count("token") == 1


async def test_a_check_proves_the_credentials_anew(world: ConcurWorld) -> None:
    concur = world.connect()
    assert await concur.check() == (
        "a company of SAP Concur at concur.test, as system LEDGERWAY; 0 documents wait"
    )
    await concur.check()
    assert world.asked == ["token", "transactions"] * 2


async def test_after_401_a_write_is_made_once_more_with_a_new_token(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = await greeted(world)
    world.company.expire_tokens()
    answers = await concur.claim([report])
    assert [each.claim for each in answers] == [Claim.CLAIMED]
    assert world.asked == ["acknowledgements", "token", "acknowledgements"]
    world.company.expire_tokens()
    assert [each.accepted for each in await concur.tell([posted(report)])] == [True]
    assert [(each.what, each.code) for each in world.company.judgements] == [
        ("acknowledgements", 0),
        ("postingconfirmations", 0),
    ]


async def test_after_401_a_page_is_read_once_more(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = await greeted(world)
    world.company.expire_tokens()
    pages = [page async for page in concur.expense_reports(None)]
    assert [each.source_id for page in pages for each in page.records] == [report]


async def test_a_second_401_is_for_an_operator(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = await greeted(world)
    world.network.answer_next(401)
    world.network.let_pass()
    world.network.answer_next(401)
    with pytest.raises(ConnectionConfigError):
        await concur.claim([report])
    assert world.asked == ["acknowledgements", "token", "acknowledgements"]
    assert world.company.judgements == []


@pytest.mark.parametrize("wrong", ["client_id", "client_secret", "refresh_token"])
async def test_a_refused_token_is_for_an_operator_and_asked_for_once(
    world: ConcurWorld, wrong: str
) -> None:
    given = {
        "client_id": STATE.client_id,
        "client_secret": STATE.client_secret,
        "refresh_token": STATE.refresh_token,
        wrong: "something-else",
    }
    options = ConcurOptions(
        connection="concur-emea",
        base_url=BASE_URL,
        client_id=given["client_id"],
        client_secret=SecretStr(given["client_secret"]),
        refresh_token=SecretStr(given["refresh_token"]),
    )
    with pytest.raises(ConnectionConfigError):
        await connect(options, Tokens(), world.network).check()
    assert world.asked == ["token"]


async def test_a_refresh_token_that_came_new_is_used_and_named_to_nobody(
    world: ConcurWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.misbehave(rotates_refresh_token=True)
    concur = world.connect()
    with caplog.at_level(logging.DEBUG):
        await concur.check()
        new = world.company.refresh_token
        await concur.check()
    assert new != STATE.refresh_token
    last_form = world.network.requests[-2].content.decode()
    assert f"refresh_token={new}" in last_form
    assert "another refresh token" in caplog.text
    assert new not in caplog.text


async def test_a_company_that_lives_elsewhere_is_not_followed(world: ConcurWorld) -> None:
    world.misbehave(geolocation="https://eu2.api.concursolutions.com")
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().check()
    assert told.value.code == "lives_elsewhere"
    assert {request.url.host for request in world.network.requests} == {"concur.test"}


async def test_the_data_centre_may_be_named_by_its_public_address(world: ConcurWorld) -> None:
    world.misbehave(geolocation="https://www-concur.test")
    assert await world.connect().check()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"access_token": "", "expires_in": "3600"}',
        b'{"access_token": "the-token-itself", "expires_in": "soon"}',
        b'{"access_token": "the-token-itself", "expires_in": 0}',
        b'{"access_token": "the-token-itself", "expires_in": 3600, "geolocation": 5}',
        b'{"access_token": "the-token-itself", "expires_in": 3600, "geolocation": "http://[::1"}',
    ],
)
async def test_an_answer_without_a_usable_token_is_transient_and_not_quoted(
    world: ConcurWorld, body: bytes
) -> None:
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await world.connect().check()
    assert "the-token-itself" not in f"{told.value!r} {told.value.__cause__!r}"


async def test_the_budget_pays_for_tokens_too(world: ConcurWorld) -> None:
    world.release("10.00")
    budget = Tokens(1)
    with pytest.raises(TransientError):
        async for _ in world.connect(budget).expense_reports(None):
            pass
    assert world.asked == ["token"]
    assert await records(world)
