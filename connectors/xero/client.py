"""Xero's requests and pages, and the one table that says what a status means."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import httpx

from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, exact_json_text, verdict_by_status
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.base.records import raw_page
from connectors.xero.manifest import PROJECTS_PAGE_SIZE
from connectors.xero.options import XeroOptions
from connectors.xero.refusals import refusal_in
from connectors.xero.session import XeroSession

ACCOUNTING: Final = "/api.xro/2.0"
PROJECTS: Final = "/projects.xro/2.0"
_JSON: Final = {"Content-Type": "application/json"}
Query = Mapping[str, str]


class NotThereError(RejectedError):
    """There is no such record."""


class XeroClient:
    """Speaks Xero's HTTP; knows nothing canonical. One attempt per call, always."""

    def __init__(
        self,
        options: XeroOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._page_size: Final = options.page_size
        timeouts = options.timeouts
        # From the decision to write to the last byte written, at the longest.
        self._to_write: Final = (
            timeouts.pool_seconds + timeouts.connect_seconds + timeouts.write_seconds
        )
        self._session: Final = XeroSession(options, budget, transport, clock, _verdict)

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._session.close()

    async def whole(self, name: str, member: str = "", query: Query | None = None) -> list[Any]:
        """Read a list of the Accounting API that has no pages."""
        answer = await self._session.read(f"{ACCOUNTING}/{name}", {}, params=dict(query or {}))
        return _records(answer, member or name)

    def pages(
        self, name: str, query: Query, since: datetime | None = None
    ) -> AsyncIterator[list[Any]]:
        """Page through a list of the Accounting API; an error keeps the place."""
        headers = {} if since is None else {"If-Modified-Since": _instant_text(since)}

        async def fetch(page: str) -> tuple[list[Any], str | None]:
            place = {"page": page, "pageSize": str(self._page_size)}
            answer = await self._session.read(
                f"{ACCOUNTING}/{name}", headers, params={**query, **place}
            )
            if answer.status == httpx.codes.NOT_MODIFIED:
                return [], None
            records = _records(answer, name)
            return records, _after(page, len(records), self._page_size)

        return Pages("1", fetch)

    async def one(self, name: str, record: str, query: Query | None = None) -> Any:
        """Read one record of the Accounting API; None if there is none."""
        try:
            answer = await self._session.read(
                f"{ACCOUNTING}/{name}/{record}", {}, params=dict(query or {})
            )
        except NotThereError:
            return None
        found = _records(answer, name)
        return found[0] if found else None

    async def put(
        self,
        name: str,
        items: Sequence[Mapping[str, Any]],
        *,
        key: UUID | None,
        not_after: float,
        member: str = "",
        query: Query | None = None,
    ) -> list[Any]:
        """Create records with one call; gives Xero's items, each with its own state.

        PUT, because POST changes what carries the same number. A repeated key is answered with
        what the first one did. Raises OutcomeUnknownError for an answer that cannot be read.
        """
        answer = await self._write(
            "PUT",
            f"{ACCOUNTING}/{name}",
            not_after,
            key,
            params={"summarizeErrors": "false", **(query or {})},
            content=exact_json_text({member or name: list(items)}),
        )
        return _written(answer, member or name)

    async def change(
        self, name: str, record: str, values: Mapping[str, Any], *, not_after: float
    ) -> list[Any]:
        """Change one record; doing so again changes nothing more."""
        answer = await self._write(
            "POST",
            f"{ACCOUNTING}/{name}/{record}",
            not_after,
            None,
            content=exact_json_text({name: [dict(values)]}),
        )
        return _written(answer, name)

    def project_pages(self, path: str, query: Query) -> AsyncIterator[list[Any]]:
        """Page through a list of the Projects API."""

        async def fetch(page: str) -> tuple[list[Any], str | None]:
            place = {"page": page, "pageSize": str(PROJECTS_PAGE_SIZE)}
            answer = await self._session.read(f"{PROJECTS}/{path}", {}, params={**query, **place})
            records = _records(answer, "items")
            return records, _after(page, len(records), PROJECTS_PAGE_SIZE)

        return Pages("1", fetch)

    async def project_record(self, path: str) -> Any:
        """Read one record of the Projects API; None if there is none."""
        try:
            answer = await self._session.read(f"{PROJECTS}/{path}", {})
        except NotThereError:
            return None
        return _readable(answer)

    async def project_create(
        self, path: str, values: Mapping[str, Any], *, key: UUID, not_after: float
    ) -> Any:
        """Create one record of the Projects API; raises like `put`."""
        answer = await self._write(
            "POST", f"{PROJECTS}/{path}", not_after, key, content=exact_json_text(dict(values))
        )
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict) or not told:
            raise OutcomeUnknownError("answer_unreadable")
        return told

    async def project_delete(self, path: str, *, not_after: float) -> None:
        """Remove one record of the Projects API; one that is gone is removed."""
        try:
            answer = await self._write("DELETE", f"{PROJECTS}/{path}", not_after, None)
        except NotThereError:
            return
        if answer.status != httpx.codes.NO_CONTENT:
            raise OutcomeUnknownError("answer_unreadable")

    async def _write(
        self, method: str, path: str, not_after: float, key: UUID | None, **request: Any
    ) -> Answer:
        def before() -> None:
            if time.monotonic() + self._to_write > not_after:
                raise TransientError("too_late", "the claim ends before the write could be out")

        headers = {**_JSON, **({"Idempotency-Key": str(key)} if key else {})}
        return await self._session.write(method, path, headers, before=before, **request)


def _records(answer: Answer, member: str) -> list[Any]:
    try:
        return [each.value for each in raw_page(answer.body, member).records]
    except ValueError:
        raise TransientError("page_unreadable") from None


def _readable(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise TransientError("answer_unreadable") from None


def _written(answer: Answer, member: str) -> list[Any]:
    try:
        told = answer.json()
    except ValueError:
        told = None
    items = told.get(member) if isinstance(told, dict) else None
    if not isinstance(items, list):
        raise OutcomeUnknownError("answer_unreadable")
    return items


def _after(page: str, count: int, size: int) -> str | None:
    return str(int(page) + 1) if count >= size else None


def _instant_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    match answer.status:
        case httpx.codes.NOT_MODIFIED if not write:
            return None
        case httpx.codes.NOT_FOUND:
            return NotThereError("http_404")
        case httpx.codes.BAD_REQUEST | httpx.codes.PRECONDITION_FAILED if write:
            return refusal_in(answer)
        case httpx.codes.CONFLICT:
            # An earlier request with the same key is still under way.
            return OutcomeUnknownError("key_in_use") if write else TransientError("http_409")
        case _:
            error = verdict_by_status(answer, write)
            # Reads are right by construction: whoever refuses one is set up otherwise.
            if not write and isinstance(error, RejectedError):
                return ConnectionConfigError(error.code)
            return error
