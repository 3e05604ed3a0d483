"""Drafting: what a document's lines and postings call for now, decided without any I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from activities import posting_causes
from activities.draft import Draft, requeue_of
from activities.intents import Intents
from activities.line_checks import LineChecks, Ready, Stopped, ToCheck
from activities.line_work import Work, moves_of, work_on
from activities.pair_drafting import (
    Fate,
    Legs,
    PairMaker,
    mended,
    pair_of,
)
from canonical.exception_case import Cause, RootCause
from canonical.posting import PostingState
from canonical.posting_period import PeriodDecision
from canonical.source_line import LineStatus, LineVersion, called
from connectors.base.errors import INVOICED
from rules.billing_intercompany import Leg
from rules.billing_policy import BillingPolicy
from rules.facts import Facts
from rules.intercompany_time import Intercompany
from rules.policies import Policies
from rules.posting_period import PeriodTrouble, decide_period
from rules.time_checks import NO_LEGAL_ENTITY
from rules.troubles import shape_of
from store.postings import Moves, Posting

Amendments = Mapping[tuple[str, int], Mapping[str, str]]


class Drafter:
    """Drafts for one pair of source and target, with the facts of one moment.

    `billed` are the revisions of lines, by source id, that a customer was invoiced for.
    """

    def __init__(
        self,
        facts: Facts,
        policies: Policies,
        intents: Intents,
        checks: LineChecks,
        *,
        billed: Collection[tuple[str, int]] = (),
    ) -> None:
        self._billed = billed
        self._facts = facts
        self._policies = policies
        self._intents = intents
        self._checks = checks

    def draft(
        self, lines: Sequence[LineVersion], postings: Sequence[Posting], amendments: Amendments
    ) -> Draft:
        """Draft a document; the same input gives the same draft."""
        by_line: dict[str, list[Posting]] = {line.source_id: [] for line in lines}
        for posting in postings:
            by_line[posting.source_id].append(posting)
        amended: dict[str, dict[int, Mapping[str, str]]] = {}
        for (source_id, revision), changes in amendments.items():
            amended.setdefault(source_id, {})[revision] = changes
        works = [
            work_on(line, by_line[line.source_id], amended.get(line.source_id, {}))
            for line in lines
        ]
        draft = Draft(moves=moves_of(works))
        checked = self._check(works)
        for work in works:
            result = checked.get(work.line.source_id)
            waits_for = self._take_back(draft, work)
            for key in work.plan.recheck:
                self._recheck(draft, work, work.postings[key], result)
            if work.plan.post:
                self._post(draft, work, result, waits_for)
            self._draft_pair(draft, work, result)
        return draft

    def _draft_pair(self, draft: Draft, work: Work, result: Ready | Stopped | None) -> None:
        """Draft both legs of an intercompany pair, if there is one or ever was."""
        pair = pair_of(result)
        begins = work.has_pair(result)
        if not work.legs.any and not begins:
            return
        maker = PairMaker(self._intents, self._facts.target, work.legs, pair) if pair else None
        plans, fate = work.leg_plans(result), Fate()
        for leg, plan in plans.items():
            one = work.of_leg(leg, plan)
            draft.add_moves(moves_of([one]))
            waits_for = self._take_back(draft, one)
            for posting in [one.postings[key] for key in plan.recheck]:
                if posting.kind.takes_back:
                    self._recheck_back(draft, one, posting)
                elif maker is None:
                    draft.stopped_again.append((posting.key, _why(result, work.line)))
                    fate.stopped.add(leg)
                else:
                    maker.recheck(draft, posting, leg, fate)
            if maker is not None and begins and plan.post:
                maker.post(draft, leg, fate, plan.amendment, waits_for)
        for leg, plan in mended(plans, work.legs, fate, self._lender(work.legs, pair)).items():
            self._take_back(draft, work.of_leg(leg, plan))
            if maker is not None and plan.post:
                ahead = work.legs.ahead_of(leg, fate.going)
                maker.post(draft, leg, fate, plan.amendment, ahead)

    def _lender(self, legs: Legs, pair: Intercompany | None) -> BillingPolicy:
        """The policy of the legal entity that charges."""
        charge = legs.latest(Leg.CHARGE)
        entity = charge.legal_entity if charge else pair.worker.legal_entity if pair else ""
        return self._policies.of(entity).billing

    def _check(self, works: Sequence[Work]) -> dict[str, Ready | Stopped]:
        if not any(work.calls_for_check for work in works):
            return {}
        wanted = [
            ToCheck(work.line, work.amendments, posted=work.posted)
            for work in works
            if work.line.status is LineStatus.APPROVED and work.line.entry is not None
        ]
        return self._checks(wanted, self._facts, self._policies)

    def _take_back(self, draft: Draft, work: Work) -> UUID | None:
        """Draft the takings back; gives the one that a replacement has to wait for."""
        waits_for = work.plan.waits_for
        for key in work.plan.take_back:
            original = work.postings[key]
            earlier = [one.amendment for one in work.postings.values() if one.corrects == key]
            amendment = 1 + max(earlier, default=-1)
            allowed = self._taking_back(original, work.line, work.amendments)
            document = work.line.document_id
            if isinstance(allowed, PeriodDecision):
                back = self._intents.taking_back(original, document, allowed, amendment)
                draft.new.append(back)
            else:
                own = original.intent.period
                back = self._intents.taking_back(original, document, own, amendment)
                draft.new_stopped.append((replace(back, state=PostingState.EXCEPTION), allowed))
            waits_for = back.key
        return waits_for

    def _recheck(
        self, draft: Draft, work: Work, posting: Posting, result: Ready | Stopped | None
    ) -> None:
        if posting.kind.takes_back:
            self._recheck_back(draft, work, posting)
        elif isinstance(result, Ready):
            self._passed(draft, work, posting, result)
        else:
            cause = result.root_cause if result else unreadable_cause(work.line)
            draft.stopped_again.append((posting.key, cause))

    def _passed(self, draft: Draft, work: Work, posting: Posting, ready: Ready) -> None:
        again = self._intents.of(work.line, posting.target, ready, posting.amendment)
        if posting.fence == 0 or ready.body.body_hash == posting.body_hash:
            draft.requeue.append(requeue_of(posting.key, again))
            return
        # A key is never sent with two bodies: what was sent, and proven not executed, is
        # superseded by a new amendment.
        draft.add_moves(Moves(supersede=[posting.key]))
        draft.new.append(self._intents.of(work.line, posting.target, ready, posting.amendment + 1))

    def _recheck_back(self, draft: Draft, work: Work, posting: Posting) -> None:
        assert posting.corrects is not None
        original = work.postings[posting.corrects]
        # Where it counts was decided for the revision that is taken back.
        given = {**work.amendments, **work.amended.get(original.revision, {})}
        allowed = self._taking_back(original, work.line, given)
        if isinstance(allowed, RootCause):
            draft.stopped_again.append((posting.key, allowed))
            return
        again = self._intents.taking_back(original, posting.document_id, allowed, posting.amendment)
        draft.requeue.append(requeue_of(posting.key, again))

    def _post(
        self, draft: Draft, work: Work, result: Ready | Stopped | None, waits_for: UUID | None
    ) -> None:
        line, amendment, target = work.line, work.plan.amendment, self._facts.target
        if isinstance(result, Ready):
            posting = self._intents.of(line, target, result, amendment)
            draft.new.append(replace(posting, waits_for=waits_for))
            return
        cause = result.root_cause if result else unreadable_cause(line)
        stopped = self._intents.stopped(
            line,
            target,
            amendment,
            legal_entity=cause.legal_entity,
            seconds=result.seconds if result else 0,
            value=result.value if result else None,
        )
        draft.new_stopped.append((replace(stopped, waits_for=waits_for), cause))

    def _taking_back(
        self, original: Posting, line: LineVersion, given: Mapping[str, str]
    ) -> PeriodDecision | RootCause:
        """The original's own period if it is open, else by policy (DOMAIN rule 10).

        What a customer was invoiced for waits until that is credited (rule 12). A leg that is taken
        back for the other's sake changes nothing of that: the line stands.
        """
        entity = original.legal_entity
        stands = line.status is LineStatus.APPROVED and line.revision == original.revision
        if not stands and (original.source_id, original.revision) in self._billed:
            return posting_causes.refused(original, INVOICED)
        decided = decide_period(
            original.intent.period.original_date,
            self._facts.calendars.get(entity, ()),
            self._policies.of(entity).closed_period,
            given.get("period"),
        )
        return _cause_of(decided, entity) if isinstance(decided, PeriodTrouble) else decided


def unreadable_cause(line: LineVersion) -> RootCause:
    """The root cause of lines that cannot be read for the same reason."""
    trouble = line.trouble or "the record is incomplete"
    return RootCause(
        legal_entity=NO_LEGAL_ENTITY,
        cause=Cause.UNREADABLE_LINE,
        # A system that changed its records is one case, not one for each place it is met at.
        subject=f"{line.connection}: {shape_of(trouble)}"[:80],
        sentence=(
            f"{line.connection} sent approved {called(line.object, many=True)} that cannot be "
            f"read: {trouble}. Correct them in the source, which releases them by itself, or waive "
            "them."
        )[:1000],
    )


def _why(result: Ready | Stopped | None, line: LineVersion) -> RootCause:
    return result.root_cause if isinstance(result, Stopped) else unreadable_cause(line)


def _cause_of(trouble: PeriodTrouble, legal_entity: str) -> RootCause:
    return RootCause(
        legal_entity=legal_entity,
        cause=trouble.cause,
        subject=trouble.subject,
        sentence=trouble.sentence,
    )
