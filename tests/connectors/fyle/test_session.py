"""Fyle's tokens and clusters: renewed in time, looked up anew, and given to nobody else."""

import asyncio

import pytest
from pydantic import SecretStr

from connectors.base.capabilities import ReportStep
from connectors.base.errors import ConnectionConfigError, OutcomeUnknownError, TransientError
from connectors.conformance.expense_source import greeted, payment, posted
from tests.connectors.fyle.spec_check import ACCOUNTS_URL
from tests.connectors.fyle.world import STATE, FyleWorld

OPENING = ["POST /api/oauth/token", "POST /oauth/cluster"]


async def test_the_token_comes_first_then_the_cluster_then_the_data(world: FyleWorld) -> None:
    await world.connect().check()
    assert world.paths() == [*OPENING, "GET /employees"]
    token, cluster, data = world.network.requests
    assert str(token.url) == f"{ACCOUNTS_URL}/api/oauth/token"
    assert b"grant_type=refresh_token" in token.content
    assert cluster.headers["authorization"] == "Bearer simulated-token-1"
    assert str(data.url).startswith(f"{STATE.cluster_domain}/platform/v1/admin/employees?")
    assert data.headers["authorization"] == "Bearer simulated-token-1"


async def test_one_token_does_for_an_hour_less_five_minutes(world: FyleWorld) -> None:
    fyle = await greeted(world)
    world.pass_time(3600 - 300 - 1)
    await fyle.check()
    assert world.paths() == ["GET /employees"]
    world.pass_time(1)
    await fyle.check()
    assert world.paths() == ["GET /employees", *OPENING, "GET /employees"]


async def test_a_token_that_expires_early_is_renewed_at_the_next_attempt(
    world: FyleWorld,
) -> None:
    fyle = await greeted(world)
    world.misbehave(token_seconds=0)
    with pytest.raises(TransientError) as told:
        await fyle.check()
    assert told.value.code == "token_expired"
    world.misbehave(token_seconds=3600)
    assert await fyle.check()


async def test_a_new_token_that_is_refused_is_for_an_operator(world: FyleWorld) -> None:
    fyle = world.connect()
    world.network.let_pass(2)
    world.network.answer_next(401, body=b'{"message": "invalid token"}')
    with pytest.raises(ConnectionConfigError):
        await fyle.check()


async def test_a_token_that_expires_in_the_middle_of_telling_tells_nothing_twice(
    world: FyleWorld,
) -> None:
    reports = [world.release("10.00") for _ in range(2)]
    fyle = await greeted(world)
    news = [payment(report, ReportStep.PAID, "10.00") for report in reports]
    world.network.let_pass(1)
    world.network.answer_next(401)
    assert await fyle.tell(news) == ()
    assert [each.accepted for each in await fyle.tell(news)] == [True, True]
    assert [list(world.told(report)) for report in reports] == [[ReportStep.PAID]] * 2


async def test_whoever_moves_to_another_cluster_is_followed(world: FyleWorld) -> None:
    fyle = await greeted(world)
    moved = STATE.model_copy(update={"cluster_domain": "http://in1.fyle.test"})
    world.fyle._opened_with = moved  # type: ignore[misc]
    world.spec.tolerant = True
    world.pass_time(3600)
    await fyle.check()
    assert world.network.requests[-1].url.host == "in1.fyle.test"
    world.spec.broken.clear()  # The description names the other cluster.


@pytest.mark.parametrize(
    "domain",
    ["http://evil.test", "http://us1.fyle.test.evil.test", "http://us1.fyle.test@evil.test", ""],
)
async def test_a_token_goes_to_no_cluster_that_is_not_allowed(
    world: FyleWorld, domain: str
) -> None:
    world.network.let_pass(1)
    world.network.answer_next(200, body=b'{"cluster_domain": "%s"}' % domain.encode())
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().check()
    assert told.value.code == "foreign_cluster"
    assert len(world.network.requests) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b'{"access_token": 5}', b'{"access_token": ""}'])
async def test_an_unreadable_token_is_transient_and_never_shown(
    world: FyleWorld, body: bytes
) -> None:
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await world.connect().check()
    assert told.value.code == "token_unreadable"
    assert told.value.__cause__ is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "somebody"},
        {"client_secret": SecretStr("wrong")},
        {"refresh_token": SecretStr("wrong")},
    ],
)
async def test_wrong_credentials_are_for_an_operator(
    world: FyleWorld, wrong: dict[str, object]
) -> None:
    with pytest.raises(ConnectionConfigError):
        await world.connect(**wrong).check()  # type: ignore[arg-type]


async def test_a_token_that_was_got_before_trouble_is_kept(world: FyleWorld) -> None:
    fyle = world.connect()
    world.network.let_pass(1)
    world.network.lose_next_answer()
    with pytest.raises(TransientError):
        await fyle.check()
    await fyle.check()
    assert world.paths() == [OPENING[0], OPENING[1], OPENING[1], "GET /employees"]


async def test_many_at_once_share_one_token(world: FyleWorld) -> None:
    fyle = world.connect()
    await asyncio.gather(*(fyle.check() for _ in range(5)))
    assert world.paths().count(OPENING[0]) == 1


async def test_no_secret_is_in_any_text(world: FyleWorld) -> None:
    report = world.release("10.00")
    fyle = world.connect()
    said = [repr(fyle), await fyle.check(), repr(world.fyle.facts.org_id)]
    for status in (400, 401, 403, 404, 409, 429, 500):
        for reads in range(2):
            world.network.let_pass(reads)
            world.network.answer_next(status, body=f'{{"message": "{world.secret}"}}'.encode())
            try:
                said += [str(each) for each in await world.connect().tell([posted(report)])]
            except (ConnectionConfigError, TransientError, OutcomeUnknownError) as error:
                said.append(f"{error!r} {error} {error.__cause__!r} {error.code}")
            while world.network._planned:
                world.network._planned.popleft()
    told = " ".join(said)
    assert not {world.secret, STATE.client_secret, "simulated-token-1"} & set(told.split())
    assert all(secret not in told for secret in (world.secret, STATE.client_secret))
    assert "simulated-token" not in told
