"""Intake of expenses: reports are read, kept, and claimed at once, so that none is recalled."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.taking_in import REPORTS, TakingIn
from canonical.expense import EXPENSE_REPORT
from canonical.messages import PollOutcome, SourceRef
from connectors.base.capabilities import Claim, Claimed, ExpenseReportSource
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError, TransientError
from store import claims
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
        self._reports = TakingIn(database, REPORTS)

    @activity.defn
    async def poll_expense_reports(self, ref: SourceRef) -> PollOutcome:
        """Read the reports that are ready, keep them, then move the cursor."""
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
        try:
            return await self._claim(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def _poll(self, ref: SourceRef) -> PollOutcome:
        source = self._connections.filling(ref.connection, ExpenseReportSource)
        overlap = source.manifest.overlap_seconds
        return await self._reports.take_in_news(ref, overlap, source.expense_reports)

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
            try:
                claimed = await source.claim(list(asked))
            except TransientError:
                await self._not_asked(ref, asked)
                raise
            answers = list(_answers(claimed, asked))
            async with self._database.transaction() as connection:
                ours += await claims.answered(connection, ref.connection, EXPENSE_REPORT, answers)
            await self._not_asked(ref, [one.source_id for one in claimed if one.never_left])
            if len(answers) < len(asked):
                # Some cannot be told now; the next poll asks again.
                return ours

    async def _not_asked(self, ref: SourceRef, source_ids: Collection[str]) -> None:
        async with self._database.transaction() as connection:
            await claims.not_asked(connection, ref.connection, EXPENSE_REPORT, source_ids)


def _answers(claimed: Iterable[Claimed], asked: Mapping[str, int]) -> Iterator[Answered]:
    """What each answer means; an answer that says "not now" is none."""
    for one in claimed:
        if one.claim is not Claim.NOT_NOW:
            before = one.claim is Claim.CLAIMED_BEFORE
            state = ClaimState.REFUSED if before else _STATE_OF[one.claim]
            yield Answered(one.source_id, state, one.code, before, asked[one.source_id])
