"""Release: whether an invoice may go, by whom, and only as it was when it was looked at."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from canonical.billing import BillingEvent
from rules.billing_policy import BillingPolicy
from rules.invoice_readiness import Readiness

# How many different people release an invoice above the limit.
FOUR_EYES: Final = 2
DRIFTED: Final = (
    "Facts changed since this was looked at. Look at the readiness again, then release."
)


class ReleaseRefusal(StrEnum):
    """Why an invoice may not go now."""

    DRIFTED = "drifted"
    NOT_READY = "not_ready"
    NOTHING_TO_BILL = "nothing_to_bill"
    NEEDS_SECOND_PERSON = "needs_second_person"
    NEEDS_PERSON = "needs_person"


@dataclass(frozen=True, slots=True)
class Released:
    """The events that may be written down and sent, and who answers for them."""

    events: tuple[BillingEvent, ...]
    snapshot_hash: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRefused:
    """Nothing may go, why, and what to do."""

    refusal: ReleaseRefusal
    sentence: str


def decide_release(
    now: Readiness, snapshot_hash: str, people: tuple[str, ...], policy: BillingPolicy
) -> Released | ReleaseRefused:
    """Decide on the snapshot that was looked at; `now` is decided anew from fresh facts.

    `people` are those who release it, none where the policy does. Any drift refuses.
    """
    if now.snapshot.hash != snapshot_hash:
        return ReleaseRefused(ReleaseRefusal.DRIFTED, DRIFTED)
    if not now.ready:
        return ReleaseRefused(
            ReleaseRefusal.NOT_READY, "Something still blocks it. Mend what readiness shows first."
        )
    if not now.events:
        return ReleaseRefused(ReleaseRefusal.NOTHING_TO_BILL, "Nothing is open up to the cut-off.")
    if not people and not policy.releases_itself:
        return ReleaseRefused(
            ReleaseRefusal.NEEDS_PERSON, "The policy lets a person release invoices."
        )
    large = [one for one in now.events if policy.needs_four_eyes(one.invoice.total)]
    # A name in capitals is nobody else's.
    if large and len({one.casefold() for one in people}) < FOUR_EYES:
        total = large[0].invoice.total
        return ReleaseRefused(
            ReleaseRefusal.NEEDS_SECOND_PERSON,
            f"An invoice of {total.amount} {total.currency} needs two different people.",
        )
    return Released(now.events, snapshot_hash, tuple(sorted(set(people))))
