"""Checks what goes over the wire against the description of the API v2.0, parts of a $batch too."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

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
def description() -> DescribedApi:
    """The specification under the tests' own address."""
    return DescribedApi(told() | {"servers": [{"url": f"{API_URL}{ROOT}"}]})


class SpecChecked(CheckedTransport):
    """Tokens are described in prose only.

    With `tolerant` set, what either side sends is let through: it is broken on purpose.
    """

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge what is said to the API, and each part of a $batch as if it came alone."""
        if self.tolerant or request.url.host != httpx.URL(API_URL).host:
            return
        self._judge_declared(Asked.of(request), response.status_code, response.content)
        if request.url.path.endswith("/$batch") and response.is_success:
            self._check_parts(json.loads(request.content), response.json())

    def _check_parts(self, asked: Any, answered: Any) -> None:
        for part, answer in zip(asked["requests"], answered["responses"], strict=False):
            content = json.dumps(answer["body"]).encode() if "body" in answer else b""
            self._judge_declared(asked_in_part(part), answer["status"], content)

    def _judge_declared(self, asked: Asked, status: int, content: bytes) -> None:
        kind = "application/json" if content else ""
        answered = None if status in _UNDECLARED else Answered(status, content, kind)
        self.judge(description(), asked, answered)


def asked_in_part(part: Any) -> Asked:
    """A part of a $batch, as if it came alone."""
    body = json.dumps(part["body"]).encode() if "body" in part else None
    url = f"{API_URL}{ROOT}/{part['url']}"
    return Asked.of(httpx.Request(part["method"], url, headers=part.get("headers"), content=body))
