"""Fyle's requests and pages, and the one table that says what a status means."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from pydantic import ValidationError

from connectors.base.errors import (
    ConnectorError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, verdict_by_status
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.base.records import RawRecord, raw_page
from connectors.fyle import told_wire, wire
from connectors.fyle.manifest import IDS_MAX
from connectors.fyle.options import FyleOptions
from connectors.fyle.session import FyleSession, read_verdict

_WRITE: Final[Mapping[int, type[ConnectorError]]] = {
    409: RejectedError,
    412: RejectedError,
}

Filters = Mapping[str, str]


class BulkRefusedError(RejectedError):
    """A bulk call was refused as a whole, and Fyle names the rows that it would not take."""

    def __init__(self, rows: Sequence[told_wire.BulkRow]) -> None:
        super().__init__("bulk_refused")
        self.rows = tuple(rows)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of any list; `count` is Fyle's own of the whole list."""

    records: tuple[RawRecord, ...]
    count: int
    offset: int


# What was remembered for longer might no longer fit together with what is read now.
_MEMORY_SECONDS: Final = 120
# Pages that were read, and when, by what was asked for.
Memory = dict[str, tuple[float, Page]]


class FyleClient:
    """Speaks Fyle's HTTP; knows nothing canonical. One attempt per call, always."""

    def __init__(
        self,
        options: FyleOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.page_size: Final = options.page_size
        self._clock: Final = clock
        self._session: Final = FyleSession(options, budget, transport, clock, _verdict)

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._session.close()

    async def page(
        self,
        path: str,
        filters: Filters,
        order: str,
        *,
        offset: int = 0,
        limit: int | None = None,
        memory: Memory | None = None,
    ) -> Page:
        """Read one page of a list, or remember it.

        Ten calls a second are few: who reads many pages as one keeps a memory, so that what met
        trouble goes on where it was and gets to its end.
        """
        place = {"order": order, "offset": str(offset), "limit": str(limit or self.page_size)}
        asked = f"{path} {sorted(filters.items())} {place}"
        memory = {} if memory is None else memory
        read_at, known = memory.get(asked, (0.0, None))
        if known is not None and self._clock() - read_at < _MEMORY_SECONDS:
            return known
        page = await self._read(path, {**filters, **place}, offset)
        memory[asked] = (self._clock(), page)
        return page

    async def _read(self, path: str, query: Filters, offset: int) -> Page:
        answer = await self._session.read("GET", path, params=dict(query))
        try:
            page = raw_page(answer.body, "data")
            envelope = wire.Envelope.model_validate(dict(page.envelope))
        except ValidationError as error:
            raise TransientError("page_envelope_unreadable") from error
        except ValueError as error:
            raise TransientError("page_unreadable") from error
        if envelope.offset != offset:
            raise TransientError("pages_in_a_circle", f"asked for {offset}, got {envelope.offset}")
        return Page(page.records, envelope.count, envelope.offset)

    async def all_of(
        self, path: str, filters: Filters | None = None, *, memory: Memory | None = None
    ) -> list[RawRecord]:
        """Read a whole list by its ids, which nobody moves: no page is counted off.

        What is asked for next stands behind the last id of a page, in Fyle's own order of ids.
        """

        async def fetch(after: str) -> tuple[Page, str | None]:
            behind = {"id": f"gt.{after}"} if after else {}
            page = await self.page(path, {**(filters or {}), **behind}, "id.asc", memory=memory)
            more = 0 < len(page.records) < page.count
            return page, _last_id(page.records) if more else None

        return [record async for page in Pages("", fetch) for record in page.records]

    async def all_with(
        self, path: str, member: str, ids: Iterable[str], *, memory: Memory | None = None
    ) -> list[RawRecord]:
        """Read the records whose `member` is one of the ids, in as few calls as fit."""
        wanted = list(dict.fromkeys(ids))
        found: list[RawRecord] = []
        for start in range(0, len(wanted), IDS_MAX):
            some = ",".join(wanted[start : start + IDS_MAX])
            if member == "id":
                page = await self.page(
                    path, {"id": f"in.({some})"}, "id.asc", limit=IDS_MAX, memory=memory
                )
                found += page.records
            else:
                found += await self.all_of(path, {member: f"in.({some})"}, memory=memory)
        return found

    async def bulk(self, path: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write many rows, all or nothing; raises BulkRefusedError with the rows at fault."""
        await self._session.write("POST", path, json={"data": list(rows)})

    async def make(self, path: str, record: Mapping[str, Any]) -> told_wire.Made | None:
        """Write one record; None if Fyle took it and its answer does not say what it made."""
        answer = await self._session.write("POST", path, json={"data": dict(record)})
        try:
            return told_wire.Made.model_validate(answer.json()["data"])
        except (ValueError, TypeError, KeyError):
            return None


def since(moment: datetime) -> str:
    """An instant as Fyle's filters take it, to the microsecond that its records have."""
    return f"gte.{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}+00:00"


def _last_id(records: Sequence[RawRecord]) -> str:
    """The last id on a page, which the next page starts behind; a broken record has none."""
    for record in reversed(records):
        named = record.value.get("id") if isinstance(record.value, dict) else None
        if isinstance(named, int | str) and not isinstance(named, bool):
            return str(named)
    raise TransientError("page_unreadable", "no record of a page has an id")


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    if write and answer.status == httpx.codes.BAD_REQUEST:
        try:
            return BulkRefusedError(told_wire.BulkError.model_validate(answer.json()).data)
        except ValueError:
            return RejectedError("http_400")
    if not write:
        return read_verdict(answer, write)
    return verdict_by_status(answer, write, _WRITE)
