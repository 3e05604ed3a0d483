"""Every check of the posting protocol: which model, and what must come out.

Constants are ticks: W = F = L = 1, so that Q = 4 is the first quiet time above W + F + L. Two
workers live at once, zombies included, any number one after the other; two requests are in
flight at once. Larger constants are in DEEP, which takes minutes and is not part of the tests.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from tests.model.compare_and_set import CompareAndSet
from tests.model.draft_then_post import DraftThenPost
from tests.model.exploration import Model
from tests.model.fit_drafts import FitDrafts
from tests.model.ledger import Flaw
from tests.model.single_write import SingleWrite

TWICE: Final = "2 live documents"
EXISTS: Final = "and document 1 exists"
STUCK: Final = "no path leads to a decision"


@dataclass(frozen=True)
class Check:
    """One exploration. `broken` is what the counterexample must say, None if there is none."""

    name: str
    model: Model[Any]
    broken: str | None = None

    @property
    def expected(self) -> str:
        return "SAFE" if self.broken is None else "UNSAFE"


def _with(model: Any, flaw: Flaw, broken: str | None) -> Check:
    guard = model.guard if isinstance(model, SingleWrite) else type(model).__name__
    return Check(f"{guard}: {flaw.value}", replace(model, flaws=frozenset({flaw})), broken)


UNIQUE_REFERENCE: Final = SingleWrite("UniqueReference")
# Without lag, to keep it small; ttl is exactly 2 (W + F).
IDEMPOTENCY_KEY: Final = SingleWrite("IdempotencyKey", lag=0, quiet=3, ttl=4)
LOOKUP: Final = SingleWrite("Lookup")
LOOKUP_DUPLICATES: Final = SingleWrite("Lookup", checked="duplicates")
NO_GUARD: Final = SingleWrite("NoGuard")
ONE_ROW: Final = CompareAndSet(rows=1)
# Only against duplicates, so without any notion of time, news or other writers.
TWO_ROWS: Final = CompareAndSet(orphans=0, news=False, others=False, proof="none")
ONE_ROW_DUPLICATES: Final = replace(TWO_ROWS, rows=1)
DRAFT_THEN_POST: Final = DraftThenPost()
DRAFTS_DUPLICATES: Final = DraftThenPost(news=False)
NO_LAG: Final = SingleWrite("UniqueReference", lag=0, quiet=3)

PROTOCOL: Final = (
    Check("UniqueReference", UNIQUE_REFERENCE),
    Check("IdempotencyKey, ttl = 2 (W + F)", IDEMPOTENCY_KEY),
    Check("CompareAndSet, one row with news", ONE_ROW),
    Check("CompareAndSet, two rows under two parents", TWO_ROWS),
    Check("DraftThenPost", DRAFT_THEN_POST),
    Check("Lookup, Q = W + F + L + 1", LOOKUP),
    Check("NoGuard", NO_GUARD),
)

# What may also be done, or what still holds when a promise is broken.
VARIANTS: Final = (
    Check(
        "Lookup, the check leaves room for the send within W",
        replace(LOOKUP, window=0, sending=1),
    ),
    Check(
        "CompareAndSet, CONFLICT tried again within the claim",
        replace(ONE_ROW, conflict_within_claim=True),
    ),
    Check(
        "CompareAndSet, an outdated stamp is the proof: no W, F, L",
        CompareAndSet(rows=1, proof="stamps"),
    ),
    Check(
        "UniqueReference, no lease and no Q: duplicates only",
        replace(NO_LAG, quiet=0, checked="duplicates", flaws=frozenset({Flaw.NO_LEASE})),
    ),
    Check("DraftThenPost, any fit draft is kept, and only posting is unknown", FitDrafts()),
    Check("Lookup, F broken: what the ledger notices", replace(LOOKUP, quiet=1, checked="ledger")),
)

MUTANTS: Final = (
    _with(FitDrafts(), Flaw.POSTS_AFTER_FAILED_DELETE, TWICE),
    Check("Lookup: Q = W + F + L", replace(LOOKUP_DUPLICATES, quiet=3), TWICE),
    _with(LOOKUP_DUPLICATES, Flaw.TX2_WITHOUT_FENCE, TWICE),
    _with(LOOKUP_DUPLICATES, Flaw.RECLAIM_WITHOUT_FENCE, TWICE),
    _with(LOOKUP_DUPLICATES, Flaw.LEASE_FROM_REPLY, TWICE),
    _with(LOOKUP_DUPLICATES, Flaw.NO_LEASE, TWICE),
    _with(LOOKUP_DUPLICATES, Flaw.RETRY_AT_ONCE, TWICE),
    _with(LOOKUP, Flaw.NEWS_CANCELS_SENDING, EXISTS),
    _with(
        replace(LOOKUP, quiet=1, checked="ledger"), Flaw.OVERWRITES_DOCUMENT, "the row is POSTED"
    ),
    _with(NO_LAG, Flaw.ONE_ATTEMPT_SETTLES_ALL, EXISTS),
    _with(IDEMPOTENCY_KEY, Flaw.KEY_PAST_TTL, TWICE),
    _with(ONE_ROW_DUPLICATES, Flaw.STAMPS_AFTER_SEARCH, TWICE),
    _with(TWO_ROWS, Flaw.ONE_STAMP_FOR_TWO, TWICE),
    _with(DRAFTS_DUPLICATES, Flaw.POSTS_AFTER_FAILED_DELETE, TWICE),
    _with(DRAFTS_DUPLICATES, Flaw.DRAFT_IS_EXECUTED, "does not exist"),
    _with(NO_GUARD, Flaw.BLIND_SECOND_SEND, "sent a second time"),
)

# The text of the protocol allows these; each of them breaks it.
READINGS: Final = (
    Check(
        "Lookup: W holds up to the check, the send takes one tick more",
        replace(LOOKUP_DUPLICATES, sending=1),
        TWICE,
    ),
    _with(NO_LAG, Flaw.RECLAIM_LEAVES_NO_MARK, EXISTS),
    _with(ONE_ROW, Flaw.RECLAIM_LEAVES_NO_MARK, EXISTS),
    _with(NO_LAG, Flaw.GIVE_BACK_FORGETS_EARLIER, EXISTS),
    _with(NO_LAG, Flaw.GIVE_BACK_FORGETS_NEWS, "the source withdrew, and the row is PENDING"),
    _with(NO_LAG, Flaw.LOOKUP_SETTLES_AT_ONCE, EXISTS),
    _with(NO_LAG, Flaw.NEVER_PROVEN_ABSENT, STUCK),
    _with(NO_LAG, Flaw.QUIET_SINCE_FIRST, EXISTS),
    _with(IDEMPOTENCY_KEY, Flaw.KEY_AGE_FROM_LAST_CLAIM, TWICE),
    _with(IDEMPOTENCY_KEY, Flaw.KEY_AGE_CHECKED_EARLY, TWICE),
    Check("IdempotencyKey: ttl = 2 (W + F) - 2", replace(IDEMPOTENCY_KEY, ttl=2), TWICE),
    _with(ONE_ROW_DUPLICATES, Flaw.CONFLICT_UNSEARCHED, TWICE),
    _with(DRAFTS_DUPLICATES, Flaw.POSTS_UNSEEN_DRAFT, TWICE),
    _with(DRAFT_THEN_POST, Flaw.LEASE_ON_FIRST_STEP_ONLY, EXISTS),
    _with(NO_GUARD, Flaw.PERSON_DECIDES_EARLY, EXISTS),
)

# Promises that the protocol rests on, broken one by one.
ASSUMPTIONS: Final = (
    _with(LOOKUP_DUPLICATES, Flaw.FROZEN_BEFORE_SEND, TWICE),
    _with(replace(NO_LAG, checked="rows"), Flaw.FROZEN_BEFORE_SEND, EXISTS),
    _with(ONE_ROW_DUPLICATES, Flaw.SEARCH_LAGS, TWICE),
    _with(DRAFTS_DUPLICATES, Flaw.SEARCHES_DISAGREE, TWICE),
    Check(
        "CompareAndSet, outdated stamps: CONFLICT tried again within the claim",
        CompareAndSet(rows=1, proof="stamps", conflict_within_claim=True),
        EXISTS,
    ),
)

DEEP: Final = (
    Check("Lookup, 3 workers, F = 2", SingleWrite("Lookup", in_flight=2, quiet=5, workers=3)),
    Check("Lookup, 3 workers and requests", SingleWrite("Lookup", workers=3, requests=3)),
    Check("NoGuard, 3 workers", SingleWrite("NoGuard", workers=3, requests=3)),
    Check("UniqueReference, F = 2", SingleWrite("UniqueReference", in_flight=2, quiet=5)),
    Check("UniqueReference, 3 requests", SingleWrite("UniqueReference", requests=3)),
    Check("IdempotencyKey with lag", SingleWrite("IdempotencyKey", ttl=4)),
    Check(
        "IdempotencyKey, F = 2, ttl = 6",
        SingleWrite("IdempotencyKey", in_flight=2, lag=0, quiet=4, ttl=6),
    ),
    Check("CompareAndSet, one row, 3 workers", replace(ONE_ROW, workers=3)),
    Check("CompareAndSet, two rows, late calls", replace(TWO_ROWS, orphans=1)),
    Check("CompareAndSet, two rows with time", replace(TWO_ROWS, proof="quiet")),
    Check("CompareAndSet, two rows, stamps", replace(TWO_ROWS, proof="stamps")),
    Check("CompareAndSet, two rows, other writers", replace(TWO_ROWS, others=True)),
    Check("DraftThenPost, 3 drafts", DraftThenPost(drafts=3)),
)
