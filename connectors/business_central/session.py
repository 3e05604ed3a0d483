"""A session with Business Central: a token of Microsoft Entra, and one attempt per call."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
    TransientError,
)
from connectors.base.held_token import HeldToken, TokenHolder, login_verdict, refusing_tokens
from connectors.base.http import Answer, OneAttempt, Verdict, verdict_by_status
from connectors.base.rate_budget import RateBudget
from connectors.business_central.options import BusinessCentralOptions

SCOPE: Final = "https://api.businesscentral.dynamics.com/.default"
# A token is renewed so long before its end that no request outlives it.
_MARGIN_SECONDS: Final = 300


class Session:
    """Speaks to one environment with a token that is good; never twice for one call."""

    def __init__(
        self,
        options: BusinessCentralOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None,
        verdict: Verdict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options: Final = options
        self._clock: Final = clock
        self._tokens: Final = TokenHolder(self._ask, clock, margin_seconds=_MARGIN_SECONDS)
        self._path: Final = f"/v2.0/{quote(options.environment, safe='')}/api/v2.0/"
        headers = {
            "Accept": "application/json",
            # Refusals are told apart by their English texts.
            "Accept-Language": "en-US",
            "Prefer": f"odata.maxpagesize={options.page_size}",
        }

        def to(url: str, verdict: Verdict, connections_max: int) -> OneAttempt:
            return OneAttempt(
                base_url=url,
                headers=headers,
                budget=budget,
                verdict=verdict,
                timeouts=options.timeouts,
                transport=transport,
                connections_max=connections_max,
            )

        # Five requests of one user are worked on at once; more would only wait there.
        self._api: Final = to(options.api_url, refusing_tokens(verdict), 5)
        self._login: Final = to(options.login_url, login_verdict, 1)

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._api.close()
        await self._login.close()

    async def read(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Ask something that changes nothing; `path` may be a link of an answer."""
        held = await self._tokens.token()
        url = path if "://" in path else self._path + path
        return await self._send(held, "GET", url, write=False, params=params or None)

    async def write(self, method: str, path: str, *, not_after: float, **request: Any) -> Answer:
        """Ask for a change; TransientError if that would begin after `not_after`."""
        held = await self._tokens.token()
        if self._clock() > not_after:
            raise TransientError("too_late", "the claim would end before the request is out")
        return await self._send(held, method, self._path + path, write=True, **request)

    async def _send(
        self, held: HeldToken, method: str, url: str, *, write: bool, **request: Any
    ) -> Answer:
        own = request.pop("headers", {})
        if request.get("params", ...) is None:
            del request["params"]  # An empty set of them would wipe out a link's own.
        send = self._api.write if write else self._api.read
        return await self._tokens.send(
            held, lambda who: send(method, url, headers={**own, **who}, **request)
        )

    async def _ask(self) -> Answer:
        return await self._login.read(
            "POST",
            f"/{quote(self._options.tenant_id, safe='')}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._options.client_id,
                "client_secret": self._options.client_secret.get_secret_value(),
                "scope": SCOPE,
            },
        )


def read_verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
    """Reads are right by construction: whoever refuses one is set up otherwise, or has changed."""
    error = verdict_by_status(answer, write)
    if isinstance(error, RejectedError | ConflictError):
        return ConnectionConfigError(error.code)
    return error
