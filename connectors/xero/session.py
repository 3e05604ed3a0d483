"""Xero's sessions: an access token of a custom connection, which lives half an hour.

A custom connection belongs to one organisation and needs no person: its token is asked for with
id and secret, so that nothing has to be kept between two processes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from connectors.base.held_token import TokenHolder, login_verdict, refusing_tokens
from connectors.base.http import Answer, OneAttempt, Verdict
from connectors.base.rate_budget import RateBudget
from connectors.xero.manifest import CONCURRENT_MAX
from connectors.xero.options import XeroOptions

# A token is renewed so long before its end that no request outlives it.
_MARGIN_SECONDS: Final = 120


class XeroSession:
    """Speaks to one organisation with a token that is good. One attempt a call."""

    def __init__(
        self,
        options: XeroOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None,
        clock: Callable[[], float],
        verdict: Verdict,
    ) -> None:
        self._options: Final = options
        self._tokens: Final = TokenHolder(self._ask, clock, margin_seconds=_MARGIN_SECONDS)
        self._identity: Final = self._to(options.identity_url, budget, transport, login_verdict)
        self._api: Final = self._to(options.api_url, budget, transport, refusing_tokens(verdict))

    def _to(
        self,
        base_url: str,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None,
        verdict: Verdict,
    ) -> OneAttempt:
        return OneAttempt(
            base_url=base_url,
            headers={"Accept": "application/json"},
            budget=budget,
            verdict=verdict,
            timeouts=self._options.timeouts,
            transport=transport,
            connections_max=CONCURRENT_MAX,
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._identity.close()
        await self._api.close()

    async def read(self, path: str, headers: Mapping[str, str], **request: Any) -> Answer:
        """Ask something that changes nothing."""
        return await self._call("GET", path, headers, write=False, request=request)

    async def write(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        before: Callable[[], None],
        **request: Any,
    ) -> Answer:
        """Ask for a change; `before` may still stop it once a token is there."""
        await self._tokens.token()
        before()
        return await self._call(method, path, headers, write=True, request=request)

    async def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        write: bool,
        request: Mapping[str, Any],
    ) -> Answer:
        held = await self._tokens.token()
        send = self._api.write if write else self._api.read
        own = {**headers, "xero-tenant-id": self._options.tenant_id}
        return await self._tokens.send(
            held, lambda who: send(method, path, headers={**own, **who}, **request)
        )

    async def _ask(self) -> Answer:
        secret = self._options.client_secret.get_secret_value()
        return await self._identity.read(
            "POST",
            "/connect/token",
            auth=httpx.BasicAuth(self._options.client_id, secret),
            data={"grant_type": "client_credentials", "scope": self._options.scopes},
        )
