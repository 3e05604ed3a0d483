"""Salesforce's tokens: asked for once, kept for an hour, and lost without harm."""

import asyncio

import pytest

from connectors.base.errors import ConnectionConfigError, TransientError
from tests.connectors.salesforce.world import SalesforceWorld

TOKEN = "POST /services/oauth2/token"


async def test_one_token_serves_many_calls(world: SalesforceWorld) -> None:
    salesforce = world.connect()
    await asyncio.gather(*(salesforce.masters() for _ in range(5)))
    assert world.paths().count(TOKEN) == 1
    token, first = world.network.requests[:2]
    assert b"grant_type=client_credentials" in token.content
    assert first.headers["authorization"] == "Bearer 00D5e000000simulated!1"


async def test_a_session_that_ended_is_opened_anew_at_the_next_attempt(
    world: SalesforceWorld,
) -> None:
    salesforce = world.connect()
    await salesforce.masters()
    world.org.end_sessions()
    with pytest.raises(TransientError) as told:
        await salesforce.masters()
    assert told.value.code == "token_expired"
    await salesforce.masters()
    assert world.paths().count(TOKEN) == 2


async def test_a_session_that_ended_at_a_write_wrote_nothing(world: SalesforceWorld) -> None:
    salesforce = world.connect(customer_code_field="Ledgerway_Code__c")
    await salesforce.masters()
    world.org.end_sessions()
    with pytest.raises(TransientError):
        await salesforce.write_masters([world.sample(1)], {})
    assert world.held() == []


async def test_a_wrong_secret_is_for_an_operator(world: SalesforceWorld) -> None:
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect(secret="wrong").masters()
    assert told.value.code == "http_400"
    assert world.paths() == [TOKEN]


async def test_a_link_to_another_server_is_not_followed(world: SalesforceWorld) -> None:
    for number in range(4):
        world.make(world.sample(number))
    salesforce = world.connect()
    await salesforce.masters()
    body = (
        b'{"totalSize": 9, "done": false, "records": [], '
        b'"nextRecordsUrl": "https://elsewhere.example/services/data/v61.0/query/1"}'
    )
    world.network.answer_next(200, body=body)
    before = len(world.network.requests)
    with pytest.raises(TransientError):
        await salesforce.masters()
    hosts = {each.url.host for each in world.network.requests[before:]}
    assert hosts == {"firm.salesforce.test"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"totalSize": 1, "done": true, "records": []}',
        b'{"totalSize": 0, "done": false, "records": []}',
        b'{"totalSize": 0, "done": true, "records": [], "nextRecordsUrl": "/services/x"}',
        b'{"totalSize": "0", "done": true, "records": []}',
        b'{"done": true, "records": []}',
        b'{"totalSize": 0, "done": true}',
        b"[]",
    ],
)
async def test_a_page_that_contradicts_itself_is_transient(
    world: SalesforceWorld, body: bytes
) -> None:
    salesforce = world.connect()
    await salesforce.masters()
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError):
        await salesforce.masters()


async def test_pages_in_a_circle_are_noticed(world: SalesforceWorld) -> None:
    salesforce = world.connect()
    await salesforce.masters()
    link = b"/services/data/v61.0/query/1"
    body = b'{"totalSize": 9, "done": false, "records": [], "nextRecordsUrl": "%s"}' % link
    for _ in range(2):
        world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await salesforce.masters()
    assert told.value.code == "pages_in_a_circle"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "QUERY_TIMEOUT", TransientError),
        (400, "INVALID_QUERY_LOCATOR", TransientError),
        (403, "REQUEST_LIMIT_EXCEEDED", TransientError),
        (429, "", TransientError),
        (503, "SERVER_UNAVAILABLE", TransientError),
        (400, "MALFORMED_QUERY", ConnectionConfigError),
        (400, "INVALID_TYPE", ConnectionConfigError),
        (403, "API_DISABLED_FOR_ORG", ConnectionConfigError),
        (404, "NOT_FOUND", ConnectionConfigError),
        (404, "not a code of theirs", ConnectionConfigError),
    ],
)
async def test_a_refused_read_says_who_acts_next(
    world: SalesforceWorld, status: int, code: str, error: type[Exception]
) -> None:
    salesforce = world.connect()
    await salesforce.masters()
    body = f'[{{"errorCode": "{code}", "message": "Zebedee"}}]'.encode()
    world.network.answer_next(status, body=body)
    with pytest.raises(error) as told:
        await salesforce.masters()
    assert code == "INVALID_TYPE" or "Zebedee" not in str(told.value)
