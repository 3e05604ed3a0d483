"""Checks what goes over the wire against Harvest's (unofficial) OpenAPI description."""

import json
from functools import cache
from pathlib import Path

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

BASE_URL = "http://harvest.test/v2"
_FILE = Path(__file__).with_name("harvest.unofficial.openapi.json")


@cache  # Reading it takes longer than most tests.
def _description() -> DescribedApi:
    return DescribedApi(json.loads(_FILE.read_text()) | {"servers": [{"url": BASE_URL}]})


class SpecChecked(CheckedTransport):
    """Everything is described."""

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge all, but for answers that are broken on purpose."""
        answered = None if self.tolerant else Answered(response.status_code, response.content)
        self.judge(_description(), Asked.of(request), answered)
