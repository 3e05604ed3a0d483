"""Taking in: what a source shows, kept once, turned into revisions, and told to its documents."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from activities.patience import patiently
from canonical.contracts import CONTRACT_RECORD, ContractRecord
from canonical.deprecation import in_use
from canonical.expense import EXPENSE_REPORT, ExpenseReport
from canonical.identity import content_hash
from canonical.messages import CONTRACT, REPORT, TIMESHEET, PollOutcome, SourceRef
from canonical.source_line import LineStatus, LineVersion, ObjectName
from canonical.text import storable
from canonical.time_entry import TIME_ENTRY, TimeEntry, week_of
from connectors.base.capabilities import SourcePage, SourceRecord
from rules.revisions import advance, advance_contract, gone, is_news
from store import contracts, cursors, dead_letters, deprecations, documents, source_lines
from store.database import Connection, Database
from store.dead_letters import DeadLetter
from store.documents import DocumentNews
from store.source_lines import RawRecord

# What the inbox keeps of one record; longer ones are cut, the reading is done by then.
PAYLOAD_CHARACTERS_MAX: Final = 20_000
Record = TimeEntry | ExpenseReport | ContractRecord


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a source shows one of, and the kind of document that it is a part of."""

    object: ObjectName
    document: str

    def begins_on(self, line: LineVersion) -> date:
        """The day under which a line's document is found again."""
        day = line.work_date or line.changed_at.date()
        return week_of(day) if self.document == TIMESHEET else day

    def document_of(self, record: SourceRecord[Record]) -> str:
        """The document of a record that cannot be read."""
        if self.document == CONTRACT and record.source_id is not None:
            return record.source_id
        return record.document_id or f"unreadable-{record.source_id}"


TIME: Final = _Kind(TIME_ENTRY, TIMESHEET)
REPORTS: Final = _Kind(EXPENSE_REPORT, REPORT)
CONTRACTS: Final = _Kind(CONTRACT_RECORD, CONTRACT)


