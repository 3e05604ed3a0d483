"""What every source of master data keeps to: all of it once, exact, and one bad record alone."""

import logging
from collections.abc import Sequence

import pytest

from canonical.masters import Master
from connectors.base.errors import TransientError
from connectors.base.level import Level
from connectors.conformance.levels import rules_at
from connectors.conformance.master_world import (
    NO,
    PRIVATE,
    MasterSourceWorld,
    records_of,
    values_of,
)


@rules_at(Level.READS)
class MasterSourceContract:
    """Inherit it with a fixture `world`: a `MasterSourceWorld`, new for each test."""

    async def test_all_masters_come_without_loss_or_duplicate(
        self, world: MasterSourceWorld
    ) -> None:
        for number in range(3 * world.page_size + 1):
            world.make(world.sample(number))
        read = await _read(world)
        assert sorted(each.id for each in read) == sorted(each.id for each in world.held())

    async def test_the_values_of_a_master_are_exact(self, world: MasterSourceWorld) -> None:
        samples = [world.sample(number) for number in (1, 2)]
        for sample in samples:
            made = world.make(sample)
            [record] = [each for each in await _read(world) if each.id == made]
            assert values_of(record, list(sample.values)) == sample.values

    async def test_an_archived_master_is_shown_as_inactive(self, world: MasterSourceWorld) -> None:
        if "active" not in world.sample(1).values:
            pytest.skip("the system archives nothing of this kind")
        good, archived = (world.make(world.sample(number)) for number in (1, 2))
        world.change(archived, {"active": NO})
        told = {each.id: each.active for each in await _read(world)}
        assert (told.get(good), told.get(archived)) == (True, False)

    async def test_an_unreadable_master_costs_no_other(self, world: MasterSourceWorld) -> None:
        good = {world.make(world.sample(number)) for number in range(world.page_size + 1)}
        world.make_unreadable(PRIVATE)
        assert good <= {each.id for each in await _read(world)}

    async def test_an_unreadable_master_is_logged_without_its_values(
        self, world: MasterSourceWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.make_unreadable(PRIVATE)
        with caplog.at_level(logging.DEBUG):
            await _read(world)
        said = f"{caplog.text} {[record.args for record in caplog.records]}"
        assert not [word for word in PRIVATE.split() if word in said]

    async def test_a_broken_page_of_masters_is_transient_and_shows_nothing(
        self, world: MasterSourceWorld
    ) -> None:
        for number in range(world.page_size + 1):
            world.make(world.sample(number))
        source = world.connect()
        await source.masters()
        body = f'{{"name": "{PRIVATE}", "cut": [off'.encode()
        world.network.answer_next(200, {"Content-Type": "application/json"}, body)
        with pytest.raises(TransientError) as told:
            await source.masters()
        assert PRIVATE not in f"{told.value} {told.value!r} {told.value.__cause__!r}"

    async def test_a_lost_page_of_masters_is_transient(self, world: MasterSourceWorld) -> None:
        for number in range(world.page_size + 1):
            world.make(world.sample(number))
        source = world.connect()
        await source.masters()
        before = len(world.network.requests)
        world.network.let_pass()
        world.network.lose_next_answer()
        with pytest.raises(TransientError):
            await source.masters()
        assert len(world.network.requests) == before + 2, "a lost page was asked for again"


async def _read(world: MasterSourceWorld) -> Sequence[Master]:
    return records_of(await world.connect().masters(), world.kind)
