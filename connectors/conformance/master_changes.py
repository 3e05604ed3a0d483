"""What every source of changed masters keeps to: nothing missed, deletions included."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from canonical.masters import Master
from connectors.base.level import Level
from connectors.base.master_writes import GoneMaster, MasterChanges
from connectors.conformance.levels import rules_at
from connectors.conformance.master_world import NO, MasterChangesWorld, records_of, values_of

_MICROSECOND = timedelta(microseconds=1)


@rules_at(Level.INCREMENTAL)
class MasterChangesContract:
    """Inherit it with a fixture `world`: a `MasterChangesWorld`, new for each test."""

    async def test_a_master_changed_at_the_very_instant_is_shown(
        self, world: MasterChangesWorld
    ) -> None:
        world.pass_time(60)
        made = world.make(world.sample(1))
        assert made in await _news(world, world.now)
        assert made in await _news(world, world.now + _MICROSECOND), (
            "an instant between two ticks of the system's clock must be rounded down"
        )

    async def test_masters_changed_together_at_the_edge_of_a_page_are_all_shown(
        self, world: MasterChangesWorld
    ) -> None:
        world.pass_time(60)
        together = {world.make(world.sample(n)) for n in range(2 * world.page_size + 1)}
        assert together <= (await _news(world, world.now)).keys()

    async def test_a_change_of_a_master_is_news_with_its_new_values(
        self, world: MasterChangesWorld
    ) -> None:
        made = world.make(world.sample(1))
        world.pass_time(60)
        values = world.sample(2).values
        world.change(made, values)
        record = (await _news(world, world.now))[made]
        assert values_of(record, list(values)) == values

    async def test_a_master_that_did_not_change_is_no_news(self, world: MasterChangesWorld) -> None:
        before = world.make(world.sample(1))
        world.pass_time(3_600)
        after = world.make(world.sample(2))
        changes = await _changes(world, world.now)
        assert not changes.whole, "a feed that reaches so far need not be read whole"
        read = _by_id(world, changes)
        assert after in read
        assert before not in read

    async def test_an_archived_master_is_news_and_not_gone(self, world: MasterChangesWorld) -> None:
        if "active" not in world.sample(1).values:
            pytest.skip("the system archives nothing of this kind")
        made = world.make(world.sample(1))
        world.pass_time(60)
        world.change(made, {"active": NO})
        changes = await _changes(world, world.now)
        assert not _by_id(world, changes)[made].active
        assert changes.gone == ()

    async def test_a_deleted_master_is_gone_and_no_other_is(
        self, world: MasterChangesWorld
    ) -> None:
        if not world.removes:
            pytest.skip("the system deletes nothing of this kind")
        stays, goes = (world.make(world.sample(number)) for number in (1, 2))
        world.pass_time(60)
        since = world.now
        world.remove(goes)
        world.pass_time(world.deletions_within_seconds)
        changes = await _changes(world, since)
        assert _is_gone(world, changes, goes), "a deletion was not shown"
        assert not _is_gone(world, changes, stays)

    async def test_a_master_made_again_is_another_one(self, world: MasterChangesWorld) -> None:
        if not world.removes:
            pytest.skip("the system deletes nothing of this kind")
        old = world.make(world.sample(1))
        world.pass_time(60)
        since = world.now
        world.remove(old)
        new = world.make(world.sample(1))
        world.pass_time(world.deletions_within_seconds)
        changes = await _changes(world, since)
        assert new in _by_id(world, changes)
        assert _is_gone(world, changes, old) is (old != new)
        assert not _is_gone(world, changes, new)

    async def test_asking_again_for_the_same_shows_the_same(
        self, world: MasterChangesWorld
    ) -> None:
        goes, changed = (world.make(world.sample(number)) for number in (1, 2))
        world.pass_time(60)
        since = world.now
        world.change(changed, world.sample(3).values)
        if world.removes:
            world.remove(goes)
        first, second = await _changes(world, since), await _changes(world, since)
        assert first.masters == second.masters
        assert set(first.gone) == set(second.gone)

    async def test_what_appears_after_a_reading_is_shown_by_the_next(
        self, world: MasterChangesWorld
    ) -> None:
        until = (await _changes(world, world.now)).until
        for number in range(3):
            # Between two ticks of the clock, after one, and long after.
            world.pass_time((0, 1, 600)[number])
            made = world.make(world.sample(number))
            changes = await _changes(world, until)
            assert made in _by_id(world, changes)
            until = changes.until

    async def test_a_master_that_appears_behind_the_clock_is_not_skipped(
        self, world: MasterChangesWorld
    ) -> None:
        behind = world.connect().manifest.overlap_seconds
        world.pass_time(2 * behind + 60)
        # News of this very moment, so that a cursor which follows stamps moves as far as it may.
        world.make(world.sample(1))
        until = (await _changes(world, world.now - timedelta(seconds=30))).until
        late = world.make(world.sample(2), seconds_ago=behind)
        assert late in await _news(world, until)

    async def test_an_instant_is_in_utc(self, world: MasterChangesWorld) -> None:
        until = (await _changes(world, world.now)).until
        assert until.utcoffset() == timedelta(0)
        assert until <= world.now + timedelta(seconds=1), "what is to come was skipped"

    async def test_beyond_the_reach_of_the_feed_everything_is_read(
        self, world: MasterChangesWorld
    ) -> None:
        made = [world.make(world.sample(number)) for number in range(world.page_size + 1)]
        reach = world.feed_seconds
        far = timedelta(days=400) if reach is None else timedelta(seconds=reach, days=2)
        world.pass_time(int(far.total_seconds()))
        changes = await _changes(world, world.now - far)
        assert changes.whole or reach is None, "the feed does not reach back so far"
        assert set(made) <= _by_id(world, changes).keys()


async def _changes(world: MasterChangesWorld, since: datetime) -> MasterChanges:
    return await world.connect().masters_changed_since(since)


async def _news(world: MasterChangesWorld, since: datetime) -> Mapping[str, Master]:
    return _by_id(world, await _changes(world, since))


def _by_id(world: MasterChangesWorld, changes: MasterChanges) -> Mapping[str, Master]:
    records = records_of(changes.masters, world.kind)
    assert len({each.id for each in records}) == len(records), "a record is shown twice"
    return {each.id: each for each in records}


def _is_gone(world: MasterChangesWorld, changes: MasterChanges, record: str) -> bool:
    """Whether a reading says that a record is no more, by name or by its absence from all."""
    if changes.whole:
        return record not in _by_id(world, changes)
    return GoneMaster(world.kind, record) in changes.gone
