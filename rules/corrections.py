"""Corrections: what follows for a line's postings from what the source says now.

A posted line is immutable. A change after posting takes it back (by a reversal, or by an undo
where the ERP knows no reversal) and posts a replacement, which waits for the taking back
(DOMAIN rules 9 to 12, POSTING.md "news").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from canonical.posting import UNSETTLED, PostingKind, PostingState


@dataclass(frozen=True, slots=True)
class Standing:
    """How one posting of the line stands."""

    key: UUID
    kind: PostingKind
    revision: int
    amendment: int
    state: PostingState
    released: bool
    corrects: UUID | None


@dataclass(frozen=True, slots=True)
class LinePlan:
    """What to do for one line."""

    # Write down a posting of the current revision, with this amendment ordinal.
    post: bool = False
    amendment: int = 0
    # Postings, takings back included, that a person released: check them again.
    recheck: tuple[UUID, ...] = ()
    cancel: tuple[UUID, ...] = ()
    supersede: tuple[UUID, ...] = ()
    take_back: tuple[UUID, ...] = ()
    # The taking back that the replacement has to wait for, if it is under way already.
    waits_for: UUID | None = None
    note_withdrawn: tuple[UUID, ...] = ()
    note_revision: tuple[UUID, ...] = ()


_STOPPED = frozenset({PostingState.PENDING, PostingState.EXCEPTION})
# What the ERP holds is not certain: it has to be settled before anything else is sent.
_UNCERTAIN = (UNSETTLED - _STOPPED) | {PostingState.DUPLICATE}


def plan_line(*, wanted: bool, revision: int, standings: Sequence[Standing]) -> LinePlan:
    """Plan one line. `wanted`: the source has it approved, in this revision."""
    bookings = [one for one in standings if not one.kind.takes_back]
    backs = _latest_backs(standings)
    under_way = {
        original: back.key
        for original, back in backs.items()
        if back.state in _STOPPED | _UNCERTAIN
    }
    posted = [one for one in bookings if one.state is PostingState.POSTED or one.key in under_way]
    uncertain = {one.key for one in bookings if one.state in _UNCERTAIN} - set(under_way)
    # A person decided that these stay in the ERP; only a newer revision asks again.
    kept = {original for original, back in backs.items() if back.state is PostingState.WAIVED}
    released = tuple(
        one.key for one in backs.values() if one.state is PostingState.EXCEPTION and one.released
    )
    if not wanted:
        return LinePlan(
            recheck=released,
            cancel=_keys(bookings, _STOPPED),
            note_withdrawn=tuple(one.key for one in bookings if one.key in uncertain),
            take_back=tuple(
                one.key for one in posted if one.key not in under_way and one.key not in kept
            ),
        )
    current = [one for one in bookings if one.revision == revision]
    waived = any(one.state is PostingState.WAIVED for one in current)
    outdated = [one.key for one in posted if one.revision != revision]
    old = [one for one in bookings if one.revision != revision]
    plan = LinePlan(
        recheck=released,
        supersede=_keys(old, _STOPPED),
        note_revision=tuple(one.key for one in old if one.key in uncertain),
        take_back=tuple(
            key for key in outdated if key not in under_way and not (waived and key in kept)
        ),
        waits_for=next((under_way[key] for key in outdated if key in under_way), None),
    )
    return _with_current(plan, current)


def _latest_backs(standings: Sequence[Standing]) -> dict[UUID, Standing]:
    """The last taking back of each posting that was ever to be taken back."""
    backs = [one for one in standings if one.kind.takes_back]
    return {
        one.corrects: one
        for one in sorted(backs, key=lambda one: one.amendment)
        if one.corrects is not None
    }


def _with_current(plan: LinePlan, current: Sequence[Standing]) -> LinePlan:
    settled = (PostingState.SUPERSEDED, PostingState.CANCELLED)
    standing = [one for one in current if one.state not in settled]
    released = [one for one in standing if one.state is PostingState.EXCEPTION and one.released]
    if released:
        return replace(plan, recheck=(*plan.recheck, released[0].key))
    if standing or plan.note_revision:
        # Under way, posted or waived already; or an older revision has to be settled first.
        return plan
    amendment = 1 + max((one.amendment for one in current), default=-1)
    return replace(plan, post=True, amendment=amendment)


def _keys(standings: Sequence[Standing], states: frozenset[PostingState]) -> tuple[UUID, ...]:
    return tuple(one.key for one in standings if one.state in states)
