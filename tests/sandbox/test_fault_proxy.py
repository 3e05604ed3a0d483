"""The proxy is transparent, spoils exactly what it is told to, and counts what really happened."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from sandbox.child_process import ServerError, free_port
from sandbox.fault_control import FaultProxy
from sandbox.faults import Fault, FaultCount, FaultKind
from sandbox.http_messages import HEAD_BYTES_MAX, compose_answer, read_message

WRITE, READ = "model.thing.write", "model.thing.read"
JSON = {"Content-Type": "application/json"}
LONG_TEXT = "a long answer " * 200


@dataclass
class Books:
    """A small system of record: it remembers each write, and takes the same one only once."""

    done: list[str] = field(default_factory=list)
    connections: int = 0

    def answer(self, verb: str, path: str, content: bytes) -> bytes:
        """Do what a request asks for and write the answer's bytes."""
        special = {
            "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b'4\r\n{"re\r\n8;x=y\r\nsult": 1\r\n1\r\n}\r\n0\r\nTrailer: t\r\n\r\n',
            "/until-the-end": b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"result": 2}',
            "/nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
            "/mislabelled": compose_answer(
                200, "OK", {"Content-Encoding": "gzip"}, LONG_TEXT.encode()
            ),
            "/compressed": compose_answer(
                200, "OK", {"Content-Encoding": "gzip"}, gzip.compress(LONG_TEXT.encode())
            ),
        }
        if path in special:
            return special[path]
        if path == "/echo":
            return compose_answer(200, "OK", {}, content)
        call = json.loads(content)
        if call["method"] == WRITE:
            if call["params"][0] in self.done:
                error = {"id": call["id"], "error": ["ConcurrencyException", "modified"]}
                return compose_answer(200, "OK", JSON, json.dumps(error).encode())
            self.done.append(call["params"][0])
        result = {"id": call["id"], "result": len(self.done)}
        return compose_answer(200, "OK", JSON, json.dumps(result).encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        try:
            while (request := await read_message(reader)) is not None:
                writer.write(self.answer(request.verb, request.path, request.content))
                if request.path == "/until-the-end":
                    break
        finally:
            writer.close()


@pytest.fixture(scope="module")
def books_port() -> int:
    """A port for the system of record."""
    return free_port()


@pytest.fixture
async def books(books_port: int) -> AsyncIterator[Books]:
    """A system of record that listens."""
    system = Books()
    server = await asyncio.start_server(system.serve, "127.0.0.1", books_port, limit=HEAD_BYTES_MAX)
    yield system
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="module")
async def running_proxy(
    tmp_path_factory: pytest.TempPathFactory, books_port: int
) -> AsyncIterator[FaultProxy]:
    """A proxy before the port of the system of record."""
    log = tmp_path_factory.mktemp("proxy") / "log"
    async with FaultProxy(f"http://127.0.0.1:{books_port}", log) as running:
        yield running


@pytest.fixture
async def proxy(running_proxy: FaultProxy) -> FaultProxy:
    """The proxy, without a plan and with empty counters."""
    await running_proxy.clear()
    return running_proxy


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[httpx.AsyncClient]:
    """A client that knows the proxy only, and gives up early."""
    async with httpx.AsyncClient(base_url=proxy.url, timeout=5) as http:
        yield http


async def call(http: httpx.AsyncClient, method: str, key: str = "a") -> httpx.Response:
    """Make one JSON-RPC call."""
    return await http.post("/rpc/", json={"id": 1, "method": method, "params": [key]})


def fault(kind: FaultKind, **options: object) -> Fault:
    """Spoil the next write, or as many as the options say."""
    chosen = {} if "rate_per_mille" in options else {"next_requests": 1}
    return Fault.model_validate({"kind": kind, "fields": {"method": WRITE}, **chosen, **options})


async def test_without_a_plan_it_is_not_there(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    for key in ("a", "b", "c"):
        assert (await call(client, WRITE, key)).json()["result"] == len(books.done)
    assert books.connections == 1, "connections are kept alive on both sides"
    report = await proxy.report()
    assert (report.requests, report.held, report.counts) == (3, 0, {})


async def test_answers_pass_whatever_their_framing(books: Books, client: httpx.AsyncClient) -> None:
    assert (await client.get("/chunked")).json() == {"result": 1}
    assert (await client.get("/until-the-end")).json() == {"result": 2}
    assert (await client.get("/nothing")).status_code == 204
    assert (await client.get("/compressed")).text == LONG_TEXT
    # As Tryton does it for clients that do not ask for compression.
    async with client.stream("GET", "/mislabelled") as answer:
        assert b"".join([part async for part in answer.aiter_raw()]) == LONG_TEXT.encode()


async def test_requests_pass_whatever_their_framing(
    books: Books, client: httpx.AsyncClient
) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield LONG_TEXT.encode()

    assert (await client.post("/echo", content=in_chunks())).text == LONG_TEXT * 3
    large = "x" * 3_000_000
    assert (await client.post("/echo", content=large)).text == large
    expecting = await client.post("/echo", content="y", headers={"Expect": "100-continue"})
    assert expecting.text == "y"


async def test_a_lost_answer_is_to_something_that_was_done(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.LOST_ANSWER))
    with pytest.raises(httpx.TransportError):
        await call(client, WRITE)
    assert books.done == ["a"]
    assert (await call(client, WRITE, "b")).status_code == 200
    count = (await proxy.report()).of(FaultKind.LOST_ANSWER)
    assert count == FaultCount(selected=1, fired=1, committed=1)


