"""Checks what goes over the wire against the description derived from Salesforce's collection."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

BASE_URL = "http://firm.salesforce.test"
TOKEN_PATH = "/services/oauth2/token"
_HERE = Path(__file__).parent
_COLLECTION = "/services/data/v{version}/composite/sobjects"


def told() -> Any:
    """The derived description, and what of the documentation it leaves out, as one."""
    whole = json.loads((_HERE / "salesforce.derived.openapi.json").read_text())
    more = json.loads((_HERE / "salesforce.addendum.openapi.json").read_text())
    whole["paths"] |= more["paths"]
    update = more[f"patch {_COLLECTION}"]
    # The collection gives the same answer at the address that it has for it.
    update["responses"] = whole["paths"][_COLLECTION]["post"]["responses"]
    whole["paths"][_COLLECTION]["patch"] = update
    # It is not enforced by the checkers, which only say that they cannot.
    whole.pop("security")
    whole["components"].pop("securitySchemes")
    return whole


@cache  # Reading it takes longer than most tests.
def description() -> OpenAPI:
    """The description under the tests' own address."""
    return OpenAPI.from_dict(told() | {"servers": [{"url": BASE_URL}]})


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
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        await self._check(request, response)
        return response

    async def _check(self, request: httpx.Request, response: httpx.Response) -> None:
        asked = mock_request(request, await request.aread())
        content_type = "application/json" if response.content else ""
        answer = MockResponse(response.content, response.status_code, content_type=content_type)
        # A refused token is described in prose only.
        prose = request.url.path == TOKEN_PATH and response.is_error
        try:
            description().validate_request(asked)
            if not self.tolerant and not prose:
                description().validate_response(asked, answer)
        except OpenAPIError as error:
            cause = error.__cause__ or error
            self.broken.append(f"{request.method} {request.url}: {error!r} {cause!r}")
        self.checked += 1


def mock_request(request: httpx.Request, body: bytes) -> MockRequest:
    """A request as the validator takes one."""
    return MockRequest(
        f"{request.url.scheme}://{request.url.host}",
        request.method.lower(),
        # A value in the path may have slashes in it, which the validator takes for the path's own.
        request.url.raw_path.decode().partition("?")[0].rstrip("/"),
        args=dict(request.url.params),
        headers=dict(request.headers),
        data=body or None,
        content_type=request.headers.get("content-type", ""),
    )
