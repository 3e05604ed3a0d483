"""What every ERP that takes postings keeps to: one attempt, one document, and honest outcomes."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pytest

from canonical.posting import (
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    TimeLine,
    Unknown,
)
from connectors.base.capabilities import PostingTarget
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.level import Level
from connectors.base.manifest import PostingOperation
from connectors.conformance.http_contract import Tokens
from connectors.conformance.levels import at, rules_at
from connectors.conformance.posting_world import PostingTargetWorld


@rules_at(Level.WRITES)
class PostingTargetContract:
    """Inherit it with a fixture `world`: a `PostingTargetWorld`."""

    # The shortest and the longest duration, in seconds, for an ERP that keeps no odd ones.
    durations: ClassVar[tuple[int, int]] = (0, 86_399)

    async def test_a_post_is_one_write_and_shows_what_the_erp_holds(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        shortest, longest = self.durations
        intents = [
            world.intent(note="Kick-off, 1st round"),
            world.intent(parent=1, seconds=shortest),
            world.intent(seconds=longest, note="à la carte — 日本 😀"),
        ]
        calls = in_calls(target, intents)
        outcomes = [
            outcome
            for call in calls
            for outcome in await target.post(call, await target.guard_evidence(call))
        ]
        for intent, outcome in zip(intents, outcomes, strict=True):
            assert isinstance(outcome, Executed)
            assert outcome.document is not None
            assert outcome.document.body == intent.body
            assert outcome.document.reference == outcome.reference == intent.reference
            assert outcome.document.document_id == outcome.document_id
            assert await world.held(intent.reference) == [outcome.document_id]
        assert len(world.network.writes) == len(calls)

    async def test_a_note_that_the_erp_cannot_keep_as_it_is_costs_nothing_else(
        self, world: PostingTargetWorld
    ) -> None:
        intent = world.intent(note="  two\nlines,\ta tab and a \x07 bell " + 3_000 * "x")
        (document,) = await posted(world.connect(), [intent])
        assert document.body.model_copy(update={"note": intent.time_line.note}) == intent.body
        printable = "".join(c if c.isprintable() else " " for c in intent.time_line.note)
        assert " ".join(printable.split()).startswith(document.time_line.note[:100])
        assert document.time_line.note

    async def test_as_many_lines_as_the_manifest_says_go_in_one_call(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        count = operation(target, world.intent()).bulk.lines_max
        intents = [world.intent(parent=n % 3, seconds=60 * (n + 1)) for n in range(count)]
        documents = await posted(target, intents)
        assert [document.body for document in documents] == [intent.body for intent in intents]
        assert len(world.network.writes) == 1
        # A look-up that leaves some out would have them sent again.
        found = await target.find(intents)
        assert sorted(found) == sorted(intent.reference for intent in intents)

    @at(Level.EXACTLY_ONCE)
    async def test_a_lost_answer_is_unknown_after_one_write_and_found_by_reference(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        evidence = await target.guard_evidence(intents)
        world.network.lose_next_write()
        with pytest.raises(OutcomeUnknownError):
            await target.post(intents, evidence)
        assert len(world.network.writes) == 1, "a write was repeated"
        found = await target.find(intents)
        for intent in intents:
            (document,) = found[intent.reference]
            assert document.body == intent.body
            assert await world.held(intent.reference) == [document.document_id]

    @at(Level.EXACTLY_ONCE)
    @pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504])
    async def test_an_answer_that_proves_nothing_is_unknown(
        self, world: PostingTargetWorld, status: int
    ) -> None:
        target, intent = world.connect(), world.intent()
        evidence = await target.guard_evidence([intent])
        location = {"Location": "https://elsewhere.example/"}
        world.network.answer_next_write(status, location, carried_out=True)
        with pytest.raises(OutcomeUnknownError):
            await target.post([intent], evidence)
        assert len(world.network.writes) == 1
        assert len((await target.find([intent]))[intent.reference]) == 1

    @at(Level.EXACTLY_ONCE)
    @pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[1]", b"<html></html>", b"null"])
    async def test_a_good_status_with_an_unreadable_answer_is_unknown(
        self, world: PostingTargetWorld, body: bytes
    ) -> None:
        target, intent = world.connect(), world.intent()
        evidence = await target.guard_evidence([intent])
        world.network.answer_next_write(200, body=body, carried_out=True)
        with pytest.raises(OutcomeUnknownError):
            await target.post([intent], evidence)
        assert len(world.network.writes) == 1

    @at(Level.EXACTLY_ONCE)
    async def test_a_failure_that_does_not_go_away_never_becomes_a_refusal(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        page = b"<html><body><h1>500</h1> Object reference not set</body></html>"
        for _ in range(3):
            evidence = await target.guard_evidence([intent])
            world.network.answer_next_write(
                500, {"Content-Type": "text/html"}, page, carried_out=False
            )
            with pytest.raises(OutcomeUnknownError) as told:
                await target.post([intent], evidence)
            assert "<" not in str(told.value)
        assert await target.find([intent]) == {}
        assert len(world.network.writes) == 3

    @at(Level.EXACTLY_ONCE)
    async def test_a_login_that_ended_at_the_write_books_once_or_not_at_all(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        evidence = await target.guard_evidence([intent])
        world.network.answer_next_write(401, carried_out=False)
        try:
            [outcome] = await target.post([intent], evidence)
        except (TransientError, ConnectionConfigError):
            assert await world.held(intent.reference) == []
            [outcome] = await target.post([intent], await target.guard_evidence([intent]))
        assert isinstance(outcome, Executed)
        assert await world.held(intent.reference) == [outcome.document_id]

    @at(Level.EXACTLY_ONCE)
    async def test_throttled_means_nothing_was_done_and_says_how_long_to_wait(
        self, world: PostingTargetWorld
    ) -> None:
        budget = Tokens()
        target, intent = world.connect(budget), world.intent()
        evidence = await target.guard_evidence([intent])
        world.network.answer_next_write(429, {"Retry-After": "30"}, carried_out=False)
        with pytest.raises(TransientError) as told:
            await target.post([intent], evidence)
        assert told.value.retry_after_seconds == 30
        assert budget.paused == [30]
        assert len(world.network.writes) == 1
        assert await world.held(intent.reference) == []

    @at(Level.EXACTLY_ONCE)
    async def test_what_never_left_was_not_done(self, world: PostingTargetWorld) -> None:
        target, intent = world.connect(), world.intent()
        evidence = await target.guard_evidence([intent])
        world.network.refuse_next_write()
        with pytest.raises(TransientError):
            await target.post([intent], evidence)
        assert len(world.network.writes) == 1
        assert await world.held(intent.reference) == []

    async def test_without_a_token_nothing_is_sent(self, world: PostingTargetWorld) -> None:
        budget = Tokens()
        target, intent = world.connect(budget), world.intent()
        evidence = await target.guard_evidence([intent])
        budget.left = 0
        with pytest.raises(TransientError) as told:
            await target.post([intent], evidence)
        assert told.value.retry_after_seconds == Tokens.WAIT_SECONDS
        assert world.network.writes == []

    async def test_a_refused_line_refuses_the_whole_call_and_leaves_nothing(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        if operation(target, world.intent()).bulk.mode != "ATOMIC":
            pytest.skip("no call of this kind is all or nothing")
        for place in range(3):
            intents = [world.intent(parent=0), world.intent(parent=1)]
            intents.insert(place, world.refused_intent())
            with pytest.raises(RejectedError):
                await target.post(intents, await target.guard_evidence(intents))
            for intent in intents:
                assert await world.held(intent.reference) == []

    async def test_a_refused_line_costs_its_neighbours_nothing_where_each_is_judged_by_itself(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        if operation(target, world.intent()).bulk.mode != "PER_ITEM":
            pytest.skip("no call of this kind judges each line by itself")
        for place in range(3):
            intents = [world.intent(parent=0), world.intent(parent=1)]
            intents.insert(place, world.refused_intent())
            outcomes = await target.post(intents, await target.guard_evidence(intents))
            assert [each.reference for each in outcomes] == [each.reference for each in intents]
            for number, (intent, outcome) in enumerate(zip(intents, outcomes, strict=True)):
                held = await world.held(intent.reference)
                if number == place:
                    assert isinstance(outcome, NotExecuted)
                    assert outcome.refused
                    assert held == []
                else:
                    assert isinstance(outcome, Executed)
                    assert held == [outcome.document_id]

    async def test_a_refusal_has_a_stable_code_and_names_nobody(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        codes: set[str] = set()
        for _ in range(2):
            intent = world.refused_intent()
            try:
                [outcome] = await target.post([intent], await target.guard_evidence([intent]))
            except RejectedError as error:
                code, message = error.code, str(error)
                said = f"{message} {code} {error.__cause__!r}"
            else:
                assert isinstance(outcome, NotExecuted)
                assert outcome.refused
                code, message = outcome.code, outcome.message
                said = f"{message} {code}"
            codes.add(code)
            assert not [name for name in world.private if name in said]
            assert len(message) <= 500
            assert intent.reference not in code
            assert await world.held(intent.reference) == []
        assert len(codes) == 1

    @at(Level.EXACTLY_ONCE)
    async def test_a_write_does_not_begin_that_might_leave_after_its_claim_has_ended(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        evidence = await target.guard_evidence([intent])
        try:
            [outcome] = await target.post([intent], evidence, last_byte_by=time.monotonic())
        except TransientError:
            pass
        else:
            assert isinstance(outcome, NotExecuted)
            assert not outcome.refused
        assert world.network.writes == []
        assert await world.held(intent.reference) == []

    @at(Level.EXACTLY_ONCE)
    async def test_what_was_written_and_not_seen_since_is_never_called_undone(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        evidence = await target.guard_evidence(intents)
        world.network.break_after_next_write(requests=1_000)
        try:
            outcomes = await target.post(intents, evidence)
        except OutcomeUnknownError:
            pass
        else:
            # The answer itself may show what was booked.
            assert all(isinstance(outcome, Unknown | Executed) for outcome in outcomes)
        assert len(world.network.writes) == 1
        for intent in intents:
            assert len(await world.held(intent.reference)) == 1

    @at(Level.ATTESTED)
    async def test_what_the_erp_alters_silently_is_shown_as_it_is(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent(seconds=5_400)
        evidence = await target.guard_evidence([intent])
        world.network.alter_next_write(world.altered)
        (outcome,) = await target.post([intent], evidence)
        assert isinstance(outcome, Executed)
        assert outcome.document is not None
        assert outcome.document.time_line.seconds != intent.time_line.seconds

    @at(Level.EXACTLY_ONCE)
    async def test_find_shows_all_documents_of_a_reference_and_none_of_others(
        self, world: PostingTargetWorld
    ) -> None:
        once, twice, never = world.intent(), world.intent(parent=1), world.intent()
        ids = [await world.book(once), await world.book(twice), await world.book(twice)]
        await world.book_for_somebody_else()
        found = await world.connect().find([never, once, twice])
        assert sorted(found) == sorted([once.reference, twice.reference])
        documents = [*found[once.reference], *found[twice.reference]]
        assert sorted(document.document_id for document in documents) == sorted(ids)
        assert [document.body for document in documents] == [once.body, twice.body, twice.body]

    @at(Level.EXACTLY_ONCE)
    async def test_find_still_sees_a_document_whose_note_a_person_changed(
        self, world: PostingTargetWorld
    ) -> None:
        intent = world.intent(note="before")
        document_id = await world.book(intent)
        await world.edit_note(document_id, "after, quite different")
        found = await world.connect().find([intent])
        assert [each.document_id for each in found[intent.reference]] == [document_id]

    async def test_looking_up_and_evidence_are_bulk(self, world: PostingTargetWorld) -> None:
        target = world.connect()
        count = operation(target, world.intent()).bulk.lines_max
        intents = [world.intent(parent=n % 3) for n in range(count)]
        await target.guard_evidence(intents[:1])
        before = len(world.network.requests)
        await target.guard_evidence(intents)
        await target.find(intents)
        assert len(world.network.requests) - before <= 4
        assert world.network.writes == []

    async def test_a_reference_of_the_promised_length_round_trips(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        longest = operation(target, world.intent()).reference.length_max
        intent = world.intent(note=200 * "n")
        reference = (intent.reference * longest)[:longest]
        longest_one = intent.model_copy(update={"reference": reference})
        (document,) = await posted(target, [longest_one])
        assert document.reference == reference
        assert list(await target.find([longest_one])) == [reference]

    async def test_a_reference_beyond_the_promised_length_is_refused_and_not_cut(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        longest = operation(target, world.intent()).reference.length_max
        intent = world.intent()
        too_long = intent.model_copy(update={"reference": intent.reference + "A" * longest})
        with pytest.raises(RejectedError):
            await target.post([too_long], await target.guard_evidence([too_long]))
        assert await world.held(intent.reference) == []

    @at(Level.ATTESTED)
    async def test_the_sweep_lists_every_document_of_ours_and_no_other(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        before = datetime.now(UTC) - timedelta(seconds=60)
        ours = [world.intent(), world.intent(parent=1), world.intent(parent=2)]
        documents = await posted(target, ours[:2])
        ids = {document.document_id for document in documents} | {await world.book(ours[2])}
        foreign = await world.book_for_somebody_else()
        for since in (None, before):
            swept = [each async for page in target.documents_since(since) for each in page]
            # Documents of different types may have the same id.
            told = {(type(each.body), each.document_id) for each in swept}
            assert len(swept) == len(told), "a document came twice"
            listed = {id_ for kind, id_ in told if kind is type(ours[0].body)}
            assert ids <= listed
            assert foreign not in listed
        later = datetime.now(UTC) + timedelta(hours=1)
        assert [each async for page in target.documents_since(later) for each in page] == []

    @at(Level.ATTESTED)
    async def test_a_window_shows_what_counts_on_its_days_and_nothing_else(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        [document] = await posted(target, [intent])
        foreign = await world.book_for_somebody_else()
        day, a_day = _counts_on(intent), timedelta(days=1)
        entity = intent.body.legal_entity
        for first, last in ((day, day), (day - a_day, day + a_day)):
            shown = [
                one async for page in target.documents_between(entity, first, last) for one in page
            ]
            assert document in shown
            assert foreign not in {each.document_id for each in shown if _alike(each, intent)}
        for other in (day - a_day, day + a_day):
            shown = [
                one async for page in target.documents_between(entity, other, other) for one in page
            ]
            assert document not in shown


def _counts_on(intent: PostingIntent) -> date:
    """The day by which a posting is found: of the work, or the day that it is posted on."""
    body = intent.body
    return body.work_date if isinstance(body, TimeLine) else intent.period.posting_date


def _alike(document: PostedDocument, intent: PostingIntent) -> bool:
    """Whether the two are of one type: documents of different types may have the same id."""
    return type(document.body) is type(intent.body)


def operation(target: PostingTarget, intent: PostingIntent) -> PostingOperation:
    """What the manifest says about postings of this kind."""
    return target.manifest.operation(intent.kind)


def in_calls(
    target: PostingTarget, intents: Sequence[PostingIntent]
) -> list[Sequence[PostingIntent]]:
    """Bundle lines of one kind into calls, as the platform does."""
    size = operation(target, intents[0]).bulk.lines_max
    return [intents[start : start + size] for start in range(0, len(intents), size)]


def two(world: PostingTargetWorld, target: PostingTarget) -> Sequence[PostingIntent]:
    """Two lines on different parents for one call; only one if a call takes no more."""
    return in_calls(target, [world.intent(), world.intent(parent=1)])[0]


async def posted(
    target: PostingTarget, intents: Sequence[PostingIntent]
) -> Sequence[PostedDocument]:
    """Post and give the documents that the target shows, in order."""
    outcomes = [
        outcome
        for call in in_calls(target, intents)
        for outcome in await target.post(call, await target.guard_evidence(call))
    ]
    executed = [outcome.document for outcome in outcomes if isinstance(outcome, Executed)]
    documents = [document for document in executed if document is not None]
    assert len(documents) == len(intents)
    return documents
