"""Tryton 8.2 as a plain ASGI app over books in memory, quirks included; orders under `/__sim/`.

    python -m connectors.tryton.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line.
"""

import argparse
import asyncio
import contextlib
import gc
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from connectors.simulation.program import serve
from connectors.tryton.simulated_books import Books
from connectors.tryton.simulated_faults import ALTERING, Fault, Faults, altered
from connectors.tryton.simulated_lines import Line
from connectors.tryton.simulated_rpc import WRITES, Rpc, Sessions
from connectors.tryton.simulated_state import SimulatedState

_JSON: Final = (b"content-type", b"application/json")
_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_RETRY_AFTER: Final = (b"retry-after", b"1")
# Gunicorn's. A client that keeps a connection longer loses requests to it.
_KEEP_ALIVE_SECONDS: Final = 2

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Header = tuple[bytes, bytes]


class SimulatedTryton:
    """One Tryton server with one database, as an ASGI app."""

    def __init__(
        self,
        books: Books,
        *,
        database: str = "erp",
        user: str = "connector",
        password: str = "connector-pw",  # noqa: S107  Of a system that does not exist.
    ) -> None:
        self.books: Final = books
        self.faults: Final = Faults()
        self.sessions: Final = Sessions(user, password)
        self.rpc: Final = Rpc(books)
        self.calls: Final[Counter[str]] = Counter()
        self.version = "8.2"
        # What each call takes at the server before it does anything.
        self.latency_seconds = 0.0
        self._release = asyncio.Event()
        self._paths: Final = {f"/{database}/rpc/": self._database, "/rpc/": self._server}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        path = scope["path"]
        if path.startswith("/__sim/"):
            await self._order(path.removeprefix("/__sim/"), body, send)
        elif path in self._paths:
            await self._paths[path](scope, body, send)
        else:
            await _page(send, 404)

    async def _server(self, _: Scope, body: bytes, send: Send) -> None:
        call = json.loads(body)
        if call["method"] == "common.server.version":
            await _answer(send, call["id"], "result", json.dumps(self.version))
        else:
            await _page(send, 500)

    async def _database(self, scope: Scope, body: bytes, send: Send) -> None:
        try:
            call = json.loads(body)
            number, method, params = call["id"], call["method"], call["params"]
        except (ValueError, LookupError, TypeError):
            await _page(send, 400)
            return
        self.calls[method] += 1
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if method == "common.db.login":
            await self._login(number, params, send)
        elif not self.sessions.knows(_authorization(scope)):
            await _page(send, 401)
        elif not self.rpc.exposes(method):
            await _page(send, 403)
        elif not params or not isinstance(params[-1], dict):
            await _page(send, 422)
        else:
            fault = self.faults.draw() if method in WRITES else None
            await self._call(number, method, params, fault, send)

    async def _login(self, number: int, params: list[Any], send: Send) -> None:
        session = self.sessions.login(params)
        if session is None:
            await _page(send, 401)
        else:
            await _answer(send, number, "result", session)

    async def _call(
        self, number: int, method: str, params: list[Any], fault: Fault | None, send: Send
    ) -> None:
        status = _REFUSING.get(fault) if fault else None
        if status is not None:
            if fault is Fault.SESSION_GONE:
                self.sessions.end_all()
            await _page(send, status)
            return
        if fault is Fault.SLOW_COMMIT:
            await self._held_up()
        self.books.alter = _altering(fault)
        member, text = self.rpc.answer(method, params[:-1], params[-1])
        self.books.alter = None
        await self._answer_or_not(number, member, text, fault, send)

    async def _answer_or_not(
        self, number: int, member: str, text: str, fault: Fault | None, send: Send
    ) -> None:
        if fault is Fault.LOST_ANSWER:
            await _cut(send)
        elif fault is Fault.BUSY_AFTER_COMMIT:
            await _page(send, 503)
        elif fault is Fault.ERROR_AFTER:
            await _page(send, 500)
        elif fault is Fault.UNREADABLE:
            await _respond(send, 200, b'{"id":', _JSON)
        else:
            if fault is Fault.HANG:
                await self._held_up()
            await _answer(send, number, member, text)

    async def _held_up(self) -> None:
        """Wait as long as faults last, or until a test lets go."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.faults.seconds):
                await self._release.wait()

    async def _order(self, name: str, body: bytes, send: Send) -> None:
        """Do what a test or a demo orders; nothing of this exists in a real Tryton."""
        given = json.loads(body) if body else {}
        if name == "faults":
            self.faults.plan(Fault(each) for each in given.get("planned", ()))
            if "rates" in given:
                rates = {Fault(fault): rate for fault, rate in given["rates"].items()}
                self.faults.chance(rates, given.get("seed"))
            self.faults.seconds = given.get("seconds", self.faults.seconds)
            self.latency_seconds = given.get("latency_seconds", self.latency_seconds)
        elif name == "release":
            self._release.set()
            self._release = asyncio.Event()
        elif name == "lines":
            lines = list(self.books.store.lines.values())
            await _respond(send, 200, json.dumps(lines, default=str).encode(), _JSON)
            return
        elif name != "stats":
            await _page(send, 404)
            return
        await _respond(send, 200, json.dumps(self._stats()).encode(), _JSON)

    def _stats(self) -> Mapping[str, Any]:
        return {
            "lines": len(self.books.store.lines),
            "calls": dict(self.calls),
            "answers": dict(self.rpc.answers),
            "fired": dict(self.faults.fired),
        }


_REFUSING: Final[Mapping[Fault, int]] = {
    Fault.BUSY: 503,
    Fault.ERROR_BEFORE: 500,
    Fault.THROTTLED: 429,
    Fault.SESSION_GONE: 401,
}


def _altering(fault: Fault | None) -> Callable[[Line], None] | None:
    if fault not in ALTERING or fault is None:
        return None
    return lambda line: altered(fault, line)


def _authorization(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            return text
    return ""


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _answer(send: Send, number: int, member: str, text: str) -> None:
    await _respond(send, 200, f'{{"id":{number},"{member}":{text}}}'.encode(), _JSON)


async def _page(send: Send, status: int) -> None:
    """Answer as werkzeug does where no JSON-RPC answer comes about: with a page for people."""
    page = f"<!doctype html>\n<html lang=en>\n<title>{status}</title>\n".encode()
    await _respond(send, status, page, _HTML, *([_RETRY_AFTER] if status == 429 else []))


async def _respond(send: Send, status: int, body: bytes, *headers: _Header) -> None:
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [*headers, length]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _cut(send: Send) -> None:
    """Begin an answer and end it early: the server then drops the connection."""
    headers = [_JSON, (b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"id":', "more_body": True})


def main() -> None:
    """Serve one database until the process is ended."""
    parser = argparse.ArgumentParser(description="A simulated Tryton.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--database", default="erp")
    parser.add_argument("--user", default="connector")
    parser.add_argument("--password", default="connector-pw")
    parser.add_argument("--state", type=Path, help="master data as JSON; default: a small firm")
    given = parser.parse_args()
    state = (
        SimulatedState.model_validate_json(given.state.read_bytes())
        if given.state
        else SimulatedState.small()
    )
    app = SimulatedTryton(
        Books(state), database=given.database, user=given.user, password=given.password
    )
    # Lines stay for ever: looking through them for garbage again and again only costs time.
    gc.set_threshold(50_000, 20, 1_000)
    serve(app, given.port, log_level="critical", timeout_keep_alive=_KEEP_ALIVE_SECONDS)


if __name__ == "__main__":
    main()
