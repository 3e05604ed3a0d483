"""Checks what goes over the wire against Xero's own OpenAPI descriptions."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

BASE_URL = "http://api.xero.test"
IDENTITY_URL = "http://identity.xero.test"
_HERE = Path(__file__).parent
PARTS = {
    "/api.xro/2.0": ("xero-accounting.trimmed.openapi.json", "xero-accounting.more.openapi.json"),
    "/projects.xro/2.0": ("xero-projects.trimmed.openapi.json",),
}
# Throttling, failures, and who may not enter or asks for what is not there, are not specified.
_UNDECLARED = frozenset({304, 401, 403, 404, 429, 500})


def told(part: str) -> dict[str, Any]:
    """The description of one API, and what was added to it."""
    first, *more = (json.loads((_HERE / name).read_text()) for name in PARTS[part])
    for each in more:
        first["paths"] |= each["paths"]
        first["components"]["schemas"] |= each["components"]["schemas"]
    # Who may do what is not checked by the checker, and tested by itself.
    for operations in first["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    return first | {"servers": [{"url": BASE_URL + part}]}


@cache  # Reading it takes longer than most tests.
def description(part: str) -> OpenAPI:
    """The description of one API, ready to check with."""
    return OpenAPI.from_dict(told(part))


def asked(request: httpx.Request) -> MockRequest:
    """A request as the checker takes it."""
    return MockRequest(
        f"{request.url.scheme}://{request.url.host}",
        request.method.lower(),
        request.url.path,
        args=dict(request.url.params),
        headers=dict(request.headers),
        data=request.content or None,
        content_type=request.headers.get("content-type", ""),
    )


class SpecChecked(httpx.AsyncBaseTransport):
    """Stands before the simulator; `broken` collects what neither side may send.

    With `tolerant` set, answers are let through unchecked: they are broken on purpose.
    """

    def __init__(self, simulator: httpx.AsyncBaseTransport) -> None:
        self._simulator = simulator
        self.tolerant = False
        self.checked = 0
        self.broken: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        for part in PARTS:
            # Tokens are described in prose only, and orders are ours.
            if request.url.path.startswith(part):
                self._check(part, request, response)
        return response

    def _check(self, part: str, request: httpx.Request, response: httpx.Response) -> None:
        answer = MockResponse(
            response.content, response.status_code, content_type="application/json"
        )
        try:
            description(part).validate_request(asked(request))
            if not self.tolerant and response.status_code not in _UNDECLARED:
                description(part).validate_response(asked(request), answer)
        except OpenAPIError as error:
            cause = error.__cause__ or error
            self.broken.append(f"{request.method} {request.url}: {error!r} {cause!r}")
        self.checked += 1
