"""HTTP/1.1 messages as the bytes that they are, for a proxy that changes none of them."""

import asyncio
import gzip
import json
import zlib
from dataclasses import dataclass

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 64 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
CHUNK_END = b"\r\n"
BODILESS = frozenset({100, 204, 304})
SUCCESSFUL = range(200, 300)


class MessageError(Exception):
    """The peer sent something that is not an HTTP/1.1 message, or a part of one."""


@dataclass(frozen=True)
class Message:
    """A request or an answer: its head and its body as they travelled.

    `content` is the body without its chunks. It is not `delimited` if the connection ended it.
    """

    head: bytes
    body: bytes
    content: bytes
    delimited: bool = True

    @property
    def first_line(self) -> list[str]:
        """The three words of the first line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.first_line[1])

    @property
    def verb(self) -> str:
        """The verb of a request."""
        return self.first_line[0]

    @property
    def path(self) -> str:
        """The path of a request, with its query."""
        return self.first_line[1]

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection goes on after this message."""
        if not self.delimited:
            return False
        connection = _headers(self.head).get("connection", "").lower()
        if self.first_line[0] == "HTTP/1.0" or self.first_line[-1] == "HTTP/1.0":
            return "keep-alive" in connection
        return "close" not in connection


async def read_message(reader: asyncio.StreamReader, *, asked: str | None = None) -> Message | None:
    """Read one message; None if the peer closed before its first byte.

    `asked` is the verb of the request when an answer is read: an answer to HEAD has no body.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise MessageError("closed in the middle of a head") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise MessageError("a head that never ends") from error
    try:
        return await _with_body(reader, head, asked)
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise MessageError("closed in the middle of a body, or no body at all") from error


async def _with_body(reader: asyncio.StreamReader, head: bytes, asked: str | None) -> Message:
    headers = _headers(head)
    is_answer = asked is not None
    if is_answer and (asked == "HEAD" or int(head.split(b" ", 2)[1][:3]) in BODILESS):
        return Message(head, b"", b"")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return Message(head, *await _read_chunks(reader))
    if "content-length" in headers:
        length = int(headers["content-length"])
        if not 0 <= length <= BODY_BYTES_MAX:
            raise MessageError(f"a body of {length} bytes")
        body = await reader.readexactly(length)
        return Message(head, body, body)
    if is_answer:
        # The answer of a server that then closes: its end is the connection's.
        body = await reader.read(-1)
        return Message(head, body, body, delimited=False)
    return Message(head, b"", b"")


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    raw, content = bytearray(), bytearray()
    while True:
        size_line = await reader.readuntil(CHUNK_END)
        size = int(size_line.split(b";", 1)[0], 16)
        if not 0 <= size <= BODY_BYTES_MAX - len(content):
            raise MessageError(f"a chunk of {size} bytes")
        raw += size_line
        if size == 0:
            break
        chunk = await reader.readexactly(size + len(CHUNK_END))
        raw += chunk
        content += chunk[:size]
    while (trailer := await reader.readuntil(CHUNK_END)) != CHUNK_END:
        raw += trailer
    raw += CHUNK_END
    return bytes(raw), bytes(content)


def was_carried_out(answer: Message) -> bool:
    """Whether an answer says that it was done: a 2xx, and no error in the sense of JSON-RPC."""
    if answer.status not in SUCCESSFUL:
        return False
    try:
        # Tryton labels long answers as gzip and does not always compress them.
        compressed = answer.content.startswith(GZIP_MAGIC)
        content = json.loads(gzip.decompress(answer.content) if compressed else answer.content)
    except (ValueError, OSError, EOFError, zlib.error):
        return True
    return not (isinstance(content, dict) and "error" in content)


def compose_answer(status: int, reason: str, headers: dict[str, str], content: bytes) -> bytes:
    """Write an answer of the proxy's own, after which the connection goes on."""
    lines = [
        f"HTTP/1.1 {status} {reason}",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
