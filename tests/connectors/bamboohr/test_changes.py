"""The feed of changes: who was made, changed, left or was deleted, and nobody twice."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from connectors.bamboohr.manifest import OVERLAP_SECONDS
from connectors.bamboohr.people import FEW
from connectors.bamboohr.simulated_state import SimulatedJob
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.master_writes import GoneMaster
from tests.connectors.bamboohr.world import BambooWorld

LATER = OVERLAP_SECONDS + 60


async def test_a_termination_is_news_with_its_day_and_nobody_is_gone(world: BambooWorld) -> None:
    kim = world.hire()
    world.pass_time(LATER)
    world.company.terminate(int(kim), date(2026, 3, 31))
    changes = await world.connect().masters_changed_since(world.now)
    [employee] = changes.masters.employees
    assert (employee.active, employee.active_until) == (True, date(2026, 3, 31))
    assert changes.gone == ()
    assert not changes.whole


async def test_a_rehire_is_news_without_an_end(world: BambooWorld) -> None:
    kim = world.hire()
    world.company.terminate(int(kim), date(2025, 3, 31))
    world.pass_time(LATER)
    world.company.rehire(int(kim), date(2026, 1, 1))
    [employee] = (await world.connect().masters_changed_since(world.now)).masters.employees
    assert (employee.active, employee.active_from, employee.active_until) == (
        True,
        date(2026, 1, 1),
        None,
    )


async def test_a_move_back_in_time_is_news_of_today(world: BambooWorld) -> None:
    kim = world.hire()
    world.pass_time(LATER)
    world.company.move(int(kim), SimulatedJob(day=date(2025, 10, 1), department="CC-200 Sales"))
    [employee] = (await world.connect().masters_changed_since(world.now)).masters.employees
    assert employee.cost_centre == "CC-200"


async def test_a_deleted_employee_is_gone_by_name(world: BambooWorld) -> None:
    kim, lee = world.hire("E-1"), world.hire("E-2")
    world.pass_time(LATER)
    world.company.delete(int(kim))
    changes = await world.connect().masters_changed_since(world.now)
    assert changes.gone == (GoneMaster(world.kind, kim),)
    assert lee not in {one.id for one in changes.masters.employees}


async def test_who_was_deleted_after_the_feed_was_read_comes_with_the_next(
    world: BambooWorld,
) -> None:
    kim = world.hire()
    world.network.let_pass()
    # The list of employees no longer has them.
    world.network.answer_next(
        200, body=b'{"data":[],"meta":{"total":0,"page":{"nextCursor":null}}}'
    )
    connector = world.connect()
    changes = await connector.masters_changed_since(world.now)
    assert changes.masters.employees == changes.gone == ()
    world.pass_time(1)
    world.company.delete(int(kim))
    changes = await connector.masters_changed_since(changes.until)
    assert changes.gone == (GoneMaster(world.kind, kim),)


async def test_nobody_changed_costs_two_calls_and_moves_nothing(world: BambooWorld) -> None:
    world.hire()
    world.pass_time(LATER)
    changes = await world.connect().masters_changed_since(world.now)
    assert changes.masters.employees == changes.gone == ()
    assert changes.until == world.now
    assert [each.url.path for each in world.network.requests] == [
        "/api/v1/employees/changed",
        "/api/v1/meta/lists",
    ]


async def test_an_empty_map_may_come_as_an_empty_list(world: BambooWorld) -> None:
    body = b'{"latest":"2026-01-12T09:30:00+00:00","employees":[]}'
    world.network.answer_next(200, body=body)
    assert (await world.connect().masters_changed_since(world.now)).masters.employees == ()


async def test_cost_centres_come_with_every_answer(world: BambooWorld) -> None:
    world.hire()
    world.pass_time(LATER)
    world.company.archive("department", "CC-100 Delivery")
    changes = await world.connect().masters_changed_since(world.now)
    assert [(one.code, one.active) for one in changes.masters.dimension_values] == [
        ("CC-100", False)
    ]


async def test_an_instant_of_any_zone_is_the_same_instant(world: BambooWorld) -> None:
    kim = world.hire()
    east = world.now.astimezone(timezone(timedelta(hours=9)))
    changes = await world.connect().masters_changed_since(east)
    assert [one.id for one in changes.masters.employees] == [kim]
    assert changes.until.tzinfo is UTC


async def test_until_is_the_latest_stamp_and_never_before_what_was_asked(
    world: BambooWorld,
) -> None:
    world.hire()
    hired = world.now
    world.pass_time(60)
    connector = world.connect()
    assert (await connector.masters_changed_since(hired - timedelta(days=1))).until == hired
    assert (await connector.masters_changed_since(world.now)).until == world.now


@pytest.mark.parametrize("many", [False, True])
async def test_only_who_changed_is_read_however_many_there_are(
    world: BambooWorld, many: bool
) -> None:
    for number in range(120):
        world.hire(f"E-{number}")
    world.pass_time(LATER)
    changed = range(101, 101 + (60 if many else FEW))
    for own in changed:
        world.company.change(own, email=f"new{own}@firm.example")
    changes = await world.connect(page_size=100).masters_changed_since(world.now)
    assert {one.email for one in changes.masters.employees} == {
        f"new{own}@firm.example" for own in changed
    }
    # Feed, list, table, lists; and two pages of the dataset, or one call for each of a few.
    assert len(world.network.requests) == 4 + (2 if many else FEW)


async def test_when_nearly_everybody_changed_everybody_is_read(world: BambooWorld) -> None:
    for number in range(520):
        world.hire(f"E-{number}")
    changes = await world.connect(page_size=2500).masters_changed_since(world.now)
    assert len(changes.masters.employees) == 520
    assert len(world.network.requests) == 5


async def test_a_hidden_field_stops_the_feed_before_a_value_is_taken_for_empty(
    world: BambooWorld,
) -> None:
    world.hire()
    world.hide("workEmail")
    with pytest.raises(ConnectionConfigError, match="workEmail"):
        await world.connect().masters_changed_since(world.now)


async def test_a_stamp_without_a_zone_is_not_guessed(world: BambooWorld) -> None:
    body = (
        b'{"latest":"2026-01-12T09:30:00","employees":{"101":{"id":"101","action":"Updated",'
        b'"lastChanged":"2026-01-12T09:30:00"}}}'
    )
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await world.connect().masters_changed_since(datetime(2026, 1, 1, tzinfo=UTC))
    assert told.value.code == "answer_unreadable"
