"""One line of intercompany work, its ledger and both companies' books in miniature, to walk along.

Every step is one that can happen: news of the source, a preparation, a send with any outcome, a
person who lets a leg go, a period that closes. What is under test is the drafting; the ledger's
moves are written here once more, after POSTING.md section 2.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from activities.draft import Draft
from canonical.posting import PostingIntent, PostingKind, PostingState
from canonical.posting_period import PeriodState
from canonical.source_line import LineStatus, LineVersion
from rules.revisions import advance
from store.postings import NewPosting, Posting
from tests.unit.building import NOON, time_entry
from tests.unit.intercompany_building import calendars, draft, held, lent, policies

S = PostingState
LEGS = ("main", "charge", "owe")
_SENDABLE = (S.PENDING, S.SENDING)


class PairWorld:
    """Walks; `check` holds after every step."""

    def __init__(self, one_leg_failed: str) -> None:
        self._policies = policies(one_leg_failed)
        self.reverses = one_leg_failed == "REVERSE"
        self._clock = NOON
        self._hours = 1
        self._closed = PeriodState.OPEN
        self.rows: list[Posting] = []
        # What either company's books hold of us, by the key that it was sent with.
        self.booked: Counter[str] = Counter()
        # Somebody will prepare the line again.
        self.owed = True
        self.line: LineVersion | None = None
        self._shown(approved=True)

    # The source.

    def _shown(self, *, approved: bool) -> None:
        self._clock += timedelta(minutes=1)
        changes: dict[str, Any] = {} if approved else {"approval": None}
        entry = time_entry(seconds=3600 * self._hours, changed_at=self._clock, **changes)
        self.line = advance(self.line, entry, self._clock)
        self.owed = True

    def change(self) -> None:
        """The source shows more hours, approved."""
        self._hours += 1
        self._shown(approved=True)

    def withdraw_or_approve(self) -> None:
        """The approval is withdrawn, or given anew."""
        assert self.line is not None
        self._shown(approved=self.line.status is LineStatus.WITHDRAWN)

    # The period of the company that owes.

    def close_or_open(self) -> None:
        """Close the period of the project's company, or open it again."""
        self._closed = (
            PeriodState.OPEN if self._closed is PeriodState.CLOSED else PeriodState.CLOSED
        )

    # Us.

    def prepare(self) -> None:
        """Prepare the timesheet, as its workflow does."""
        assert self.line is not None
        known = lent(calendars=calendars(de01=self._closed))
        self._apply(draft([self.line], self.rows, known=known, by=self._policies))
        self.owed = False

    def _apply(self, made: Draft) -> None:
        moves = made.moves
        for key in moves.cancel:
            self._move(key, state=S.CANCELLED)
        for key in moves.supersede:
            self._move(key, state=S.SUPERSEDED)
        for key in moves.note_withdrawn:
            self._set(key, withdrawn=True)
        for key, revision in moves.note_revision:
            self._set(key, next_revision=revision)
        for new in made.new:
            self._write_down(new)
        for new, _ in made.new_stopped:
            self._write_down(new)
        for one in made.requeue:
            found = self._row(one.key)
            assert found.state is S.EXCEPTION
            assert found.fence == 0 or found.body_hash == one.intent.body.body_hash
            self._set(one.key, state=S.PENDING, released=False, **_of(one.intent))
        for key, _ in made.stopped_again:
            assert self._row(key).state is S.EXCEPTION
            self._set(key, released=False)

    def _write_down(self, new: NewPosting) -> None:
        assert all(one.key != new.key for one in self.rows), "a key was made twice"
        unsettled = [
            one
            for one in self.rows
            if (one.leg, one.kind) == (new.leg, new.kind)
            and one.state in (S.PENDING, S.SENDING, S.EXCEPTION, S.IN_DOUBT)
        ]
        assert not unsettled, "the ledger has one unsettled posting of a leg and kind"
        self.rows.append(held(new, waits_for=new.waits_for))

    # The ERP.

    def sendable(self) -> Sequence[Posting]:
        """What may be sent, or is under way."""
        return [one for one in self.rows if one.state in _SENDABLE and self._may_go(one)]

    def _may_go(self, row: Posting) -> bool:
        return row.waits_for is None or self._row(row.waits_for).state is S.POSTED

    def begin(self, row: Posting) -> None:
        """Send it; the answer comes later."""
        if row.state is S.PENDING:
            self._set(row.key, state=S.SENDING, fence=row.fence + 1)

    def carry_out(self, row: Posting) -> None:
        """The ERP does it."""
        self.begin(row)
        self.booked[str(row.key)] += 1
        news = row.withdrawn or row.next_revision is not None
        self._set(row.key, state=S.POSTED, erp_document_id=f"doc {row.reference}")
        if row.corrects is not None:
            self._set(row.corrects, state=S.REVERSED)
        self.owed = self.owed or news or row.leg != "main"

    def refuse(self, row: Posting) -> None:
        """The ERP says no."""
        self.begin(row)
        news = row.withdrawn or row.next_revision is not None
        state = S.CANCELLED if row.withdrawn else S.SUPERSEDED if news else S.EXCEPTION
        self._set(row.key, state=state)
        self.owed = self.owed or news or row.leg != "main"

    # People.

    def stopped(self) -> Sequence[Posting]:
        """What waits for a person."""
        return [one for one in self.rows if one.state is S.EXCEPTION and not one.released]

    def let_go(self, row: Posting) -> None:
        """A person decides to try again."""
        self._set(row.key, released=True)
        self.owed = True

    # What must hold.

    def check(self) -> None:
        """No key is booked twice, no leg stands twice, and what is taken back is the opposite."""
        assert all(times == 1 for times in self.booked.values()), "booked twice"
        standing = Counter(one.leg for one in self.rows if self._stands(one))
        assert all(times == 1 for times in standing.values()), f"a leg stands twice: {standing}"
        if self.reverses and self.is_quiet:
            self._no_leg_is_left_alone()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way, and nobody was asked to look."""
        released = any(one.released and one.state is S.EXCEPTION for one in self.rows)
        return not (self.owed or released or self.sendable())

    def _no_leg_is_left_alone(self) -> None:
        if any(one.kind is PostingKind.REVERSAL for one in self.stopped()):
            return  # A taking back of its own waits for a person.
        pair = {one.leg for one in self.rows if self._stands(one) and one.leg != "main"}
        assert len(pair) != 1, f"only {pair} is in the books"

    def settle_all(self) -> None:
        """Let everything go well from now on: people decide, and the ERP takes it."""
        self._closed = PeriodState.OPEN
        for _ in range(20):
            for row in self.stopped():
                self.let_go(row)
            self.prepare()
            for row in list(self.sendable()):
                self.carry_out(self._row(row.key))
                self.check()
            if self.is_quiet and not self.stopped():
                return
        raise AssertionError("it does not come to an end")

    def is_as_the_source_says(self) -> bool:
        """Whether the books hold all three legs of the latest revision, or nothing at all."""
        assert self.line is not None
        standing = {one.leg: one for one in self.rows if self._stands(one)}
        if self.line.status is not LineStatus.APPROVED:
            return not standing
        amounts = {
            "charge": Decimal(55 * self._hours),
            "owe": Decimal(55 * self._hours) * Decimal("0.92"),
        }
        return (
            sorted(standing) == sorted(LEGS)
            and all(one.revision == self.line.revision for one in standing.values())
            and all(standing[leg].amount == amount for leg, amount in amounts.items())
        )

    def _stands(self, row: Posting) -> bool:
        return row.state is S.POSTED and not row.kind.takes_back

    def _row(self, key: object) -> Posting:
        return next(one for one in self.rows if one.key == key)

    def _move(self, key: object, state: PostingState) -> None:
        if self._row(key).state in (S.PENDING, S.EXCEPTION):
            self._set(key, state=state, released=False)

    def _set(self, key: object, **changes: Any) -> None:
        self.rows = [replace(one, **changes) if one.key == key else one for one in self.rows]


def _of(intent: PostingIntent) -> dict[str, object]:
    return {
        "intent_json": intent.model_dump_json(),
        "body_hash": intent.body.body_hash,
        "legal_entity": intent.legal_entity,
        "amount": intent.value.amount,
        "currency": intent.value.currency,
    }
