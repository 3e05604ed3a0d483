"""An API as its OpenAPI description tells it, and the check of each exchange against that."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Self

import httpx
from jsonschema_path import SchemaPath
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import ImmutableMultiDict

# The tests of one connector have up to three thousand different answers, of a kilobyte mostly.
_VERDICTS_MAX = 4096
# Each verdict looks up the same places of a description, not two thousand in the largest.
_PLACES_MAX = 8192


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
    """Judges requests and answers by one OpenAPI description.

    Equal ones are judged once in a process, and their trouble is told each time. That hides
    nothing: the checker is shown what is compared here and no more, so that it could not say
    anything else. A warning is an error in the tests and no verdict: it comes each time too.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._checker = OpenAPI(SchemaPath.from_dict(told, resolved_cache_maxsize=_PLACES_MAX))
        self._headers = frozenset(_headers_named_in(told))
        self._request_verdict = lru_cache(_VERDICTS_MAX)(self._judge_request)
        self._answer_verdict = lru_cache(_VERDICTS_MAX)(self._judge_answer)
        self.judged = 0

    def trouble_with_request(self, asked: Asked) -> str | None:
        """What the description has against a request."""
        # Tokens and ids of requests differ from call to call, and most descriptions say nothing
        # of them.
        named = tuple(sorted(each for each in asked.headers if each[0] in self._headers))
        return self._request_verdict(asked._replace(headers=named))

    def trouble_with_answer(self, asked: Asked, answered: Answered) -> str | None:
        """What the description has against an answer; the request only says to what."""
        return self._answer_verdict(Asked(asked.method, asked.host, asked.path), answered)

    def _judge_request(self, asked: Asked) -> str | None:
        self.judged += 1
        try:
            self._checker.validate_request(_mock_request(asked))
        except OpenAPIError as error:
            return _worded(error)
        return None

    def _judge_answer(self, asked: Asked, answered: Answered) -> str | None:
        self.judged += 1
        answer = MockResponse(answered.content, answered.status, content_type=answered.content_type)
        try:
            self._checker.validate_response(_mock_request(asked), answer)
        except OpenAPIError as error:
            return _worded(error)
        return None


class CheckedTransport(httpx.AsyncBaseTransport, ABC):
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

    @abstractmethod
    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Say by which description an exchange is judged, if by any, and how much of it."""

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


def _headers_named_in(told: object) -> Iterator[str]:
    """Headers that a description asks for, whatever the place: parameters, references, keys."""
    if isinstance(told, Mapping):
        if told.get("in") == "header":
            yield str(told.get("name")).lower()
        if told.get("type") == "http" and "scheme" in told:
            yield "authorization"
    if isinstance(told, Mapping | list):
        for each in told.values() if isinstance(told, Mapping) else told:
            yield from _headers_named_in(each)
