"""What a guard promises that recognises a write: by a unique reference, by a key, or by a draft.

Whatever comes of the same write sent again, it books nothing: not while the first is under way,
not after it, and not in a race. The manifest says which guard it is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import pytest

from canonical.posting import (
    Conflict,
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    PostingOutcome,
    Unknown,
)
from connectors.base.capabilities import DraftKeeper, PostingTarget
from connectors.base.errors import (
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.guard import DraftThenPost, Guard, IdempotencyKey, Lookup, UniqueReference
from connectors.base.level import Level
from connectors.conformance.levels import rules_at
from connectors.conformance.posting_target import operation, two
from connectors.conformance.posting_world import PostingTargetWorld

RACERS: Final = 6
_ATTEMPTS_MAX: Final = 10


async def attempt(
    target: PostingTarget, intents: Sequence[PostingIntent]
) -> Sequence[PostingOutcome]:
    """Post, and give each line's outcome also where the whole call was in trouble."""
    try:
        return await target.post(intents, await target.guard_evidence(intents))
    except ConflictError:
        return [Conflict(reference=each.reference) for each in intents]
    except OutcomeUnknownError as error:
        return [Unknown(reference=each.reference, code=error.code) for each in intents]
    except (TransientError, RejectedError) as error:
        refused = isinstance(error, RejectedError)
        return [
            NotExecuted(reference=each.reference, refused=refused, code=error.code)
            for each in intents
        ]


