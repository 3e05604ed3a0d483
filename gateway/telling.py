"""Telling the synchronisation of masters, so that a burst of webhooks costs a few signals."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from temporalio.service import RPCError

from canonical.messages import MasterSyncRef
from gateway import metrics

# Vendors wait some seconds for an answer; who waits for the next telling waits twice.
TELL_SECONDS_MAX: Final = 3.0

Tell = Callable[[MasterSyncRef], Awaitable[None]]


class NotToldError(Exception):
    """Nobody was told, as far as we know; whoever sends the webhook again loses nothing."""


@dataclass(slots=True)
class _Account:
    """What one connection has said, and how far it was passed on: numbers of webhooks."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    came: int = 0
    settled: int = 0
    told: bool = True


class Telling:
    """Tells of a connection once at a time; what comes meanwhile shares the next telling.

    A telling covers only webhooks that came before it began: what a webhook announces may have
    become visible after the reading that an earlier one set off.
    """

    def __init__(self, tell: Tell, seconds_max: float = TELL_SECONDS_MAX) -> None:
        self._tell = tell
        self._seconds_max = seconds_max
        self._accounts: dict[str, _Account] = {}

    async def tell(self, connection: str) -> None:
        """Return once the synchronisation was told after this began; raises NotToldError."""
        account = self._accounts.setdefault(connection, _Account())
        account.came += 1
        mine = account.came
        async with account.turn:
            if account.settled < mine:
                upto = account.came
                account.told = await self._told(connection)
                account.settled = upto
            if not account.told:
                raise NotToldError

    async def _told(self, connection: str) -> bool:
        try:
            async with asyncio.timeout(self._seconds_max):
                await self._tell(MasterSyncRef(connections=(connection,)))
        except (RPCError, TimeoutError):
            return False
        metrics.TELLINGS.labels(connection).inc()
        return True
