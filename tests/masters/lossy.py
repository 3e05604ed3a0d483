"""A wire to an ERP on which answers get lost, and whoever sent the request may die."""

from collections import Counter, deque
from enum import StrEnum
from typing import Final

import httpx

_WRITES: Final = (b'.create"', b'.write"')


class Killed(BaseException):
    """The worker is dead: nothing of it runs any more, its handlers included."""


class Loss(StrEnum):
    """What happens to one write."""

    ANSWER = "carried out, never answered"
    REQUEST = "never carried out, never answered"
    WORKER_AFTER = "carried out, and the worker dies"
    WORKER_BEFORE = "not carried out, and the worker dies"


class Lossy(httpx.AsyncBaseTransport):
    """Loses every so many-th write, each way in turn; counts what fired and all calls."""

    def __init__(self, erp: httpx.AsyncBaseTransport) -> None:
        self._erp: Final = erp
        self._deck: deque[Loss | None] = deque()
        self.fired: Final[Counter[Loss]] = Counter()
        self.calls = 0
        self.writes = 0

    def deal(self, losses: list[Loss], *, calm_between: int) -> None:
        """Let these strike the next writes, with so many unharmed ones before each."""
        for one in losses:
            self._deck += [*([None] * calm_between), one]

    @property
    def left(self) -> int:
        """How many have not struck yet."""
        return sum(one is not None for one in self._deck)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.calls += 1
        if not any(one in request.content for one in _WRITES):
            return await self._erp.handle_async_request(request)
        self.writes += 1
        loss = self._deck.popleft() if self._deck else None
        if loss is None:
            return await self._erp.handle_async_request(request)
        self.fired[loss] += 1
        if loss in (Loss.ANSWER, Loss.WORKER_AFTER):
            await (await self._erp.handle_async_request(request)).aread()
        if loss in (Loss.WORKER_AFTER, Loss.WORKER_BEFORE):
            raise Killed
        raise httpx.ReadTimeout("lost", request=request)

    async def aclose(self) -> None:
        """Stay open: the ERP outlives who uses it."""
