"""The suites of guards are no decoration: a target that breaks a rule fails the rule's test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, ClassVar
from uuid import UUID

import pytest

from canonical.posting import (
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    PostingOutcome,
)
from connectors import conformance
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.guard import Lookup
from connectors.conformance.posting_repeats import (
    DraftThenPostContract,
    IdempotencyKeyContract,
    LookupContract,
    UniqueReferenceContract,
)
from connectors.conformance.posting_target import PostingTargetContract
from tests.connectors.conformance.made_up_connector import MadeUp, executed, told
from tests.connectors.conformance.made_up_erp import Flavour
from tests.connectors.conformance.made_up_world import MadeUpWorld

Intents = Sequence[PostingIntent]
Outcomes = Sequence[PostingOutcome]
Found = Mapping[str, tuple[PostedDocument, ...]]


class CallsTakenARefusal(MadeUp):
    async def taken(self, intents: Intents) -> Outcomes:
        raise RejectedError("duplicate_reference")


class EchoesWhatItMeantToBook(MadeUp):
    async def taken(self, intents: Intents) -> Outcomes:
        found = await self.find(intents)
        return [
            Executed(
                reference=each.reference,
                document_id=found[each.reference][0].document_id,
                document=found[each.reference][0].model_copy(update={"body": each.body}),
            )
            for each in intents
        ]


class NumbersItsAttempts(MadeUp):
    """Its references and keys are of the attempt and not of the posting."""

    attempts: ClassVar[Iterator[int]] = count(1)

    def line(self, intent: PostingIntent) -> dict[str, Any]:
        line = super().line(intent)
        return {**line, "key": f"{line['key']}/{next(self.attempts)}"}


class PutsTheAttemptIntoTheReference(MadeUp):
    attempts: ClassVar[Iterator[int]] = count(1)

    def line(self, intent: PostingIntent) -> dict[str, Any]:
        line = super().line(intent)
        return {**line, "reference": f"{line['reference']}/{next(self.attempts)}"}


class TriesOnceMoreUnderAnotherKey(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        try:
            return await super().post(intents, *given, **named)
        except OutcomeUnknownError:
            other = [
                each.model_copy(update={"key": UUID(int=each.key.int + 1)}) for each in intents
            ]
            return await super().post(other, *given, **named)


class MakesADraftAndPostsIt(MadeUp):
    async def by_draft(self, intent: PostingIntent) -> PostingOutcome:
        made = await self.http.read("POST", "/drafts", json={"line": self.line(intent)})
        answer = await self.http.write("POST", f"/drafts/{made.json()['id']}/post")
        return executed(told(answer.body, None))


class LeavesOtherDraftsAlone(MadeUp):
    async def removed(self, draft: str) -> None:
        pass


class TakesADraftForBooked(MadeUp):
    async def find(self, intents: Intents) -> Found:
        rows = await self.rows(references=",".join(each.reference for each in intents))
        return {row["reference"]: (executed(row).document,) for row in rows}  # type: ignore[misc]  # Always there.


class SweepsDrafts(MadeUp):
    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        documents = [executed(row).document for row in await self.rows()]
        yield [each for each in documents if each is not None]


class RemovesWhatIsPostedToo(MadeUp):
    async def remove_stray_drafts(self, older_than: datetime) -> int:
        removed = await super().remove_stray_drafts(older_than)
        erp: Any = self.http._http._transport
        erp._system.books.clear()
        return removed


class PromisesLessLagThanThereIs(MadeUp):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        [operation] = self.manifest.operations
        self.manifest = replace(
            self.manifest, operations=(replace(operation, lag_max_seconds=0, guard=Lookup()),)
        )


class ShowsOneOfTwo(MadeUp):
    async def find(self, intents: Intents) -> Found:
        found = await super().find(intents)
        return {reference: documents[:1] for reference, documents in found.items()}


class LetsABadLineSinkTheCall(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        outcomes = await super().post(intents, *given, **named)
        if any(isinstance(each, NotExecuted) for each in outcomes):
            raise RejectedError("has_left")
        return outcomes


class CallsABadLineDone(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        outcomes = await super().post(intents, *given, **named)
        return [
            Executed(reference=each.reference, document_id="0")
            if isinstance(each, NotExecuted)
            else each
            for each in outcomes
        ]


class AnswersOutOfOrder(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        return list(await super().post(intents, *given, **named))[::-1]


class TakesAThirdFailureForARefusal(MadeUp):
    failures: ClassVar[Iterator[int]] = count(1)

    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        try:
            return await super().post(intents, *given, **named)
        except OutcomeUnknownError:
            if next(self.failures) % 3 == 0:
                raise RejectedError("failed_three_times") from None
            raise


class CallsAnEndedLoginUnknown(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        try:
            return await super().post(intents, *given, **named)
        except ConnectionConfigError:
            raise OutcomeUnknownError("login_ended") from None


class NeverFindsAnything(MadeUp):
    async def find(self, intents: Intents) -> Found:
        return {}


class MindsUnprintableNotes(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        if not all(each.time_line.note.isprintable() for each in intents):
            raise RejectedError("note_unprintable")
        return await super().post(intents, *given, **named)


class SendsLineByLine(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        outcomes = [await super(SendsLineByLine, self).post([each], {}) for each in intents]
        return [each for some in outcomes for each in some]


class TakesAGoodStatusForDone(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        try:
            return await super().post(intents, *given, **named)
        except OutcomeUnknownError as error:
            if error.code == "unreadable":
                return [Executed(reference=each.reference, document_id="0") for each in intents]
            raise


class TakesAnyTroubleForUnknown(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        try:
            return await super().post(intents, *given, **named)
        except TransientError as error:
            raise OutcomeUnknownError(error.code) from None


class CutsReferences(MadeUp):
    def line(self, intent: PostingIntent) -> dict[str, Any]:
        line = super().line(intent)
        return {**line, "reference": line["reference"][:21]}


class TakesItsTime(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        return await super().post(intents, {})


class CallsAConflictARefusal(MadeUp):
    async def post(self, intents: Intents, *given: Any, **named: Any) -> Outcomes:
        try:
            return await super().post(intents, *given, **named)
        except ConflictError:
            raise RejectedError("conflict") from None


class LooksForTheFirstFewOnly(MadeUp):
    async def find(self, intents: Intents) -> Found:
        return await super().find(intents[:2])


class ShowsTheWholeBooksAsAWindow(MadeUp):
    async def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        async for page in self.documents_since(None):
            yield page


class ShowsNothingOnTheLastDay(MadeUp):
    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        return super().documents_between(legal_entity, first, last - timedelta(days=1))


unique, keyed = UniqueReferenceContract(), IdempotencyKeyContract()
drafts, lookup, post = DraftThenPostContract(), LookupContract(), PostingTargetContract()
U, K, D, L = Flavour
Rule = Callable[..., Awaitable[None]]
BITES: list[tuple[Flavour, type[MadeUp], Rule]] = [
    (U, CallsTakenARefusal, unique.test_a_write_that_is_sent_again_books_nothing_and_is_no_refusal),
    (U, CallsTakenARefusal, unique.test_of_racing_writes_one_books),
    (U, CallsTakenARefusal, unique.test_a_write_that_was_delivered_twice_books_once),
    (
        U,
        CallsTakenARefusal,
        unique.test_a_slow_write_that_lands_first_leaves_nothing_to_the_second,
    ),
    (
        U,
        EchoesWhatItMeantToBook,
        unique.test_what_stands_under_a_reference_already_is_shown_and_never_echoed,
    ),
    (
        U,
        PutsTheAttemptIntoTheReference,
        unique.test_a_write_that_is_sent_again_books_nothing_and_is_no_refusal,
    ),
    (
        U,
        PutsTheAttemptIntoTheReference,
        unique.test_a_slow_write_cannot_land_once_it_was_sent_again,
    ),
    (K, NumbersItsAttempts, keyed.test_a_write_that_is_sent_again_books_nothing_and_is_no_refusal),
    (K, NumbersItsAttempts, keyed.test_of_racing_writes_one_books),
    (K, NumbersItsAttempts, keyed.test_a_slow_write_cannot_land_once_it_was_sent_again),
    (K, TriesOnceMoreUnderAnotherKey, keyed.test_a_slow_write_cannot_land_once_it_was_sent_again),
    (K, MadeUp, unique.test_the_manifest_declares_it),
    (U, MadeUp, keyed.test_the_manifest_declares_it),
    (D, MadeUp, lookup.test_the_manifest_declares_it),
    (L, MadeUp, drafts.test_the_manifest_declares_it),
    (D, MakesADraftAndPostsIt, drafts.test_of_racing_writes_one_books),
    (
        D,
        MakesADraftAndPostsIt,
        drafts.test_a_write_that_is_sent_again_books_nothing_and_is_no_refusal,
    ),
    (D, MakesADraftAndPostsIt, drafts.test_a_slow_write_cannot_land_once_it_was_sent_again),
    (
        D,
        MakesADraftAndPostsIt,
        drafts.test_a_draft_that_was_left_behind_is_used_or_removed_and_never_doubled,
    ),
    (
        D,
        LeavesOtherDraftsAlone,
        drafts.test_a_draft_that_was_left_behind_is_used_or_removed_and_never_doubled,
    ),
    (D, LeavesOtherDraftsAlone, drafts.test_stray_drafts_of_ours_can_be_removed),
    (D, TakesADraftForBooked, drafts.test_a_draft_is_nothing_that_was_booked),
    (D, SweepsDrafts, drafts.test_a_draft_is_nothing_that_was_booked),
    (D, RemovesWhatIsPostedToo, drafts.test_stray_drafts_of_ours_can_be_removed),
    (D, CallsAConflictARefusal, drafts.test_of_racing_writes_one_books),
    (
        L,
        PromisesLessLagThanThereIs,
        lookup.test_once_the_promised_lag_is_over_a_look_up_shows_what_was_booked,
    ),
    (L, ShowsOneOfTwo, lookup.test_a_second_document_is_shown_and_not_hidden),
    (
        K,
        LetsABadLineSinkTheCall,
        post.test_a_refused_line_costs_its_neighbours_nothing_where_each_is_judged_by_itself,
    ),
    (
        K,
        CallsABadLineDone,
        post.test_a_refused_line_costs_its_neighbours_nothing_where_each_is_judged_by_itself,
    ),
    (
        K,
        AnswersOutOfOrder,
        post.test_a_refused_line_costs_its_neighbours_nothing_where_each_is_judged_by_itself,
    ),
    (
        U,
        TakesAThirdFailureForARefusal,
        post.test_a_failure_that_does_not_go_away_never_becomes_a_refusal,
    ),
    (
        L,
        NeverFindsAnything,
        lookup.test_a_slow_write_has_landed_and_is_seen_once_the_promised_quiet_time_is_over,
    ),
    (
        U,
        MindsUnprintableNotes,
        post.test_a_note_that_the_erp_cannot_keep_as_it_is_costs_nothing_else,
    ),
    (U, SendsLineByLine, post.test_as_many_lines_as_the_manifest_says_go_in_one_call),
    (U, LooksForTheFirstFewOnly, post.test_as_many_lines_as_the_manifest_says_go_in_one_call),
    (
        U,
        ShowsTheWholeBooksAsAWindow,
        post.test_a_window_shows_what_counts_on_its_days_and_nothing_else,
    ),
    (
        U,
        ShowsNothingOnTheLastDay,
        post.test_a_window_shows_what_counts_on_its_days_and_nothing_else,
    ),
    (
        U,
        TakesAGoodStatusForDone,
        partial(post.test_a_good_status_with_an_unreadable_answer_is_unknown, body=b"{}"),
    ),
    (
        U,
        TakesAnyTroubleForUnknown,
        post.test_throttled_means_nothing_was_done_and_says_how_long_to_wait,
    ),
    (U, TakesAnyTroubleForUnknown, post.test_what_never_left_was_not_done),
    (
        U,
        TakesItsTime,
        post.test_a_write_does_not_begin_that_might_leave_after_its_claim_has_ended,
    ),
    (U, CutsReferences, post.test_a_reference_of_the_promised_length_round_trips),
    (
        U,
        CallsAnEndedLoginUnknown,
        post.test_a_login_that_ended_at_the_write_books_once_or_not_at_all,
    ),
]
BROKEN = (AssertionError, ConnectorError, pytest.fail.Exception, KeyError, ValueError)


@pytest.mark.parametrize(
    ("flavour", "sabotage", "rule"),
    [pytest.param(*bite, id=f"{bite[1].__name__}-{n}") for n, bite in enumerate(BITES)],
)
async def test_a_sabotaged_target_fails_the_rule(
    flavour: Flavour, sabotage: type[MadeUp], rule: Rule
) -> None:
    with pytest.raises(BROKEN):
        await rule(MadeUpWorld(flavour, sabotage))


@pytest.mark.parametrize(
    ("flavour", "rule"),
    [(flavour, rule) for flavour, sabotage, rule in BITES if sabotage is not MadeUp],
)
async def test_the_good_target_keeps_the_rule(flavour: Flavour, rule: Rule) -> None:
    await rule(MadeUpWorld(flavour))


def test_every_rule_of_every_suite_has_its_saboteur() -> None:
    tests = Path(__file__).parents[1]
    broken = "".join(page.read_text() for page in tests.rglob("test_the*suite_bites.py"))
    unbroken = [
        name
        for module in iter_modules(conformance.__path__, f"{conformance.__name__}.")
        for suite in vars(import_module(module.name)).values()
        if isinstance(suite, type) and suite.__name__.endswith("Contract")
        for name in vars(suite)
        if name.startswith("test_") and name not in broken
    ]
    assert unbroken == []
