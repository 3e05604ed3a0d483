"""Recording: transaction 2 for any number of outcomes, with the cases that they open."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from activities.case_openings import CaseOpenings
from activities.posting_results import Result, Tally
from canonical.posting import PostingKind, PostingState
from store import cases, posting_attempts
from store.database import Database
from store.posting_attempts import Recorded
from store.postings import Who


class Recorder:
    """Writes down what became of postings, and counts it."""

    def __init__(
        self, database: Database, openings: CaseOpenings, who: Who, *, acknowledge: bool
    ) -> None:
        self._database = database
        self._openings = openings
        self._acknowledge = acknowledge
        self.who = who
        self.tally = Tally()
        # Something was settled that lets other postings of the document go.
        self.unlocked = False

    async def record(self, results: Sequence[Result]) -> None:
        """Record outcomes; a second document for a posting comes after its first."""
        while results:
            # One row takes one outcome per statement.
            first = {one.result.key: one for one in reversed(results)}
            now_due = [one for one in results if first[one.result.key] is one]
            results = [one for one in results if first[one.result.key] is not one]
            await self._record_once(now_due)

    async def _record_once(self, results: Sequence[Result]) -> None:
        now = datetime.now(UTC)
        causes = {one.cause for one in results if one.cause is not None}
        bookings_alone = not any(one.posting.kind.takes_back for one in results)
        # Without a case and without a taking back it is one statement, and so a transaction.
        one_statement = bookings_alone and not causes
        with_rows = self._database.connection if one_statement else self._database.transaction
        async with with_rows() as connection:
            case_of = await cases.open_cases(
                connection, [self._openings.of(cause, now) for cause in causes], self.who
            )
            rows = await posting_attempts.record(
                connection,
                [one.with_case(case_of) for one in results],
                self.who,
                acknowledge=self._acknowledge,
            )
        self.tally.cases.update(case_of.values())
        self._count(results, {row.key: row for row in rows})

    def _count(self, results: Sequence[Result], rows: Mapping[UUID, Recorded]) -> None:
        for one in results:
            row = rows.get(one.result.key)
            if row is None:
                # Another attempt has moved the row on; what it did shows when we come back.
                self.tally.again(1)
                continue
            self.tally.count(row, one)
            # Replacements wait for a taking back, and one leg of a pair may wait for the other.
            lets_go = one.posting.kind.takes_back or one.posting.kind is PostingKind.JOURNAL
            if row.state is PostingState.POSTED and lets_go:
                self.unlocked = True
