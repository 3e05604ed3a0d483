"""Reading the body of a webhook, which comes from anybody: not too much of it, and not forever."""

import asyncio
from typing import Final

from starlette.requests import Request

BODY_BYTES_MAX: Final = 1_000_000
BODY_SECONDS_MAX: Final = 10.0


class TooLargeError(Exception):
    """More was announced, or came, than anybody has to say."""


async def body_of(request: Request, seconds_max: float = BODY_SECONDS_MAX) -> bytes:
    """Read a body; raises TooLargeError without reading the rest, TimeoutError if it takes long."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > BODY_BYTES_MAX:
        raise TooLargeError
    body = bytearray()
    async with asyncio.timeout(seconds_max):
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise TooLargeError
    return bytes(body)
