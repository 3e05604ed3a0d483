"""The way from us to the simulated ERP, in process, with the troubles that only a wire has."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx

from connectors.tryton.simulator import SimulatedTryton

_WRITE = b'"method":"model.timesheet.work.write"'


class Wire(httpx.AsyncBaseTransport):
    """Carries requests into the ERP; gives up waiting as a socket would, and the ERP goes on.

    `before_write` is called with the number of each write, from 1 on, before the ERP sees it.
    """

    def __init__(self, erp: SimulatedTryton) -> None:
        self._erp = httpx.ASGITransport(erp)
        self._under_way: set[asyncio.Task[httpx.Response]] = set()
        self.answer_seconds_max = 30.0
        self.retry_after_as_date = False
        self.before_write: Callable[[int], None] = lambda _: None
        # When each write was begun, by the monotonic clock.
        self.writes: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if _WRITE in await request.aread():
            self.writes.append(time.monotonic())
            self.before_write(len(self.writes))
        task = asyncio.create_task(self._erp.handle_async_request(request))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        done, _ = await asyncio.wait({task}, timeout=self.answer_seconds_max)
        if not done:
            raise httpx.ReadTimeout("no answer in time", request=request)
        try:
            response = task.result()
        except AssertionError as error:
            # The ERP cut its answer short: httpx's in-process transport takes that for a bug.
            raise httpx.RemoteProtocolError("the answer was cut", request=request) from error
        if self.retry_after_as_date and "retry-after" in response.headers:
            later = datetime.now(UTC) + timedelta(seconds=int(response.headers["retry-after"]) + 1)
            response.headers["retry-after"] = format_datetime(later, usegmt=True)
        return response

    async def aclose(self) -> None:
        """Wait for what the ERP still does after we stopped listening."""
        if self._under_way:
            await asyncio.wait(self._under_way)
