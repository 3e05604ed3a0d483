"""A held token: asked for once, renewed in time, and given up when it is refused."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from connectors.base.errors import ConnectionConfigError, RejectedError, TransientError
from connectors.base.held_token import (
    TokenHolder,
    TokenRefusedError,
    login_verdict,
    refusing_tokens,
)
from connectors.base.http import Answer, verdict_by_status


class Desk:
    """Hands out numbered tokens; its clock is the test's."""

    def __init__(self, body: str = '{"access_token": "token-%d", "expires_in": 100}') -> None:
        self.now = 0.0
        self.asked = 0
        self.body = body
        self.good = True
        self.sent: list[str] = []

    def holder(self, *, margin: int = 10, lives: int | None = None) -> TokenHolder:
        return TokenHolder(self.ask, lambda: self.now, margin_seconds=margin, lives_seconds=lives)

    async def ask(self) -> Answer:
        self.asked += 1
        await asyncio.sleep(0)
        body = self.body % self.asked if "%d" in self.body else self.body
        return Answer(200, httpx.Headers(), body.encode())

    async def send(self, who: Mapping[str, str]) -> Answer:
        self.sent.append(who["Authorization"])
        if not self.good:
            raise TokenRefusedError("http_401")
        return Answer(200, httpx.Headers(), b"")


async def test_it_is_asked_for_once_however_many_ask_at_once() -> None:
    desk = Desk()
    holder = desk.holder()
    held = await asyncio.gather(*(holder.token() for _ in range(5)))
    assert desk.asked == 1
    assert {each.text for each in held} == {"token-1"}
    assert "token-1" not in repr(held)


async def test_it_is_renewed_so_long_before_its_end_that_no_request_outlives_it() -> None:
    desk = Desk()
    holder = desk.holder()
    for now, text in ((0, "token-1"), (89, "token-1"), (90, "token-2"), (179, "token-2")):
        desk.now = now
        assert (await holder.token()).text == text


async def test_one_that_lives_shorter_than_the_margin_is_kept_for_half_its_life() -> None:
    desk = Desk('{"access_token": "token-%d", "expires_in": 8}')
    holder = desk.holder()
    for now, text in ((0, "token-1"), (3, "token-1"), (4, "token-2")):
        desk.now = now
        assert (await holder.token()).text == text


async def test_one_without_an_end_is_kept_for_as_long_as_its_system_is_known_to_keep_it() -> None:
    desk = Desk('{"access_token": "token-%d"}')
    with pytest.raises(TransientError):
        await desk.holder().token()
    holder = desk.holder(lives=50)
    await holder.token()
    desk.now = 39
    assert (await holder.token()).text == "token-2"
    desk.now = 40
    assert (await holder.token()).text == "token-3"


async def test_a_token_that_was_good_and_is_refused_has_expired() -> None:
    desk = Desk()
    holder = desk.holder()
    await holder.send(await holder.token(), desk.send)
    desk.good = False
    with pytest.raises(TransientError) as told:
        await holder.send(await holder.token(), desk.send)
    assert told.value.code == "token_expired"
    assert (await holder.token()).text == "token-2"
    assert desk.sent == ["Bearer token-1"] * 2


async def test_a_token_that_was_never_good_is_for_an_operator() -> None:
    desk = Desk()
    desk.good = False
    holder = desk.holder()
    with pytest.raises(ConnectionConfigError):
        await holder.send(await holder.token(), desk.send)


async def test_a_late_refusal_of_an_old_token_costs_no_new_one() -> None:
    desk = Desk()
    holder = desk.holder()
    old = await holder.token()
    desk.now = 100
    new = await holder.token()
    desk.good = False
    with pytest.raises(ConnectionConfigError):
        await holder.send(old, desk.send)
    assert await holder.token() is new


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"access_token": ""}',
        '{"access_token": "s3cret", "expires_in": 0}',
        '{"access_token": "s3cret", "expires_in": 99999999}',
        '{"access_token": ["s3cret"], "expires_in": 9}',
    ],
)
async def test_an_unreadable_token_is_transient_and_never_shown(body: str) -> None:
    with pytest.raises(TransientError) as told:
        await Desk(body).holder(lives=9).token()
    assert told.value.code == "token_unreadable"
    assert told.value.__cause__ is None
    assert "s3cret" not in repr(told.value)


def test_only_a_401_is_about_the_token() -> None:
    verdict = refusing_tokens(verdict_by_status)
    said = {
        status: type(verdict(Answer(status, httpx.Headers(), b""), True))
        for status in (200, 401, 403, 422)
    }
    assert said == {
        200: type(None),
        401: TokenRefusedError,
        403: ConnectionConfigError,
        422: RejectedError,
    }


def test_whoever_gets_no_token_has_the_wrong_credentials() -> None:
    for status in (400, 401, 403, 404, 409):
        assert isinstance(
            login_verdict(Answer(status, httpx.Headers(), b""), False), ConnectionConfigError
        )
    assert isinstance(login_verdict(Answer(503, httpx.Headers(), b""), False), TransientError)
