"""Intake: what a source shows, kept once, turned into revisions, and told to the timesheets."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.heartbeats import heartbeats
from activities.patience import patiently
from canonical.identity import content_hash
from canonical.messages import BackfillWindow, PollOutcome, SourceRef
from canonical.source_line import LineStatus, LineVersion
from canonical.text import storable
from canonical.time_entry import TIME_ENTRY, TimeEntry, week_of
from connectors.base.capabilities import SourcePage, SourceRecord, TimeEntrySource
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from rules.revisions import advance, gone, is_news
from store import cursors, dead_letters, documents, source_lines
from store.database import Database
from store.dead_letters import DeadLetter
from store.documents import DocumentNews
from store.source_lines import RawRecord

TIMESHEET: Final = "timesheet"
# What the inbox keeps of one record; longer ones are cut, the reading is done by then.
PAYLOAD_CHARACTERS_MAX: Final = 20_000


class IntakeActivities:
    """Reads sources; the only writer of source lines."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    @activity.defn
    async def poll_time_entries(self, ref: SourceRef) -> PollOutcome:
        """Read what changed since the cursor, less the overlap; then move the cursor."""
        async with heartbeats():
            try:
                return await self._poll(ref)
            except ConnectorError as error:
                raise as_application_error(error) from error

    @activity.defn
    async def read_window(self, window: BackfillWindow) -> PollOutcome:
        """Read a window of work dates whole; lines that are gone there are found this way.

        What waits in the window is owed a workflow again, in case Temporal has lost its own.
        """
        async with heartbeats():
            try:
                return await self._read_window(window)
            except ConnectorError as error:
                raise as_application_error(error) from error

    async def _poll(self, ref: SourceRef) -> PollOutcome:
        source = self._connections.filling(ref.connection, TimeEntrySource)
        begun = datetime.now(UTC)
        async with self._database.transaction() as connection:
            since = await cursors.watermark(connection, ref.connection, TIME_ENTRY)
        if since is None:
            since = ref.read_from or begun - timedelta(days=ref.first_poll_days)
        since -= timedelta(seconds=source.manifest.overlap_seconds)
        total = PollOutcome()
        newest = since
        async for page in patiently(source.time_entries_changed_since(since)):
            total = _sum(total, await self._take_in(ref.connection, page))
            newest = max([newest, *(r.changed_at for r in page.records if r.changed_at)])
        async with self._database.transaction() as connection:
            # Never past the start of this poll: what changed meanwhile is the next one's.
            await cursors.move_cursor(
                connection, ref.connection, TIME_ENTRY, min(max(newest, since), begun)
            )
        return total

    async def _read_window(self, window: BackfillWindow) -> PollOutcome:
        source = self._connections.filling(window.connection, TimeEntrySource)
        async with self._database.transaction() as connection:
            before = await source_lines.in_window(
                connection, window.connection, TIME_ENTRY, window.first, window.last
            )
        total, seen = PollOutcome(), set[str]()
        async for page in patiently(source.time_entries_between(window.first, window.last)):
            total = _sum(total, await self._take_in(window.connection, page))
            seen.update(record.source_id for record in page.records if record.source_id)
        deleted = await self._take_out(window.connection, before - seen)
        async with self._database.transaction() as connection:
            await documents.owe_again(connection, window.connection, window.first, window.last)
        return total.model_copy(update={"deleted": deleted, "news": total.news + deleted})

    async def _take_in(self, source: str, page: SourcePage[TimeEntry]) -> PollOutcome:
        """Keep a page and what follows from it, in one transaction."""
        seen_at = datetime.now(UTC)
        named = {one.source_id: one for one in page.records if one.source_id is not None}
        async with self._database.transaction() as connection:
            await source_lines.keep_raw(
                connection, [_raw(source, key, one) for key, one in named.items()]
            )
            known = await source_lines.lock(connection, source, TIME_ENTRY, list(named))
            changes = [
                (known.get(key), version)
                for key, record in named.items()
                if (version := _version(source, known.get(key), record, seen_at)) is not None
            ]
            await source_lines.save(connection, [now for before, now in changes if now != before])
            news = list(_news(changes))
            await documents.tell(connection, news)
            letters = list(_letters(source, page.records, known))
            await dead_letters.keep(connection, letters)
            readable = [key for key, record in named.items() if record.record is not None]
            await dead_letters.settle(connection, source, TIME_ENTRY, readable)
        unreadable = sum(record.record is None for record in page.records)
        return PollOutcome(records=len(page.records), news=len(news), unreadable=unreadable)

    async def _take_out(self, source: str, missing: AbstractSet[str]) -> int:
        """Lines that their source no longer has: whatever was posted for them goes back."""
        async with self._database.transaction() as connection:
            known = await source_lines.lock(connection, source, TIME_ENTRY, sorted(missing))
            changes = [
                (before, gone(before))
                for before in known.values()
                if before.status is not LineStatus.DELETED
            ]
            await source_lines.save(connection, [now for _, now in changes])
            await documents.tell(connection, list(_news(changes)))
        return len(changes)


