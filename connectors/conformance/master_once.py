"""What no trouble may do to a master: become two, or be called done or refused when it is not."""

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from connectors.base.errors import ConflictError, ConnectionConfigError, TransientError
from connectors.base.guard import CompareAndSet, Lookup
from connectors.base.level import Level
from connectors.base.master_writes import MasterUnsettled, MasterWritten
from connectors.conformance.http_contract import Tokens
from connectors.conformance.levels import rules_at
from connectors.conformance.master_trouble import (
    after_one_write,
    go_wrong,
    new,
    no_refusal,
    refuses_twins,
    tried,
    truthful,
    unsettled,
    wait_seconds,
)
from connectors.conformance.master_world import (
    MasterTargetWorld,
    all_written,
    changing,
    held_as,
    held_for,
    operation_of,
    query_for,
    seen,
)

RACERS: Final = 5
_PAGE: Final = b"<html><body><h1>500</h1> Object reference not set</body></html>"


@rules_at(Level.EXACTLY_ONCE)
class MasterOnceContract:
    """Inherit it with a fixture `world`: a `MasterTargetWorld`, new for each test."""

    async def test_a_lost_answer_is_settled_by_a_look_and_never_by_a_twin(
        self, world: MasterTargetWorld
    ) -> None:
        sample, target = new(world), world.connect()
        world.network.lose_next_write()
        unsettled(world, sample, await tried(target, [sample]))
        world.pass_time(wait_seconds(world))
        [record] = seen(await target.find_masters([query_for([sample])]), sample)
        assert [each.id for each in held_for(world, sample)] == [record.id]

    @pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504])
    async def test_an_answer_that_proves_nothing_leaves_a_master_unsettled(
        self, world: MasterTargetWorld, status: int
    ) -> None:
        sample = new(world)
        headers = {"Location": "https://elsewhere.example/"}
        world.network.answer_next_write(status, headers, carried_out=True)
        unsettled(world, sample, await tried(world.connect(), [sample]))

    @pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[1]", b"<html></html>", b"null"])
    async def test_a_good_status_with_an_unreadable_answer_leaves_a_master_unsettled(
        self, world: MasterTargetWorld, body: bytes
    ) -> None:
        sample = new(world)
        world.network.answer_next_write(200, body=body, carried_out=True)
        answers = await tried(world.connect(), [sample])
        # A system that answers a good write with nothing is read back: then its id is known.
        if answers and isinstance(answers[0], MasterWritten):
            assert [each.id for each in held_for(world, sample)] == [answers[0].id]
        else:
            unsettled(world, sample, answers)

    async def test_a_failure_that_does_not_go_away_never_refuses_a_master(
        self, world: MasterTargetWorld
    ) -> None:
        sample, target = new(world), world.connect()
        for _ in range(3):
            kind = {"Content-Type": "text/html"}
            world.network.answer_next_write(500, kind, _PAGE, carried_out=False)
            answers = await tried(target, [sample])
            assert not [each for each in answers if not isinstance(each, MasterUnsettled)]
            assert "<" not in "".join(
                each.message for each in answers if isinstance(each, MasterUnsettled)
            )
            world.pass_time(wait_seconds(world))
        assert held_for(world, sample) == []
        [answer] = await all_written(target, [sample])
        assert isinstance(answer, MasterWritten)

    async def test_a_login_that_ended_at_a_write_makes_a_master_once_or_not_at_all(
        self, world: MasterTargetWorld
    ) -> None:
        sample, target = new(world), world.connect()
        look = await target.find_masters([query_for([sample])])
        world.network.answer_next_write(401, carried_out=False)
        try:
            [answer] = await target.write_masters([sample], look.evidence)
        except (TransientError, ConnectionConfigError):
            assert held_for(world, sample) == []
            [answer] = await all_written(target, [sample])
        assert isinstance(answer, MasterWritten)
        assert [each.id for each in held_for(world, sample)] == [answer.id]

    async def test_throttled_means_that_no_master_was_made_and_says_how_long_to_wait(
        self, world: MasterTargetWorld
    ) -> None:
        sample, budget = new(world), Tokens()
        target = world.connect(budget)
        look = await target.find_masters([query_for([sample])])
        world.network.answer_next_write(429, {"Retry-After": "30"}, carried_out=False)
        with pytest.raises(TransientError) as told:
            await target.write_masters([sample], look.evidence)
        assert told.value.retry_after_seconds == 30
        assert budget.paused == [30]
        assert held_for(world, sample) == []

    async def test_a_master_that_never_left_was_not_made(self, world: MasterTargetWorld) -> None:
        sample, target = new(world), world.connect()
        look = await target.find_masters([query_for([sample])])
        world.network.refuse_next_write()
        with pytest.raises(TransientError):
            await target.write_masters([sample], look.evidence)
        assert held_for(world, sample) == []

    @pytest.mark.parametrize("trouble", ["throttled", "lost", "never left"])
    async def test_trouble_after_the_first_write_hides_no_answer_and_invents_none(
        self, world: MasterTargetWorld, trouble: str
    ) -> None:
        samples = [new(world, number) for number in (1, 2, 3)]
        target = world.connect()
        look = await target.find_masters([query_for(samples)])
        after_one_write(world, lambda: go_wrong(world, trouble))
        answers = await target.write_masters(samples, look.evidence)
        assert answers, "what was made is told, whatever came after it"
        truthful(world, samples, answers)
        world.network.forget_plans()
        # Another session, whose budget nobody has paused.
        target = world.connect()
        world.pass_time(wait_seconds(world))
        look = await target.find_masters([query_for(samples)])
        await all_written(target, [one for one in samples if not seen(look, one)])
        assert [len(held_for(world, each)) for each in samples] == [1, 1, 1]

    async def test_a_lost_answer_to_a_change_is_unsettled_and_can_be_sent_again(
        self, world: MasterTargetWorld
    ) -> None:
        made = world.make(world.sample(1))
        change, target = changing(world, made), world.connect()
        [(name, value), *_] = sorted(change.values.items(), key=lambda each: each[0] != "name")
        change = replace(change, values={name: value})
        world.network.lose_next_write()
        [answer] = await tried(target, [change])
        assert isinstance(answer, MasterUnsettled)
        assert await all_written(target, [change]) == [MasterWritten(made)]
        [held] = world.held()
        assert held.values[name] == value

    async def test_a_change_that_is_late_takes_no_newer_one_back_where_stamps_are_compared(
        self, world: MasterTargetWorld
    ) -> None:
        if not isinstance(operation_of(world).guard, CompareAndSet):
            pytest.skip("no stamp is compared")
        made = world.make(world.sample(1))
        change, target = changing(world, made), world.connect()
        look = await target.find_masters([query_for([change])])
        world.pass_time(1)
        world.change(made, world.sample(3).values)
        with pytest.raises(ConflictError):
            await target.write_masters([change], look.evidence)
        newer = world.sample(3).values
        assert {name: held_as(world, made).values[name] for name in newer} == newer

    async def test_a_master_that_is_sent_again_is_no_twin_and_no_refusal(
        self, world: MasterTargetWorld
    ) -> None:
        refuses_twins(world)
        sample, target = new(world), world.connect()
        missing = await target.find_masters([query_for([sample])])
        world.network.lose_next_write()
        await tried(target, [sample], missing.evidence)
        for session in (target, world.connect()):
            no_refusal(world, sample, await tried(session, [sample], missing.evidence))
        assert len(held_for(world, sample)) == 1

    async def test_a_slow_master_cannot_land_once_it_was_sent_again(
        self, world: MasterTargetWorld
    ) -> None:
        refuses_twins(world)
        sample, target = new(world), world.connect()
        world.network.hold_next_write()
        unsettled(world, sample, await tried(target, [sample]), there=0)
        # With evidence from a new look, which shows nothing.
        no_refusal(world, sample, await tried(target, [sample]))
        await world.network.release()
        assert len(held_for(world, sample)) == 1

    async def test_a_slow_master_that_lands_first_leaves_nothing_to_the_second(
        self, world: MasterTargetWorld
    ) -> None:
        refuses_twins(world)
        sample, target = new(world), world.connect()
        world.network.hold_next_write()
        await tried(target, [sample])
        look = await target.find_masters([query_for([sample])])
        assert seen(look, sample) == []
        await world.network.release()
        no_refusal(world, sample, await tried(target, [sample], look.evidence))
        [record] = seen(await target.find_masters([query_for([sample])]), sample)
        assert [each.id for each in held_for(world, sample)] == [record.id]

    async def test_of_racing_writes_one_makes_the_master(self, world: MasterTargetWorld) -> None:
        refuses_twins(world)
        sample = new(world)
        sessions = [world.connect() for _ in range(RACERS)]
        look = await sessions[0].find_masters([query_for([sample])])
        outcomes = await asyncio.gather(
            *(tried(session, [sample], look.evidence) for session in sessions)
        )
        assert len(held_for(world, sample)) == 1
        for answers in outcomes:
            no_refusal(world, sample, answers)

    async def test_a_master_that_was_delivered_twice_is_made_once(
        self, world: MasterTargetWorld
    ) -> None:
        refuses_twins(world)
        sample = new(world)
        world.network.deliver_next_write_twice()
        no_refusal(world, sample, await tried(world.connect(), [sample]))
        assert len(held_for(world, sample)) == 1

    async def test_a_slow_master_is_there_and_seen_once_the_quiet_time_is_over(
        self, world: MasterTargetWorld
    ) -> None:
        if not isinstance(operation_of(world).guard, Lookup):
            pytest.skip("what is not answered is sent again at once")
        sample, target = new(world), world.connect()
        world.network.hold_next_write()
        unsettled(world, sample, await tried(target, [sample]), there=0)
        await world.network.release()
        world.pass_time(operation_of(world).quiet_seconds)
        [record] = seen(await target.find_masters([query_for([sample])]), sample)
        assert [each.id for each in held_for(world, sample)] == [record.id]

    async def test_a_twin_is_shown_and_not_hidden(self, world: MasterTargetWorld) -> None:
        if not isinstance(operation_of(world).guard, Lookup):
            pytest.skip("the system refuses twins")
        sample = world.sample(1)
        twins = {world.make(sample), world.make(sample)}
        world.pass_time(operation_of(world).lag_max_seconds)
        look = await world.connect().find_masters([query_for([sample])])
        assert {each.id for each in seen(look, sample)} == twins
