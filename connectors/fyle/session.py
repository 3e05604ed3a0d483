"""Fyle's sessions: an access token that lives an hour, and the cluster that holds the data.

Fyle asks for the cluster to be looked up each time a token is fetched: data may move.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt, verdict_by_status
from connectors.base.rate_budget import RateBudget
from connectors.fyle.options import FyleOptions
from connectors.fyle.wire import Cluster, Token

# A token is renewed so long before its end that no request outlives it.
_MARGIN_SECONDS: Final = 300


@dataclass(slots=True)
class _Held:
    """A token we hold; `proven` once Fyle answered to it, so that a later 401 means it expired."""

    token: str = field(repr=False)
    good_until: float
    cluster: OneAttempt | None = None
    proven: bool = False


class FyleSession:
    """Speaks to whichever cluster holds the data, with a token that is good. One attempt a call."""

    def __init__(
        self,
        options: FyleOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None,
        clock: Callable[[], float],
        verdict: Callable[[Answer, bool], ConnectorError | None],
    ) -> None:
        self._options: Final = options
        self._budget: Final = budget
        self._transport: Final = transport
        self._clock: Final = clock
        self._verdict: Final = verdict
        self._opening: Final = asyncio.Lock()
        self._held: _Held | None = None
        self._clusters: Final[dict[str, OneAttempt]] = {}
        self._accounts: Final = self._to(options.accounts_url, read_verdict)

    def _to(
        self, base_url: str, verdict: Callable[[Answer, bool], ConnectorError | None]
    ) -> OneAttempt:
        return OneAttempt(
            base_url=base_url,
            headers={"Accept": "application/json"},
            budget=self._budget,
            verdict=verdict,
            timeouts=self._options.timeouts,
            transport=self._transport,
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._accounts.close()
        for cluster in self._clusters.values():
            await cluster.close()

    async def read(self, method: str, path: str, **request: Any) -> Answer:
        """Ask something that changes nothing."""
        return await self._call(method, path, write=False, request=request)

    async def write(self, method: str, path: str, **request: Any) -> Answer:
        """Ask for a change."""
        return await self._call(method, path, write=True, request=request)

    async def _call(
        self, method: str, path: str, *, write: bool, request: Mapping[str, Any]
    ) -> Answer:
        held, cluster = await self._open()
        send = cluster.write if write else cluster.read
        headers = {"Authorization": f"Bearer {held.token}"}
        try:
            answer = await send(method, f"/platform/v1{path}", headers=headers, **request)
        except _TokenRefusedError as refusal:
            if self._held is held:
                self._held = None
            if held.proven:
                raise TransientError("token_expired") from refusal
            raise ConnectionConfigError("http_401") from refusal
        held.proven = True
        return answer

    async def _open(self) -> tuple[_Held, OneAttempt]:
        """Give a good token and its cluster; what was got before trouble is kept for next time."""
        async with self._opening:
            if self._held is None or self._clock() >= self._held.good_until:
                self._held = await self._fetch_token()
            held = self._held
            if held.cluster is None:
                held.cluster = await self._find_cluster(held.token)
            return held, held.cluster

    async def _fetch_token(self) -> _Held:
        asked_at = self._clock()
        answer = await self._accounts.read(
            "POST",
            "/api/oauth/token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": self._options.refresh_token.get_secret_value(),
                "client_id": self._options.client_id,
                "client_secret": self._options.client_secret.get_secret_value(),
            },
        )
        try:
            token = Token.model_validate(answer.json())
        except ValueError:
            # Without its cause: that is a piece of an answer with a secret in it.
            raise TransientError("token_unreadable") from None
        lives_seconds = max(token.expires_in - _MARGIN_SECONDS, token.expires_in // 2)
        return _Held(token.access_token, asked_at + lives_seconds)

    async def _find_cluster(self, token: str) -> OneAttempt:
        answer = await self._accounts.read(
            "POST", "/oauth/cluster", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            domain = Cluster.model_validate(answer.json()).cluster_domain.rstrip("/")
        except ValueError:
            raise TransientError("cluster_unreadable") from None
        if not re.fullmatch(self._options.cluster_pattern, domain):
            raise ConnectionConfigError("foreign_cluster", "cluster_pattern does not allow it")
        if domain not in self._clusters:
            self._clusters[domain] = self._to(domain, self._cluster_verdict)
        return self._clusters[domain]

    def _cluster_verdict(self, answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
        if answer.status == httpx.codes.UNAUTHORIZED:
            return _TokenRefusedError("http_401")
        return self._verdict(answer, write)


class _TokenRefusedError(ConnectorError):
    """A cluster does not take a token: it did nothing."""


def read_verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
    """Reads are right by construction: whoever refuses one is set up otherwise, or has changed.

    So it is for lists, which always exist (Fyle answers 404 to what a token may not see), and for
    tokens and clusters, where it means that the credentials are wrong.
    """
    error = verdict_by_status(answer, write)
    if isinstance(error, RejectedError | ConflictError):
        return ConnectionConfigError(error.code)
    return error
