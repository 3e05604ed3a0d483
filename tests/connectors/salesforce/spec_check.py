"""Checks what goes over the wire against the description derived from Salesforce's collection."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

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
def description() -> DescribedApi:
    """The description under the tests' own address."""
    return DescribedApi(told() | {"servers": [{"url": BASE_URL}]})


class SpecChecked(CheckedTransport):
    """Everything is described, but for a refused token: that is in prose only."""

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge all requests, and the answers that are described and not broken on purpose."""
        prose = request.url.path == TOKEN_PATH and response.is_error
        kind = "application/json" if response.content else ""
        answered = Answered(response.status_code, response.content, kind)
        self.judge(description(), asked(request), None if self.tolerant or prose else answered)


def asked(request: httpx.Request) -> Asked:
    """A request as the checker takes one."""
    # A value in the path may have slashes in it, which the checker takes for the path's own.
    path = request.url.raw_path.decode().partition("?")[0].rstrip("/")
    return Asked.of(request)._replace(path=path)
