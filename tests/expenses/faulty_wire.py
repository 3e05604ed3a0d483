"""The way from us to one system, with faults that are aimed at what a request asks for."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

Carry = Callable[[httpx.Request], Awaitable[httpx.Response]]
# What a request asks for, in one word.
Asked = Callable[[httpx.Request], str]


class Frozen:
    """A request that stands still until whoever sent it is killed; `reached` says that it does."""

    def __init__(self) -> None:
        self.reached: Final = asyncio.Event()

    async def stand_still(self) -> None:
        """Say that it is reached, and never go on."""
        self.reached.set()
        await asyncio.Event().wait()


class Delayed:
    """What is under way until `go_on` is set; `reached` says that it is."""

    def __init__(self) -> None:
        self.reached: Final = asyncio.Event()
        self.go_on: Final = asyncio.Event()


class FaultyWire(httpx.AsyncBaseTransport):
    """Carries requests; plans faults for the next ones that ask for something, and counts them.

    `fired` holds how often each fault really happened, `sent` how often each thing was asked for.
    """

    def __init__(self, system: httpx.AsyncBaseTransport, asked: Asked) -> None:
        self._system: Final = system
        self._asked: Final = asked
        self._planned: Final[dict[str, deque[tuple[str, Carry]]]] = defaultdict(deque)
        self._held: Final[list[httpx.Request]] = []
        self.fired: Final[Counter[str]] = Counter()
        self.sent: Final[Counter[str]] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        what = self._asked(request)
        self.sent[what] += 1
        if not self._planned[what]:
            return await self._system.handle_async_request(request)
        name, fault = self._planned[what].popleft()
        self.fired[f"{name} {what}"] += 1
        return await fault(request)

    async def aclose(self) -> None:
        """Stay open: the systems outlive the platforms between them."""

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._system.aclose()

    def lose_answers(self, what: str, times: int = 1) -> None:
        """The next ones are carried out, and their answers are lost."""

        async def fault(request: httpx.Request) -> httpx.Response:
            await self._carry(request)
            raise httpx.ReadTimeout("lost", request=request)

        self._plan("lost", what, fault, times)

    def hold(self, what: str, times: int = 1) -> None:
        """The next ones stay under way, unanswered, until `release`."""

        async def fault(request: httpx.Request) -> httpx.Response:
            self._held.append(request)
            raise httpx.ReadTimeout("held", request=request)

        self._plan("held", what, fault, times)

    async def release(self) -> int:
        """All that was held arrives now, and is carried out as the system sees fit; says how many.

        Whoever sent them listens no more.
        """
        held = list(self._held)
        self._held.clear()
        for request in held:
            await self._carry(request)
        return len(held)

    def pass_by(self, what: str, times: int = 1) -> None:
        """Let the next ones through; what is planned after that comes after them."""
        self._planned[what].extend([("passed", self._carry)] * times)

    def delay(self, what: str) -> Delayed:
        """The next one leaves when the test says so; its sender waits."""
        delayed = Delayed()

        async def fault(request: httpx.Request) -> httpx.Response:
            delayed.reached.set()
            await delayed.go_on.wait()
            return await self._carry(request)

        self._plan("delayed", what, fault, 1)
        return delayed

    def delay_answer(self, what: str) -> Delayed:
        """The next one is carried out, and its answer comes when the test says so."""
        delayed = Delayed()

        async def fault(request: httpx.Request) -> httpx.Response:
            response = await self._carry(request)
            delayed.reached.set()
            await delayed.go_on.wait()
            return response

        self._plan("answered late", what, fault, 1)
        return delayed

    def freeze_before(self, what: str) -> Frozen:
        """The next one never leaves, and its sender waits."""
        frozen = Frozen()

        async def fault(request: httpx.Request) -> httpx.Response:
            await frozen.stand_still()
            raise httpx.ConnectError("never left", request=request)

        self._plan("frozen before", what, fault, 1)
        return frozen

    def freeze_after(self, what: str) -> Frozen:
        """The next one is carried out, and its sender waits for the answer."""
        frozen = Frozen()

        async def fault(request: httpx.Request) -> httpx.Response:
            await self._carry(request)
            await frozen.stand_still()
            raise httpx.ReadTimeout("never answered", request=request)

        self._plan("frozen after", what, fault, 1)
        return frozen

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        response = await self._system.handle_async_request(request)
        await response.aread()
        return response

    def _plan(self, name: str, what: str, fault: Carry, times: int) -> None:
        self._planned[what].extend([(name, fault)] * times)
