"""Tidemark's requests and pages, and the one table that says what a status means."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt, Timeouts, verdict_by_status
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from pydantic import SecretStr

from tidemark.manifest import PAGE_SIZE_MAX
from tidemark.wire import Entry, Me, Refusal

# What a status means where Tidemark's rules say more than HTTP does.
_STATUS: Final[Mapping[int, type[ConnectorError]]] = {400: ConnectionConfigError}


@dataclass(frozen=True, slots=True)
class TidemarkOptions:
    """One tenant's use of the system."""

    connection: str
    base_url: str
    token: SecretStr
    page_size: int = PAGE_SIZE_MAX
    timeouts: Timeouts = field(default=Timeouts())


class TidemarkClient:
    """Speaks HTTP; knows nothing canonical. One attempt per request, always."""

    def __init__(
        self,
        options: TidemarkOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._page_size: Final = options.page_size
        self._http: Final = OneAttempt(
            base_url=options.base_url,
            headers={"Authorization": f"Bearer {options.token.get_secret_value()}"},
            budget=budget,
            verdict=_verdict,
            timeouts=options.timeouts,
            transport=transport,
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._http.close()

    async def me(self) -> Me:
        """Ask who we are."""
        answer = await self._http.read("GET", "/me")
        try:
            return Me.model_validate(answer.json())
        except ValueError as error:
            raise TransientError("answer_unreadable", "not who we are") from error

    def entries(self, **asked: str) -> AsyncIterator[Sequence[Entry]]:
        """Page through entries; one that cannot be read is an error, for it would seem absent."""

        async def fetch(url: str) -> tuple[Sequence[Entry], str | None]:
            answer = await self._http.read("GET", url)
            try:
                page = answer.json()
                after = page["next"]
                return [Entry.model_validate(row) for row in page["entries"]], after
            except (ValueError, TypeError, KeyError) as error:
                raise TransientError("answer_unreadable", "not a page of entries") from error

        query = urlencode({**asked, "page_size": self._page_size})
        return Pages(f"/entries?{query}", fetch)

    async def create(
        self, reference: str, body: Mapping[str, Any], last_byte_by: float | None
    ) -> Entry:
        """Book an entry, once; ConflictError if something stands under its reference."""
        answer = await self._http.write(
            "PUT",
            f"/entries/{quote(reference, safe='')}",
            last_byte_by=last_byte_by,
            json=dict(body),
            headers={"If-None-Match": "*"},
        )
        try:
            return Entry.model_validate(answer.json())
        except ValueError as error:
            raise OutcomeUnknownError("answer_unreadable", "not an entry") from error


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:
    if answer.status == httpx.codes.UNPROCESSABLE_ENTITY:
        try:
            return RejectedError(Refusal.model_validate(answer.json()).error.code)
        except ValueError:
            return RejectedError("refused")
    return verdict_by_status(answer, write, _STATUS)
