"""Checks what goes over the wire against SAP's OpenAPI descriptions of Concur."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

BASE_URL = "http://concur.test"
_HERE = Path(__file__).parent
_DESCRIPTIONS = {
    "/financialintegration": "concur-fis-v4.trimmed.openapi.json",
    "/profile/identity/v4.1": "concur-identity-v4.1.trimmed.openapi.json",
}
# Said by whatever stands before a service; no description of SAP's declares them throughout.
_BEFORE_THE_SERVICE = frozenset({401, 429, 500, 502, 503, 504})


@cache  # Reading them takes longer than most tests.
def _description(prefix: str) -> OpenAPI:
    told: dict[str, Any] = json.loads((_HERE / _DESCRIPTIONS[prefix]).read_text())
    documents = told["components"]["schemas"].get("EntityModelFIDocument")
    if documents:
        # SAP's schema says object; its examples, and its own header, say that it may be text.
        documents["properties"]["document"] = {"oneOf": [{"type": "object"}, {"type": "string"}]}
    return OpenAPI.from_dict(told | {"servers": [{"url": f"{BASE_URL}{prefix}"}]})


class SpecChecked(httpx.AsyncBaseTransport):
    """Stands before the simulator; `broken` collects what neither side may send.

    With `tolerant` set, answers are let through unchecked: they are broken on purpose. Tokens are
    described on a page only; their tests are in test_access.py.
    """

    def __init__(self, simulator: httpx.AsyncBaseTransport) -> None:
        self._simulator = simulator
        self.tolerant = False
        self.checked = 0
        self.broken: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        if not request.url.path.startswith("/oauth2/"):
            await self._check(request, response)
        return response

    async def _check(self, request: httpx.Request, response: httpx.Response) -> None:
        path = request.url.path
        prefix = next((each for each in _DESCRIPTIONS if path.startswith(each)), None)
        if prefix is None:
            self.broken.append(f"{request.method} {request.url}: is in no description")
            return
        asked = MockRequest(
            f"{request.url.scheme}://{request.url.host}",
            request.method.lower(),
            path,
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=await request.aread() or None,
            content_type=request.headers.get("content-type", ""),
        )
        told = MockResponse(response.content, response.status_code, content_type="application/json")
        try:
            _description(prefix).validate_request(asked)
            if not self.tolerant and response.status_code not in _BEFORE_THE_SERVICE:
                _description(prefix).validate_response(asked, told)
        except OpenAPIError as error:
            cause = error.__cause__ or error
            self.broken.append(f"{request.method} {request.url}: {error!r} {cause!r}")
        self.checked += 1
