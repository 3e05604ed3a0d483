"""An API as its OpenAPI description tells it, and the check of each exchange against that."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import ImmutableMultiDict


class Asked(NamedTuple):
    """A request, as far as a description can judge one. Names of headers are in lower case."""

    method: str
    host: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = ""

    @classmethod
    def of(cls, request: httpx.Request) -> Self:
        """A request that was read."""
        return cls(
            request.method,
            f"{request.url.scheme}://{request.url.host}",
            request.url.path,
            tuple(request.url.params.multi_items()),
            tuple(request.headers.items()),
            request.content,
            request.headers.get("content-type", ""),
        )

    def __str__(self) -> str:
        """Its first line, for whoever reads what was broken."""
        query = f"?{httpx.QueryParams(self.params)}" if self.params else ""
        return f"{self.method} {self.host}{self.path}{query}"


class Answered(NamedTuple):
    """An answer, as far as a description can judge one."""

    status: int
    content: bytes
    content_type: str = "application/json"


class DescribedApi:
    """Judges requests and answers by one OpenAPI description."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._checker = OpenAPI.from_dict(told)

    def trouble_with_request(self, asked: Asked) -> str | None:
        """What the description has against a request."""
        try:
            self._checker.validate_request(_mock_request(asked))
        except OpenAPIError as error:
            return _worded(error)
        return None

    def trouble_with_answer(self, asked: Asked, answered: Answered) -> str | None:
        """What the description has against an answer; the request only says to what."""
        answer = MockResponse(answered.content, answered.status, content_type=answered.content_type)
        try:
            self._checker.validate_response(_mock_request(asked), answer)
        except OpenAPIError as error:
            return _worded(error)
        return None


class CheckedTransport(httpx.AsyncBaseTransport):
    """Stands before a simulator; `broken` collects what neither side may send.

    With `tolerant` set, answers are let through unchecked: they are broken on purpose.
    """

    def __init__(self, simulator: httpx.AsyncBaseTransport) -> None:
        self._simulator = simulator
        self.tolerant = False
        self.checked = 0
        self.broken: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let the simulator answer, and have a look at both."""
        await request.aread()
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        self.check(request, response)
        return response

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Say by which description an exchange is judged, if by any, and how much of it."""
        raise NotImplementedError

    def judge(self, api: DescribedApi, asked: Asked, answered: Answered | None) -> None:
        """Count one exchange, and note its trouble; no answer is one that is left aside."""
        found = api.trouble_with_request(asked)
        if found is None and answered is not None:
            found = api.trouble_with_answer(asked, answered)
        if found is not None:
            self.broken.append(f"{asked}: {found}")
        self.checked += 1


def _mock_request(asked: Asked) -> MockRequest:
    return MockRequest(
        asked.host,
        asked.method,
        asked.path,
        args=ImmutableMultiDict(asked.params),
        headers=dict(asked.headers),
        data=asked.body,
        content_type=asked.content_type,
    )


def _worded(error: OpenAPIError) -> str:
    return f"{error!r} {error.__cause__ or error!r}"
