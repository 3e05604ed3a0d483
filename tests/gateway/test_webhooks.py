"""Webhooks: what each is answered, and what else comes of it."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import REGISTRY

from canonical.messages import MasterSyncRef
from gateway.bodies import BODY_BYTES_MAX
from tests.gateway.corner import PEOPLE, Corner


def counted(answer: str, connection: str = PEOPLE) -> float:
    """How many webhooks were answered so, up to now."""
    labels = {"connection": connection, "answer": answer}
    return REGISTRY.get_sample_value("ledgerway_webhooks_total", labels) or 0.0


async def test_a_genuine_webhook_is_passed_on_and_then_accepted(corner: Corner) -> None:
    before = counted("told")
    answer = await corner.post()
    assert (answer.status_code, answer.json()) == (202, {"told": True})
    assert corner.listener.heard == [MasterSyncRef(connections=(PEOPLE,))]
    assert counted("told") == before + 1


async def test_a_connection_that_is_not_there_is_not_found_and_its_body_is_not_read(
    corner: Corner,
) -> None:
    before = counted("unknown", "")
    body = Dripping(chunks=3)
    answer = await corner.post(at="nobody", content=body)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "unknown",
        "message": "no connection of this name takes webhooks",
    }
    assert body.taken == 0
    # No label is made of what strangers type.
    assert counted("unknown", "") == before + 1
    assert counted("unknown", "nobody") == 0
    assert corner.listener.asked == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_webhooks_are_posted(corner: Corner, method: str) -> None:
    assert (await corner.http.request(method, f"/webhooks/{PEOPLE}")).status_code == 405


async def test_what_is_not_genuine_is_refused_counted_and_nothing_else(corner: Corner) -> None:
    headers, body = corner.signed()
    before = counted("not_genuine")
    for spoiled in (
        {"headers": {**headers, "x-bamboohr-signature": "0" * 64}},
        {"headers": {}},
        {"content": body + b" "},
        {"content": b""},
    ):
        answer = await corner.post(**{"headers": headers, "content": body, **spoiled})
        assert answer.status_code == 401
        assert answer.json()["error"] == "not_genuine"
    assert counted("not_genuine") == before + 4
    assert corner.listener.asked == 0


async def test_what_was_genuine_once_is_not_for_ever(corner: Corner) -> None:
    headers, body = corner.signed()
    corner.world.pass_time(3600)
    assert (await corner.post(headers=headers, content=body)).status_code == 401
    assert corner.listener.asked == 0


async def test_header_names_may_be_written_in_any_case(corner: Corner) -> None:
    headers, body = corner.signed()
    shouted = {name.upper(): value for name, value in headers.items()}
    assert (await corner.post(headers=shouted, content=body)).status_code == 202


class Dripping(httpx.AsyncByteStream):
    """A body of chunks that says how many were taken of it."""

    def __init__(self, chunks: int, size: int = 100_000) -> None:
        self.chunks = chunks
        self.size = size
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.chunks):
            self.taken += 1
            yield b"x" * self.size


async def test_a_body_that_is_announced_as_too_large_is_not_read_at_all(corner: Corner) -> None:
    before = counted("too_large")
    body = Dripping(chunks=1)
    announced = {"content-length": str(BODY_BYTES_MAX + 1)}
    answer = await corner.post(headers=announced, content=body)
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert body.taken == 0
    assert counted("too_large") == before + 1


async def test_of_a_body_that_is_too_large_without_saying_so_no_more_is_read(
    corner: Corner,
) -> None:
    body = Dripping(chunks=1_000)
    answer = await corner.post(headers={}, content=body)
    assert answer.status_code == 413
    assert body.taken <= BODY_BYTES_MAX // body.size + 2
    assert corner.listener.asked == 0


async def test_a_body_of_just_the_limit_is_read(corner: Corner) -> None:
    body = Dripping(chunks=BODY_BYTES_MAX // 100_000)
    # Read to its end, and only then found not to be signed.
    assert (await corner.post(headers={}, content=body)).status_code == 401


async def test_a_body_that_never_ends_is_not_waited_for() -> None:
    corner = Corner(body_seconds_max=0.01)

    class Stuck(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"{"
            await corner.listener.answers.wait()

    corner.listener.answers.clear()
    answer = await corner.post(headers={}, content=Stuck())
    assert (answer.status_code, answer.json()["error"]) == (408, "too_slow")


async def test_without_temporal_the_vendor_is_told_to_send_it_again(corner: Corner) -> None:
    before = counted("not_told")
    corner.listener.away = True
    answer = await corner.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["error"] == "not_told"
    assert counted("not_told") == before + 1
    corner.listener.away = False
    assert (await corner.post()).status_code == 202


async def test_a_temporal_that_does_not_answer_is_not_waited_for_longer_than_a_vendor_waits() -> (
    None
):
    corner = Corner(tell_seconds_max=0.01)
    corner.listener.answers.clear()
    assert (await corner.post()).status_code == 503


async def test_nothing_of_a_webhook_is_logged_or_answered(
    corner: Corner, caplog: pytest.LogCaptureFixture
) -> None:
    private = b'{"ssn": "078-05-1120"}'
    headers, _ = corner.signed()
    with caplog.at_level(logging.DEBUG):
        answers = [
            await corner.post(),
            await corner.post(headers=headers, content=private),
            await corner.post(headers={}, content=private * 100_000),
            await corner.post(at="078-05-1120"),
        ]
    ours = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    said = " ".join([*(one.getMessage() for one in ours), *(one.text for one in answers)])
    assert "078" not in said
    assert headers["x-bamboohr-signature"] not in said


async def test_load_balancers_are_told_that_it_is_well(corner: Corner) -> None:
    corner.listener.away = True
    assert (await corner.http.get("/healthz")).status_code == 200
