"""What every connector keeps to on the wire: one attempt, budgets honoured, trouble named."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Protocol

import httpx
import pytest

from connectors.base.capabilities import Connected
from connectors.base.errors import ConnectionConfigError, ConnectorError, TransientError
from connectors.base.level import Level
from connectors.base.rate_budget import RateBudget
from connectors.conformance.levels import rules_at

Fault = Callable[[httpx.Request], Awaitable[httpx.Response]]


class FaultyNetwork(httpx.AsyncBaseTransport):
    """The network between a connector and its system, in a test's hands.

    It writes down every request, and lets the planned faults happen to the next ones in turn.
    """

    def __init__(self, system: httpx.AsyncBaseTransport) -> None:
        self._system = system
        self._planned: deque[Fault] = deque()
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._planned:
            return await self._planned.popleft()(request)
        return await self._system.handle_async_request(request)

    def answer_next(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}"
    ) -> None:
        """Let the next request be answered so, by something that stands before the system."""

        async def fault(request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, headers=headers, content=body, request=request)

        self._planned.append(fault)

    def refuse_next(self) -> None:
        """Let the next request find nobody who listens."""

        async def fault(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        self._planned.append(fault)

    def lose_next_answer(self) -> None:
        """Let the system carry the next request out, and its answer be lost."""

        async def fault(request: httpx.Request) -> httpx.Response:
            response = await self._system.handle_async_request(request)
            await response.aclose()
            raise httpx.ReadTimeout("lost", request=request)

        self._planned.append(fault)

    def forget_plans(self) -> int:
        """Let nothing else go wrong; says how many requests had still been planned for."""
        left = len(self._planned)
        self._planned.clear()
        return left

    def let_pass(self, requests: int = 1) -> None:
        """Let so many requests through before the next fault."""
        self._planned.extend([self._system.handle_async_request] * requests)


class Tokens:
    """A budget of so many calls; it remembers for how long it was asked to pause."""

    WAIT_SECONDS = 11

    def __init__(self, calls: int = 1_000_000) -> None:
        self.left = calls
        self.paused: list[int] = []

    async def take(self, calls: int = 1) -> int:
        if self.paused:
            return self.paused[-1]
        if self.left < calls:
            return self.WAIT_SECONDS
        self.left -= calls
        return 0

    async def pause(self, seconds: int) -> None:
        self.paused.append(seconds)


class HttpWorld(Protocol):
    """What a connector's tests provide: its simulated system, and the network before it."""

    network: FaultyNetwork
    # The secret that opens the system; it must never be seen in a text.
    secret: str

    def connect(self, budget: RateBudget, *, secret: str | None = None) -> Connected:
        """Make a connector; with another secret if one is given."""
        ...


@rules_at(Level.READS)
class HttpContract:
    """Inherit it with a fixture `world`: an `HttpWorld`, new for each test."""

    async def test_a_lost_answer_to_a_read_is_transient_and_was_one_attempt(
        self, world: HttpWorld
    ) -> None:
        world.network.lose_next_answer()
        with pytest.raises(TransientError):
            await world.connect(Tokens()).check()
        assert len(world.network.requests) == 1

    async def test_a_refused_connection_is_transient_and_was_one_attempt(
        self, world: HttpWorld
    ) -> None:
        world.network.refuse_next()
        with pytest.raises(TransientError):
            await world.connect(Tokens()).check()
        assert len(world.network.requests) == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    async def test_a_failing_system_is_transient_and_was_asked_once(
        self, world: HttpWorld, status: int
    ) -> None:
        world.network.answer_next(status)
        with pytest.raises(TransientError):
            await world.connect(Tokens()).check()
        assert len(world.network.requests) == 1

    @pytest.mark.parametrize("form", ["seconds", "date"])
    async def test_retry_after_pauses_the_whole_connection(
        self, world: HttpWorld, form: str
    ) -> None:
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        world.network.answer_next(429, {"Retry-After": "90" if form == "seconds" else later})
        budget = Tokens()
        connector = world.connect(budget)
        with pytest.raises(TransientError) as told:
            await connector.check()
        assert budget.paused, "the budget was not paused"
        assert 80 <= budget.paused[-1] <= 90  # A date has whole seconds.
        assert told.value.retry_after_seconds is not None
        with pytest.raises(TransientError):
            await connector.check()
        assert len(world.network.requests) == 1, "something was sent before Retry-After"

    async def test_without_a_token_nothing_is_sent(self, world: HttpWorld) -> None:
        with pytest.raises(TransientError) as told:
            await world.connect(Tokens(0)).check()
        assert told.value.retry_after_seconds == Tokens.WAIT_SECONDS
        assert world.network.requests == []

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, world: HttpWorld, status: int) -> None:
        world.network.answer_next(status, {"Location": "https://elsewhere.example/"})
        with pytest.raises(ConnectorError):
            await world.connect(Tokens()).check()
        assert len(world.network.requests) == 1

    async def test_an_answer_that_cannot_be_read_is_transient(self, world: HttpWorld) -> None:
        world.network.answer_next(200, {"Content-Type": "application/json"}, b'{"cut": [off')
        with pytest.raises(TransientError):
            await world.connect(Tokens()).check()

    async def test_bad_credentials_are_for_an_operator(self, world: HttpWorld) -> None:
        with pytest.raises(ConnectionConfigError):
            await world.connect(Tokens(), secret="not-the-secret").check()

    async def test_good_credentials_say_who_we_are(self, world: HttpWorld) -> None:
        assert await world.connect(Tokens()).check()

    async def test_secrets_are_in_no_text(self, world: HttpWorld) -> None:
        connector = world.connect(Tokens())
        said = [await connector.check(), repr(connector), str(connector.manifest)]
        for status in (400, 401, 404, 500):
            world.network.answer_next(status)
            with pytest.raises(ConnectorError) as told:
                await connector.check()
            said.append(f"{told.value} {told.value!r} {told.value.__cause__!r}")
        assert world.secret not in " ".join(said)
