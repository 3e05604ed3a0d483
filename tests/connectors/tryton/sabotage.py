"""Posting targets that break a rule each, as a new connector might: the suite must notice."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

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
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.tryton import Tryton

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
        except (ConflictError, OutcomeUnknownError):
            found = await self.good.find(intents)
            return [_executed(intent, found[intent.reference][0]) for intent in intents]


class TakesAnyConflictForNothingDone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError as error:
            if error.code == "moved_and_there":
                raise ConflictError("moved") from error
            raise


class SwallowsADuplicate(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        found = await self.good.find(intents)
        return {reference: documents[:1] for reference, documents in found.items()}


class FindsWhatWasNotAskedFor(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        return {intent.reference: () for intent in intents} | dict(await self.good.find(intents))


class FindsByTheWholeText(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        notes = {intent.reference: intent.time_line.note for intent in intents}
        found = await self.good.find(intents)
        return {
            reference: kept
            for reference, documents in found.items()
            if (
                kept := tuple(each for each in documents if each.time_line.note == notes[reference])
            )
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
            name = next(each.name for each in people if each.id == intents[0].time_line.employee)
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


class DeniesThatItRemoves(Sabotaged):
    def __init__(self, good: Tryton) -> None:
        super().__init__(good)
        self.manifest = replace(good.manifest, undone_by_deletion=frozenset())


class SaysThatNothingStands(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        kept = [intent for intent in intents if intent.kind is not PostingKind.UNDO]
        return await self.good.find(kept) if kept else {}


class CallsAConflictARefusal(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except (ConflictError, OutcomeUnknownError):
            raise RejectedError("conflict") from None


class CallsAnInvoicedLineDone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError:
            return [
                Executed(reference=each.reference, document_id=each.corrects_document or "")
                for each in intents
            ]


def _executed(intent: PostingIntent, document: PostedDocument) -> Executed:
    return Executed(reference=intent.reference, document_id=document.document_id, document=document)
