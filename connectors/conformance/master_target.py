"""What every system keeps to in which masters are made and changed: exactly what was asked for."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from connectors.base.errors import ConflictError, TransientError
from connectors.base.level import Level
from connectors.base.master_writes import (
    MasterAnswer,
    MasterRefused,
    MasterWritten,
)
from connectors.conformance.http_contract import Tokens
from connectors.conformance.levels import at, rules_at
from connectors.conformance.master_world import (
    NO,
    MasterTargetWorld,
    agrees,
    all_written,
    changing,
    held_as,
    held_for,
    looks_as_held,
    operation_of,
    query_for,
    records_of,
    seen,
)

# Values of fields that some systems know and others do not.
_ELSEWHERE = {
    "name": "Known by another name",
    "currency": "EUR",
    "country": "DE",
    "tax_number": "DE811907980",
    "active_from": "2026-01-01",
    "active_until": "2030-12-31",
    "cost_centre": "CC-999",
    "role": "Analyst",
    "party": "V-1",
}


@rules_at(Level.WRITES)
class MasterTargetContract:
    """Inherit it with a fixture `world`: a `MasterTargetWorld`, new for each test."""

    async def test_a_new_master_arrives_whole_and_once(self, world: MasterTargetWorld) -> None:
        _can_create(world)
        for number in (1, 2):
            sample = world.sample(number)
            [answer] = await all_written(world.connect(), [sample])
            assert isinstance(answer, MasterWritten)
            [held] = held_for(world, sample)
            assert held.id == answer.id
            agrees(held, sample)
        _nothing_was_sent_twice(world)

    async def test_what_the_system_does_not_keep_of_a_new_master_costs_nothing(
        self, world: MasterTargetWorld
    ) -> None:
        _can_create(world)
        kept = operation_of(world).fields
        beside = {name: value for name, value in _ELSEWHERE.items() if name not in kept}
        sample = world.sample(1)
        given = replace(sample, values={**beside, **sample.values})
        [answer] = await all_written(world.connect(), [given])
        assert isinstance(answer, MasterWritten)
        [held] = held_for(world, sample)
        agrees(held, sample)

    async def test_a_new_master_with_as_little_as_its_owner_knows_is_made(
        self, world: MasterTargetWorld
    ) -> None:
        _can_create(world)
        sample = world.sample(1)
        little = {
            name: value for name, value in sample.values.items() if name not in world.clearable
        }
        [answer] = await all_written(world.connect(), [replace(sample, values=little)])
        assert isinstance(answer, MasterWritten)
        [held] = [each for each in world.held() if each.id == answer.id]
        assert {name: held.values[name] for name in little} == little

    async def test_a_kind_that_is_not_made_here_is_refused(self, world: MasterTargetWorld) -> None:
        if operation_of(world).creates:
            pytest.skip("records of this kind are made here")
        before = world.held()
        [answer] = await all_written(world.connect(), [world.sample(1)])
        assert isinstance(answer, MasterRefused)
        assert world.held() == before

    async def test_a_change_arrives_whole_and_makes_no_new_master(
        self, world: MasterTargetWorld
    ) -> None:
        made = world.make(world.sample(1))
        change = changing(world, made)
        assert await all_written(world.connect(), [change]) == [MasterWritten(made)]
        [held] = world.held()
        agrees(held, change)
        _nothing_was_sent_twice(world)

    async def test_a_change_touches_only_what_it_names(self, world: MasterTargetWorld) -> None:
        made = world.make(world.sample(1))
        whole = changing(world, made)
        # Archived last: some systems change nothing else of a record that is.
        for name in sorted(operation_of(world).fields, key=lambda each: (each == "active", each)):
            before = held_as(world, made)
            change = replace(whole, values={name: whole.values[name]})
            assert await all_written(world.connect(), [change]) == [MasterWritten(made)]
            after = held_as(world, made)
            assert after.values == {**before.values, name: whole.values[name]}
            assert after.others == before.others, f"changing {name} touched something else"
            assert after.code == before.code

    async def test_an_empty_value_takes_the_value_away(self, world: MasterTargetWorld) -> None:
        names = sorted(world.clearable & operation_of(world).fields)
        if not names:
            pytest.skip("the system lets no value of this kind be taken away")
        sample = world.sample(1)
        made = world.make(sample)
        for name in names:
            before = held_as(world, made)
            change = replace(sample, id=made, values={name: ""})
            assert await all_written(world.connect(), [change]) == [MasterWritten(made)]
            assert held_as(world, made).values == {**before.values, name: ""}

    async def test_an_archived_master_can_be_found_and_brought_back(
        self, world: MasterTargetWorld
    ) -> None:
        if "active" not in operation_of(world).fields:
            pytest.skip("nothing is archived through this connector")
        target, sample = world.connect(), world.sample(1)
        made = world.make(sample)
        world.change(made, {"active": NO})
        [found] = seen(await target.find_masters([query_for([sample])]), sample)
        assert (found.id, found.active) == (made, False)
        back = replace(sample, id=made, values={"active": "yes"})
        assert await all_written(target, [back]) == [MasterWritten(made)]
        agrees(held_as(world, made), sample)

    async def test_a_refusal_is_honest_and_costs_no_neighbour(
        self, world: MasterTargetWorld
    ) -> None:
        _can_create(world)
        first, refused, last = world.sample(1), world.refused(), world.sample(2)
        answers = await all_written(world.connect(), [first, refused, last])
        assert [type(each) for each in answers] == [MasterWritten, MasterRefused, MasterWritten]
        told = answers[1]
        assert isinstance(told, MasterRefused)
        assert told.code
        assert not any(character.isspace() for character in told.code), "a code is one word"
        assert "<" not in told.message
        assert refused.code not in told.code, "a code is stable: it names no record"
        assert world.secret not in f"{told.code} {told.message}"
        assert held_for(world, refused) == []
        for sample in (first, last):
            [held] = held_for(world, sample)
            agrees(held, sample)

    async def test_a_change_of_what_was_deleted_is_no_success_and_makes_nothing(
        self, world: MasterTargetWorld
    ) -> None:
        if not world.removes:
            pytest.skip("the system deletes nothing of this kind")
        made = world.make(world.sample(1))
        change = changing(world, made)
        target = world.connect()
        look = await target.find_masters([query_for([change])])
        world.remove(made)
        try:
            [answer] = await target.write_masters([change], look.evidence)
        except ConflictError:
            look = await target.find_masters([query_for([change])])
            assert seen(look, change) == []
        else:
            assert isinstance(answer, MasterRefused)
        assert world.held() == []

    async def test_more_masters_than_one_call_takes_arrive_in_order(
        self, world: MasterTargetWorld
    ) -> None:
        _can_create(world)
        count = operation_of(world).bulk.lines_max + 2
        samples = [world.sample(number) for number in range(count)]
        answers = await all_written(world.connect(), samples)
        for sample, answer in zip(samples, answers, strict=True):
            [held] = held_for(world, sample)
            assert answer == MasterWritten(held.id)
            agrees(held, sample)

    async def test_answers_are_only_for_what_the_budget_let_be_tried(
        self, world: MasterTargetWorld
    ) -> None:
        _can_create(world)
        samples = [world.sample(number) for number in (1, 2, 3)]
        budget = Tokens()
        target = world.connect(budget)
        look = await target.find_masters([query_for(samples)])
        # Enough for the first, and for no more than two of them.
        budget.left = 2
        answers: Sequence[MasterAnswer] = ()
        with suppress(TransientError):
            answers = await target.write_masters(samples, look.evidence)
        if operation_of(world).bulk.mode == "NONE":
            assert len(answers) < len(samples)
        for sample, answer in zip(samples, answers, strict=False):
            if isinstance(answer, MasterWritten):
                assert [each.id for each in held_for(world, sample)] == [answer.id]
        assert [one for one in samples[len(answers) :] if held_for(world, one)] == []

    async def test_without_a_token_no_master_is_sent(self, world: MasterTargetWorld) -> None:
        made = world.make(world.sample(1))
        change, budget = changing(world, made), Tokens()
        target = world.connect(budget)
        look = await target.find_masters([query_for([change])])
        budget.left = 0
        with pytest.raises(TransientError) as told:
            await target.write_masters([change], look.evidence)
        assert told.value.retry_after_seconds == Tokens.WAIT_SECONDS
        assert world.network.writes == []

    async def test_a_look_finds_masters_by_id_and_by_exact_key(
        self, world: MasterTargetWorld
    ) -> None:
        samples = [world.sample(number) for number in range(3 * world.page_size + 1)]
        made = [world.make(sample) for sample in samples]
        target = world.connect()
        by_key = await target.find_masters([query_for(samples)])
        assert [[each.id for each in seen(by_key, one)] for one in samples] == [
            [one] for one in made
        ]
        before = len(world.network.requests)
        by_id = await target.find_masters(
            [query_for([replace(samples[0], id=one) for one in made])]
        )
        assert set(made) <= {each.id for each in records_of(by_id.masters, world.kind)}
        assert len(world.network.requests) - before < len(made), "a look is no call per record"

    async def test_a_look_finds_nothing_where_nothing_is(self, world: MasterTargetWorld) -> None:
        world.make(world.sample(1))
        look = await world.connect().find_masters([query_for([world.sample(2)])])
        assert seen(look, world.sample(2)) == []

    async def test_a_look_alike_is_not_what_was_looked_for(self, world: MasterTargetWorld) -> None:
        sample = world.sample(1)
        others = world.look_alikes(sample)
        if not others:
            pytest.skip("the system itself takes look-alikes for the same")
        for other in others:
            world.make(other)
        target = world.connect()
        assert seen(await target.find_masters([query_for([sample])]), sample) == []
        made = world.make(sample)
        look = await target.find_masters([query_for([sample])])
        assert [each.id for each in seen(look, sample)] == [made]

    @at(Level.ATTESTED)
    async def test_a_look_shows_what_the_system_holds(self, world: MasterTargetWorld) -> None:
        target, sample = world.connect(), world.sample(1)
        made = world.make(sample)
        await target.find_masters([query_for([sample])])
        world.change(made, changing(world, made).values)
        await looks_as_held(world, target, replace(sample, id=made))

    @at(Level.ATTESTED)
    async def test_a_field_that_was_silently_not_kept_is_seen_by_a_look(
        self, world: MasterTargetWorld
    ) -> None:
        made = world.make(world.sample(1))
        whole = changing(world, made)
        for name in sorted(operation_of(world).fields):
            before = held_as(world, made)
            target = world.connect()
            world.ignore(name)
            change = replace(whole, values={name: whole.values[name]})
            look = await target.find_masters([query_for([change])])
            answers = await target.write_masters([change], look.evidence)
            assert len(answers) == 1
            assert held_as(world, made).values == before.values, "the world ignored nothing"
            await looks_as_held(world, target, change)


def _can_create(world: MasterTargetWorld) -> None:
    if not operation_of(world).creates:
        pytest.skip("records of this kind are not made here")


def _nothing_was_sent_twice(world: MasterTargetWorld) -> None:
    sent = [(each.method, each.url, each.content) for each in world.network.writes]
    assert len(set(sent)) == len(sent), "a write was repeated"
