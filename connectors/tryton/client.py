"""Tryton's requests, pages and session, and the one table that says what a status means."""

import asyncio
import base64
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from canonical.billing import InvoiceRole
from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt, Timeouts, verdict_by_status
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.tryton.manifest import PAGE_SIZE_MAX
from connectors.tryton.refusals import error_of
from connectors.tryton.wire import Row, fields_of

_STATUS: Final[Mapping[int, type[ConnectorError]]] = {
    404: ConnectionConfigError,  # No such database.
    415: ConnectionConfigError,
}
# Tryton slows a user down after wrong passwords and then locks out the right one too (measured:
# 31 s on the sixth, then 429), so a refused login is not tried again soon.
LOGIN_PAUSE_SECONDS: Final = 300
Context = Mapping[str, Any]
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class TrytonOptions:
    """One tenant's use of Tryton. `keepalive_seconds` is below the server's (gunicorn: 2 s)."""

    connection: str
    url: str
    database: str
    user: str
    password: SecretStr = field(repr=False)
    # The name of the root of the analytic accounts that are cost centres.
    cost_centre_root: str = "Cost centre"
    # The codes of the accounts that lines of customer invoices are booked on, by their role.
    revenue_accounts: Mapping[InvoiceRole, str] = field(default_factory=dict)
    # The code of the journal that entries between legal entities are made in.
    journal: str = "MISC"
    page_size: int = PAGE_SIZE_MAX
    timeouts: Timeouts = field(default_factory=Timeouts)
    keepalive_seconds: float = 1

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page has 1 to {PAGE_SIZE_MAX} records")


class _SessionGoneError(ConnectionConfigError):
    """401: the session is unknown, so nothing was done."""


class TrytonClient:
    """Speaks JSON-RPC to one database; knows nothing canonical. One attempt per write, always."""

    def __init__(
        self,
        options: TrytonOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._page_size: Final = options.page_size
        self._user: Final = options.user
        self._password: Final = options.password
        self._path: Final = f"/{quote(options.database, safe='')}/rpc/"
        self._ids: Final = itertools.count(1)
        self._session: str | None = None
        self._login_lock: Final = asyncio.Lock()
        self._no_login_before = 0.0
        self._http: Final = OneAttempt(
            base_url=options.url,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            budget=budget,
            verdict=_verdict,
            timeouts=options.timeouts,
            transport=transport,
            keepalive_seconds=options.keepalive_seconds,
        )

    async def close(self) -> None:
        """Let go of all sockets. The session ends at the server by itself."""
        await self._http.close()

    async def server_version(self) -> str:
        """Ask the server, without a session, which series it is."""
        return str(await self._ask("/rpc/", "common.server.version", (), {}))

    async def read(self, method: str, *params: Any, context: Context | None = None) -> Any:
        """Ask something that changes nothing; logs in anew once if the session is gone."""
        arguments = (*params, {**(context or {}), "language": "en"})
        session = await self._logged_in()
        try:
            return await self._ask(self._path, method, arguments, _as(session))
        except _SessionGoneError:
            self._forget(session)
            return await self._ask(self._path, method, arguments, _as(await self._logged_in()))

    async def write(self, method: str, *params: Any, context: Context, not_after: float) -> Any:
        """Ask for a change, once. `not_after` is of the monotonic clock: then it is too late.

        Raises TransientError if nothing left or the session was gone, else what the answer means,
        and OutcomeUnknownError if there is none.
        """
        session = await self._logged_in()
        if time.monotonic() > not_after:
            raise TransientError("too_late", "getting ready to write took longer than planned")
        number, content = self._request(method, (*params, {**context, "language": "en"}))
        try:
            answer = await self._http.write(
                "POST", self._path, content=content, headers=_as(session)
            )
        except _SessionGoneError as error:
            self._forget(session)
            raise TransientError("session_gone") from error
        return _result(answer, number, write=True)

    def pages(
        self,
        kind: type[Row],
        model: str,
        domain: Sequence[Any],
        made: Callable[[Sequence[Any]], P],
        context: Context | None = None,
    ) -> AsyncIterator[P]:
        """Page through the records of a domain by id, so that none is missed or comes twice.

        `kind` says which fields are asked for, `made` what is made of a page of raw records.
        """
        asked: Final = fields_of(kind)

        async def fetch(last: str) -> tuple[P, str | None]:
            found = await self.read(
                f"model.{model}.search_read",
                [list(domain), ["id", ">", int(last)]],
                *(0, self._page_size, [["id", "ASC"]], asked),
                context=context,
            )
            match found:
                case [*_, {"id": int() as newest}] if len(found) == self._page_size:
                    return made(found), str(newest)
                case list():
                    return made(found), None
                case _:
                    raise TransientError("answer_unreadable", f"no list of {model}")

        return Pages("0", fetch)

    async def _ask(
        self, path: str, method: str, params: Sequence[Any], headers: Mapping[str, str]
    ) -> Any:
        number, content = self._request(method, params)
        answer = await self._http.read("POST", path, content=content, headers=headers)
        return _result(answer, number, write=False)

    def _request(self, method: str, params: Sequence[Any]) -> tuple[int, bytes]:
        number = next(self._ids)
        body = {"id": number, "method": method, "params": params}
        return number, json.dumps(body, separators=(",", ":")).encode()

    async def _logged_in(self) -> str:
        """Give the session, logging in if there is none; one login at a time."""
        async with self._login_lock:
            if self._session is None:
                self._session = await self._login()
            return self._session

    def _forget(self, session: str) -> None:
        if self._session == session:
            self._session = None

    async def _login(self) -> str:
        if time.monotonic() < self._no_login_before:
            raise ConnectionConfigError("login_refused", "user or password is wrong")
        proof = {"password": self._password.get_secret_value()}
        try:
            found = await self._ask(self._path, "common.db.login", (self._user, proof, "en"), {})
        except _SessionGoneError:
            self._no_login_before = time.monotonic() + LOGIN_PAUSE_SECONDS
            raise ConnectionConfigError("login_refused", "user or password is wrong") from None
        match found:
            case [int() as user_id, str() as token, *_]:
                text = f"{self._user}:{user_id}:{token}"
                return "Session " + base64.b64encode(text.encode()).decode("ascii")
            case _:
                raise ConnectionConfigError("login_not_understood")


def _as(session: str) -> Mapping[str, str]:
    return {"Authorization": session}


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    if answer.status == httpx.codes.UNAUTHORIZED:
        return _SessionGoneError("session_gone")
    if answer.status == httpx.codes.SERVICE_UNAVAILABLE and write:
        # Nearly always a lock that was not had, rolled back. But the same answer comes when the
        # database connection breaks during a commit that takes place (measured): look it up.
        return OutcomeUnknownError("erp_busy")
    return verdict_by_status(answer, write, _STATUS)


def _result(answer: Answer, number: int, *, write: bool) -> Any:
    """Open the envelope of an answer; raises what its error means."""
    try:
        envelope = answer.json()
    except ValueError:
        envelope = None
    match envelope:
        case {"id": found, "error": error} if found == number:
            raise error_of(error, write=write)
        case {"id": found, "result": result} if found == number:
            return result
        case _ if write:
            raise OutcomeUnknownError("answer_unreadable")
        case _:
            raise TransientError("answer_unreadable")
