"""Salesforce's requests and pages, and the one table that says what an answer means."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from canonical.text import storable
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, verdict_by_status
from connectors.base.pagination import Pages
from connectors.base.records import RawRecord, raw_page
from connectors.salesforce.session import SalesforceSession
from connectors.salesforce.wire import (
    Deleted,
    Described,
    Failure,
    QueryEnvelope,
    Saved,
    Updated,
    W,
)

# A row that another request holds: this one was not written.
LOCKED: Final = "UNABLE_TO_LOCK_ROW"
# More changed in a window than the feed can tell.
TOO_MANY_CHANGES: Final = "EXCEEDED_ID_LIMIT"
# A window that the feed does not reach.
NO_SUCH_WINDOW: Final = "INVALID_REPLICATION_DATE"
NOT_UNIQUE: Final = "not_unique"
# There is no such object, field or record, or not for the integration user.
NOT_FOUND: Final = "NOT_FOUND"

# Too many long calls at once, or all of the day's: one ends in seconds, the other hour by hour.
# Salesforce says neither which of them it is, but in words, nor how long to wait.
_SPENT: Final = "REQUEST_LIMIT_EXCEEDED"
_SPENT_SECONDS: Final = 300
_OF_THE_ORG: Final = frozenset(
    {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "FUNCTIONALITY_NOT_ENABLED"}
)
_FOR_NOW: Final = frozenset({"QUERY_TIMEOUT", "INVALID_QUERY_LOCATOR", LOCKED})
# Their words name a field that is not there, or may not be seen.
_NAMES_A_FIELD: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,79}", re.ASCII)
_MESSAGE_MAX: Final = 500
_FAILURES: Final = TypeAdapter(tuple[Failure, ...])
_RESULTS: Final = TypeAdapter(tuple[Saved, ...])


class SalesforceClient:
    """Speaks Salesforce's HTTP; knows nothing canonical. One attempt per call, always."""

    def __init__(self, session: SalesforceSession, page_size: int) -> None:
        self._session: Final = session
        self._paging: Final = {"Sforce-Query-Options": f"batchSize={page_size}"}

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._session.close()

    async def query(self, soql: str, *, deleted_too: bool = False) -> list[RawRecord]:
        """Read all records of a query: whole, or TransientError."""
        total = 0

        async def fetch(url: str) -> tuple[Sequence[RawRecord], str | None]:
            nonlocal total
            answer = await self._session.read(url, self._paging)
            try:
                page = raw_page(answer.body, "records")
                said = QueryEnvelope.model_validate(dict(page.envelope))
            except ValidationError:
                raise TransientError("page_envelope_unreadable") from None
            except ValueError:
                raise TransientError("page_unreadable") from None
            if said.done is (said.next is not None):
                raise TransientError("page_envelope_unreadable", "it is neither last nor not")
            total = said.total_size
            return page.records, said.next

        first = f"/{'queryAll' if deleted_too else 'query'}?{httpx.QueryParams({'q': soql})}"
        found = [record async for page in Pages(first, fetch) for record in page]
        # What is missing here counts as gone.
        if len(found) != total:
            raise TransientError("pages_incomplete", f"{len(found)} of {total} records came")
        return found

    async def updated(self, kind: str, start: datetime, end: datetime) -> Updated:
        """Which records were made or changed in a window; RejectedError if it cannot tell."""
        return await self._read(f"/sobjects/{kind}/updated?{_window(start, end)}", Updated)

    async def deleted(self, kind: str, start: datetime, end: datetime) -> Deleted:
        """Which records were deleted in a window; RejectedError if it cannot tell."""
        return await self._read(f"/sobjects/{kind}/deleted?{_window(start, end)}", Deleted)

    async def describe(self, kind: str) -> Described:
        """Which fields the integration user may see."""
        return await self._read(f"/sobjects/{kind}/describe", Described)

    async def upsert(self, kind: str, field: str, value: str, body: Mapping[str, Any]) -> str:
        """Make a record, or change the one with this external id; gives its id, "" if not said."""
        path = f"/sobjects/{kind}/{field}/{quote(value, safe='')}"
        answer = await self._session.write("PATCH", path, json=dict(body))
        if answer.status == httpx.codes.NO_CONTENT:
            return ""
        try:
            saved = Saved.model_validate(answer.json())
        except ValueError:
            raise OutcomeUnknownError("answer_unreadable") from None
        if not saved.success or saved.id is None:
            raise OutcomeUnknownError("answer_unreadable", "neither made nor refused")
        return saved.id

    async def update(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Saved]:
        """Change records, each for itself; one result each, in order."""
        body = {"allOrNone": False, "records": list(records)}
        answer = await self._session.write("PATCH", "/composite/sobjects", json=body)
        try:
            results = _RESULTS.validate_python(answer.json())
        except ValueError:
            raise OutcomeUnknownError("answer_unreadable") from None
        if len(results) != len(records):
            raise OutcomeUnknownError("answer_unreadable", "not one result for each record")
        return results

    async def _read(self, path: str, kind: type[W]) -> W:
        answer = await self._session.read(path)
        try:
            return kind.model_validate(answer.json())
        except ValueError:
            raise TransientError("answer_unreadable") from None


def _window(start: datetime, end: datetime) -> httpx.QueryParams:
    form = "%Y-%m-%dT%H:%M:%S+00:00"
    return httpx.QueryParams(
        {"start": start.astimezone(UTC).strftime(form), "end": end.astimezone(UTC).strftime(form)}
    )


def verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    """Say what an answer means: by Salesforce's own code where there is one, else by its status."""
    if write and answer.status == httpx.codes.MULTIPLE_CHOICES:
        return RejectedError(NOT_UNIQUE, "several records have this external id")
    error = verdict_by_status(answer, write)
    # What happened behind a 5xx is unknown, whatever it says; 429 says it all by itself.
    if error is None or not 400 <= answer.status < 500 or answer.status in {408, 429}:  # noqa: PLR2004
        return error
    code, message = _failure(answer)
    if code == _SPENT:
        return TransientError(code, retry_after_seconds=_SPENT_SECONDS)
    if write:
        return _of_a_write(code, message) or error
    if code in _FOR_NOW:
        return TransientError(code)
    if code in {TOO_MANY_CHANGES, NO_SUCH_WINDOW}:
        return RejectedError(code)
    # Reads are right by construction: whoever refuses one is set up otherwise, or has changed.
    return ConnectionConfigError(code or error.code, message if code in _NAMES_A_FIELD else "")


def _of_a_write(code: str, message: str) -> ConnectorError | None:
    if code == LOCKED:
        return ConflictError(code)
    if code in _OF_THE_ORG:
        return ConnectionConfigError(code)
    return RejectedError(code, message) if code else None


def _failure(answer: Answer) -> tuple[str, str]:
    """The first reason of a refusal; ("", "") if it gives none that can be read."""
    try:
        failures = _FAILURES.validate_python(answer.json())
    except ValueError:
        return "", ""
    return reason(failures)


def reason(failures: Sequence[Failure]) -> tuple[str, str]:
    """Salesforce's own code for a refusal, and its words."""
    for failure in failures:
        code = failure.code or failure.status
        if _CODE.fullmatch(code):
            return code, storable(failure.message)[:_MESSAGE_MAX]
    return "", ""
