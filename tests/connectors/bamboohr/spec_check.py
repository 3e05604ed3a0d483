"""Checks what goes over the wire against BambooHR's own OpenAPI description."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import ImmutableMultiDict

HOST = "http://bamboohr.test"
_FILES = ("bamboohr.trimmed.openapi.json", "bamboohr.more.openapi.json")
_IDS = "filter[ids][]"
# What the description leaves out of the answers of some operations, and the vendor's pages of
# errors say of all (docs/connectors/bamboohr.md).
_SAID_OF_ALL = {
    "401": {"description": "Unauthorized."},
    "429": {"description": "Too many requests."},
    "500": {"description": "Internal server error."},
    "503": {"description": "Service unavailable."},
}


def description() -> dict[str, Any]:
    """The vendor's description, repaired where it contradicts itself."""
    first, more = (json.loads(Path(__file__).with_name(name).read_text()) for name in _FILES)
    first["paths"] |= more["paths"]
    first["servers"] = [{"url": HOST}]
    for operations in first["paths"].values():
        for operation in operations.values():
            operation["responses"] = _SAID_OF_ALL | operation["responses"]
            # How the key is sent is tried by its own tests; the list of employees names OAuth only.
            operation.pop("security", None)
    # The cursor is text in the shared part and an integer in the list's own: no value is both.
    cursors = first["components"]["schemas"]["EmployeeCursorPaginationQueryObject"]
    first["components"]["schemas"]["EmployeeCursorPaginationQueryObject"] = cursors["allOf"][1]
    # "Comma-separated", says the text; the schema says one parameter each, by default.
    for parameter in first["paths"]["/api/v1/employees"]["get"]["parameters"]:
        if parameter["name"] == "fields":
            parameter["explode"] = False
    return first


@cache  # Reading it takes longer than most tests.
def _checked() -> OpenAPI:
    return OpenAPI.from_dict(description())


def trouble_with_request(request: httpx.Request) -> OpenAPIError | None:
    """What the description has against a request."""
    try:
        _checked().validate_request(_asked(request))
    except OpenAPIError as error:
        return error
    return None


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
        await request.aread()
        self._check(request, response)
        return response

    def _check(self, request: httpx.Request, response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "application/json").partition(";")[0]
        told = MockResponse(response.content, response.status_code, content_type=kind)
        found = trouble_with_request(request)
        if found is None and not self.tolerant:
            try:
                _checked().validate_response(_asked(request), told)
            except OpenAPIError as error:
                found = error
        if found is not None:
            cause = found.__cause__ or found
            self.broken.append(f"{request.method} {request.url}: {found!r} {cause!r}")
        self.checked += 1


def _asked(request: httpx.Request) -> MockRequest:
    # "Documented form: repeated keys (filter[ids][]=123)". The checker knows no lists inside of
    # objects: these are looked at here, and all others there.
    members = request.url.params.multi_items()
    chosen = [value for name, value in members if name == _IDS]
    assert all(one.isdigit() for one in chosen), "filter[ids] are integers"
    return MockRequest(
        f"{request.url.scheme}://{request.url.host}",
        request.method.lower(),
        request.url.path,
        args=ImmutableMultiDict([one for one in members if one[0] != _IDS]),
        headers=dict(request.headers),
        data=request.content or None,
        content_type=request.headers.get("content-type", ""),
    )
