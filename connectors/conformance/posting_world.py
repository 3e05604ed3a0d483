"""The world of the posting suite: an ERP, a second way into it, and the network before it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import httpx

from canonical.posting import PostingIntent
from connectors.base.capabilities import PostingTarget
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork

IsWrite = Callable[[httpx.Request], bool]
Carry = Callable[[httpx.Request], Awaitable[httpx.Response]]
# Whoever has not come by then will not.
_RACE_SECONDS_MAX: Final = 30


class PostingNetwork(FaultyNetwork):
    """A network whose troubles can be aimed at the next request that writes."""

    def __init__(self, system: httpx.AsyncBaseTransport, is_write: IsWrite) -> None:
        super().__init__(system)
        self._is_write = is_write
        self._fault: Carry | None = None
        self._broken_after_write = 0
        self._broken_requests = 0
        self._held: list[httpx.Request] = []
        self._start: asyncio.Barrier | None = None
        self.writes: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._is_write(request):
            if self._broken_requests:
                self._broken_requests -= 1
                self.requests.append(request)
                raise httpx.ReadTimeout("broken", request=request)
            return await super().handle_async_request(request)
        self.writes.append(request)
        if self._start is not None:
            await self._together(self._start)
        self._broken_requests, self._broken_after_write = self._broken_after_write, 0
        fault, self._fault = self._fault, None
        if fault is not None:
            self.requests.append(request)
            return await fault(request)
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        await self._system.aclose()

    def race_next_writes(self, count: int) -> None:
        """The next writes leave together, when so many have come."""
        self._start = asyncio.Barrier(count)

    async def _together(self, start: asyncio.Barrier) -> None:
        async with asyncio.timeout(_RACE_SECONDS_MAX):
            await start.wait()
        self._start = None

    def on_next_write(self, fault: Carry) -> None:
        """Let something else happen to the next write than that it reaches the ERP."""
        self._fault = fault

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """Let the ERP carry a request out, to the end of its answer."""
        response = await self._system.handle_async_request(request)
        await response.aread()
        return response

    def lose_next_write(self) -> None:
        """The ERP carries the next write out, and its answer is lost."""

        async def fault(request: httpx.Request) -> httpx.Response:
            await self.carry(request)
            raise httpx.ReadTimeout("lost", request=request)

        self.on_next_write(fault)

    def deliver_next_write_twice(self) -> None:
        """Something before the ERP repeats the next write, and passes the last answer on."""

        async def fault(request: httpx.Request) -> httpx.Response:
            await self.carry(request)
            return await self.carry(request)

        self.on_next_write(fault)

    def hold_next_write(self) -> None:
        """The next write stays under way, unanswered, until `release`."""

        async def fault(request: httpx.Request) -> httpx.Response:
            self._held.append(request)
            raise httpx.ReadTimeout("held", request=request)

        self.on_next_write(fault)

    async def release(self) -> None:
        """All that was held arrives now, and is carried out as the ERP sees fit."""
        held, self._held = self._held, []
        await asyncio.gather(*map(self.carry, held))

    def answer_next_write(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        carried_out: bool,
    ) -> None:
        """Something between us and the ERP answers the next write, before or after the fact."""

        async def fault(request: httpx.Request) -> httpx.Response:
            if carried_out:
                await self.carry(request)
            return httpx.Response(status, headers=headers, content=body, request=request)

        self.on_next_write(fault)

    def refuse_next_write(self) -> None:
        """The next write finds nobody who listens."""

        async def fault(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        self.on_next_write(fault)

    def alter_next_write(self, alter: Callable[[bytes], bytes]) -> None:
        """The ERP gets something else than was sent, as if it had changed it silently."""

        async def fault(request: httpx.Request) -> httpx.Response:
            content = alter(await request.aread())
            headers = {
                name: value for name, value in request.headers.items() if name != "content-length"
            }
            changed = httpx.Request(
                request.method,
                request.url,
                headers=headers,
                content=content,
                extensions=request.extensions,
            )
            return await self._system.handle_async_request(changed)

        self.on_next_write(fault)

    def break_after_next_write(self, requests: int) -> None:
        """So many requests after the next write get no answer."""
        self._broken_after_write = requests


class PostingTargetWorld(Protocol):
    """What a connector's tests provide: an ERP, real or simulated, ready to be posted to.

    `network` is used by all connectors that the world makes; the other methods reach the ERP
    another way, so that what they see does not depend on the code under test.
    """

    network: PostingNetwork

    def connect(self, budget: RateBudget | None = None) -> PostingTarget:
        """Make a connector with a session of its own."""
        ...

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        """Make an intent that the ERP will take; parents 0, 1 and 2 are different tasks."""
        ...

    def refused_intent(self) -> PostingIntent:
        """Make an intent that the ERP will refuse for what it says."""
        ...

    @property
    def private(self) -> tuple[str, ...]:
        """Names of people that the ERP may put into its refusals."""
        ...

    def altered(self, write: bytes) -> bytes:
        """Change the duration in a write, so that the ERP books something else."""
        ...

    async def book(self, intent: PostingIntent) -> str:
        """Put a document into the ERP behind the connector's back; gives its id."""
        ...

    async def book_for_somebody_else(self) -> str:
        """Put a document into the ERP that is none of ours; gives its id."""
        ...

    async def edit_note(self, document_id: str, note: str) -> None:
        """Change what follows the reference, as a person in the ERP would."""
        ...

    async def lock(self, document_id: str) -> None:
        """Put a document on an invoice, or whatever makes it final; it is on parent 2."""
        ...

    async def held(self, reference: str) -> list[str]:
        """Say which documents carry a reference, by their ids."""
        ...
