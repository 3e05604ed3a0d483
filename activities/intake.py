"""Intake: sources of time are polled for what changed, and any source is read again whole."""

from datetime import UTC, datetime, time

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.patience import patiently
from activities.taking_in import REPORTS, TIME, TakingIn, add_up
from canonical.messages import BackfillWindow, PollOutcome, SourceRef
from canonical.time_entry import TIME_ENTRY
from connectors.base.capabilities import ContractSource, ExpenseReportSource, TimeEntrySource
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from store import documents, source_lines
from store.database import Database


class IntakeActivities:
    """Reads what is new of sources of time, and a past window of any source."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections
        self._time = TakingIn(database, TIME)
        self._reports = TakingIn(database, REPORTS)

    @activity.defn
    async def poll_time_entries(self, ref: SourceRef) -> PollOutcome:
        """Read what changed since the cursor, less the overlap; then move the cursor."""
        try:
            return await self._poll(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    @activity.defn
    async def read_window(self, window: BackfillWindow) -> PollOutcome:
        """Read a window of work dates whole; lines that are gone there are found this way.

        What waits in the window is owed a workflow again, in case Temporal has lost its own.
        """
        try:
            return await self._read_window(window)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def _poll(self, ref: SourceRef) -> PollOutcome:
        source = self._connections.filling(ref.connection, TimeEntrySource)
        overlap = source.manifest.overlap_seconds
        return await self._time.take_in_news(ref, overlap, source.time_entries_changed_since)

    async def _read_window(self, window: BackfillWindow) -> PollOutcome:
        if window.connection in self._connections.all_filling(ExpenseReportSource):
            return await self._read_reports(window)
        if window.connection in self._connections.all_filling(ContractSource):
            # Contracts have no work dates, and each poll reads them all.
            async with self._database.transaction() as connection:
                await documents.owe_again(connection, window.connection, window.first, window.last)
            return PollOutcome()
        source = self._connections.filling(window.connection, TimeEntrySource)
        async with self._database.transaction() as connection:
            before = await source_lines.in_window(
                connection, window.connection, TIME_ENTRY, window.first, window.last
            )
        total, seen = PollOutcome(), set[str]()
        async for page in patiently(source.time_entries_between(window.first, window.last)):
            total = add_up(total, await self._time.take_in(window.connection, page))
            seen.update(record.source_id for record in page.records if record.source_id)
        deleted = await self._time.take_out(window.connection, before - seen)
        async with self._database.transaction() as connection:
            await documents.owe_again(connection, window.connection, window.first, window.last)
        return total.model_copy(update={"deleted": deleted, "news": total.news + deleted})

    async def _read_reports(self, window: BackfillWindow) -> PollOutcome:
        """Read what a source of expenses still shows; what it has given over to us is known here.

        Such a source may show no more what was claimed: nothing is missing because it is not shown.
        """
        source = self._connections.filling(window.connection, ExpenseReportSource)
        since = datetime.combine(window.first, time(), UTC)
        total = PollOutcome()
        async for page in patiently(source.expense_reports(since)):
            total = add_up(total, await self._reports.take_in(window.connection, page))
        async with self._database.transaction() as connection:
            await documents.owe_again(connection, window.connection, window.first, window.last)
        return total
