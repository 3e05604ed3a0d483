"""A wire to an ERP on which planned faults strike, one request each, and are counted.

What happens to a request is dealt from a deck by what the request asks for, so that each planned
fault strikes exactly once however many requests there are and in whatever order they come.
"""

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Final

import httpx

from tests.expenses.faulty_wire import Frozen

RETRY_AFTER_SECONDS: Final = 1
# Makes another JSON of what a request says.
Change = Callable[[Any], Any]
_HTML: Final = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1>please try later</body></html>"
_JSON: Final = b'{"error": {"code": "Internal", "message": "An error occurred"}}'


class Fault(StrEnum):
    """What happens to one request."""

    # Carried out, and never answered.
    LOST_ANSWER = "lost answer"
    # Under way until an attempt that was made after it is done, or until the storm is over.
    SLOW_COMMIT = "slow commit"
    THROTTLED = "throttled for seconds"
    THROTTLED_BY_DATE = "throttled until a date"
    FAILED_BEFORE = "5xx before"
    FAILED_AFTER = "5xx after"
    HTML_BEFORE = "page of HTML before"
    HTML_AFTER = "page of HTML after"
    TOKEN_EXPIRED = "token expired"
    # Carried out and answered; the next looks do not show it.
    STALE_LOOK = "stale look"


IN_WRITES: Final = tuple(Fault)
IN_READS: Final = (
    *(Fault.LOST_ANSWER, Fault.THROTTLED, Fault.FAILED_BEFORE, Fault.HTML_BEFORE),
    Fault.TOKEN_EXPIRED,
)


