"""Xero's sessions: an access token of a custom connection, which lives half an hour.

A custom connection belongs to one organisation and needs no person: its token is asked for with
id and secret, so that nothing has to be kept between two processes.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt, Verdict, verdict_by_status
from connectors.base.rate_budget import RateBudget
from connectors.xero.manifest import CONCURRENT_MAX
from connectors.xero.options import XeroOptions

# A token is renewed so long before its end that no request outlives it.
_MARGIN_SECONDS: Final = 120


class Token(BaseModel):
    """What the identity server hands out."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: Annotated[str, Field(min_length=1, repr=False)]
    expires_in: Annotated[int, Field(gt=0, le=86_400)]


@dataclass(slots=True)
class _Held:
    """A token we hold; `proven` once Xero answered to it, so that a later 401 means it expired."""

    token: str = field(repr=False)
    good_until: float
    proven: bool = False


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
        self._clock: Final = clock
        self._verdict: Final = verdict
        self._opening: Final = asyncio.Lock()
        self._held: _Held | None = None
        self._identity: Final = self._to(options.identity_url, budget, transport, _identity_verdict)
        self._api: Final = self._to(options.api_url, budget, transport, self._api_verdict)

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
        await self._open()
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
        held = await self._open()
        send = self._api.write if write else self._api.read
        who = {
            "Authorization": f"Bearer {held.token}",
            "xero-tenant-id": self._options.tenant_id,
        }
        try:
            answer = await send(method, path, headers={**headers, **who}, **request)
        except _TokenRefusedError as refusal:
            if self._held is held:
                self._held = None
            if held.proven:
                raise TransientError("token_expired") from refusal
            raise ConnectionConfigError("http_401") from refusal
        held.proven = True
        return answer

    async def _open(self) -> _Held:
        async with self._opening:
            if self._held is None or self._clock() >= self._held.good_until:
                self._held = await self._fetch_token()
            return self._held

    async def _fetch_token(self) -> _Held:
        asked_at = self._clock()
        secret = self._options.client_secret.get_secret_value()
        answer = await self._identity.read(
            "POST",
            "/connect/token",
            auth=httpx.BasicAuth(self._options.client_id, secret),
            data={"grant_type": "client_credentials", "scope": self._options.scopes},
        )
        try:
            token = Token.model_validate(answer.json())
        except ValueError:
            # Without its cause: that is a piece of an answer with a secret in it.
            raise TransientError("token_unreadable") from None
        lives_seconds = max(token.expires_in - _MARGIN_SECONDS, token.expires_in // 2)
        return _Held(token.access_token, asked_at + lives_seconds)

    def _api_verdict(self, answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
        if answer.status == httpx.codes.UNAUTHORIZED:
            return _TokenRefusedError("http_401")
        return self._verdict(answer, write)


class _TokenRefusedError(ConnectorError):
    """Xero does not take a token: it did nothing."""


def _identity_verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
    """Whoever refuses to hand out a token was given wrong credentials."""
    error = verdict_by_status(answer, write)
    if isinstance(error, RejectedError | ConflictError):
        return ConnectionConfigError(error.code)
    return error
