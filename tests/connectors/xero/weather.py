"""Bad weather between the platform and Xero: every write may meet one of its troubles."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

import httpx

HTML: Final = b"<html><body><h1>500</h1>An error occurred</body></html>"
# What may become of a write, the good end among them.
TROUBLES: Final = (
    "lost",
    "failed after",
    "failed before",
    "html",
    "throttled",
    "refused connection",
    "token expired",
    "slow",
    "unreadable",
)


class Weather(httpx.AsyncBaseTransport):
    """Carries requests; of writes, so many in ten meet a trouble, by a seed."""

    def __init__(self, system: httpx.AsyncBaseTransport, seed: int, troubled_in_ten: int) -> None:
        self._system = system
        self._random = random.Random(seed)  # noqa: S311  So that a run can be repeated.
        self._troubled_in_ten = troubled_in_ten
        self._held: list[httpx.Request] = []
        self._token_is_new = True
        self._coming: list[str] = []
        self.met: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_token = "connect/token" in request.url.path
        is_write = request.method != "GET" and not is_token
        if not is_write or self._random.randrange(10) >= self._troubled_in_ten:
            self._token_is_new = is_token or (self._token_is_new and is_write)
            return await self._system.handle_async_request(request)
        trouble = self._next_trouble()
        self.met[trouble] += 1
        return await self._troubled(trouble, request)

    def _next_trouble(self) -> str:
        """Each trouble once, in any order, before one comes again."""
        if len(self._coming) < 2:
            self._coming += self._random.sample(TROUBLES, len(TROUBLES))
        # A token that is refused before it ever worked is nobody's weather.
        place = int(self._token_is_new and self._coming[0] == "token expired")
        return self._coming.pop(place)

    async def _troubled(self, trouble: str, request: httpx.Request) -> httpx.Response:
        match trouble:
            case "refused connection":
                raise httpx.ConnectError("refused", request=request)
            case "slow":
                self._held.append(request)
                raise httpx.ReadTimeout("slow", request=request)
            case "failed before" | "html":
                return httpx.Response(500, content=HTML, request=request)
            case "throttled":
                return httpx.Response(429, headers={"Retry-After": "1"}, request=request)
            case "token expired":
                return httpx.Response(401, request=request)
            case _:
                pass
        await (await self._system.handle_async_request(request)).aread()
        if trouble == "lost":
            raise httpx.ReadTimeout("lost", request=request)
        status = 200 if trouble == "unreadable" else 502
        return httpx.Response(status, content=b"{", request=request)

    async def clear_up(self) -> Sequence[httpx.Request]:
        """All that was slow arrives now, and is carried out as Xero sees fit."""
        held, self._held = self._held, []
        for request in held:
            await (await self._system.handle_async_request(request)).aread()
        return held
