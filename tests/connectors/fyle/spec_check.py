"""Checks what goes over the wire against Fyle's own OpenAPI description."""

import json
from functools import cache
from pathlib import Path

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

ACCOUNTS_URL = "http://accounts.fyle.test"
CLUSTER_URL = "http://us1.fyle.test"
_FILE = Path(__file__).with_name("fyle-admin.trimmed.openapi.json")
# Throttling and failures are in no specification.
_UNDECLARED = frozenset({429, 500})


@cache  # Reading it takes longer than most tests.
def _description() -> OpenAPI:
    told = json.loads(_FILE.read_text())
    paths = told["paths"]
    # The vendor describes BulkError for this call in prose only.
    declared = paths["/admin/reports/mark_paid/bulk"]["post"]["responses"]["400"]
    paths["/admin/reimbursements/mark_paid/bulk"]["post"]["responses"]["400"] = declared
    return OpenAPI.from_dict(told | {"servers": [{"url": f"{CLUSTER_URL}/platform/v1"}]})


class SpecChecked(httpx.AsyncBaseTransport):
    """Stands before the simulator; `broken` collects what neither side may send.

    With `tolerant` set, answers are let through unchecked: they are broken on purpose.
    """

    def __init__(self, simulator: httpx.AsyncBaseTransport) -> None:
        self._description = _description()
        self._simulator = simulator
        self.tolerant = False
        self.checked = 0
        self.broken: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        # Tokens and clusters are described in prose only.
        if request.url.host != httpx.URL(ACCOUNTS_URL).host:
            await self._check(request, response)
        return response

    async def _check(self, request: httpx.Request, response: httpx.Response) -> None:
        asked = MockRequest(
            f"{request.url.scheme}://{request.url.host}",
            request.method.lower(),
            request.url.path,
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=await request.aread() or None,
            content_type=request.headers.get("content-type", ""),
        )
        told = MockResponse(response.content, response.status_code, content_type="application/json")
        try:
            self._description.validate_request(asked)
            if not self.tolerant and response.status_code not in _UNDECLARED:
                self._description.validate_response(asked, told)
        except OpenAPIError as error:
            cause = error.__cause__ or error
            self.broken.append(f"{request.method} {request.url}: {error!r} {cause!r}")
        self.checked += 1