@rules_at(Level.EXACTLY_ONCE)
class RecognisedWriteContract:
    """What all of these guards have in common; inherit the class of the guard instead."""

    guard: type[Guard]

    async def test_the_manifest_declares_it(self, world: PostingTargetWorld) -> None:
        assert isinstance(operation(world.connect(), world.intent()).guard, self.guard)

    async def test_a_write_that_is_sent_again_books_nothing_and_is_no_refusal(
        self, world: PostingTargetWorld
    ) -> None:
        first = world.connect()
        intents = two(world, first)
        booked = await attempt(first, intents)
        assert all(isinstance(each, Executed) for each in booked)
        for session in (first, world.connect()):
            _agrees(await attempt(session, intents), booked)
        assert await _held(world, intents) == [1] * len(intents)

    async def test_of_racing_writes_one_books(self, world: PostingTargetWorld) -> None:
        sessions = [world.connect() for _ in range(RACERS)]
        intents = two(world, sessions[0])
        tried = await asyncio.gather(*(attempt(session, intents) for session in sessions))
        assert not [each for outcomes in tried for each in outcomes if _is_refusal(each)]
        found = await _settled(sessions[0], intents)
        assert [len(found[each.reference]) for each in intents] == [1] * len(intents)
        assert await _held(world, intents) == [1] * len(intents)

    async def test_a_write_that_was_delivered_twice_books_once(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        world.network.deliver_next_write_twice()
        outcomes = await attempt(target, intents)
        assert not [each for each in outcomes if isinstance(each, NotExecuted)]
        assert await _held(world, intents) == [1] * len(intents)

    async def test_a_slow_write_cannot_land_once_it_was_sent_again(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        world.network.hold_next_write()
        assert all(isinstance(each, Unknown) for each in await attempt(target, intents))
        again = await attempt(target, intents)
        assert not [each for each in again if _is_refusal(each)]
        await world.network.release()
        assert await _held(world, intents) == [1] * len(intents)

    async def test_a_slow_write_that_lands_first_leaves_nothing_to_the_second(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        world.network.hold_next_write()
        assert all(isinstance(each, Unknown) for each in await attempt(target, intents))
        await world.network.release()
        found = await target.find(intents)
        again = await attempt(target, intents)
        assert not [each for each in again if _is_refusal(each)]
        assert [len(found[each.reference]) for each in intents] == [1] * len(intents)
        assert await _held(world, intents) == [1] * len(intents)


@rules_at(Level.EXACTLY_ONCE)
class UniqueReferenceContract(RecognisedWriteContract):
    """Inherit it with a fixture `world`: a `PostingTargetWorld`."""

    guard = UniqueReference

    async def test_what_stands_under_a_reference_already_is_shown_and_never_echoed(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent(seconds=3_600)
        await world.book(intent)
        other = world.intent(seconds=1_800).body
        [outcome] = await attempt(target, [intent.model_copy(update={"body": other})])
        if isinstance(outcome, Executed):
            assert outcome.document is not None
            assert outcome.document.body == intent.body
        [document] = (await target.find([intent]))[intent.reference]
        assert document.body == intent.body


@rules_at(Level.EXACTLY_ONCE)
class IdempotencyKeyContract(RecognisedWriteContract):
    """Inherit it with a fixture `world`: a `PostingTargetWorld`, all within the key's life."""

    guard = IdempotencyKey


class DraftingWorld(PostingTargetWorld, Protocol):
    """A `PostingTargetWorld` whose ERP books in two steps; its network's writes are the second."""

    async def draft(self, intent: PostingIntent) -> str:
        """Put a draft into the ERP behind the connector's back; gives its id."""
        ...

    async def drafts(self, reference: str) -> list[str]:
        """Say which drafts carry a reference, by their ids; what is posted is none."""
        ...


@rules_at(Level.EXACTLY_ONCE)
class DraftThenPostContract(RecognisedWriteContract):
    """Inherit it with a fixture `world`: a `DraftingWorld`."""

    guard = DraftThenPost

    async def test_a_draft_is_nothing_that_was_booked(self, world: DraftingWorld) -> None:
        intent = world.intent()
        await world.draft(intent)
        assert await world.connect().find([intent]) == {}
        swept = [each async for page in world.connect().documents_since(None) for each in page]
        assert intent.reference not in {each.reference for each in swept}

    async def test_a_draft_that_was_left_behind_is_used_or_removed_and_never_doubled(
        self, world: DraftingWorld
    ) -> None:
        for left_behind in (1, 2):
            intent = world.intent()
            for _ in range(left_behind):
                await world.draft(intent)
            [outcome] = await attempt(world.connect(), [intent])
            assert isinstance(outcome, Executed)
            assert await world.held(intent.reference) == [outcome.document_id]
            assert await world.drafts(intent.reference) == []

    async def test_stray_drafts_of_ours_can_be_removed(self, world: DraftingWorld) -> None:
        target = world.connect()
        if not isinstance(target, DraftKeeper):
            pytest.skip("the ERP removes stray drafts itself")
        intent, kept = world.intent(), world.intent()
        await world.draft(intent)
        booked = await attempt(target, [kept])
        assert await target.remove_stray_drafts(datetime.now(UTC) + timedelta(days=3650)) >= 1
        assert await world.drafts(intent.reference) == []
        assert await world.held(kept.reference) == [
            each.document_id for each in booked if isinstance(each, Executed)
        ]


class LaggingWorld(PostingTargetWorld, Protocol):
    """A `PostingTargetWorld` whose look-up shows what was booked only after a while."""

    async def pass_time(self, seconds: int) -> None:
        """Let so much time go by at the ERP, with whatever is under way there."""
        ...


@rules_at(Level.EXACTLY_ONCE)
class LookupContract:
    """Inherit it with a fixture `world`: a `LaggingWorld`."""

    async def test_the_manifest_declares_it(self, world: LaggingWorld) -> None:
        assert operation(world.connect(), world.intent()).guard == Lookup()

    async def test_once_the_promised_lag_is_over_a_look_up_shows_what_was_booked(
        self, world: LaggingWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        world.network.lose_next_write()
        assert all(isinstance(each, Unknown) for each in await attempt(target, intents))
        await world.pass_time(operation(target, intents[0]).lag_max_seconds)
        found = await target.find(intents)
        assert [len(found[each.reference]) for each in intents] == [1] * len(intents)
        assert await _held(world, intents) == [1] * len(intents)

    async def test_a_slow_write_has_landed_and_is_seen_once_the_promised_quiet_time_is_over(
        self, world: LaggingWorld
    ) -> None:
        target = world.connect()
        intents = two(world, target)
        world.network.hold_next_write()
        assert all(isinstance(each, Unknown) for each in await attempt(target, intents))
        await world.network.release()
        await world.pass_time(operation(target, intents[0]).quiet_seconds)
        found = await target.find(intents)
        assert [len(found[each.reference]) for each in intents] == [1] * len(intents)

    async def test_a_second_document_is_shown_and_not_hidden(self, world: LaggingWorld) -> None:
        target, intent = world.connect(), world.intent()
        ids = {await world.book(intent), await world.book(intent)}
        await world.pass_time(operation(target, intent).lag_max_seconds)
        found = (await target.find([intent]))[intent.reference]
        assert {each.document_id for each in found} == ids


def _is_refusal(outcome: PostingOutcome) -> bool:
    """Whether a person would be asked about a line that is booked."""
    return isinstance(outcome, NotExecuted) and outcome.refused


def _agrees(again: Sequence[PostingOutcome], booked: Sequence[PostingOutcome]) -> None:
    """A second answer names the same document, or leaves it to a look-up."""
    for now, before in zip(again, booked, strict=True):
        assert not _is_refusal(now)
        assert isinstance(before, Executed)
        if isinstance(now, Executed):
            assert now.document_id == before.document_id


async def _settled(
    target: PostingTarget, intents: Sequence[PostingIntent]
) -> Mapping[str, tuple[PostedDocument, ...]]:
    """Look, and send again what is not there, as the platform does until it is."""
    for _ in range(_ATTEMPTS_MAX):
        found = await target.find(intents)
        missing = [each for each in intents if each.reference not in found]
        if not missing:
            return found
        await attempt(target, missing)
    raise AssertionError(f"not booked in {_ATTEMPTS_MAX} attempts")


async def _held(world: PostingTargetWorld, intents: Sequence[PostingIntent]) -> list[int]:
    return [len(await world.held(each.reference)) for each in intents]