@pytest.mark.parametrize("kind", [FaultKind.LOST_ANSWER, FaultKind.ERROR_AFTER])
async def test_a_refusal_is_not_lost_and_the_fault_waits_for_the_next_success(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy, kind: FaultKind
) -> None:
    books.done.append("a")
    await proxy.inject(fault(kind))
    assert (await call(client, WRITE, "a")).json()["error"][0] == "ConcurrencyException"
    assert (await proxy.report()).of(kind) == FaultCount(selected=1, spared=1)
    if kind is FaultKind.LOST_ANSWER:
        with pytest.raises(httpx.TransportError):
            await call(client, WRITE, "b")
    else:
        assert (await call(client, WRITE, "b")).status_code == 500
    assert books.done == ["a", "b"]
    assert (await proxy.report()).of(kind) == FaultCount(selected=2, spared=1, fired=1, committed=1)


async def test_an_error_after_the_fact_keeps_the_connection(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.ERROR_AFTER))
    assert (await call(client, WRITE)).status_code == 500
    assert books.done == ["a"]
    assert (await call(client, READ)).json()["result"] == 1
    assert books.connections == 1


async def test_a_slow_commit_lands_after_its_client_has_left(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.SLOW_COMMIT, late_milliseconds=300))
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/rpc/", json={"id": 1, "method": WRITE, "params": ["a"]}, timeout=0.2)
    assert books.done == []
    assert (await proxy.report()).held == 1
    count = (await proxy.settled()).of(FaultKind.SLOW_COMMIT)
    assert books.done == ["a"]
    assert count == FaultCount(selected=1, fired=1, committed=1)


async def test_a_slow_commit_that_a_retry_overtook_is_counted_as_refused(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.SLOW_COMMIT, late_milliseconds=500))
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/rpc/", json={"id": 1, "method": WRITE, "params": ["a"]}, timeout=0.2)
    assert (await call(client, WRITE, "a")).json()["result"] == 1
    count = (await proxy.settled()).of(FaultKind.SLOW_COMMIT)
    assert books.done == ["a"]
    assert count == FaultCount(selected=1, fired=1, refused=1)


async def test_a_slow_commit_whose_client_waits_is_spared(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.SLOW_COMMIT, hold_seconds_max=1))
    assert (await call(client, WRITE)).json()["result"] == 1
    count = (await proxy.report()).of(FaultKind.SLOW_COMMIT)
    assert count == FaultCount(selected=1, spared=1)


async def test_a_slow_commit_to_a_system_that_is_gone_has_no_answer(
    client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.SLOW_COMMIT))
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/rpc/", json={"id": 1, "method": WRITE, "params": ["a"]}, timeout=0.2)
    count = (await proxy.settled()).of(FaultKind.SLOW_COMMIT)
    assert count == FaultCount(selected=1, fired=1, unanswered=1)


async def test_throttling_says_when_to_come_back_in_both_forms(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(
        fault(FaultKind.THROTTLE, retry_after_seconds=7),
        fault(FaultKind.THROTTLE, retry_after_seconds=90, retry_after_form="date"),
    )
    in_seconds, as_date = await call(client, WRITE), await call(client, WRITE)
    assert (in_seconds.status_code, as_date.status_code) == (429, 429)
    assert in_seconds.headers["Retry-After"] == "7"
    wait = parsedate_to_datetime(as_date.headers["Retry-After"]) - datetime.now(UTC)
    assert 60 < wait.total_seconds() <= 90
    assert books.done == []
    assert (await proxy.report()).of(FaultKind.THROTTLE) == FaultCount(selected=2, fired=2)


async def test_unavailable_never_reaches_the_system(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.UNAVAILABLE))
    assert (await call(client, WRITE)).status_code == 503
    assert books.done == []
    assert (await call(client, WRITE)).status_code == 200


async def test_a_reset_before_never_reaches_the_system(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.RESET_BEFORE))
    with pytest.raises(httpx.ReadError):
        await call(client, WRITE)
    assert books.done == []
    assert (await call(client, WRITE)).status_code == 200
    assert (await proxy.report()).of(FaultKind.RESET_BEFORE) == FaultCount(selected=1, fired=1)


async def test_only_the_method_that_is_named_suffers(
    books: Books, client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    await proxy.inject(fault(FaultKind.UNAVAILABLE, rate_per_mille=1000))
    assert (await call(client, READ)).status_code == 200
    assert (await call(client, WRITE)).status_code == 503
    await proxy.clear()
    assert (await call(client, WRITE)).status_code == 200
    assert (await proxy.report()).counts == {}


async def test_a_system_that_is_gone_looks_gone(
    client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    with pytest.raises(httpx.TransportError):
        await call(client, READ)


async def test_a_plan_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    answer = await client.post("/__faults", content=b'{"faults": [{"kind": "earthquake"}]}')
    assert answer.status_code == 422


async def test_a_request_that_is_cut_off_reaches_nobody(books: Books, proxy: FaultProxy) -> None:
    url = httpx.URL(proxy.url)
    for part in (b"POST /rpc/ HT", b"POST /rpc/ HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(part)
        writer.write_eof()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
    assert books.done == []


async def test_a_start_without_a_sensible_upstream_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"http://host:port"):
        await FaultProxy("https://elsewhere", tmp_path / "log").start()