class TakingIn:
    """The only writer of source lines and cursors, for one kind of object."""

    def __init__(self, database: Database, kind: _Kind) -> None:
        self._database = database
        self._kind = kind

    async def take_in_news(
        self,
        ref: SourceRef,
        overlap_seconds: int,
        changed_since: Callable[[datetime], AsyncIterator[SourcePage[Record]]],
    ) -> PollOutcome:
        """Read what changed since the cursor, less the overlap; then move the cursor."""
        begun = datetime.now(UTC)
        async with self._database.transaction() as connection:
            since = await cursors.watermark(connection, ref.connection, self._kind.object)
        if since is None:
            since = ref.read_from or begun - timedelta(days=ref.first_poll_days)
        since -= timedelta(seconds=overlap_seconds)
        total, newest = PollOutcome(), since
        async for page in patiently(changed_since(since)):
            total = add_up(total, await self.take_in(ref.connection, page))
            newest = max([newest, *(one.changed_at for one in page.records if one.changed_at)])
        async with self._database.transaction() as connection:
            # Never past the start of this poll: what changed meanwhile is the next one's.
            await cursors.move_cursor(
                connection, ref.connection, self._kind.object, min(newest, begun)
            )
        return total

    async def take_in(self, source: str, page: SourcePage[Record]) -> PollOutcome:
        """Keep a page and what follows from it, in one transaction."""
        seen_at = datetime.now(UTC)
        named = {one.source_id: one for one in page.records if one.source_id is not None}
        async with self._database.transaction() as connection:
            await source_lines.keep_raw(
                connection, [self._raw(source, key, one) for key, one in named.items()]
            )
            known = await source_lines.lock(connection, source, self._kind.object, list(named))
            changes = [
                (known.get(key), version)
                for key, record in named.items()
                if (version := self._version(source, known.get(key), record, seen_at)) is not None
            ]
            await source_lines.save(connection, [now for before, now in changes if now != before])
            await self._owe_telling(connection, source, changes)
            news = list(self._news(changes))
            await documents.tell(connection, news)
            letters = list(self._letters(source, page.records, known))
            await dead_letters.keep(connection, letters)
            readable = [key for key, record in named.items() if record.record is not None]
            await dead_letters.settle(connection, source, self._kind.object, readable)
        await self._warn(source, page.records)
        unreadable = sum(record.record is None for record in page.records)
        return PollOutcome(records=len(page.records), news=len(news), unreadable=unreadable)

    async def take_out(self, source: str, missing: AbstractSet[str]) -> int:
        """Lines that their source no longer has: whatever was posted for them goes back."""
        async with self._database.transaction() as connection:
            known = await source_lines.lock(connection, source, self._kind.object, sorted(missing))
            changes = [
                (before, gone(before))
                for before in known.values()
                if before.status is not LineStatus.DELETED
            ]
            await source_lines.save(connection, [now for _, now in changes])
            await self._owe_telling(connection, source, changes)
            await documents.tell(connection, list(self._news(changes)))
        return len(changes)

    async def _warn(self, source: str, records: Sequence[SourceRecord[Record]]) -> None:
        """Tell the audit trail what of these records is deprecated; mostly nothing is."""
        shown = (record.record for record in records if record.record is not None)
        used = {each for record in shown for each in in_use(record, "field")}
        if used:
            async with self._database.connection() as connection:
                await deprecations.note(connection, used, by=source, actor="intake")

    async def _owe_telling(
        self,
        connection: Connection,
        source: str,
        changes: Sequence[tuple[LineVersion | None, LineVersion]],
    ) -> None:
        """Owe the news of contracts to whoever bills by them, whatever becomes of this poll."""
        if self._kind is not CONTRACTS:
            return
        changed = {
            now.source_id
            for before, now in changes
            if before is None or (before.revision, before.status) != (now.revision, now.status)
        }
        if changed:
            await contracts.note_changed(connection, source, changed)

    def _version(
        self,
        source: str,
        known: LineVersion | None,
        record: SourceRecord[Record],
        seen_at: datetime,
    ) -> LineVersion | None:
        """The line's newest version; None if there is nothing to keep of an unreadable record."""
        if record.record is not None:
            shown = record.record
            if isinstance(shown, ContractRecord):
                return advance_contract(known, shown)
            return advance(known, shown, seen_at)
        if known is not None and known.entry is not None:
            # Its last good state stands; the dead letter tells.
            return None
        if record.approved is False or record.source_id is None:
            return None
        if known is not None and _went_back(known, record):
            return None
        return LineVersion(
            connection=source,
            object=self._kind.object,
            source_id=record.source_id,
            document_id=self._kind.document_of(record),
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

    def _news(
        self, changes: Sequence[tuple[LineVersion | None, LineVersion]]
    ) -> Iterator[DocumentNews]:
        for before, now in changes:
            if not is_news(before, now):
                continue
            yield self._of_document(now)
            if before is not None and before.document_id != now.document_id:
                yield self._of_document(before)

    def _of_document(self, line: LineVersion) -> DocumentNews:
        return DocumentNews(
            connection=line.connection,
            kind=self._kind.document,
            document_id=line.document_id,
            employee=line.employee,
            starts_on=self._kind.begins_on(line),
        )

    def _letters(
        self,
        source: str,
        records: Sequence[SourceRecord[Record]],
        known: Mapping[str, LineVersion],
    ) -> Iterator[DeadLetter]:
        """Records that name no line, and unreadable news about lines that were read before."""
        for record in records:
            if record.record is not None:
                continue
            before = known.get(record.source_id) if record.source_id else None
            if record.source_id is None or (before is not None and before.entry is not None):
                yield DeadLetter(
                    connection=source,
                    object=self._kind.object,
                    content_hash=content_hash(record.raw),
                    source_id=record.source_id,
                    reason=record.trouble or "unreadable",
                    payload=storable(record.raw)[:PAYLOAD_CHARACTERS_MAX],
                )

    def _raw(self, source: str, source_id: str, record: SourceRecord[Record]) -> RawRecord:
        return RawRecord(
            connection=source,
            object=self._kind.object,
            source_id=source_id,
            content_hash=content_hash(record.raw),
            payload=storable(record.raw)[:PAYLOAD_CHARACTERS_MAX],
        )


def _went_back(known: LineVersion, record: SourceRecord[Record]) -> bool:
    """Whether it was rejected or recalled in the version that its source still shows."""
    return known.status in (LineStatus.REJECTED, LineStatus.WITHDRAWN) and (
        record.changed_at is None or record.changed_at <= known.changed_at
    )


def add_up(total: PollOutcome, page: PollOutcome) -> PollOutcome:
    """Add what a page came to."""
    return PollOutcome(
        records=total.records + page.records,
        news=total.news + page.news,
        unreadable=total.unreadable + page.unreadable,
        deleted=total.deleted + page.deleted,
    )
