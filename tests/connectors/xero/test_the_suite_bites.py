"""The suites are no decoration: a connector to Xero that breaks a rule fails the rule's test."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid5

import pytest

from canonical.posting import (
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    PostingKind,
    PostingOutcome,
)
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import (
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.rate_budget import RateBudget
from connectors.conformance.posting_documents import DocumentTargetContract
from connectors.conformance.posting_repeats import IdempotencyKeyContract, LookupContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from connectors.xero import Xero
from tests.connectors.xero.world import BillWorld, JournalWorld, SaleWorld, XeroWorld

Intents = Sequence[PostingIntent]
Outcomes = Sequence[PostingOutcome]
Documents = Mapping[str, tuple[PostedDocument, ...]]


class Sabotaged:
    """A target that does as Xero's connector does, but for what a subclass spoils."""

    def __init__(self, good: Xero, world: XeroWorld) -> None:
        self.good = good
        self.world = world
        self.manifest = good.manifest

    async def guard_evidence(self, intents: Intents) -> GuardEvidence:
        return await self.good.guard_evidence(intents)

    async def find(self, intents: Intents) -> Documents:
        return await self.good.find(intents)

    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        return await self.good.post(intents, evidence)

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        return self.good.documents_since(since)


class MakesAKeyOfEachAttempt(Sabotaged):
    attempts = 0

    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        MakesAKeyOfEachAttempt.attempts += 1
        salt = str(MakesAKeyOfEachAttempt.attempts)
        renewed = [each.model_copy(update={"key": uuid5(each.key, salt)}) for each in intents]
        return await self.good.post(renewed, evidence)


