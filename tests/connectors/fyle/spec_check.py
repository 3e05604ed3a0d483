"""Checks what goes over the wire against Fyle's own OpenAPI description."""

import json
from functools import cache
from pathlib import Path

import httpx

from tests.connectors.described_api import Answered, Asked, CheckedTransport, DescribedApi

ACCOUNTS_URL = "http://accounts.fyle.test"
CLUSTER_URL = "http://us1.fyle.test"
_FILE = Path(__file__).with_name("fyle-admin.trimmed.openapi.json")
# Throttling and failures are in no specification.
_UNDECLARED = frozenset({429, 500})


@cache  # Reading it takes longer than most tests.
def _description() -> DescribedApi:
    told = json.loads(_FILE.read_text())
    paths = told["paths"]
    # The vendor describes BulkError for this call in prose only.
    declared = paths["/admin/reports/mark_paid/bulk"]["post"]["responses"]["400"]
    paths["/admin/reimbursements/mark_paid/bulk"]["post"]["responses"]["400"] = declared
    return DescribedApi(told | {"servers": [{"url": f"{CLUSTER_URL}/platform/v1"}]})


class SpecChecked(CheckedTransport):
    """Tokens and clusters are described in prose only."""

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge what is said to the cluster, and the answers that are declared."""
        if request.url.host == httpx.URL(ACCOUNTS_URL).host:
            return
        skipped = self.tolerant or response.status_code in _UNDECLARED
        answered = None if skipped else Answered(response.status_code, response.content)
        self.judge(_description(), Asked.of(request), answered)
