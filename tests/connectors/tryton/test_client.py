"""The session, the statuses and the envelopes of Tryton's JSON-RPC."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Timeouts
from connectors.base.rate_budget import Unlimited
from connectors.tryton import TrytonOptions, connect
from connectors.tryton.client import TrytonClient
from connectors.tryton.refusals import ServerExceptionError
from connectors.tryton.wire import StampRow

READ, WRITE = "model.timesheet.line.search_read", "model.timesheet.work.write"
Answer = Callable[[Any], httpx.Response]


class Server:
    """A Tryton that answers as it is told; logging in always works unless it is told otherwise."""

    def __init__(self, *answers: Answer | httpx.Response | None) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []
        self.sessions: list[str | None] = []
        self.password = "right"

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        call = json.loads(request.content)
        self.calls.append(call["method"])
        await asyncio.sleep(0)
        if call["method"] == "common.db.login":
            if call["params"][1]["password"] != self.password:
                return httpx.Response(401)
            return good(call, [4, f"token{self.calls.count('common.db.login')}", None])
        self.sessions.append(request.headers["authorization"])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, httpx.Response):
            return answer
        return answer(call) if answer else good(call, [])

    def client(self, **given: Any) -> TrytonClient:
        options = TrytonOptions(
            "erp", "http://tryton.example", "erp", "connector", SecretStr("right"), **given
        )
        return TrytonClient(options, Unlimited(), httpx.MockTransport(self))


def good(call: Any, result: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": call["id"], "result": result})


def failed(*error: Any) -> Answer:
    return lambda call: httpx.Response(200, json={"id": call["id"], "error": list(error)})


async def write(client: TrytonClient) -> Any:
    return await client.write(WRITE, [1], {}, context={}, not_after=time.monotonic() + 60)


async def test_one_login_serves_many_calls_side_by_side() -> None:
    server = Server()
    client = server.client()
    await asyncio.gather(*(client.read(READ) for _ in range(10)))
    assert server.calls.count("common.db.login") == 1
    assert len(set(server.sessions)) == 1


async def test_a_session_names_user_id_and_token() -> None:
    server = Server()
    await server.client().read(READ)
    # connector:4:token1
    assert server.sessions == ["Session Y29ubmVjdG9yOjQ6dG9rZW4x"]


async def test_a_read_logs_in_again_once_if_the_session_is_gone() -> None:
    server = Server(httpx.Response(401))
    assert await server.client().read(READ) == []
    assert server.calls == ["common.db.login", READ, "common.db.login", READ]


async def test_a_read_gives_up_if_a_new_session_is_no_better() -> None:
    server = Server(httpx.Response(401), httpx.Response(401))
    with pytest.raises(ConnectionConfigError):
        await server.client().read(READ)
    assert server.calls.count(READ) == 2


async def test_a_write_without_a_session_did_nothing_and_the_next_one_logs_in() -> None:
    server = Server(httpx.Response(401))
    client = server.client()
    with pytest.raises(TransientError) as told:
        await write(client)
    assert told.value.code == "session_gone"
    assert server.calls == ["common.db.login", WRITE], "a write was repeated"
    await write(client)
    assert server.calls.count("common.db.login") == 2


async def test_a_newer_session_is_not_thrown_away_with_an_old_one() -> None:
    server = Server(httpx.Response(401), httpx.Response(401))
    client = server.client()
    answers = await asyncio.gather(client.read(READ), client.read(READ))
    assert answers == [[], []]
    assert server.calls.count("common.db.login") == 2


async def test_a_wrong_password_is_not_tried_again_because_tryton_locks_the_user_out() -> None:
    server = Server()
    server.password = "changed"
    client = server.client()
    for _ in range(3):
        with pytest.raises(ConnectionConfigError) as told:
            await client.read(READ)
        assert told.value.code == "login_refused"
    assert server.calls == ["common.db.login"]


async def test_a_login_that_wants_more_than_a_password_is_for_an_operator() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        call = json.loads(request.content)
        error = ["LoginException", ["sms_code", "Code", "char"]]
        return httpx.Response(200, json={"id": call["id"], "error": error})

    options = TrytonOptions("erp", "http://tryton.example", "erp", "x", SecretStr("y"))
    client = TrytonClient(options, Unlimited(), httpx.MockTransport(answer))
    with pytest.raises(ConnectionConfigError) as told:
        await client.read(READ)
    assert told.value.code == "login_needs_more"


@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        (302, ConnectionConfigError, OutcomeUnknownError),
        (400, RejectedError, RejectedError),
        (403, ConnectionConfigError, ConnectionConfigError),
        (404, ConnectionConfigError, ConnectionConfigError),
        (408, TransientError, OutcomeUnknownError),
        (413, RejectedError, RejectedError),
        (422, RejectedError, RejectedError),
        (429, TransientError, TransientError),
        (500, TransientError, OutcomeUnknownError),
        (502, TransientError, OutcomeUnknownError),
        # Measured: said of a write that was committed, when its database connection broke.
        (503, TransientError, OutcomeUnknownError),
        (504, TransientError, OutcomeUnknownError),
    ],
)
async def test_what_a_status_means(
    status: int, reading: type[ConnectorError], writing: type[ConnectorError]
) -> None:
    with pytest.raises(ConnectorError) as told:
        await Server(httpx.Response(status)).client().read(READ)
    assert type(told.value) is reading
    with pytest.raises(ConnectorError) as told:
        await write(Server(httpx.Response(status)).client())
    assert type(told.value) is writing


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"id": 2}', b'{"id": 99, "result": null}', b"\xff\xfe"],
)
async def test_an_envelope_that_is_not_ours_is_no_answer(body: bytes) -> None:
    with pytest.raises(TransientError):
        await Server(httpx.Response(200, content=body)).client().read(READ)
    with pytest.raises(OutcomeUnknownError):
        await write(Server(httpx.Response(200, content=body)).client())


async def test_a_failure_of_code_at_the_server_is_an_error_of_its_own_after_a_write() -> None:
    with pytest.raises(ServerExceptionError):
        await write(Server(failed("'foo'", "")).client())


async def test_a_write_that_is_too_late_does_not_leave() -> None:
    server = Server()
    with pytest.raises(TransientError) as told:
        await server.client().write(WRITE, [1], {}, context={}, not_after=time.monotonic() - 1)
    assert told.value.code == "too_late"
    assert WRITE not in server.calls


async def test_pages_are_followed_by_id_and_an_error_keeps_the_place() -> None:
    def page(*ids: int) -> Answer:
        return lambda call: good(call, [{"id": number} for number in ids])

    asked: list[Any] = []

    def last(call: Any) -> httpx.Response:
        asked.append(call["params"][0])
        return good(call, [{"id": 9}])

    server = Server(page(1, 4), httpx.Response(503), last)
    pages = server.client(page_size=2).pages(StampRow, "timesheet.work", [["a", "=", 1]], list)
    assert await anext(pages) == [{"id": 1}, {"id": 4}]
    with pytest.raises(TransientError):
        await anext(pages)
    assert await anext(pages) == [{"id": 9}]
    assert asked == [[[["a", "=", 1]], ["id", ">", 4]]]
    with pytest.raises(StopAsyncIteration):
        await anext(pages)


async def test_pages_in_a_circle_are_noticed() -> None:
    server = Server(*(2 * [lambda call: good(call, [{"id": 5}])]))
    pages = server.client(page_size=1).pages(StampRow, "timesheet.work", [], list)
    await anext(pages)
    await anext(pages)
    with pytest.raises(TransientError) as told:
        await anext(pages)
    assert told.value.code == "pages_in_a_circle"


@pytest.mark.parametrize("result", [None, {"id": 1}, "text", 7])
async def test_an_answer_that_is_no_list_of_records_is_transient(result: Any) -> None:
    server = Server(lambda call: good(call, result))
    with pytest.raises(TransientError):
        await anext(server.client().pages(StampRow, "timesheet.work", [], list))


async def test_the_language_is_english_and_the_context_comes_last() -> None:
    seen: list[Any] = []

    def look(call: Any) -> httpx.Response:
        seen.append(call["params"])
        return good(call, None)

    client = Server(look, look).client()
    await client.read(READ, [], 0, context={"company": 2})
    await write(client)
    assert seen == [[[], 0, {"company": 2, "language": "en"}], [[1], {}, {"language": "en"}]]


async def test_a_database_name_stays_one_part_of_the_path() -> None:
    paths: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(404)

    options = TrytonOptions("erp", "http://tryton.example", "a/../b", "x", SecretStr("y"))
    with pytest.raises(ConnectionConfigError):
        await TrytonClient(options, Unlimited(), httpx.MockTransport(answer)).read(READ)
    assert paths == ["/a%2F..%2Fb/rpc/"]


def test_secrets_and_sizes_of_options() -> None:
    options = TrytonOptions("erp", "http://tryton.example", "erp", "x", SecretStr("hush"))
    assert "hush" not in repr(options)
    for size in (0, 1001):
        with pytest.raises(ValueError, match="page"):
            TrytonOptions("erp", "http://t.example", "erp", "x", SecretStr("y"), page_size=size)


def test_the_send_window_is_the_sum_of_the_time_outs() -> None:
    timeouts = Timeouts(connect_seconds=1, write_seconds=2, read_seconds=3.5, pool_seconds=4)
    options = TrytonOptions(
        "erp", "http://tryton.example", "erp", "x", SecretStr("y"), timeouts=timeouts
    )
    windows = {
        operation.kind.value: operation.send_window_seconds
        for operation in connect(options, Unlimited()).manifest.operations
    }
    # A document has more to read before its last write than a line of time.
    documents = dict.fromkeys(("expense", "reversal", "invoice", "journal"), 18)
    assert windows == {"time": 11, "undo": 11, **documents}
