"""HTTP with exactly one attempt: no retries, no redirects, and every failure says what it means."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import httpx

from canonical.exact import decimal_text
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.rate_budget import RateBudget, retry_after_seconds
from connectors.base.tls import trusted_authorities

# One answer is held in memory; 64 MB is 2,000 of the largest records seen, ten times over.
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
_INT_DIGITS_MAX: Final = 18


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each part of one attempt; their sum is the send window of a write."""

    connect_seconds: float = 5
    write_seconds: float = 10
    read_seconds: float = 30
    pool_seconds: float = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """Parse the body with exact numbers; raises ValueError if it is not JSON of this world."""
        return exact_json(self.body)


# Looks at a whole answer: None if it is good, else the error that it means for a read or a write.
Verdict = Callable[[Answer, bool], ConnectorError | None]


class OneAttempt:
    """One connection's HTTP client. `read` may be repeated by anyone, `write` by nobody."""

    def __init__(
        self,
        *,
        base_url: str,
        headers: Mapping[str, str],
        budget: RateBudget,
        verdict: Verdict,
        timeouts: Timeouts = Timeouts(),
        transport: httpx.AsyncBaseTransport | None = None,
        keepalive_seconds: float = 5,
        connections_max: int = 20,
    ) -> None:
        self._budget = budget
        self._verdict = verdict
        self._base = httpx.URL(base_url)
        self._getting_out = (
            timeouts.pool_seconds + timeouts.connect_seconds + timeouts.write_seconds
        )
        limits = httpx.Limits(
            max_connections=connections_max,
            max_keepalive_connections=connections_max,
            # Below the server's own: one that closes under our write looks like a lost answer.
            keepalive_expiry=keepalive_seconds,
        )
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=dict(headers),
            follow_redirects=False,
            timeout=httpx.Timeout(
                connect=timeouts.connect_seconds,
                write=timeouts.write_seconds,
                read=timeouts.read_seconds,
                pool=timeouts.pool_seconds,
            ),
            transport=transport
            or httpx.AsyncHTTPTransport(verify=trusted_authorities(), retries=0, limits=limits),
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._http.aclose()

    async def read(self, method: str, url: str, **request: Any) -> Answer:
        """Ask something that changes nothing; raises TransientError where repeating may help."""
        return await self._attempt(method, url, write=False, request=request)

    async def write(
        self, method: str, url: str, *, last_byte_by: float | None = None, **request: Any
    ) -> Answer:
        """Ask for a change; raises OutcomeUnknownError once a byte may have left unanswered.

        A write whose last byte might not be out by `last_byte_by`, of the monotonic clock, does
        not begin: TransientError.
        """
        if last_byte_by is not None and time.monotonic() + self._getting_out > last_byte_by:
            raise TransientError("too_late", "the claim ends before the write could be out")
        return await self._attempt(method, url, write=True, request=request)

    async def _attempt(
        self, method: str, url: str, *, write: bool, request: dict[str, Any]
    ) -> Answer:
        self._refuse_strangers(url)
        wait_seconds = await self._budget.take()
        if wait_seconds:
            raise TransientError("budget_spent", retry_after_seconds=wait_seconds)
        try:
            answer = await self._exchange(method, url, request)
        except _NEVER_SENT as error:
            raise TransientError("not_reached", type(error).__name__) from error
        except (httpx.TransportError, httpx.DecodingError, _AnswerTooLargeError) as error:
            raise _no_answer(type(error).__name__, write=write) from error
        await self._heed(answer)
        trouble = self._verdict(answer, write)
        if trouble is not None:
            raise trouble
        return answer

    def _refuse_strangers(self, url: str) -> None:
        """Our credentials go to the configured address only, whatever link an answer contained."""
        try:
            target = self._base.join(url)
        except httpx.InvalidURL as error:
            raise ConnectionConfigError("not_an_address") from error
        if _origin(target) != _origin(self._base):
            raise ConnectionConfigError("foreign_address", "a link leads to another server")

    async def _heed(self, answer: Answer) -> None:
        """Pause the whole connection for as long as the system asks."""
        seconds = _asked_to_wait(answer)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            await self._budget.pause(seconds or 1)
        elif answer.status == httpx.codes.SERVICE_UNAVAILABLE and seconds:
            await self._budget.pause(seconds)

    async def _exchange(self, method: str, url: str, request: dict[str, Any]) -> Answer:
        async with self._http.stream(method, url, **request) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise _AnswerTooLargeError
            return Answer(response.status_code, response.headers, bytes(body))


class _AnswerTooLargeError(Exception):
    pass


# Trouble before the first byte of the request: nothing can have been done.
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _no_answer(why: str, *, write: bool) -> ConnectorError:
    return OutcomeUnknownError("no_answer", why) if write else TransientError("no_answer", why)


def _asked_to_wait(answer: Answer) -> int | None:
    return retry_after_seconds(answer.headers.get("retry-after"), datetime.now(UTC))


def verdict_by_status(
    answer: Answer,
    write: bool,  # noqa: FBT001  A Verdict.
    overrides: Mapping[int, type[ConnectorError]] | None = None,
) -> ConnectorError | None:
    """Say what a status means where the vendor's documentation adds nothing to HTTP's.

    `overrides` is the vendor's own table. A 5xx after a write is an unknown outcome, and so is a
    redirect: some systems answer a write that they carried out with "see other".
    """
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004
        return None
    code = f"http_{status}"
    chosen = (overrides or {}).get(status) or _STANDARD.get(status)
    if chosen is None and (status >= 500 or status == 408):  # noqa: PLR2004
        chosen = OutcomeUnknownError if write else TransientError
    if chosen is None and 300 <= status < 400:  # noqa: PLR2004
        chosen = OutcomeUnknownError if write else ConnectionConfigError
    if chosen is TransientError:
        return TransientError(code, retry_after_seconds=_asked_to_wait(answer))
    return (chosen or RejectedError)(code)


_STANDARD: Final[Mapping[int, type[ConnectorError]]] = {
    401: ConnectionConfigError,
    403: ConnectionConfigError,
    409: ConflictError,
    412: ConflictError,
    429: TransientError,
}


def exact_json(text: bytes | str) -> Any:
    """Parse JSON so that no digit is lost and no impossible number gets in.

    Decimals come as Decimal, integers of more than 18 digits too (a strict model then refuses
    that one record and not its neighbours). Raises ValueError for NaN, Infinity, broken JSON.
    """
    try:
        return json.loads(
            text, parse_float=_decimal, parse_int=exact_int, parse_constant=_impossible
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def exact_json_text(value: Any) -> str:
    """Write JSON in which every Decimal keeps its digits: the way back of `exact_json`."""
    match value:
        case Decimal() if value.is_finite():
            return decimal_text(value)
        case dict():
            members = (
                f"{json.dumps(name)}:{exact_json_text(each)}" for name, each in value.items()
            )
            return f"{{{','.join(members)}}}"
        case list() | tuple():
            return f"[{','.join(map(exact_json_text, value))}]"
        case _:
            return json.dumps(value, allow_nan=False)


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise ValueError("a number's exponent is beyond anything") from None


def exact_int(digits: str) -> int | Decimal:
    """Read a JSON integer; one of more than 18 digits as Decimal, which an int field refuses."""
    return int(digits) if len(digits) <= _INT_DIGITS_MAX else Decimal(digits)


def _impossible(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
