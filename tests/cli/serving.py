"""The simulated systems over HTTP, in this process, for commands that ask them themselves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from sandbox.child_process import LOCALHOST

_SECONDS_MAX = 10


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the test run."""
        yield


@asynccontextmanager
async def served(app: Callable[..., Any]) -> AsyncIterator[str]:
    """Serve an ASGI application; gives its address."""
    with socket.create_server((LOCALHOST, 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", access_log=False, log_level="critical")
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{LOCALHOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            async with asyncio.timeout(_SECONDS_MAX):
                await serving
