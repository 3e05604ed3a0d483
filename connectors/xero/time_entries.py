"""Posting lines of time to Xero's projects, finding them, and removing them."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from canonical.identity import reference_of
from canonical.posting import (
    Executed,
    PostedDocument,
    PostingIntent,
    PostingOutcome,
)
from connectors.base.errors import (
    INVOICED,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
)
from connectors.base.pagination import InTurn
from connectors.xero.client import XeroClient
from connectors.xero.ledger_documents import PAUSES_SECONDS
from connectors.xero.options import XeroOptions
from connectors.xero.project_changes import ProjectChanges
from connectors.xero.time_mapping import (
    document_from,
    entry_values,
    pair_of,
    project_in,
    window_of,
)
from connectors.xero.wording import is_ours

_LOG: Final = logging.getLogger(__name__)
Documents = Mapping[str, tuple[PostedDocument, ...]]


class TimeEntries:
    """The time entries of one organisation's projects.

    Xero can neither take many at once nor find one by its text: the days of a project are listed.
    """

    def __init__(self, client: XeroClient, options: XeroOptions) -> None:
        self._client: Final = client
        self._options: Final = options
        self._changes: Final = ProjectChanges(client)

    async def carrying(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the entries that carry these references in their projects, around their days."""
        by_project: dict[str, list[PostingIntent]] = defaultdict(list)
        for intent in intents:
            project = project_in(intent.time_line.task)
            if project is not None:
                by_project[project].append(intent)
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for project, some in by_project.items():
            wanted = {intent.reference for intent in some}
            async for values in self._entries(project, *window_of(some)):
                for value in values:
                    document = self._exactly(value)
                    if document.reference in wanted:
                        known = found.get(document.reference, ())
                        found[document.reference] = (*known, document)
        return found

    async def standing(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find what is to be taken back and still stands, under the reference of the undo."""
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for intent in intents:
            document = await self._named(intent)
            if document is not None:
                found[intent.reference] = (document,)
        return found

    async def book(self, intent: PostingIntent, not_after: float) -> PostingOutcome:
        """Make one attempt at one entry, and read back what Xero made of it."""
        project, _ = pair_of(intent.time_line.task, "task")
        values = entry_values(intent, self._options)
        told = await self._client.project_create(
            f"Projects/{project}/Time", values, key=intent.key, not_after=not_after
        )
        entry = told.get("timeEntryId")
        if not isinstance(entry, str):
            raise OutcomeUnknownError("answer_unreadable")
        document = await self._seen(f"Projects/{project}/Time/{entry}")
        if document is None or document.reference != intent.reference:
            raise OutcomeUnknownError("not_read_back", "created, but not seen since")
        return Executed(
            reference=intent.reference, document_id=document.document_id, document=document
        )

    async def take_back(self, intent: PostingIntent, not_after: float) -> PostingOutcome:
        """Remove exactly the entry that is named; one that is gone is removed."""
        document_id = intent.corrects_document or ""
        document = await self._named(intent)
        if document is not None:
            if document.locked:
                raise RejectedError(INVOICED, "the entry is on an invoice, or on its way to one")
            project, entry = pair_of(document_id, "document to take back")
            await self._client.project_delete(
                f"Projects/{project}/Time/{entry}", not_after=not_after
            )
        return Executed(reference=intent.reference, document_id=document_id)

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what is ours in the projects where something changed since an instant."""
        return _Swept(self, since)

    def between(self, first: date, last: date) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what is ours in all projects, by the day of the work."""
        return _Swept(self, None, (first, last))

    async def projects(self, since: datetime | None) -> list[str]:
        """Say where entries may have changed since an instant; all projects for None."""
        return await self._changes.since(since)

    def ours_in(
        self, project: str, days: tuple[date, date] | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what is ours in one project."""
        window = _around(days) if days else (None, None)
        return _Readable(self._entries(project, *window), self, days)

    def readable(
        self, values: Sequence[Any], days: tuple[date, date] | None
    ) -> list[PostedDocument]:
        """Read entries of the sweep; what cannot be read is left out, and counts as missing."""
        found: list[PostedDocument] = []
        for value in values:
            try:
                document = document_from(value, self._options)
            except ValueError as error:
                _LOG.error("xero: a time entry is left out of the sweep: %s", error)
                continue
            fits = days is None or days[0] <= document.time_line.work_date <= days[1]
            if is_ours(document.reference) and fits:
                found.append(document)
        return found

    def _entries(
        self, project: str, first: datetime | None, last: datetime | None
    ) -> AsyncIterator[list[Any]]:
        query = {"dateAfterUtc": _text(first)} if first else {}
        if last:
            query["dateBeforeUtc"] = _text(last)
        return self._client.project_pages(f"Projects/{project}/Time", query)

    async def _named(self, intent: PostingIntent) -> PostedDocument | None:
        """Read what an undo names; RejectedError if it is another posting's, or nobody's."""
        project, entry = pair_of(intent.corrects_document, "document to take back")
        value = await self._client.project_record(f"Projects/{project}/Time/{entry}")
        if value is None:
            return None
        document = self._exactly(value)
        if intent.corrects is not None and document.reference != reference_of(intent.corrects):
            raise RejectedError("not_ours", "what is to be taken back carries another reference")
        return document

    async def _seen(self, path: str) -> PostedDocument | None:
        for pause_seconds in PAUSES_SECONDS:
            await asyncio.sleep(pause_seconds)
            try:
                value = await self._client.project_record(path)
                if value is not None:
                    return document_from(value, self._options)
            except (ConnectorError, ValueError) as error:
                _LOG.warning("xero: a time entry was not read back: %s", error)
        return None

    def _exactly(self, value: Any) -> PostedDocument:
        try:
            return document_from(value, self._options)
        except ValueError as error:
            raise RejectedError("answer_not_understood", f"time entry: {error}") from None


class _Readable(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of entries as documents; an error keeps the place, as pages do."""

    def __init__(
        self,
        pages: AsyncIterator[list[Any]],
        entries: TimeEntries,
        days: tuple[date, date] | None,
    ) -> None:
        self._pages: Final = pages
        self._entries: Final = entries
        self._days: Final = days

    async def __anext__(self) -> Sequence[PostedDocument]:
        return self._entries.readable(await anext(self._pages), self._days)


class _Swept(AsyncIterator[Sequence[PostedDocument]]):
    """The pages of one project after the other; an error keeps the place."""

    def __init__(
        self, entries: TimeEntries, since: datetime | None, days: tuple[date, date] | None = None
    ) -> None:
        self._entries: Final = entries
        self._since: Final = since
        self._days: Final = days
        self._pages: InTurn[Sequence[PostedDocument]] | None = None

    async def __anext__(self) -> Sequence[PostedDocument]:
        if self._pages is None:
            projects = await self._entries.projects(self._since)
            lists = [self._entries.ours_in(project, self._days) for project in projects]
            self._pages = InTurn(*lists)
        return await anext(self._pages)


def _around(days: tuple[date, date]) -> tuple[datetime, datetime]:
    first, last = (datetime.combine(day, time(0), UTC) for day in days)
    return first - timedelta(days=1), last + timedelta(days=2)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