class RetriesBlindly(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError:
            return await self.good.post(intents, evidence)


class CallsTheUnansweredUndone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError as error:
            raise TransientError(error.code) from error


class TakesAFailureForARefusal(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except OutcomeUnknownError as error:
            raise RejectedError("http_500") from error


class EchoesWhatItSent(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        outcomes = await self.good.post(intents, evidence)
        return [
            each.model_copy(
                update={
                    "document": PostedDocument(
                        document_id=each.document_id, reference=intent.reference, body=intent.body
                    )
                }
            )
            for intent, each in zip(intents, outcomes, strict=True)
            if isinstance(each, Executed)
        ]


class SwallowsADuplicate(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        found = await self.good.find(intents)
        return {reference: documents[:1] for reference, documents in found.items()}


class LooksUpOneByOne(Sabotaged):
    async def find(self, intents: Intents) -> Documents:
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for intent in intents:
            found |= await self.good.find([intent])
        return found


class CutsReferences(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        cut = [each.model_copy(update={"reference": each.reference[:21]}) for each in intents]
        return await self.good.post(cut, evidence)


class SweepsWhatIsNotOurs(Sabotaged):
    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        async for page in self.good.documents_since(None):
            yield page


class NamesPeople(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError as error:
            raise RejectedError(error.code, f"{self.world.private[0]} may not") from None


class MakesUpACodeEachTime(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError as error:
            raise RejectedError(f"{error.code}:{intents[0].reference}") from None


class LetsOneItemSinkTheCall(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        outcomes = await self.good.post(intents, evidence)
        if any(isinstance(each, NotExecuted) for each in outcomes):
            raise RejectedError("one_is_bad")
        return outcomes


class SendsOneByOne(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        outcomes: list[PostingOutcome] = []
        for intent in intents:
            outcomes += await self.good.post([intent], evidence)
        return outcomes


class RemovesWhateverHasTheNumber(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        loose = [each.model_copy(update={"corrects": None}) for each in intents]
        return await self.good.post(loose, evidence)


class CallsAnInvoicedEntryRemoved(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        try:
            return await self.good.post(intents, evidence)
        except RejectedError:
            return [
                Executed(reference=each.reference, document_id=each.corrects_document or "")
                for each in intents
            ]


class MindsThatTheEntryIsGone(Sabotaged):
    async def post(self, intents: Intents, evidence: GuardEvidence) -> Outcomes:
        undone = intents[0].kind is PostingKind.UNDO
        if undone and len(await self.good.find(intents)) < len(intents):
            raise RejectedError("gone")
        return await self.good.post(intents, evidence)


TIME, BILLS, KEY = PostingTargetContract, DocumentTargetContract, IdempotencyKeyContract
LOOK, UNDO = LookupContract, UndoContract
LOST = "test_a_lost_answer_is_unknown_after_one_write_and_found_by_reference"
PERMANENT = "test_a_failure_that_does_not_go_away_never_becomes_a_refusal"
AGAIN = "test_a_write_that_is_sent_again_books_nothing_and_is_no_refusal"
RACE = "test_of_racing_writes_one_books"
SLOW = "test_a_slow_write_cannot_land_once_it_was_sent_again"
ALTERED = "test_what_the_erp_alters_silently_is_shown_as_it_is"
FIND = "test_find_shows_all_documents_of_a_reference_and_none_of_others"
SECOND = "test_a_second_document_is_shown_and_not_hidden"
BULK = "test_looking_up_and_evidence_are_bulk"
TOO_LONG = "test_a_reference_beyond_the_promised_length_is_refused_and_not_cut"
SWEEP = "test_the_sweep_lists_every_document_of_ours_and_no_other"
CODE = "test_a_refusal_has_a_stable_code_and_names_nobody"
EACH = "test_a_refused_line_costs_its_neighbours_nothing_where_each_is_judged_by_itself"
MANY = "test_as_many_lines_as_the_manifest_says_go_in_one_call"
ANOTHER = "test_a_document_that_carries_another_reference_is_never_removed"
INVOICED = "test_what_is_invoiced_is_refused_and_stands"
DONE = "test_an_undo_that_was_done_is_done"

Bite = tuple[type[Sabotaged], type[XeroWorld], type, str]
BITES: list[Bite] = [
    *((MakesAKeyOfEachAttempt, kind, KEY, AGAIN) for kind in (XeroWorld, BillWorld, SaleWorld)),
    (MakesAKeyOfEachAttempt, BillWorld, KEY, RACE),
    (MakesAKeyOfEachAttempt, SaleWorld, KEY, SLOW),
    *((RetriesBlindly, kind, BILLS, LOST) for kind in (BillWorld, SaleWorld, JournalWorld)),
    (RetriesBlindly, XeroWorld, TIME, LOST),
    (CallsTheUnansweredUndone, XeroWorld, TIME, LOST),
    (CallsTheUnansweredUndone, JournalWorld, BILLS, LOST),
    (TakesAFailureForARefusal, BillWorld, BILLS, PERMANENT),
    *((EchoesWhatItSent, kind, BILLS, ALTERED) for kind in (BillWorld, SaleWorld, JournalWorld)),
    (EchoesWhatItSent, XeroWorld, TIME, ALTERED),
    (SwallowsADuplicate, BillWorld, BILLS, FIND),
    (SwallowsADuplicate, JournalWorld, LOOK, SECOND),
    (LooksUpOneByOne, JournalWorld, BILLS, BULK),
    (CutsReferences, XeroWorld, TIME, TOO_LONG),
    (CutsReferences, SaleWorld, BILLS, TOO_LONG),
    (SweepsWhatIsNotOurs, BillWorld, BILLS, SWEEP),
    (NamesPeople, BillWorld, BILLS, CODE),
    (MakesUpACodeEachTime, XeroWorld, TIME, CODE),
    (LetsOneItemSinkTheCall, JournalWorld, BILLS, EACH),
    (SendsOneByOne, JournalWorld, BILLS, MANY),
    (RemovesWhateverHasTheNumber, XeroWorld, UNDO, ANOTHER),
    (CallsAnInvoicedEntryRemoved, XeroWorld, UNDO, INVOICED),
    (MindsThatTheEntryIsGone, XeroWorld, UNDO, DONE),
]


def spoiled(kind: type[XeroWorld], sabotage: type[Sabotaged]) -> Any:
    """A world whose connectors are spoiled."""

    class Spoiled(kind):
        def connect(self, budget: RateBudget | None = None, **options: Any) -> Any:
            return sabotage(super().connect(budget, **options), self)

    return Spoiled()


@pytest.mark.parametrize(
    ("sabotage", "kind", "contract", "rule"),
    BITES,
    ids=[f"{bite[0].__name__}-{bite[1].__name__}-{bite[3][5:]}" for bite in BITES],
)
async def test_a_sabotaged_target_fails_the_suite(
    sabotage: type[Sabotaged], kind: type[XeroWorld], contract: type, rule: str
) -> None:
    with pytest.raises((AssertionError, ConnectorError, pytest.fail.Exception, KeyError)):
        await getattr(contract(), rule)(spoiled(kind, sabotage))


@pytest.mark.parametrize(
    ("kind", "contract", "rule"),
    list(dict.fromkeys(bite[1:] for bite in BITES)),
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
async def test_the_unspoiled_target_passes_where_the_spoiled_ones_fail(
    kind: type[XeroWorld], contract: type, rule: str
) -> None:
    await getattr(contract(), rule)(spoiled(kind, Sabotaged))