class Storm(httpx.AsyncBaseTransport):
    """Carries requests to an ERP.

    `asked` says in a word what a request asks for; `same` is equal for two attempts at one thing;
    `hide_news` lets the ERP show what it showed before its last write.
    """

    def __init__(
        self,
        erp: httpx.AsyncBaseTransport,
        asked: Callable[[httpx.Request], str],
        same: Callable[[httpx.Request], str],
        hide_news: Callable[[], None],
    ) -> None:
        self._erp: Final = erp
        self._asked: Final = asked
        self._same: Final = same
        self._hide_news: Final = hide_news
        self._decks: Final[dict[str, deque[Fault | None]]] = defaultdict(deque)
        self._under_way: Final[dict[str, list[httpx.Request]]] = defaultdict(list)
        self._frozen: Final[dict[str, tuple[Frozen, bool]]] = {}
        self._altered: Final[list[tuple[str, bytes, Change]]] = []
        self._closed_until = 0.0
        self.fired: Final[Counter[tuple[str, Fault]]] = Counter()
        self.sent: Final[Counter[str]] = Counter()
        # What became of requests that arrived late: statuses.
        self.late: Final[Counter[int]] = Counter()

    def deal(self, what: str, faults: Sequence[Fault], *, calm_between: int = 1) -> None:
        """Let faults strike the next requests of a kind, with so many unharmed ones after each."""
        for fault in faults:
            self._decks[what] += [fault, *([None] * calm_between)]

    def left(self) -> Mapping[str, int]:
        """How many planned faults have not struck, by what is asked for."""
        left = {name: sum(one is not None for one in deck) for name, deck in self._decks.items()}
        return {name: count for name, count in left.items() if count}

    def alter_next(self, what: str, about: bytes, change: Change) -> None:
        """Let the ERP make something else of the next one of a kind that is about something."""
        self._altered.append((what, about, change))

    def freeze_before(self, what: str) -> Frozen:
        """The next one never leaves, and its sender waits."""
        return self._freeze(what, carried_out=False)

    def freeze_after(self, what: str) -> Frozen:
        """The next one is carried out, and its sender waits for the answer."""
        return self._freeze(what, carried_out=True)

    async def subside(self) -> None:
        """Let everything that is still under way arrive; nobody listens any more."""
        held = [request for some in self._under_way.values() for request in some]
        self._under_way.clear()
        for request in held:
            await self._arrive_late(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        what = self._asked(request)
        self.sent[what] += 1
        request = self._changed(what, request)
        if what in self._frozen:
            await self._stand_still(what, request)
        if time.monotonic() < self._closed_until:
            return _throttled(by_date=False)
        deck = self._decks[what]
        fault = deck.popleft() if deck else None
        if fault is None:
            response = await self._carry(request)
            await self._overtaken(request)
            return response
        self.fired[what, fault] += 1
        return await self._struck(fault, request)

    async def aclose(self) -> None:
        """Stay open: the ERP outlives the platforms that use it."""

    def _changed(self, what: str, request: httpx.Request) -> httpx.Request:
        for place, (asked, about, change) in enumerate(self._altered):
            if asked == what and about in request.content:
                del self._altered[place]
                return _with_content(request, change(json.loads(request.content)))
        return request

    async def _struck(self, fault: Fault, request: httpx.Request) -> httpx.Response:
        match fault:
            case Fault.LOST_ANSWER:
                await self._carry(request)
                raise httpx.ReadTimeout("lost", request=request)
            case Fault.SLOW_COMMIT:
                self._under_way[self._same(request)].append(request)
                raise httpx.ReadTimeout("slow", request=request)
            case Fault.THROTTLED | Fault.THROTTLED_BY_DATE:
                self._closed_until = time.monotonic() + RETRY_AFTER_SECONDS
                return _throttled(by_date=fault is Fault.THROTTLED_BY_DATE)
            case Fault.FAILED_BEFORE:
                return httpx.Response(503, content=_JSON)
            case Fault.HTML_BEFORE:
                return httpx.Response(502, content=_HTML)
            case Fault.FAILED_AFTER:
                await self._carry(request)
                return httpx.Response(500, content=_JSON)
            case Fault.HTML_AFTER:
                await self._carry(request)
                return httpx.Response(502, content=_HTML)
            case Fault.TOKEN_EXPIRED:
                request.headers["authorization"] = "Bearer expired"
                response = await self._carry(request)
                assert response.status_code == httpx.codes.UNAUTHORIZED, response.text
                return response
            case Fault.STALE_LOOK:
                response = await self._carry(request)
                self._hide_news()
                return response

    async def _overtaken(self, request: httpx.Request) -> None:
        """What an attempt has overtaken arrives behind it."""
        for earlier in self._under_way.pop(self._same(request), ()):
            await self._arrive_late(earlier)

    async def _arrive_late(self, request: httpx.Request) -> None:
        self.late[(await self._carry(request)).status_code] += 1

    def _freeze(self, what: str, *, carried_out: bool) -> Frozen:
        frozen = Frozen()
        self._frozen[what] = (frozen, carried_out)
        return frozen

    async def _stand_still(self, what: str, request: httpx.Request) -> None:
        frozen, carried_out = self._frozen.pop(what)
        if carried_out:
            await self._carry(request)
        await frozen.stand_still()

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        response = await self._erp.handle_async_request(request)
        await response.aread()
        return response


def _with_content(request: httpx.Request, told: Any) -> httpx.Request:
    content = json.dumps(told).encode()
    assert json.loads(content) != json.loads(request.content), "nothing was altered"
    headers = {k: v for k, v in request.headers.items() if k.lower() != "content-length"}
    return httpx.Request(request.method, request.url, headers=headers, content=content)


def assert_every_fault_struck(wire: Storm, times_min: int = 2) -> None:
    """Nothing that was planned may be left, and each fault of a write struck writes so often."""
    assert wire.left() == {}
    struck: Counter[Fault] = Counter()
    for (what, fault), times in wire.fired.items():
        if what != "read":
            struck[fault] += times
    assert [one for one in IN_WRITES if struck[one] < times_min] == [], struck


def _throttled(*, by_date: bool) -> httpx.Response:
    # A date has whole seconds only, so that one of them may be half over.
    later = datetime.now(UTC) + timedelta(seconds=RETRY_AFTER_SECONDS + 1)
    when = format_datetime(later, usegmt=True) if by_date else str(RETRY_AFTER_SECONDS)
    return httpx.Response(429, headers={"Retry-After": when})
