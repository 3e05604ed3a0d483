"""Heartbeats: so that another worker takes over seconds after this one died."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

HEARTBEAT_EVERY_SECONDS: Final = 1.5


class Heartbeats(Interceptor):
    """Lets every activity beat that its workflow has given a heartbeat time-out."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  The name of the SDK's parameter.
        """Stand before the activity."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  The name of the SDK's parameter.
        if not activity.info().heartbeat_timeout:
            return await self.next.execute_activity(input)
        async with _heartbeats():
            return await self.next.execute_activity(input)


@asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat() -> None:
    while True:
        # Temporal counts from the start of the activity, so there is nothing to say before this;
        # each beat is a call and an action that is billed.
        await asyncio.sleep(HEARTBEAT_EVERY_SECONDS)
        activity.heartbeat()
