"""The posting suite is no decoration: a target that breaks a rule fails the rule's test."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from canonical.identity import reference_of
from canonical.posting import (
    Executed,
    PostedDocument,
    PostingIntent,
    PostingKind,
    PostingOutcome,
)
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.rate_budget import RateBudget
from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from connectors.tryton import Tryton
from tests.connectors.tryton.world import Desk, TrytonWorld

Intents = Sequence[PostingIntent]
Outcomes = Sequence[PostingOutcome]
Documents = Mapping[str, tuple[PostedDocument, ...]]


class Sabotaged:
    """A target that does as Tryton's connector does, but for what a subclass spoils."""

    def __init__(self, good: Tryton) -> None:
        self.good = good
        self.manifest = good.manifest

    async def check(self) -> str:
        return await self.good.check()

    async def close(self) -> None:
        await self.good.close()

    async def masters(self) -> object:
        return await self.good.masters()

    async def guard_evidence(self, intents: Intents) -> GuardEvidence:
        return await self.good.guard_evidence(intents)

    async def find(self, intents: Intents) -> Documents:
        return await self.good.find(intents)

    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        return await self.good.post(intents, evidence)

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        return self.good.documents_since(since)


class RetriesBlindly(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError:
            return await self.good.post(intents, await self.good.guard_evidence(intents))


class RepeatsTheVerySameWrite(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError:
            return await self.good.post(intents, evidence)


class ForgetsTheStampOfAllButTheFirstParent(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        fresh = dict(await self.good.guard_evidence(intents))
        first = min(fresh)
        return await self.good.post(intents, {**fresh, first: evidence[first]})


class ReadsStampsOnlyWhenItWrites(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        return await self.good.post(intents, await self.good.guard_evidence(intents))


class LooksFirstAndStampsAfterwards(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        found = await self.good.find(intents)
        missing = [intent for intent in intents if intent.reference not in found]
        done = await self.good.post(missing, await self.good.guard_evidence(missing))
        booked = {outcome.reference: outcome for outcome in done}
        return [
            booked.get(intent.reference) or _executed(intent, found[intent.reference][0])
            for intent in intents
        ]


class TakesAConflictForDone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except ConflictError:
            found = await self.good.find(intents)
            return [_executed(intent, found[intent.reference][0]) for intent in intents]


class SwallowsADuplicate(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        found = await self.good.find(intents)
        return {reference: documents[:1] for reference, documents in found.items()}


class FindsWhatWasNotAskedFor(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        return {intent.reference: () for intent in intents} | dict(await self.good.find(intents))


class FindsByTheWholeText(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        notes = {intent.reference: intent.body.note for intent in intents}
        found = await self.good.find(intents)
        return {
            reference: kept
            for reference, documents in found.items()
            if (kept := tuple(each for each in documents if each.body.note == notes[reference]))
        }


class LooksUpLineByLine(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for intent in intents:
            found |= await self.good.find([intent])
        return found


class EchoesWhatItSent(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        outcomes = await self.good.post(intents, evidence)
        assert all(isinstance(outcome, Executed) for outcome in outcomes)
        return [
            outcome.model_copy(
                update={
                    "document": PostedDocument(
                        document_id=outcome.document_id,
                        reference=intent.reference,
                        body=intent.body,
                    )
                }
            )
            for intent, outcome in zip(intents, outcomes, strict=True)
            if isinstance(outcome, Executed)
        ]


class CallsTheUnansweredUndone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError as error:
            raise TransientError(error.code) from error


class TakesServiceUnavailableForNothingDone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError as error:
            if error.code == "erp_busy":
                raise TransientError(error.code) from error
            raise


class ForgetsWhatItWroteIfItCannotSeeIt(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError as error:
            if error.code == "not_read_back":
                raise TransientError(error.code) from error
            raise


class SendsLineByLine(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        outcomes: list[PostingOutcome] = []
        for intent in intents:
            outcomes += await self.good.post([intent], await self.good.guard_evidence([intent]))
        return outcomes


class LeavesABadLineOut(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError:
            good = intents[1:]
            return await self.good.post(good, await self.good.guard_evidence(good))


class MakesUpACodeEachTime(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError as error:
            raise RejectedError(f"{error.code}:{intents[0].reference}", str(error)) from None


class NamesPeople(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError as error:
            people = (await self.good.masters()).employees
            name = next(each.name for each in people if each.id == intents[0].body.employee)
            raise RejectedError(error.code, f"{name} has left") from None


class CutsReferences(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        cut = [intent.model_copy(update={"reference": intent.reference[:21]}) for intent in intents]
        return await self.good.post(cut, evidence)


class SweepsOnlyTheFirstPage(Sabotaged):
    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        async for page in self.good.documents_since(since):
            yield page[:1]
            return


class SweepsWhatIsNotOurs(Sabotaged):
    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        async for page in self.good.documents_since(None):
            yield page


class RemovesAllThatCarryTheReference(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        (undo,) = intents
        assert undo.corrects is not None
        reference = reference_of(undo.corrects)
        time = undo.model_copy(update={"kind": PostingKind.TIME, "reference": reference})
        for document in (await self.good.find([time]))[reference]:
            each = undo.model_copy(update={"corrects_document": document.document_id})
            await self.good.post([each], await self.good.guard_evidence([each]))
        return [Executed(reference=undo.reference, document_id=undo.corrects_document or "")]


class MindsThatTheDocumentIsGone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        if len(await self.good.find(intents)) < len(intents):
            raise RejectedError("gone")
        return await self.good.post(intents, evidence)


class RemovesWhateverHasTheNumber(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        loose = [intent.model_copy(update={"corrects": None}) for intent in intents]
        return await self.good.post(loose, evidence)


class CallsAnInvoicedLineDone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError:
            return [
                Executed(reference=each.reference, document_id=each.corrects_document or "")
                for each in intents
            ]


class SabotagedWorld(TrytonWorld):
    """A world whose connectors are spoiled."""

    sabotage: type[Sabotaged] = Sabotaged

    def connect(self, budget: RateBudget | None = None, *, secret: str | None = None) -> Any:
        return self.sabotage(super().connect(budget, secret=secret))


@pytest.fixture
async def world(simulated_desk: Desk) -> AsyncIterator[SabotagedWorld]:
    world = SabotagedWorld(simulated_desk)
    yield world
    await world.close()


def _executed(intent: PostingIntent, document: PostedDocument) -> Executed:
    return Executed(reference=intent.reference, document_id=document.document_id, document=document)


POST, GUARD, UNDO = PostingTargetContract, CompareAndSetContract, UndoContract
LOST = "test_a_lost_answer_is_unknown_after_one_write_and_found_by_reference"
PROVES_NOTHING = "test_an_answer_that_proves_nothing_is_unknown"
REPLAY = "test_a_replay_with_the_same_evidence_is_a_conflict"
RACE = "test_of_racing_replays_one_wins"
EACH_PARENT = "test_each_parent_is_guarded_on_its_own"
SLOW = "test_a_slow_commit_cannot_land_once_the_lines_were_sent_again"
SLOW_FIRST = "test_a_slow_commit_that_lands_first_refuses_the_second_sending"
ONE_WRITE = "test_a_post_is_one_write_and_shows_what_the_erp_holds"
WHOLE = "test_a_refused_line_refuses_the_whole_call_and_leaves_nothing"
CODE = "test_a_refusal_has_a_stable_code_and_names_nobody"
ALTERED = "test_what_the_erp_alters_silently_is_shown_as_it_is"
UNSEEN = "test_what_was_written_and_not_seen_since_is_unknown"
FIND = "test_find_shows_all_documents_of_a_reference_and_none_of_others"
EDITED = "test_find_still_sees_a_document_whose_note_a_person_changed"
BULK = "test_looking_up_and_evidence_are_bulk"
TOO_LONG = "test_a_reference_beyond_the_promised_length_is_refused_and_not_cut"
SWEEP = "test_the_sweep_lists_every_document_of_ours_and_no_other"
EXACTLY = "test_an_undo_removes_exactly_the_one_document_it_names"
DONE = "test_an_undo_that_was_done_is_done"
STALE = "test_stale_evidence_removes_nothing"
INVOICED = "test_what_is_invoiced_is_refused_and_stands"
ANOTHER = "test_a_document_that_carries_another_reference_is_never_removed"
LOST_UNDO = "test_a_lost_answer_to_an_undo_is_unknown_and_settled_by_looking"

BITES: list[tuple[type[Sabotaged], type, str, dict[str, Any]]] = [
    (RetriesBlindly, POST, LOST, {}),
    (RetriesBlindly, POST, PROVES_NOTHING, {"status": 500}),
    (RetriesBlindly, GUARD, SLOW, {}),
    (RetriesBlindly, UNDO, LOST_UNDO, {}),
    (RepeatsTheVerySameWrite, POST, LOST, {}),
    (ForgetsTheStampOfAllButTheFirstParent, GUARD, EACH_PARENT, {"moved": 1}),
    (ForgetsTheStampOfAllButTheFirstParent, GUARD, EACH_PARENT, {"moved": 2}),
    (ReadsStampsOnlyWhenItWrites, GUARD, REPLAY, {}),
    (ReadsStampsOnlyWhenItWrites, GUARD, EACH_PARENT, {"moved": 0}),
    (ReadsStampsOnlyWhenItWrites, GUARD, SLOW_FIRST, {}),
    (ReadsStampsOnlyWhenItWrites, UNDO, STALE, {}),
    (LooksFirstAndStampsAfterwards, GUARD, REPLAY, {}),
    (LooksFirstAndStampsAfterwards, GUARD, EACH_PARENT, {"moved": 0}),
    (TakesAConflictForDone, GUARD, REPLAY, {}),
    (TakesAConflictForDone, GUARD, RACE, {}),
    (SwallowsADuplicate, POST, FIND, {}),
    (FindsWhatWasNotAskedFor, POST, FIND, {}),
    (FindsByTheWholeText, POST, EDITED, {}),
    (LooksUpLineByLine, POST, BULK, {}),
    (EchoesWhatItSent, POST, ALTERED, {}),
    (CallsTheUnansweredUndone, POST, LOST, {}),
    (CallsTheUnansweredUndone, UNDO, LOST_UNDO, {}),
    (TakesServiceUnavailableForNothingDone, POST, PROVES_NOTHING, {"status": 503}),
    (ForgetsWhatItWroteIfItCannotSeeIt, POST, UNSEEN, {}),
    (SendsLineByLine, POST, ONE_WRITE, {}),
    (SendsLineByLine, POST, WHOLE, {}),
    (LeavesABadLineOut, POST, WHOLE, {}),
    (MakesUpACodeEachTime, POST, CODE, {}),
    (NamesPeople, POST, CODE, {}),
    (CutsReferences, POST, TOO_LONG, {}),
    (SweepsOnlyTheFirstPage, POST, SWEEP, {}),
    (SweepsWhatIsNotOurs, POST, SWEEP, {}),
    (RemovesAllThatCarryTheReference, UNDO, EXACTLY, {}),
    (MindsThatTheDocumentIsGone, UNDO, DONE, {}),
    (RemovesWhateverHasTheNumber, UNDO, ANOTHER, {}),
    (CallsAnInvoicedLineDone, UNDO, INVOICED, {}),
]


@pytest.mark.parametrize(
    ("sabotage", "contract", "rule", "given"),
    BITES,
    ids=[f"{bite[0].__name__}-{bite[2][5:]}-{n}" for n, bite in enumerate(BITES)],
)
async def test_a_sabotaged_target_fails_the_suite(
    world: SabotagedWorld,
    sabotage: type[Sabotaged],
    contract: type,
    rule: str,
    given: dict[str, Any],
) -> None:
    world.sabotage = sabotage
    with pytest.raises((AssertionError, ConnectorError, pytest.fail.Exception, KeyError)):
        await getattr(contract(), rule)(world, **given)


@pytest.mark.parametrize(
    ("contract", "rule", "given"),
    list({(bite[1], bite[2]): bite[1:] for bite in BITES}.values()),
    ids=[rule[5:] for rule in dict.fromkeys(bite[2] for bite in BITES)],
)
async def test_the_unspoiled_target_passes_where_the_spoiled_ones_fail(
    world: SabotagedWorld, contract: type, rule: str, given: dict[str, Any]
) -> None:
    await getattr(contract(), rule)(world, **given)
