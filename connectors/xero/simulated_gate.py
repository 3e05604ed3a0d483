"""The door of the simulated Xero: tokens, limits, and keys that are remembered for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final

from connectors.xero.simulated_json import Record, body_of, other_error
from connectors.xero.simulated_organisation import SimulatedXero

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_KEY_LENGTH_MAX: Final = 128
_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>An error occurred in Xero"
    b"</h1><p>Kim Allen, please try again later</p></body></html>"
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it goes over the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


def answered(told: Record, status: int = 200) -> Answered:
    """Answer with JSON."""
    return Answered(status, body_of(told))


@dataclass(slots=True)
class _Window:
    """A window that begins with the first call in it, as Xero's do."""

    lasts: timedelta
    begun: datetime | None = None
    calls: int = 0

    def admit(self, limit: int, now: datetime) -> int:
        """Count a call; says how many seconds to wait if it is one too many."""
        if self.begun is None or now - self.begun >= self.lasts:
            self.begun, self.calls = now, 0
        self.calls += 1
        if self.calls <= limit:
            return 0
        return max(1, int((self.begun + self.lasts - now).total_seconds()))


@dataclass(frozen=True, slots=True)
class _Remembered:
    request: tuple[str, str, bytes]
    answer: Answered
    at: datetime


class Gate:
    """What every request meets before it is answered."""

    def __init__(self, xero: SimulatedXero) -> None:
        self._xero: Final = xero
        self._tokens: Final[dict[str, datetime]] = {}
        self._minute: Final = _Window(_MINUTE)
        self._day: Final = _Window(_DAY)
        self._keys: Final[dict[str, _Remembered]] = {}
        self.under_way = 0

    def token(self, credentials: tuple[str, str] | None, form: Mapping[str, str]) -> Answered:
        """Hand out a token to who knows id and secret."""
        facts = self._xero.facts
        if form.get("grant_type") != "client_credentials":
            return answered({"error": "unsupported_grant_type"}, 400)
        if credentials != (facts.client_id, facts.client_secret):
            return answered({"error": "invalid_client"}, 400)
        name = self._xero.issue("token")
        lives_seconds = self._xero.quirks.token_seconds
        self._tokens[name] = self._xero.clock() + timedelta(seconds=lives_seconds)
        told = {"access_token": name, "token_type": "Bearer", "scope": form.get("scope", "")}
        return answered({**told, "expires_in": lives_seconds})

    def turned_away(self, headers: Mapping[str, str]) -> Answered | None:
        """Say who may not enter, and why: who are you, whose books, and how often."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        until = self._tokens.get(token)
        if until is None or self._xero.clock() >= until:
            return answered({"Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired"}, 401)
        if headers.get("xero-tenant-id") != self._xero.facts.tenant_id:
            told = {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}
            return answered(told, 403)
        return self._throttled()

    def _throttled(self) -> Answered | None:
        quirks, now = self._xero.quirks, self._xero.clock()
        if self.under_way > quirks.concurrent_limit:
            return Answered(429, b"", {"X-Rate-Limit-Problem": "concurrent"})
        for name, window, limit in (
            ("minute", self._minute, quirks.minute_limit),
            ("day", self._day, quirks.day_limit),
        ):
            wait_seconds = window.admit(limit, now)
            if wait_seconds:
                later = format_datetime(now + timedelta(seconds=wait_seconds), usegmt=True)
                when = later if quirks.retry_after_as_date else str(wait_seconds)
                return Answered(429, b"", {"X-Rate-Limit-Problem": name, "Retry-After": when})
        return None

    def remembered(self, key: str | None, request: tuple[str, str, bytes]) -> Answered | None:
        """Answer a key that is known with what was answered before."""
        if key is None:
            return None
        if len(key) > _KEY_LENGTH_MAX:
            return answered(other_error(400, "BadRequest", "The idempotency key is too long"), 400)
        known = self._keys.get(key)
        life = timedelta(seconds=self._xero.quirks.key_seconds)
        if known is None or self._xero.clock() - known.at >= life:
            return None
        if known.request != request:
            told = "The idempotency key was used with another request"
            return answered(other_error(400, "IdempotencyException", told), 400)
        return known.answer

    def remember(self, key: str | None, request: tuple[str, str, bytes], answer: Answered) -> None:
        """Keep what a key was answered with; a server that failed has answered nothing."""
        if key is not None and answer.status < 500:  # noqa: PLR2004
            self._keys[key] = _Remembered(request, answer, self._xero.clock())

    def failure(self) -> Answered:
        """An answer that proves nothing."""
        if self._xero.quirks.html_errors:
            return Answered(500, _HTML, media_type="text/html")
        return answered(other_error(500, "InternalServerError", "An error occurred in Xero"), 500)
