"""A reverse proxy that does to chosen requests what networks and servers do: `--upstream URL`.

It runs in a process of its own and prints its port as JSON. Everything else passes through byte by
byte. `/__faults` is the proxy's own: POST a plan, GET the report, DELETE both.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

from pydantic import ValidationError

from sandbox.child_process import LOCALHOST
from sandbox.faults import (
    Fault,
    FaultCount,
    FaultKind,
    FaultPlan,
    FaultReport,
    Misfortune,
    RequestFacts,
)
from sandbox.http_messages import (
    HEAD_BYTES_MAX,
    Message,
    MessageError,
    compose_answer,
    read_message,
    was_carried_out,
)

CONTROL_PATH = "/__faults"
JSON = {"Content-Type": "application/json"}
CONTINUE = 100
# Servers close idle connections after 5 s and more; a request must not meet that moment.
IDLE_SECONDS_MAX = 2
# An abortive close: the peer sees a reset, not an end.
NO_LINGER = struct.pack("ii", 1, 0)


class _CutError(Exception):
    """This client's connection ends by a reset; nothing more is read or written on it."""


class _EndError(Exception):
    """This client's connection ends properly, since the system ended its own."""


@dataclass
class _Peer:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End it so that the other side notices at once."""
        connection = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.writer.transport.abort()


class FaultProxyServer:
    """The proxy: one upstream connection for each client connection, and never a second attempt."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError("an upstream is given as http://host:port")
        self._upstream = (parts.hostname, parts.port or 80)
        self._misfortune = Misfortune(FaultPlan())
        self._report = FaultReport()
        self._late: set[asyncio.Task[None]] = set()

    async def serve(self, port: int) -> asyncio.Server:
        """Listen on the loopback interface; port 0 takes a free one."""
        return await asyncio.start_server(self._serve_client, LOCALHOST, port, limit=HEAD_BYTES_MAX)

    async def _serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        client, upstream = _Peer(reader, writer), _Upstream(self._upstream)
        try:
            while (request := await read_message(reader)) is not None:
                if request.path.split("?")[0] == CONTROL_PATH:
                    await client.send(self._control(request))
                else:
                    await self._relay(client, upstream, request)
                if not request.keeps_alive:
                    break
        except _EndError:
            pass
        except (_CutError, MessageError, OSError):
            client.reset()
        finally:
            upstream.close()
            writer.close()

    async def _relay(self, client: _Peer, upstream: "_Upstream", request: Message) -> None:
        self._report.requests += 1
        fault = None
        if self._misfortune.faults:
            facts = RequestFacts.of(request.verb, request.path, request.content)
            fault = self._misfortune.strike(facts)
        if fault is None:
            await _pass_on(client, await upstream.ask(request))
            return
        count = self._count(fault)
        count.selected += 1
        match fault.kind:
            case FaultKind.THROTTLE:
                count.fired += 1
                await client.send(_throttled(fault, datetime.now(UTC)))
            case FaultKind.UNAVAILABLE:
                count.fired += 1
                await client.send(compose_answer(503, "Service Unavailable", {}, b""))
            case FaultKind.RESET_BEFORE:
                count.fired += 1
                raise _CutError
            case FaultKind.LOST_ANSWER | FaultKind.ERROR_AFTER:
                await self._fail_after(client, upstream, request, fault)
            case FaultKind.SLOW_COMMIT:
                await self._hold(client, upstream, request, fault)

    async def _fail_after(
        self, client: _Peer, upstream: "_Upstream", request: Message, fault: Fault
    ) -> None:
        """Spoil the answer to what was carried out; a refusal passes, since it left nothing."""
        answer = await upstream.ask(request)
        count = self._count(fault)
        if not was_carried_out(answer):
            count.spared += 1
            self._misfortune.spare(fault)
            await _pass_on(client, answer)
            return
        count.fired += 1
        count.committed += 1
        if fault.kind is FaultKind.LOST_ANSWER:
            raise _CutError
        await client.send(compose_answer(500, "Internal Server Error", {}, b""))

    async def _hold(
        self, client: _Peer, upstream: "_Upstream", request: Message, fault: Fault
    ) -> None:
        """Keep a request until its client has given up, then let it reach the system after all."""
        self._report.held += 1
        try:
            async with asyncio.timeout(fault.hold_seconds_max):
                with contextlib.suppress(ConnectionError):
                    await client.reader.read(1)
        except TimeoutError:
            self._report.held -= 1
            self._count(fault).spared += 1
            self._misfortune.spare(fault)
            await _pass_on(client, await upstream.ask(request))
            return
        self._count(fault).fired += 1
        # It goes on without its client; the set keeps the task from being collected.
        task = asyncio.create_task(self._deliver_late(request, fault))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        raise _CutError

    async def _deliver_late(self, request: Message, fault: Fault) -> None:
        upstream = _Upstream(self._upstream)
        count = self._count(fault)
        try:
            await asyncio.sleep(fault.late_milliseconds / 1000)
            if was_carried_out(await upstream.ask(request)):
                count.committed += 1
            else:
                count.refused += 1
        except (MessageError, OSError):
            count.unanswered += 1
        finally:
            self._report.held -= 1
            upstream.close()

    def _control(self, request: Message) -> bytes:
        if request.verb == "POST":
            try:
                plan = FaultPlan.model_validate_json(request.content)
            except ValidationError as error:
                return compose_answer(422, "Unprocessable Content", JSON, error.json().encode())
            self._misfortune = Misfortune(plan)
        elif request.verb == "DELETE":
            self._misfortune = Misfortune(FaultPlan())
            self._report = FaultReport(held=self._report.held)
        return compose_answer(200, "OK", JSON, self._report.model_dump_json().encode())

    def _count(self, fault: Fault) -> FaultCount:
        return self._report.counts.setdefault(fault.kind, FaultCount())


