"""The ledger's side of the posting protocol: one row, its transactions, and what must hold."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NamedTuple

# CANCELLED stands for SUPERSEDED as well: both mean "never posted", one path leads to both.
State = Literal["PENDING", "SENDING", "POSTED", "EXCEPTION", "IN_DOUBT", "DUPLICATE", "CANCELLED"]

NEVER_POSTED: Final = frozenset({"PENDING", "EXCEPTION", "CANCELLED"})
AT_REST: Final = frozenset({"POSTED", "EXCEPTION", "IN_DOUBT", "DUPLICATE", "CANCELLED"})
# Rows whose age and earlier attempts still matter.
_OPEN: Final = frozenset({"SENDING", "IN_DOUBT"})
NEVER: Final = -1


class Flaw(Enum):
    """One deviation from the protocol each, for the mutants."""

    TX2_WITHOUT_FENCE = "tx 2 does not compare the fence"
    RECLAIM_WITHOUT_FENCE = "a re-claim does not compare the fence"
    LEASE_FROM_REPLY = "the lease is measured after the claim's reply"
    NO_LEASE = "the age of the claim is not checked before the send"
    FROZEN_BEFORE_SEND = "a freeze between the check of the lease and the send"
    RETRY_AT_ONCE = "a retry sends at once, without a look-up"
    OVERWRITES_DOCUMENT = "a second document id overwrites the first"
    ONE_ATTEMPT_SETTLES_ALL = "NOT_EXECUTED settles the row though an earlier attempt is unsettled"
    GIVE_BACK_FORGETS_EARLIER = "giving back makes PENDING of a row with an unsettled attempt"
    GIVE_BACK_FORGETS_NEWS = "giving back makes PENDING of a withdrawn row"
    RECLAIM_LEAVES_NO_MARK = "a re-claim does not set unknown_since"
    LOOKUP_SETTLES_AT_ONCE = "a look-up before Q counts as a proof of absence"
    NEVER_PROVEN_ABSENT = "no F and L declared, so absence is never proven"
    NEWS_CANCELS_SENDING = "news puts a SENDING row to CANCELLED at once"
    QUIET_SINCE_FIRST = "Q counts from the first unsettled attempt, not from the last claim"
    KEY_PAST_TTL = "the key is trusted at any age"
    KEY_AGE_FROM_LAST_CLAIM = "the key's age counts from the last claim"
    KEY_AGE_CHECKED_EARLY = "the key's age is checked before the re-claim, not in it"
    BLIND_SECOND_SEND = "a second send without guard"
    PERSON_DECIDES_EARLY = "a person decides an IN_DOUBT row before Q"
    STAMPS_AFTER_SEARCH = "the stamps are read after the search"
    ONE_STAMP_FOR_TWO = "only the first of two parents is stamped"
    SEARCH_LAGS = "the search does not see what the stamp already counts"
    CONFLICT_UNSEARCHED = "after CONFLICT the stamps are read again, nothing is searched"
    POSTS_AFTER_FAILED_DELETE = "the draft is posted though a deletion failed"
    POSTS_UNSEEN_DRAFT = "the own draft is posted though the search did not show it"
    DRAFT_IS_EXECUTED = "the created draft counts as EXECUTED"
    SEARCHES_DISAGREE = "two searches may see two different replicas"
    LEASE_ON_FIRST_STEP_ONLY = "the lease is checked before the draft only, not before the post"


class Row(NamedTuple):
    """A posting row. The fence itself is not here: workers know whether theirs is current."""

    state: State = "PENDING"
    # Ticks since the last claim's sent_at, as far as they matter.
    age: int = 0
    # Ticks since the claim of the first unsettled attempt (unknown_since), or NEVER.
    unsettled: int = NEVER
    # The source changed or withdrew the line: next_revision or withdrawn.
    news: bool = False
    document: int = 0
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """The transactions on a row. Each is atomic: a WHERE clause and an UPDATE."""

    quiet: int
    # How far the age of the first unsettled attempt matters; 0 if only its existence does.
    unsettled_max: int = 0
    flaws: frozenset[Flaw] = frozenset()

    def older(self, row: Row) -> Row:
        """Let one tick pass; ages stop where no rule can tell them apart any more."""
        if row.state not in _OPEN:
            return row
        unsettled = row.unsettled
        if 0 <= unsettled < self.unsettled_max:
            unsettled += 1
        return row._replace(
            age=min(row.age + 1, max(self.quiet, self.unsettled_max)), unsettled=unsettled
        )

    def claimed(self, row: Row) -> Row:
        """tx 1: PENDING → SENDING; nothing was sent before, or all of it is settled."""
        return row._replace(state="SENDING", age=0, unsettled=NEVER)

    def reclaimed(self, row: Row, *, proven: bool) -> Row:
        """tx 1 again: SENDING → SENDING. Without a proof the earlier attempt is unsettled."""
        if proven:
            return row._replace(age=0, unsettled=NEVER)
        if Flaw.RECLAIM_LEAVES_NO_MARK in self.flaws:
            return row._replace(age=0)
        if Flaw.KEY_AGE_FROM_LAST_CLAIM in self.flaws:
            return row._replace(age=0, unsettled=0)
        return row._replace(age=0, unsettled=self._first_unsettled(row))

    def executed(self, row: Row, document: int) -> Row:
        """tx 2 for EXECUTED: accepted in every state and with every fence."""
        if row.state == "DUPLICATE" or (row.state == "POSTED" and row.document == document):
            return row
        if row.document in (0, document) or Flaw.OVERWRITES_DOCUMENT in self.flaws:
            return Row("POSTED", news=row.news, document=document, reversal=row.news)
        return row._replace(state="DUPLICATE")

    def several(self, row: Row) -> Row:
        """The look-up found more than one document."""
        return Row("DUPLICATE", news=row.news, document=row.document)

    def not_executed(self, row: Row, *, current: bool, refused: bool) -> Row:
        """tx 2 for NOT_EXECUTED: speaks for one attempt only."""
        if not self._mine(row, current=current):
            return row
        if row.unsettled != NEVER and Flaw.ONE_ATTEMPT_SETTLES_ALL not in self.flaws:
            return row
        return self._never_posted(row, refused=refused)

    def given_back(self, row: Row, *, current: bool) -> Row:
        """The claim is older than W and nothing left: this attempt was not executed."""
        if self._mine(row, current=current):
            if row.unsettled != NEVER and Flaw.GIVE_BACK_FORGETS_EARLIER in self.flaws:
                return self._never_posted(row, refused=False)
            if row.unsettled == NEVER and Flaw.GIVE_BACK_FORGETS_NEWS in self.flaws:
                return Row("PENDING", news=row.news)
        return self.not_executed(row, current=current, refused=False)

    def unknown(self, row: Row, *, current: bool) -> Row:
        """tx 2 for UNKNOWN: stays SENDING, and says since when."""
        if not self._mine(row, current=current):
            return row
        return row._replace(unsettled=self._first_unsettled(row))

    def in_doubt(self, row: Row) -> Row:
        """NoGuard: only a person can tell."""
        return row._replace(state="IN_DOUBT")

    def proven_absent(self, row: Row) -> Row:
        """Every earlier attempt is proven not executed: decide what waited for that."""
        return self._never_posted(row, refused=False)

    def heard_news(self, row: Row) -> Row:
        """The source changed or withdrew the line."""
        if row.state in {"PENDING", "EXCEPTION", "CANCELLED"}:
            return Row("CANCELLED", news=True)
        if row.state == "SENDING" and Flaw.NEWS_CANCELS_SENDING in self.flaws:
            return Row("CANCELLED", news=True)
        return row._replace(news=True, reversal=row.state == "POSTED")

    def _mine(self, row: Row, *, current: bool) -> bool:
        return row.state == "SENDING" and (current or Flaw.TX2_WITHOUT_FENCE in self.flaws)

    def _first_unsettled(self, row: Row) -> int:
        return row.unsettled if row.unsettled != NEVER else min(row.age, self.unsettled_max)

    def _never_posted(self, row: Row, *, refused: bool) -> Row:
        if row.news:
            return Row("CANCELLED", news=True)
        return Row("EXCEPTION" if refused else "PENDING")


def row_violation(row: Row, documents: int) -> str | None:
    """Check one row against the live documents of its key, numbered 1 to `documents`."""
    if documents > 1:
        return f"{documents} live documents for one key"
    if row.state in NEVER_POSTED and documents:
        return f"the row is {row.state} and document {documents} exists"
    if row.state == "POSTED" and not 1 <= row.document <= documents:
        return f"the row is POSTED and document {row.document} does not exist"
    if row.state == "POSTED" and row.news and not row.reversal:
        return "the row is POSTED, the source withdrew, and no reversal is open"
    if row.state == "PENDING" and row.news:
        return "the source withdrew, and the row is PENDING"
    return None
