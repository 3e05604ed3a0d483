"""Intake of expenses: reports are read, kept, and claimed at once, so that none is recalled."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.heartbeats import heartbeats
from activities.patience import patiently
from activities.taking_in import REPORTS, TakingIn, add_up
from canonical.expense import EXPENSE_REPORT
from canonical.messages import PollOutcome, SourceRef
from connectors.base.capabilities import Claim, Claimed, ExpenseReportSource
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from store import claims, cursors
from store.claims import Answered, ClaimState
from store.database import Database

CLAIMS_PER_CALL: Final = 100
_STATE_OF: Final[Mapping[Claim, ClaimState]] = {
    Claim.CLAIMED: ClaimState.CLAIMED,
    Claim.RECALLED: ClaimState.RECALLED,
    Claim.REFUSED: ClaimState.REFUSED,
}


class ExpenseIntakeActivities:
    """Reads sources of expenses, and takes their reports over."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections
        self._intake = TakingIn(database, REPORTS)

    @activity.defn
    async def poll_expense_reports(self, ref: SourceRef) -> PollOutcome:
        """Read the reports that are ready, keep them, then move the cursor."""
        async with heartbeats():
            try:
                return await self._poll(ref)
            except ConnectorError as error:
                raise as_application_error(error) from error

    @activity.defn
    async def claim_expense_reports(self, ref: SourceRef) -> int:
        """Claim every report that is kept and not claimed yet; gives how many are ours now.

        That we ask is written down before we ask: an answer "claimed before" then tells a lost
        answer of ours from somebody else's claim.
        """
        async with heartbeats():
            try:
                return await self._claim(ref)
            except ConnectorError as error:
                raise as_application_error(error) from error

    async def _poll(self, ref: SourceRef) -> PollOutcome:
        source = self._connections.filling(ref.connection, ExpenseReportSource)
        begun = datetime.now(UTC)
        async with self._database.transaction() as connection:
            since = await cursors.watermark(connection, ref.connection, EXPENSE_REPORT)
        if since is None:
            since = ref.read_from or begun - timedelta(days=ref.first_poll_days)
        since -= timedelta(seconds=source.manifest.overlap_seconds)
        total, newest = PollOutcome(), since
        async for page in patiently(source.expense_reports(since)):
            total = add_up(total, await self._intake.take_in(ref.connection, page))
            newest = max([newest, *(r.changed_at for r in page.records if r.changed_at)])
        async with self._database.transaction() as connection:
            # Never past the start of this poll: what changed meanwhile is the next one's.
            await cursors.move_cursor(
                connection, ref.connection, EXPENSE_REPORT, min(max(newest, since), begun)
            )
        return total

    async def _claim(self, ref: SourceRef) -> int:
        source = self._connections.filling(ref.connection, ExpenseReportSource)
        ours = 0
        while True:
            async with self._database.transaction() as connection:
                asked = await claims.ask(
                    connection, ref.connection, EXPENSE_REPORT, CLAIMS_PER_CALL
                )
            if not asked:
                return ours
            answers = list(_answers(await source.claim(asked)))
            async with self._database.transaction() as connection:
                ours += await claims.answered(connection, ref.connection, EXPENSE_REPORT, answers)
            if len(answers) < len(asked):
                # Some cannot be told now; the next poll asks again.
                return ours


def _answers(claimed: Iterable[Claimed]) -> Iterator[Answered]:
    """What each answer means; an answer that says "not now" is none."""
    for one in claimed:
        if one.claim is Claim.CLAIMED_BEFORE:
            yield Answered(one.source_id, ClaimState.REFUSED, one.code, before=True)
        elif one.claim is not Claim.NOT_NOW:
            yield Answered(one.source_id, _STATE_OF[one.claim], one.code)