class _Upstream:
    """The connection to the system behind; opened when needed, and again after it was closed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._peer: _Peer | None = None
        self._used_at = 0.0

    async def ask(self, request: Message) -> Message:
        """Send a request once and return the answer; MessageError if none came."""
        peer = await self._connected()
        await peer.send(request.head + request.body)
        answer = await read_message(peer.reader, asked=request.verb)
        while answer is not None and answer.status == CONTINUE:
            answer = await read_message(peer.reader, asked=request.verb)
        self._used_at = asyncio.get_running_loop().time()
        if answer is None:
            raise MessageError("the system closed the connection instead of answering")
        if not answer.keeps_alive:
            self.close()
        return answer

    async def _connected(self) -> _Peer:
        """Return the open connection, or a new one if the system may be about to close it."""
        idle_seconds = asyncio.get_running_loop().time() - self._used_at
        if self._peer and (self._peer.reader.at_eof() or idle_seconds > IDLE_SECONDS_MAX):
            self.close()
        if self._peer is None:
            host, port = self._address
            self._peer = _Peer(*await asyncio.open_connection(host, port, limit=HEAD_BYTES_MAX))
        return self._peer

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._peer is not None:
            self._peer.writer.close()
            self._peer = None


async def _pass_on(client: _Peer, answer: Message) -> None:
    await client.send(answer.head + answer.body)
    if not answer.keeps_alive:
        raise _EndError


def _throttled(fault: Fault, now: datetime) -> bytes:
    wait = str(fault.retry_after_seconds)
    if fault.retry_after_form == "date":
        wait = format_datetime(now + timedelta(seconds=fault.retry_after_seconds), usegmt=True)
    return compose_answer(429, "Too Many Requests", {"Retry-After": wait}, b"")


async def _serve(upstream: str, port: int) -> None:
    server = await FaultProxyServer(upstream).serve(port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Run until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.fault_proxy", description=__doc__)
    parser.add_argument("--upstream", required=True, help="the system behind, as http://host:port")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.upstream, arguments.port))


if __name__ == "__main__":
    main()
