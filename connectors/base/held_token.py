"""A token that a connection holds: asked for when it is needed, kept until its end or a refusal."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, Verdict, verdict_by_status

_DAY_SECONDS: Final = 86_400


class _Handed(BaseModel):
    """What a token endpoint hands out (RFC 6749, section 5.1)."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: Annotated[str, Field(min_length=1, repr=False)]
    expires_in: Annotated[int, Field(gt=0, le=_DAY_SECONDS)] | None = None


@dataclass(slots=True)
class HeldToken:
    """A token we hold; `proven` once it was answered to, so that a later 401 means it expired."""

    text: str = field(repr=False)
    good_until: float
    proven: bool = False


class TokenRefusedError(ConnectorError):
    """The system does not take a token: it did nothing."""


class TokenHolder:
    """The token of one connection; never asked for twice at once.

    `ask` makes the request for a new one. It is renewed `margin_seconds` before its end, so that
    no request outlives it. `lives_seconds` is how long one is kept whose system names no end.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Answer]],
        clock: Callable[[], float],
        *,
        margin_seconds: int,
        lives_seconds: int | None = None,
    ) -> None:
        self._ask: Final = ask
        self._clock: Final = clock
        self._margin_seconds: Final = margin_seconds
        self._lives_seconds: Final = lives_seconds
        self._asking: Final = asyncio.Lock()
        self._held: HeldToken | None = None

    async def token(self) -> HeldToken:
        """Give a token that is good, as far as we know."""
        async with self._asking:
            if self._held is None or self._clock() >= self._held.good_until:
                self._held = await self._fetch()
            return self._held

    async def send(
        self, held: HeldToken, send: Callable[[Mapping[str, str]], Awaitable[Answer]]
    ) -> Answer:
        """Make one attempt with a token; `send` gets the header that carries it.

        A token that was good before and is refused has expired: TransientError, and the next
        attempt has a new one. One that was never good is an operator's: ConnectionConfigError.
        """
        try:
            answer = await send({"Authorization": f"Bearer {held.text}"})
        except TokenRefusedError as refusal:
            if self._held is held:
                self._held = None
            if held.proven:
                raise TransientError("token_expired") from refusal
            raise ConnectionConfigError(refusal.code) from refusal
        held.proven = True
        return answer

    async def _fetch(self) -> HeldToken:
        asked_at = self._clock()
        answer = await self._ask()
        try:
            handed = _Handed.model_validate(answer.json())
        except ValueError:
            # Without its cause: that is a piece of an answer with a secret in it.
            raise TransientError("token_unreadable") from None
        lives = handed.expires_in or self._lives_seconds
        if lives is None:
            raise TransientError("token_unreadable")
        return HeldToken(
            handed.access_token, asked_at + max(lives - self._margin_seconds, lives // 2)
        )


def refusing_tokens(verdict: Verdict) -> Verdict:
    """The verdict of a system that takes tokens: 401 is about the token, all else is its own."""

    def with_token(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
        if answer.status == httpx.codes.UNAUTHORIZED:
            return TokenRefusedError("http_401")
        return verdict(answer, write)

    return with_token


def login_verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001
    """Whoever refuses to hand out a token was given wrong credentials."""
    error = verdict_by_status(answer, write)
    if isinstance(error, RejectedError | ConflictError):
        return ConnectionConfigError(error.code)
    return error
