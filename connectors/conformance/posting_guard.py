"""What a guard by compare-and-set promises: a write that is late or comes twice does nothing."""

import asyncio

import pytest

from connectors.base.errors import ConflictError, ConnectorError, OutcomeUnknownError
from connectors.base.guard import CompareAndSet
from connectors.base.level import Level
from connectors.conformance.levels import rules_at
from connectors.conformance.posting_target import posted
from connectors.conformance.posting_world import PostingTargetWorld

REPLAYS = 8
# A write whose evidence is stale did nothing. Where its documents are there all the same, because
# an earlier copy of it put them there, "unknown" is the better word: it has them looked up.
REFUSED = (ConflictError, OutcomeUnknownError)


@rules_at(Level.EXACTLY_ONCE)
class CompareAndSetContract:
    """Inherit it with a fixture `world`: a `PostingTargetWorld`."""

    async def test_the_manifest_declares_it(self, world: PostingTargetWorld) -> None:
        manifest = world.connect().manifest
        assert manifest.operation(world.intent().kind).guard == CompareAndSet()

    async def test_a_replay_with_the_same_evidence_is_refused(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = [world.intent(), world.intent(parent=1)]
        evidence = await target.guard_evidence(intents)
        await target.post(intents, evidence)
        for session in (target, world.connect()):
            with pytest.raises(REFUSED):
                await session.post(intents, evidence)
        assert [len(await world.held(intent.reference)) for intent in intents] == [1, 1]

    async def test_of_racing_replays_one_wins(self, world: PostingTargetWorld) -> None:
        intents = [world.intent(parent=n % 3) for n in range(6)]
        sessions = [world.connect() for _ in range(REPLAYS)]
        evidence = await sessions[0].guard_evidence(intents)
        outcomes = await asyncio.gather(
            *(session.post(intents, evidence) for session in sessions), return_exceptions=True
        )
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
        for trouble in filter(lambda outcome: isinstance(outcome, BaseException), outcomes):
            assert isinstance(trouble, REFUSED)
        assert [len(await world.held(intent.reference)) for intent in intents] == 6 * [1]

    async def test_a_write_that_was_delivered_twice_is_not_said_to_have_done_nothing(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = [world.intent(), world.intent(parent=1)]
        evidence = await target.guard_evidence(intents)
        world.network.deliver_next_write_twice()
        with pytest.raises(OutcomeUnknownError):
            await target.post(intents, evidence)
        assert [len(await world.held(intent.reference)) for intent in intents] == [1, 1]

    async def test_a_conflict_that_cannot_be_looked_into_is_unknown(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent()
        evidence = await target.guard_evidence([intent])
        await posted(world.connect(), [world.intent()])
        world.network.break_after_next_write(requests=1_000)
        with pytest.raises(OutcomeUnknownError):
            await target.post([intent], evidence)
        assert await world.held(intent.reference) == []

    @pytest.mark.parametrize("moved", [0, 1, 2])
    async def test_each_parent_is_guarded_on_its_own(
        self, world: PostingTargetWorld, moved: int
    ) -> None:
        target, other = world.connect(), world.connect()
        intents = [world.intent(parent=n) for n in range(3)]
        evidence = await target.guard_evidence(intents)
        await posted(other, [world.intent(parent=moved)])
        with pytest.raises(ConflictError):
            await target.post(intents, evidence)
        assert [await world.held(intent.reference) for intent in intents] == [[], [], []]

    async def test_without_evidence_for_each_parent_nothing_leaves(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = [world.intent(parent=0), world.intent(parent=1)]
        evidence = await target.guard_evidence(intents[:1])
        with pytest.raises(ConnectorError):
            await target.post(intents, evidence)
        assert world.network.writes == []

    async def test_a_slow_commit_cannot_land_once_the_lines_were_sent_again(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = [world.intent(), world.intent(parent=1)]
        evidence = await target.guard_evidence(intents)
        world.network.hold_next_write()
        with pytest.raises(OutcomeUnknownError):
            await target.post(intents, evidence)
        again = await target.guard_evidence(intents)
        assert await target.find(intents) == {}
        await target.post(intents, again)
        await world.network.release()
        assert [len(await world.held(intent.reference)) for intent in intents] == [1, 1]

    async def test_a_slow_commit_that_lands_first_refuses_the_second_sending(
        self, world: PostingTargetWorld
    ) -> None:
        target = world.connect()
        intents = [world.intent(), world.intent(parent=1)]
        evidence = await target.guard_evidence(intents)
        world.network.hold_next_write()
        with pytest.raises(OutcomeUnknownError):
            await target.post(intents, evidence)
        again = await target.guard_evidence(intents)
        assert await target.find(intents) == {}
        await world.network.release()
        with pytest.raises(REFUSED):
            await target.post(intents, again)
        found = await target.find(intents)
        assert [len(found[intent.reference]) for intent in intents] == [1, 1]
