"""Master data, calendars and cross-references: replaced as a whole, and only if they changed."""

import asyncio

import pytest

from canonical.cross_reference import CrossReference, MasterKind
from canonical.masters import Masters
from canonical.posting_period import PeriodState
from store import masters as master_store
from store.masters import SnapshotAge
from tests.store.corner import Corner
from tests.unit.building import cost_centre, employee, legal_entity, period, project, task

EVERYTHING = Masters(
    legal_entities=(legal_entity(),),
    employees=(employee(),),
    projects=(project(), project("P-2", id="12")),
    tasks=(task(),),
    dimension_values=(cost_centre(),),
)


async def save(corner: Corner, masters: Masters) -> None:
    async with corner.database.transaction() as connection:
        await master_store.save_masters(connection, corner.source, masters)


async def read(corner: Corner) -> Masters:
    async with corner.database.transaction() as connection:
        return await master_store.masters_of(connection, corner.source)


async def age(corner: Corner) -> SnapshotAge:
    async with corner.database.transaction() as connection:
        return (await master_store.ages(connection, [corner.source]))[corner.source]


async def test_masters_read_back_as_they_were_saved(corner: Corner) -> None:
    await save(corner, EVERYTHING)
    found = await read(corner)
    for field in Masters.model_fields:
        assert set(getattr(found, field)) == set(getattr(EVERYTHING, field))


async def test_the_version_rises_only_when_something_changed(corner: Corner) -> None:
    await save(corner, EVERYTHING)
    first = await age(corner)
    await save(corner, EVERYTHING)
    same = await age(corner)
    assert same.version == first.version
    assert first.masters_read_at is not None
    assert same.masters_read_at is not None
    assert same.masters_read_at > first.masters_read_at


@pytest.mark.parametrize(
    "change",
    [
        {"projects": (project(name="Renamed"), project("P-2", id="12"))},
        {"projects": (project(),)},
        {"tasks": (task(), task("Build", id="14"))},
        {"employees": (employee(cost_centre=None),)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_changed_a_new_and_a_vanished_record_raise_the_version(
    corner: Corner, change: dict[str, object]
) -> None:
    await save(corner, EVERYTHING)
    before = await age(corner)
    await save(corner, EVERYTHING.model_copy(update=change))
    assert (await age(corner)).version == before.version + 1


async def test_a_record_that_vanished_is_gone_and_may_come_back(corner: Corner) -> None:
    await save(corner, EVERYTHING)
    await save(corner, EVERYTHING.model_copy(update={"projects": (project(),)}))
    assert [one.id for one in (await read(corner)).projects] == ["11"]
    await save(corner, EVERYTHING)
    assert sorted(one.id for one in (await read(corner)).projects) == ["11", "12"]


async def test_a_record_that_is_listed_twice_does_not_sink_the_reading(corner: Corner) -> None:
    """Pages shift while they are read, and then a record stands on two of them."""
    twice = (project(name="Old"), project("P-2", id="12"), project(name="New"))
    await save(corner, EVERYTHING.model_copy(update={"projects": twice}))
    names = {one.id: one.name for one in (await read(corner)).projects}
    assert names == {"11": "New", "12": "P-2"}


async def test_what_one_connection_lists_is_nothing_to_another(corner: Corner) -> None:
    await save(corner, EVERYTHING)
    other = Corner(corner.database, -corner.number)
    await save(other, Masters(projects=(project(),)))
    assert len((await read(corner)).projects) == 2
    assert (await read(other)).employees == ()


async def test_two_readings_at_once_both_succeed(corner: Corner) -> None:
    backwards = EVERYTHING.model_copy(update={"projects": EVERYTHING.projects[::-1]})
    async with asyncio.timeout(20):
        await asyncio.gather(*(save(corner, one) for one in [EVERYTHING, backwards] * 4))
    assert len((await read(corner)).projects) == 2


async def test_odd_names_are_kept(corner: Corner) -> None:
    odd = project(name="a\x00b \ud800 \U0001f4a9")
    await save(corner, Masters(projects=(odd,)))
    assert (await read(corner)).projects == (odd,)


async def calendar(corner: Corner, *months: tuple[str, PeriodState]) -> list[tuple[str, str]]:
    async with corner.database.transaction() as connection:
        periods = [period(name, state) for name, state in months]
        await master_store.save_calendar(connection, corner.source, periods)
        found = await master_store.calendar_of(connection, corner.source)
    return [(one.name, one.state) for one in found]


async def test_a_calendar_is_replaced_and_sorted_and_has_a_version(corner: Corner) -> None:
    october, november = ("2026-10", PeriodState.OPEN), ("2026-11", PeriodState.OPEN)
    assert await calendar(corner, november, october) == [october, november]
    first = await age(corner)
    assert (first.masters_read_at, first.calendar_read_at is None) == (None, False)
    await calendar(corner, october, november)
    assert (await age(corner)).version == first.version
    closed = ("2026-10", PeriodState.CLOSED)
    assert await calendar(corner, closed) == [closed]
    assert (await age(corner)).version == first.version + 1


def reference(corner: Corner, source_id: str, target_id: str, **changes: str) -> CrossReference:
    values = {"target": corner.target, "made_by": "exact key", **changes}
    return CrossReference(
        kind=MasterKind.PROJECT,
        source=corner.source,
        source_id=source_id,
        target_id=target_id,
        **values,
    )


async def link(corner: Corner, *references: CrossReference) -> dict[str, str]:
    async with corner.database.transaction() as connection:
        await master_store.add_references(connection, references)
        found = await master_store.references_between(connection, corner.source, corner.target)
    return found[MasterKind.PROJECT]


async def test_a_link_that_exists_stays_and_nothing_is_linked_twice(corner: Corner) -> None:
    assert await link(corner, reference(corner, "a", "1", made_by="ana")) == {"a": "1"}
    again = [reference(corner, "a", "2"), reference(corner, "b", "1"), reference(corner, "c", "3")]
    assert await link(corner, *again) == {"a": "1", "c": "3"}


async def test_a_new_link_raises_the_version_and_an_old_one_does_not(corner: Corner) -> None:
    await save(corner, EVERYTHING)
    before = (await age(corner)).version
    await link(corner, reference(corner, "a", "1"))
    assert (await age(corner)).version == before + 1
    await link(corner, reference(corner, "a", "1"))
    await link(corner)
    assert (await age(corner)).version == before + 1


async def test_a_source_may_be_linked_to_two_erps(corner: Corner) -> None:
    await link(corner, reference(corner, "a", "1"), reference(corner, "a", "9", target="other"))
    assert await link(corner) == {"a": "1"}
