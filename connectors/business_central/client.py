"""Business Central's requests: pages, single writes, and $batch as one transaction."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from connectors.base.errors import ConnectorError, OutcomeUnknownError, TransientError
from connectors.base.http import Answer, exact_json_text
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.base.records import RawRecord, raw_page
from connectors.business_central.manifest import BATCH_MAX
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.refusals import error_of, verdict
from connectors.business_central.session import Session, read_verdict
from connectors.business_central.wire import Row, row_from

Query = Mapping[str, str]
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Part:
    """One request within a $batch; `etag` is the version that it may change or delete."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    etag: str | None = None

    def on_wire(self, number: int) -> dict[str, Any]:
        """The part as JSON batches have it."""
        headers = {**(_JSON if self.body is not None else {})}
        if self.etag is not None:
            headers["If-Match"] = self.etag
        told = {"id": str(number), "method": self.method, "url": self.path, "headers": headers}
        return told if self.body is None else {**told, "body": self.body}


class Client:
    """Speaks OData to one environment; knows nothing canonical. One attempt per write, always."""

    def __init__(
        self,
        options: BusinessCentralOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session: Final = Session(options, budget, transport, _verdict, clock)

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._session.close()

    def pages(self, path: str, query: Query | None = None) -> AsyncIterator[Sequence[RawRecord]]:
        """Follow a list to its end; the service says how it goes on."""
        first = f"{path}?{httpx.QueryParams(dict(query))}" if query else path

        async def fetch(link: str) -> tuple[Sequence[RawRecord], str | None]:
            answer = await self._session.read(link)
            try:
                page = raw_page(answer.body, "value")
            except ValueError as error:
                raise TransientError("page_unreadable", str(error)) from None
            more = page.envelope.get("@odata.nextLink")
            if more is not None and not isinstance(more, str):
                raise TransientError("page_unreadable", "the next page has no address")
            return page.records, more

        return Pages(first, fetch)

    async def all_of(self, path: str, query: Query | None = None) -> list[RawRecord]:
        """Read a whole list."""
        return [record async for page in self.pages(path, query) for record in page]

    async def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        etag: str | None = None,
        not_after: float,
    ) -> Answer:
        """Make one change, with one attempt."""
        headers = {**(_JSON if body is not None else {})}
        if etag is not None:
            headers["If-Match"] = etag
        content = None if body is None else exact_json_text(body).encode()
        return await self._session.write(
            method, path, not_after=not_after, headers=headers, content=content
        )

    async def together(self, parts: Sequence[Part], *, not_after: float) -> Sequence[Any]:
        """Make several changes in one transaction; gives the answers' bodies, in order.

        Raises what the first refused part means, and then nothing was changed, as far as the ERP
        does not commit by itself in between; OutcomeUnknownError if the answer does not tell.
        """
        if len(parts) > BATCH_MAX:
            raise ValueError(f"a $batch of {len(parts)} parts")
        told = {"requests": [part.on_wire(n) for n, part in enumerate(parts)]}
        answer = await self._session.write(
            "POST",
            "$batch",
            not_after=not_after,
            headers={**_JSON, "Isolation": "snapshot"},
            content=exact_json_text(told).encode(),
        )
        return _bodies(answer, len(parts))


def id_in(answer: Answer) -> str:
    """The id of what was written; raises OutcomeUnknownError if a good answer does not tell it."""
    try:
        return row_from(Row, answer.json()).id
    except ValueError:
        raise OutcomeUnknownError("answer_unreadable") from None


def _bodies(answer: Answer, expected: int) -> list[Any]:
    try:
        told = answer.json()
        responses = [(each["status"], each.get("body")) for each in told["responses"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise OutcomeUnknownError("batch_unreadable") from None
    for status, body in responses:
        trouble = _part_trouble(status, body)
        if trouble is not None:
            raise trouble
    if len(responses) != expected:
        raise OutcomeUnknownError("batch_incomplete", f"{len(responses)} of {expected} answers")
    return [body for _, body in responses]


def _part_trouble(status: Any, body: Any) -> ConnectorError | None:
    if not isinstance(status, int):
        return OutcomeUnknownError("batch_unreadable")
    text = json.dumps(body, default=str).encode()
    error = error_of(Answer(status, httpx.Headers(), text), write=True)
    if isinstance(error, TransientError):
        # Throttled in the middle of a transaction: the whole of it is undone.
        return TransientError(error.code, retry_after_seconds=1)
    return error


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    return verdict(answer, write) if write else read_verdict(answer, write)
