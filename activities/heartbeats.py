"""Heartbeats: so that another worker takes over seconds after this one died."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from temporalio import activity

HEARTBEAT_EVERY_SECONDS: Final = 1.5


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Tell Temporal that this activity lives, for as long as the block runs."""
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
