"""Checks what goes over the wire against BambooHR's own OpenAPI description."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

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
def _described() -> DescribedApi:
    return DescribedApi(description())


def trouble_with_request(request: httpx.Request) -> str | None:
    """What the description has against a request."""
    return _described().trouble_with_request(_asked(request))


class SpecChecked(CheckedTransport):
    """Everything is described."""

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge all, but for answers that are broken on purpose."""
        kind = response.headers.get("content-type", "application/json").partition(";")[0]
        answered = Answered(response.status_code, response.content, kind)
        self.judge(_described(), _asked(request), None if self.tolerant else answered)


def _asked(request: httpx.Request) -> Asked:
    # "Documented form: repeated keys (filter[ids][]=123)". The checker knows no lists inside of
    # objects: these are looked at here, and all others there.
    asked = Asked.of(request)
    chosen = [value for name, value in asked.params if name == _IDS]
    assert all(one.isdigit() for one in chosen), "filter[ids] are integers"
    return asked._replace(params=tuple(one for one in asked.params if one[0] != _IDS))
