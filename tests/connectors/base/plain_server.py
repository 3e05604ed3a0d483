"""A server on a real socket that answers exactly what a test tells it to, and counts requests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

CLOSE, HANG, RESET = b"close", b"hang", b"reset"


class PlainServer:
    """Answers request after request with the next of its answers, the last one for ever."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.requests: list[bytes] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _length(head)
                self.requests.append(head + await reader.readexactly(length))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer == HANG:
                    await reader.read()  # Until the other side gives up.
                    break
                if answer in {CLOSE, RESET}:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def answer(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    """Write an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def plain_server(*answers: bytes) -> AsyncIterator[PlainServer]:
    """Serve on a free port for as long as the block lasts."""
    told = PlainServer(answers)
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    told.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield told
    finally:
        server.close()
        await server.wait_closed()
