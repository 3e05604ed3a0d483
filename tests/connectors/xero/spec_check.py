"""Checks what goes over the wire against Xero's own OpenAPI descriptions."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

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
def description(part: str) -> DescribedApi:
    """The description of one API, ready to check with."""
    return DescribedApi(told(part))


class SpecChecked(CheckedTransport):
    """Tokens are described in prose only, and orders are ours."""

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge by the description of the API that was called, and the answers it declares."""
        skipped = self.tolerant or response.status_code in _UNDECLARED
        answered = None if skipped else Answered(response.status_code, response.content)
        for part in PARTS:
            if request.url.path.startswith(part):
                self.judge(description(part), Asked.of(request), answered)
