"""Work on one line: all that is known about it when a document is drafted, and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from activities.intents import MAIN_LEG
from activities.line_checks import Ready, Stopped
from activities.pair_drafting import PAIR, Legs, pair_of
from canonical.posting import UNSETTLED, PostingState, TimeLine
from canonical.source_line import LineStatus, LineVersion
from rules.billing_intercompany import Leg
from rules.corrections import LinePlan, Standing, plan_line
from store.postings import Moves, Posting

# A booking that counts, or will once a person or the ERP lets it.
_BOOKING: Final = UNSETTLED | {PostingState.POSTED, PostingState.DUPLICATE}


@dataclass(frozen=True, slots=True)
class Work:
    """One line, or one leg of its pair, with everything that is known about it."""

    line: LineVersion
    plan: LinePlan
    postings: Mapping[UUID, Posting]
    # What a person put in place of the source's values, by revision of the line.
    amended: Mapping[int, Mapping[str, str]]
    legs: Legs

    @property
    def amendments(self) -> Mapping[str, str]:
        """What counts for the line's current revision."""
        return self.amended.get(self.line.revision, {})

    @property
    def calls_for_check(self) -> bool:
        """Whether anything is to be posted, or to be looked at again."""
        if self.plan.post or self.plan.recheck:
            return True
        if not self.legs.any:
            return False
        plans = self.leg_plans(None).values()
        missing = self.booking is not None and any(plan.post for plan in plans)
        return missing or self.legs.is_half or any(plan.recheck for plan in plans)

    def leg_plans(self, result: Ready | Stopped | None) -> dict[Leg, LinePlan]:
        """Plan each leg by itself. Without the hours, or between other parties, there is none."""
        current = [one for one in self.postings.values() if one.revision == self.line.revision]
        waived = any(one.state is PostingState.WAIVED for one in current)
        gone = isinstance(result, Ready) and pair_of(result) is None
        return {
            leg: plan_of(self.line, self.legs.of[leg], wanted=not (waived or gone)) for leg in PAIR
        }

    def of_leg(self, leg: Leg, plan: LinePlan) -> "Work":
        """The same line, as far as one leg of its pair goes."""
        return replace(self, plan=plan, postings={one.key: one for one in self.legs.of[leg]})

    @property
    def booking(self) -> TimeLine | None:
        """Where the hours of its current revision are booked, or will be."""
        intents = [
            one.intent
            for one in self.postings.values()
            if one.revision == self.line.revision
            and one.state in _BOOKING
            and one.intent_json is not None
            and not one.kind.takes_back
        ]
        body = intents[0].body if intents else None
        return body if isinstance(body, TimeLine) else None

    def has_pair(self, result: Ready | Stopped | None) -> bool:
        """Whether the pair that a check has found belongs to the hours of its current revision.

        They are posted now; or they are booked where such hours are, and the pair was kept waiting
        by an earlier revision's. What was booked elsewhere before never gets one.
        """
        pair = pair_of(result)
        if pair is None:
            return False
        rechecked = any(not self.postings[key].kind.takes_back for key in self.plan.recheck)
        if isinstance(result, Ready) and (self.plan.post or rechecked):
            return True
        return self.booking is not None and self.booking.task == pair.task

    @property
    def posted(self) -> bool:
        """Whether its current revision is in the ERP."""
        return any(
            one.state is PostingState.POSTED and one.revision == self.line.revision
            for one in self.postings.values()
        )


def work_on(
    line: LineVersion, postings: Sequence[Posting], amended: Mapping[int, Mapping[str, str]]
) -> Work:
    """Put together what is known of one line."""
    own = [one for one in postings if one.leg == MAIN_LEG]
    plan = plan_of(line, own)
    return Work(line, plan, {one.key: one for one in own}, amended, Legs.among(line, postings))


def plan_of(line: LineVersion, postings: Sequence[Posting], *, wanted: bool = True) -> LinePlan:
    """Plan one line from its status at the source and the standing of its postings."""
    approved = line.status in (LineStatus.APPROVED, LineStatus.UNREADABLE)
    return plan_line(
        wanted=wanted and approved and line.ever_approved,
        revision=line.revision,
        standings=[
            Standing(
                key=posting.key,
                kind=posting.kind,
                revision=posting.revision,
                amendment=posting.amendment,
                state=posting.state,
                released=posting.released,
                corrects=posting.corrects,
            )
            for posting in postings
        ],
    )


def moves_of(works: Sequence[Work]) -> Moves:
    """What needs no ERP."""
    return Moves(
        cancel=[key for work in works for key in work.plan.cancel],
        supersede=[key for work in works for key in work.plan.supersede],
        note_withdrawn=[key for work in works for key in work.plan.note_withdrawn],
        note_revision=[
            (key, work.line.revision) for work in works for key in work.plan.note_revision
        ],
    )
