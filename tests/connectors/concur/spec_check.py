"""Checks what goes over the wire against SAP's OpenAPI descriptions of Concur."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

BASE_URL = "http://concur.test"
_HERE = Path(__file__).parent
_DESCRIPTIONS = {
    "/financialintegration": "concur-fis-v4.trimmed.openapi.json",
    "/profile/identity/v4.1": "concur-identity-v4.1.trimmed.openapi.json",
}
# Said by whatever stands before a service; no description of SAP's declares them throughout.
_BEFORE_THE_SERVICE = frozenset({401, 429, 500, 502, 503, 504})


@cache  # Reading them takes longer than most tests.
def _description(prefix: str) -> DescribedApi:
    told: dict[str, Any] = json.loads((_HERE / _DESCRIPTIONS[prefix]).read_text())
    documents = told["components"]["schemas"].get("EntityModelFIDocument")
    if documents:
        # SAP's schema says object; its examples, and its own header, say that it may be text.
        documents["properties"]["document"] = {"oneOf": [{"type": "object"}, {"type": "string"}]}
    return DescribedApi(told | {"servers": [{"url": f"{BASE_URL}{prefix}"}]})


class SpecChecked(CheckedTransport):
    """Tokens are described on a page only; their tests are in test_access.py."""

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge by the description of the service, and only what comes from it."""
        path = request.url.path
        if path.startswith("/oauth2/"):
            return
        prefix = next((each for each in _DESCRIPTIONS if path.startswith(each)), None)
        if prefix is None:
            self.broken.append(f"{request.method} {request.url}: is in no description")
            return
        skipped = self.tolerant or response.status_code in _BEFORE_THE_SERVICE
        answered = None if skipped else Answered(response.status_code, response.content)
        self.judge(_description(prefix), Asked.of(request), answered)