def _version(
    source: str, known: LineVersion | None, record: SourceRecord[TimeEntry], seen_at: datetime
) -> LineVersion | None:
    """The line's newest version; None if there is nothing to keep of an unreadable record."""
    if record.record is not None:
        return advance(known, record.record, seen_at)
    if known is not None and known.entry is not None:
        # Its last good state stands; the dead letter tells.
        return None
    if record.approved is False or record.source_id is None:
        return None
    return LineVersion(
        connection=source,
        object=TIME_ENTRY,
        source_id=record.source_id,
        document_id=record.document_id or f"unreadable-{record.source_id}",
        employee=record.employee or "-",
        work_date=record.work_date,
        revision=known.revision if known else 1,
        financial_hash="unreadable",
        status=LineStatus.UNREADABLE,
        approved_at=(known and known.approved_at) or seen_at,
        approved_at_from="first_seen",
        trouble=record.trouble,
        entry=None,
        changed_at=record.changed_at or (known.changed_at if known else seen_at),
    )


def _news(changes: Sequence[tuple[LineVersion | None, LineVersion]]) -> Iterator[DocumentNews]:
    for before, now in changes:
        if not is_news(before, now):
            continue
        yield _of_document(now)
        if before is not None and before.document_id != now.document_id:
            yield _of_document(before)


def _of_document(line: LineVersion) -> DocumentNews:
    return DocumentNews(
        connection=line.connection,
        kind=TIMESHEET,
        document_id=line.document_id,
        employee=line.employee,
        starts_on=week_of(line.work_date or line.changed_at.date()),
    )


def _letters(
    source: str, records: Sequence[SourceRecord[TimeEntry]], known: Mapping[str, LineVersion]
) -> Iterator[DeadLetter]:
    """Records that name no line, and unreadable news about lines that were read before."""
    for record in records:
        if record.record is not None:
            continue
        before = known.get(record.source_id) if record.source_id else None
        if record.source_id is None or (before is not None and before.entry is not None):
            yield DeadLetter(
                connection=source,
                object=TIME_ENTRY,
                content_hash=content_hash(record.raw),
                source_id=record.source_id,
                reason=record.trouble or "unreadable",
                payload=storable(record.raw)[:PAYLOAD_CHARACTERS_MAX],
            )


def _raw(source: str, source_id: str, record: SourceRecord[TimeEntry]) -> RawRecord:
    return RawRecord(
        connection=source,
        object=TIME_ENTRY,
        source_id=source_id,
        content_hash=content_hash(record.raw),
        payload=storable(record.raw)[:PAYLOAD_CHARACTERS_MAX],
    )


def _sum(total: PollOutcome, page: PollOutcome) -> PollOutcome:
    return PollOutcome(
        records=total.records + page.records,
        news=total.news + page.news,
        unreadable=total.unreadable + page.unreadable,
        deleted=total.deleted + page.deleted,
    )
