"""A session with an org: an access token of the client credentials flow, one attempt per call."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from connectors.base.held_token import TokenHolder, login_verdict, refusing_tokens
from connectors.base.http import Answer, OneAttempt, Verdict
from connectors.base.rate_budget import RateBudget
from connectors.salesforce.options import SalesforceOptions

# Salesforce names no end: a session lasts until nothing was asked for two hours, or for what the
# org has set instead. Whoever sets less meets a 401 now and then, and a new token.
_LIVES_SECONDS: Final = 3_600
_MARGIN_SECONDS: Final = 60


class SalesforceSession:
    """Speaks to one org with a token that is good."""

    def __init__(
        self,
        options: SalesforceOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None,
        verdict: Verdict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options: Final = options
        self._root: Final = f"/services/data/v{options.api_version}"
        self._tokens: Final = TokenHolder(
            self._ask, clock, margin_seconds=_MARGIN_SECONDS, lives_seconds=_LIVES_SECONDS
        )

        def speaking(verdict: Verdict) -> OneAttempt:
            return OneAttempt(
                base_url=options.instance_url,
                headers={"Accept": "application/json"},
                budget=budget,
                verdict=verdict,
                timeouts=options.timeouts,
                transport=transport,
            )

        self._api: Final = speaking(refusing_tokens(verdict))
        self._login: Final = speaking(login_verdict)

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._api.close()
        await self._login.close()

    async def read(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask something that changes nothing; `path` may be a link of an answer."""
        url = path if path.startswith("/services/") else self._root + path
        held = await self._tokens.token()
        return await self._tokens.send(
            held, lambda who: self._api.read("GET", url, headers={**(headers or {}), **who})
        )

    async def write(self, method: str, path: str, **request: Any) -> Answer:
        """Ask for a change."""
        held = await self._tokens.token()
        return await self._tokens.send(
            held,
            lambda who: self._api.write(method, self._root + path, headers=who, **request),
        )

    async def _ask(self) -> Answer:
        return await self._login.read(
            "POST",
            "/services/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._options.client_id,
                "client_secret": self._options.client_secret.get_secret_value(),
            },
        )
