"""Checks what goes over the wire against the description of the API v2.0, parts of a $batch too."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

API_URL = "http://bc.test"
LOGIN_URL = "http://login.test"
ROOT = "/v2.0/production/api/v2.0"
_HERE = Path(__file__).parent
# Throttling and failures are in no specification.
_UNDECLARED = frozenset({408, 429, 500, 502, 503, 504})


def told() -> Any:
    """The derived specification, and what of the documentation it leaves out, as one."""
    whole = json.loads((_HERE / "bc-v2.0.derived.openapi.json").read_text())
    more = json.loads((_HERE / "bc-v2.0.addendum.openapi.json").read_text())
    whole["paths"] |= more["paths"]
    whole["components"]["schemas"] |= more["components"]["schemas"]
    # It is not enforced by the checkers, which only say that they cannot.
    whole.pop("security")
    whole["components"].pop("securitySchemes")
    return whole


@cache  # Reading it takes longer than most tests.
def description() -> OpenAPI:
    """The specification under the tests' own address."""
    return OpenAPI.from_dict(told() | {"servers": [{"url": f"{API_URL}{ROOT}"}]})


class SpecChecked(httpx.AsyncBaseTransport):
    """Stands before the simulator; `broken` collects what neither side may send.

    With `tolerant` set, what either side sends is let through: it is broken on purpose.
    """

    def __init__(self, simulator: httpx.AsyncBaseTransport) -> None:
        self._simulator = simulator
        self.tolerant = False
        self.checked = 0
        self.broken: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        # Tokens are described in prose only.
        if request.url.host == httpx.URL(API_URL).host and not self.tolerant:
            await self._check(request, response)
        return response

    async def _check(self, request: httpx.Request, response: httpx.Response) -> None:
        body = await request.aread()
        asked = mock_request(
            request.method,
            request.url.path.removeprefix(f"{ROOT}/"),
            dict(request.url.params),
            dict(request.headers),
            body or None,
        )
        self._compare(asked, response.status_code, response.content)
        if request.url.path.endswith("/$batch") and response.is_success:
            self._check_parts(json.loads(body), response.json())

    def _check_parts(self, asked: Any, answered: Any) -> None:
        for part, answer in zip(asked["requests"], answered["responses"], strict=False):
            path, _, query = part["url"].partition("?")
            body = json.dumps(part["body"]).encode() if "body" in part else None
            headers = {"accept": "application/json", **part.get("headers", {})}
            params = dict(httpx.QueryParams(query))
            request = mock_request(part["method"], path, params, headers, body)
            content = json.dumps(answer["body"]).encode() if "body" in answer else b""
            self._compare(request, answer["status"], content)

    def _compare(self, request: MockRequest, status: int, content: bytes) -> None:
        answer = MockResponse(content, status, content_type="application/json" if content else "")
        try:
            description().validate_request(request)
            if status not in _UNDECLARED:
                description().validate_response(request, answer)
        except OpenAPIError as error:
            cause = error.__cause__ or error
            self.broken.append(f"{request.method} {request.path}: {error!r} {cause!r}")
        self.checked += 1


def mock_request(
    method: str,
    path: str,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes | None,
) -> MockRequest:
    """A request as the validator takes one."""
    lower = {name.lower(): value for name, value in headers.items()}
    return MockRequest(
        API_URL,
        method.lower(),
        f"{ROOT}/{path}",
        args=dict(params),
        headers={"Authorization": "Bearer x", **headers},
        data=body,
        content_type=lower.get("content-type", ""),
    )
