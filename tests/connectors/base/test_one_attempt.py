"""One attempt over a real socket: what is sent, what is not, and what each failure means."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt, Timeouts, verdict_by_status
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import Tokens
from tests.connectors.base.plain_server import CLOSE, HANG, answer, plain_server


@asynccontextmanager
async def client(address: str, budget: RateBudget | None = None) -> AsyncIterator[OneAttempt]:
    """A client with short time-outs, closed at the end."""
    attempt = OneAttempt(
        base_url=address,
        headers={"Authorization": "Bearer secret", "User-Agent": "test"},
        budget=budget or Tokens(),
        verdict=verdict_by_status,
        timeouts=Timeouts(connect_seconds=1, write_seconds=1, read_seconds=0.3, pool_seconds=1),
    )
    try:
        yield attempt
    finally:
        await attempt.close()


async def test_a_good_answer_comes_whole() -> None:
    async with plain_server(answer("200 OK", b'{"hours": 7.10}')) as server:
        async with client(server.address) as http:
            got = await http.read("GET", "/entries")
        assert (got.status, str(got.json()["hours"])) == (200, "7.10")
        assert server.requests[0].startswith(b"GET /entries HTTP/1.1")
        assert b"Authorization: Bearer secret" in server.requests[0]


@pytest.mark.parametrize("fault", [CLOSE, HANG, b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
async def test_no_clear_answer_is_unknown_to_a_write_and_transient_to_a_read(fault: bytes) -> None:
    async with plain_server(fault) as server, client(server.address) as http:
        with pytest.raises(OutcomeUnknownError):
            await http.write("POST", "/post", json={"amount": "1.00"})
        assert len(server.requests) == 1
        with pytest.raises(TransientError):
            await http.read("GET", "/post")
        assert len(server.requests) == 2


async def test_an_answer_cut_off_in_its_body_is_no_answer() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"
    async with plain_server(cut) as server, client(server.address) as http:
        with pytest.raises(OutcomeUnknownError):
            await http.write("POST", "/post")


async def test_an_answer_that_cannot_be_unpacked_is_no_answer() -> None:
    packed = answer("200 OK", b"this is not gzip", "Content-Encoding: gzip")
    async with plain_server(packed) as server, client(server.address) as http:
        with pytest.raises(OutcomeUnknownError):
            await http.write("POST", "/post")


async def test_what_was_never_sent_is_transient_even_to_a_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    async with client(f"http://127.0.0.1:{nobody}") as http:
        with pytest.raises(TransientError) as told:
            await http.write("POST", "/post")
    assert told.value.code == "not_reached"


async def test_a_full_pool_is_transient_because_nothing_was_sent() -> None:
    def no_room(request: httpx.Request) -> httpx.Response:
        raise httpx.PoolTimeout("no connection became free", request=request)

    http = OneAttempt(
        base_url="http://erp.test",
        headers={},
        budget=Tokens(),
        verdict=verdict_by_status,
        transport=httpx.MockTransport(no_room),
    )
    with pytest.raises(TransientError):
        await http.write("POST", "/post")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 T", "308 P"])
async def test_redirects_are_not_followed(status: str) -> None:
    async with plain_server(answer("200 OK")) as elsewhere:
        redirect = answer(status, b"", f"Location: {elsewhere.address}/")
        async with plain_server(redirect) as server, client(server.address) as http:
            with pytest.raises(ConnectionConfigError):
                await http.read("GET", "/")
            with pytest.raises(OutcomeUnknownError):
                await http.write("POST", "/")
            assert len(server.requests) == 2
        assert elsewhere.requests == []


@pytest.mark.parametrize("url", ["http://elsewhere.example/x", "https://127.0.0.1/x", "//else/x"])
async def test_credentials_go_to_no_other_server(url: str) -> None:
    budget = Tokens(1)
    async with plain_server(answer("200 OK")) as server, client(server.address, budget) as http:
        with pytest.raises(ConnectionConfigError) as told:
            await http.read("GET", url)
        assert told.value.code == "foreign_address"
        assert budget.left == 1
        assert server.requests == []


async def test_an_absolute_address_on_the_same_server_is_fine() -> None:
    async with plain_server(answer("200 OK")) as server, client(server.address) as http:
        await http.read("GET", f"{server.address}/page?cursor=a%2Bb")
        assert server.requests[0].startswith(b"GET /page?cursor=a%2Bb ")


async def test_what_is_no_address_at_all_is_for_an_operator() -> None:
    async with client("http://127.0.0.1:1") as http:
        with pytest.raises(ConnectionConfigError):
            await http.read("GET", "http://[half")


async def test_an_answer_beyond_the_cap_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.base.http.ANSWER_BYTES_MAX", 1000)
    fits, too_large = answer("200 OK", b"x" * 1000), answer("200 OK", b"x" * 1001)
    async with plain_server(fits, too_large) as server, client(server.address) as http:
        assert len((await http.read("GET", "/")).body) == 1000
        with pytest.raises(TransientError):
            await http.read("GET", "/")
        with pytest.raises(OutcomeUnknownError):
            await http.write("POST", "/")


async def test_a_small_answer_that_unpacks_beyond_the_cap_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import gzip

    monkeypatch.setattr("connectors.base.http.ANSWER_BYTES_MAX", 100_000)
    bomb = answer("200 OK", gzip.compress(b"0" * 5_000_000), "Content-Encoding: gzip")
    async with plain_server(bomb) as server, client(server.address) as http:
        with pytest.raises(TransientError):
            await http.read("GET", "/")


async def test_without_a_token_nothing_is_sent() -> None:
    async with plain_server(answer("200 OK")) as server, client(server.address, Tokens(0)) as http:
        with pytest.raises(TransientError) as told:
            await http.write("POST", "/")
        assert told.value.retry_after_seconds == Tokens.WAIT_SECONDS
        assert server.requests == []


def _later(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("status", "header", "least", "most"),
    [
        ("429 Too Many", "Retry-After: 40", 40, 40),
        ("429 Too Many", "Retry-After: {date}", 55, 60),
        ("429 Too Many", "X: no header", 1, 1),
        ("429 Too Many", "Retry-After: 0", 1, 1),
        ("429 Too Many", "Retry-After: soon", 1, 1),
        ("503 Unavailable", "Retry-After: 40", 40, 40),
    ],
)
async def test_the_connection_pauses_as_long_as_it_is_told(
    status: str, header: str, least: int, most: int
) -> None:
    budget = Tokens()
    told = answer(status, b"", header.format(date=_later(60)))
    async with plain_server(told) as server, client(server.address, budget) as http:
        with pytest.raises(ConnectorError):
            await http.read("GET", "/")
        assert least <= budget.paused[-1] <= most
        with pytest.raises(TransientError):
            await http.read("GET", "/")
        assert len(server.requests) == 1


async def test_a_failing_system_that_names_no_time_does_not_pause_the_connection() -> None:
    budget = Tokens()
    async with plain_server(answer("503 Down")) as server, client(server.address, budget) as http:
        with pytest.raises(TransientError):
            await http.read("GET", "/")
    assert budget.paused == []


READS: dict[int, type[ConnectorError]] = {
    302: ConnectionConfigError,
    400: RejectedError,
    401: ConnectionConfigError,
    403: ConnectionConfigError,
    404: RejectedError,
    408: TransientError,
    409: ConflictError,
    412: ConflictError,
    422: RejectedError,
    429: TransientError,
    500: TransientError,
    503: TransientError,
    599: TransientError,
}
WRITES = READS | dict.fromkeys((302, 408, 500, 503, 599), OutcomeUnknownError)


@pytest.mark.parametrize(("write", "table"), [(False, READS), (True, WRITES)])
def test_each_status_says_what_to_do_next(
    write: bool, table: dict[int, type[ConnectorError]]
) -> None:
    judged = {status: type(_judged(status, write)) for status in table}
    assert judged == table
    assert all(_judged(status, write) is None for status in (200, 201, 204, 299))


def test_a_vendors_own_table_comes_first() -> None:
    table = {409: RejectedError, 500: RejectedError}
    assert isinstance(_judged(409, True, overrides=table), RejectedError)
    assert isinstance(_judged(500, True, overrides=table), RejectedError)
    assert isinstance(_judged(401, True, overrides=table), ConnectionConfigError)


def test_retry_after_travels_with_the_error() -> None:
    trouble = verdict_by_status(Answer(429, httpx.Headers({"retry-after": "7"}), b""), False)
    assert isinstance(trouble, TransientError)
    assert trouble.retry_after_seconds == 7


def _judged(status: int, write: bool, **given: Any) -> ConnectorError | None:
    return verdict_by_status(Answer(status, httpx.Headers(), b""), write, **given)
