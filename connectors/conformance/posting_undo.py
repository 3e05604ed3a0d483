"""What every ERP keeps to whose postings are taken back by removing them."""

import asyncio
from uuid import uuid5

import pytest

from canonical.identity import reference_of
from canonical.posting import Executed, PostedDocument, PostingIntent, PostingKind
from connectors.base.capabilities import PostingTarget
from connectors.base.errors import (
    INVOICED,
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
)
from connectors.base.guard import CompareAndSet
from connectors.base.level import Level
from connectors.conformance.levels import at, rules_at
from connectors.conformance.posting_target import in_calls
from connectors.conformance.posting_world import PostingTargetWorld

REPLAYS = 8


def undo_of(intent: PostingIntent, document_id: str) -> PostingIntent:
    """Make the intent that takes a posting back."""
    key = uuid5(intent.key, "undo")
    changes = {
        "key": key,
        "reference": reference_of(key),
        "kind": PostingKind.UNDO,
        "corrects": intent.key,
        "corrects_document": document_id,
    }
    return intent.model_copy(update=changes)


@rules_at(Level.WRITES)
class UndoContract:
    """Inherit it with a fixture `world`: a `PostingTargetWorld`."""

    async def test_the_manifest_says_that_time_is_undone_by_deletion(
        self, world: PostingTargetWorld
    ) -> None:
        manifest = world.connect().manifest
        assert PostingKind.TIME in manifest.undone_by_deletion
        assert manifest.operation(PostingKind.UNDO)

    async def test_an_undo_removes_exactly_the_one_document_it_names(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent, neighbour = world.connect(), world.intent(), world.intent()
        named, duplicate = await world.book(intent), await world.book(intent)
        other = await world.book(neighbour)
        undo = undo_of(intent, named)
        (outcome,) = await _undone(target, undo)
        assert outcome == Executed(reference=undo.reference, document_id=named)
        assert await world.held(intent.reference) == [duplicate]
        assert await world.held(neighbour.reference) == [other]
        assert len(world.network.writes) == 1

    async def test_find_shows_what_still_stands(self, world: PostingTargetWorld) -> None:
        target, intent = world.connect(), world.intent()
        document_id = await world.book(intent)
        undo = undo_of(intent, document_id)
        (standing,) = (await target.find([undo]))[undo.reference]
        assert standing == PostedDocument(
            document_id=document_id, reference=intent.reference, body=intent.body
        )
        await _undone(target, undo)
        assert await target.find([undo]) == {}

    @at(Level.EXACTLY_ONCE)
    async def test_an_undo_that_was_done_is_done(self, world: PostingTargetWorld) -> None:
        target, intent = world.connect(), world.intent()
        undo = undo_of(intent, await world.book(intent))
        first = await _undone(target, undo)
        writes = len(world.network.writes)
        assert await _undone(target, undo) == first
        assert len(world.network.writes) == writes, "what is gone was removed again"

    async def test_several_are_undone_in_one_write_some_of_them_gone_already(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = [world.intent(parent=n % 2) for n in range(4)]
        undos = [undo_of(intent, await world.book(intent)) for intent in intents]
        await _undone(target, undos[1])
        calls = in_calls(target, undos)
        outcomes = [
            outcome
            for call in calls
            for outcome in await target.post(call, await target.guard_evidence(call))
        ]
        assert [outcome.reference for outcome in outcomes] == [undo.reference for undo in undos]
        assert all(isinstance(outcome, Executed) for outcome in outcomes)
        assert [await world.held(intent.reference) for intent in intents] == 4 * [[]]
        # The one that was gone needs no write of its own where each has one.
        assert len(world.network.writes) == (2 if len(calls) == 1 else len(undos))

    @at(Level.EXACTLY_ONCE)
    async def test_a_lost_answer_to_an_undo_is_unknown_and_settled_by_looking(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        undo = undo_of(intent, await world.book(intent))
        evidence = await target.guard_evidence([undo])
        world.network.lose_next_write()
        with pytest.raises(OutcomeUnknownError):
            await target.post([undo], evidence)
        assert len(world.network.writes) == 1
        assert await target.find([undo]) == {}

    @at(Level.EXACTLY_ONCE)
    async def test_an_undo_that_was_held_up_takes_nothing_later(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        undo = undo_of(intent, await world.book(intent))
        evidence = await target.guard_evidence([undo])
        world.network.hold_next_write()
        with pytest.raises(OutcomeUnknownError):
            await target.post([undo], evidence)
        await _undone(target, undo)
        await world.network.release()
        assert await world.held(intent.reference) == []

    @at(Level.EXACTLY_ONCE)
    async def test_stale_evidence_removes_nothing(self, world: PostingTargetWorld) -> None:
        target, intent, other = world.connect(), world.intent(), world.intent()
        if target.manifest.operation(PostingKind.UNDO).guard != CompareAndSet():
            pytest.skip("this guard reads no evidence that could be stale")
        document_id = await world.book(intent)
        undo = undo_of(intent, document_id)
        evidence = await target.guard_evidence([undo])
        await target.post([other], await target.guard_evidence([other]))
        with pytest.raises(ConflictError):
            await target.post([undo], evidence)
        assert await world.held(intent.reference) == [document_id]

    @at(Level.EXACTLY_ONCE)
    async def test_racing_undos_end_with_the_document_gone_and_nothing_else(
        self, world: PostingTargetWorld
    ) -> None:
        intent, neighbour = world.intent(), world.intent()
        undo = undo_of(intent, await world.book(intent))
        kept = await world.book(neighbour)
        sessions = [world.connect() for _ in range(REPLAYS)]
        evidence = await sessions[0].guard_evidence([undo])
        # Without it the first may be done before the last has looked.
        world.network.race_next_writes(REPLAYS)
        outcomes = await asyncio.gather(
            *(session.post([undo], evidence) for session in sessions), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                assert isinstance(outcome, ConflictError | OutcomeUnknownError)
            else:
                assert all(isinstance(each, Executed) for each in outcome)
        assert any(not isinstance(outcome, BaseException) for outcome in outcomes)
        assert await world.held(intent.reference) == []
        assert await world.held(neighbour.reference) == [kept]

    async def test_what_is_invoiced_is_refused_and_stands(self, world: PostingTargetWorld) -> None:
        target, intent = world.connect(), world.intent(parent=2)
        document_id = await world.book(intent)
        await world.lock(document_id)
        undo = undo_of(intent, document_id)
        (standing,) = (await target.find([undo]))[undo.reference]
        assert standing.locked
        with pytest.raises(RejectedError) as told:
            await _undone(target, undo)
        assert told.value.code == INVOICED
        assert await world.held(intent.reference) == [document_id]

    @at(Level.EXACTLY_ONCE)
    async def test_a_document_that_carries_another_reference_is_never_removed(
        self, world: PostingTargetWorld
    ) -> None:
        intent, other = world.intent(), world.intent()
        document_id = await world.book(other)
        foreign = await world.book_for_somebody_else()
        for wrong in (document_id, foreign):
            with pytest.raises(ConnectorError):
                await _undone(world.connect(), undo_of(intent, wrong))
        assert await world.held(other.reference) == [document_id]


async def _undone(target: PostingTarget, undo: PostingIntent) -> list[object]:
    return list(await target.post([undo], await target.guard_evidence([undo])))
