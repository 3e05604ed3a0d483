"""The OAuth 2 access token of one Concur company: taken, kept while it lasts, taken anew."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import httpx
from pydantic import SecretStr

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.http import OneAttempt
from connectors.concur.answers import TokenAnswer

_LOG: Final = logging.getLogger(__name__)
# A token is not used in its last minute: it would expire on the way.
_MARGIN_SECONDS: Final = 60


class TokenGoneError(ConnectionConfigError):
    """401: whoever asked is unknown, so nothing was done."""


class Access:
    """Gives a token that is good now. Financial documents want a company's, got by refreshing."""

    def __init__(
        self,
        http: OneAttempt,
        *,
        connection: str,
        base_url: str,
        client_id: str,
        client_secret: SecretStr,
        refresh_token: SecretStr,
        clock: Callable[[], float],
    ) -> None:
        self._http: Final = http
        self._connection: Final = connection
        self._host: Final = httpx.URL(base_url).host
        self._client_id: Final = client_id
        self._client_secret: Final = client_secret
        self._refresh_token = refresh_token
        self._clock: Final = clock
        self._lock: Final = asyncio.Lock()
        self._token: SecretStr | None = None
        self._good_until = 0.0

    async def token(self) -> SecretStr:
        """The token, a new one if it is about to expire."""
        async with self._lock:
            if self._token is None or self._clock() >= self._good_until:
                self._token = await self._taken()
            return self._token

    async def anew(self) -> None:
        """Take a new token, whatever is left of the old one."""
        async with self._lock:
            self._token = await self._taken()

    def forget(self, token: SecretStr) -> None:
        """Never use this token again; another may have taken its place already."""
        if self._token is token:
            self._token = None

    async def _taken(self) -> SecretStr:
        answer = await self._http.read(
            "POST",
            "/oauth2/v0/token",
            data={
                "client_id": self._client_id,
                "client_secret": self._client_secret.get_secret_value(),
                "grant_type": "refresh_token",
                "refresh_token": self._refresh_token.get_secret_value(),
            },
        )
        try:
            told = TokenAnswer.model_validate(answer.json())
        except ValueError as error:
            # Without its cause, which would quote the token.
            raise TransientError("token_unreadable", type(error).__name__) from None
        self._refuse_to_move(told.geolocation)
        self._keep(told.refresh_token)
        self._good_until = self._clock() + max(1, told.expires_in - _MARGIN_SECONDS)
        return SecretStr(told.access_token)

    def _refuse_to_move(self, geolocation: str | None) -> None:
        """A company lives in one data centre; an operator says which, never an answer."""
        if not geolocation:
            return
        try:
            host = httpx.URL(geolocation).host
        except httpx.InvalidURL as error:
            raise TransientError("token_unreadable", type(error).__name__) from None
        if host.removeprefix("www-") != self._host:
            raise ConnectionConfigError(
                "lives_elsewhere",
                "the company is in another data centre: set base_url to the geolocation that "
                "Concur names for its token",
            )

    def _keep(self, refresh_token: str | None) -> None:
        """Use the refresh token that came; a process that starts later has the configured one."""
        if refresh_token and refresh_token != self._refresh_token.get_secret_value():
            self._refresh_token = SecretStr(refresh_token)
            _LOG.warning(
                "concur gave connection %s another refresh token: renew the secret soon",
                self._connection,
            )
