"""Lines of time in Xero's projects: minutes, days in any zone, and a sweep that is not dear."""

from datetime import date, timedelta

import pytest

from canonical.posting import Executed, PostingIntent, PostingKind
from connectors.base.errors import OutcomeUnknownError, RejectedError, TransientError
from connectors.xero import Xero
from tests.connectors.xero.firm import PROJECTS, TASKS, uid
from tests.connectors.xero.world import XeroWorld


async def booked(xero: Xero, intent: PostingIntent) -> Executed:
    [outcome] = await xero.post([intent], {})
    assert isinstance(outcome, Executed)
    return outcome


def listed(world: XeroWorld) -> list[str]:
    """The projects whose time was listed so far."""
    return [
        request.url.path.split("/")[-2]
        for request in world.network.requests
        if request.method == "GET" and request.url.path.endswith("/Time")
    ]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Pacific/Kiritimati", "Etc/GMT+12"])
async def test_a_day_of_work_is_the_same_day_in_every_zone(world: XeroWorld, zone: str) -> None:
    xero, intent = world.connect(timezone=zone), world.intent(work_date=date(2026, 3, 29))
    done = await booked(xero, intent)
    assert done.document is not None
    assert done.document.time_line.work_date == date(2026, 3, 29)
    assert sorted(await xero.find([intent])) == [intent.reference]


@pytest.mark.parametrize(("seconds", "code"), [(90, "not_whole_minutes"), (0, "duration_unfit")])
async def test_a_duration_that_xero_cannot_keep_is_refused_and_not_rounded(
    world: XeroWorld, seconds: int, code: str
) -> None:
    with pytest.raises(RejectedError) as told:
        await world.connect().post([world.intent(seconds=seconds)], {})
    assert told.value.code == code
    assert world.network.writes == []


@pytest.mark.parametrize(("seconds", "minutes"), [(1188, 20), (90, 2), (45, 1), (3569, 59)])
async def test_where_configuration_says_so_seconds_stand_beside_the_nearest_minute(
    world: XeroWorld, seconds: int, minutes: int
) -> None:
    xero = world.connect(round_minutes=True)
    intent = world.intent(seconds=seconds, note="Review " + 3_000 * "x")
    done = await booked(xero, intent)
    assert done.document is not None
    assert done.document.time_line.seconds == seconds
    [record] = world.xero.entries.values()
    assert record["duration"] == minutes


async def test_minutes_that_somebody_changed_count_and_not_the_seconds_beside_them(
    world: XeroWorld,
) -> None:
    xero, intent = world.connect(round_minutes=True), world.intent(seconds=1188)
    await booked(xero, intent)
    [record] = world.xero.entries.values()
    record["duration"] = 45
    [document] = (await xero.find([intent]))[intent.reference]
    assert document.time_line.seconds == 45 * 60


async def test_what_xero_rounds_by_itself_is_shown(world: XeroWorld) -> None:
    world.misbehave(rounds_minutes_to=15)
    done = await booked(world.connect(), world.intent(seconds=600))
    assert done.document is not None
    assert done.document.time_line.seconds == 900


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (f"{PROJECTS[0]}/{TASKS[1]}", "task_unfit"),
        (f"{uid('dd', 9)}/{TASKS[1]}", "project_closed"),
        ("P-100", "not_an_id"),
    ],
)
async def test_a_task_that_takes_no_time_is_named_by_its_code(
    world: XeroWorld, task: str, code: str
) -> None:
    with pytest.raises(RejectedError) as told:
        await world.connect().post([world.intent(task=task)], {})
    assert told.value.code == code


async def test_time_of_another_organisation_is_refused(world: XeroWorld) -> None:
    with pytest.raises(RejectedError) as told:
        await world.connect().post([world.intent(legal_entity="another")], {})
    assert told.value.code == "legal_entity_unknown"
    assert await world.connect().find([world.intent(task="P-100")]) == {}


async def test_an_entry_is_found_wherever_on_its_projects_page_it_is(world: XeroWorld) -> None:
    day = date(2026, 3, 10)
    intents = [world.intent(seconds=60, work_date=day) for _ in range(502)]
    for intent in intents:
        await world.book(intent)
    found = await world.connect().find([intents[0], intents[-1]])
    assert sorted(found) == sorted([intents[0].reference, intents[-1].reference])


async def test_an_entry_that_is_not_shown_yet_is_unknown_and_not_undone(world: XeroWorld) -> None:
    world.network.break_after_next_write(requests=1_000)
    with pytest.raises(OutcomeUnknownError):
        await world.connect().post([world.intent()], {})


async def test_a_sweep_looks_only_where_minutes_changed_since_one_that_was_taken_over(
    world: XeroWorld,
) -> None:
    xero, first = world.connect(), world.now
    await world.book(world.intent())
    swept = [each async for page in xero.documents_since(first) for each in page]
    assert len(swept) == 1
    assert sorted(listed(world)) == sorted([*PROJECTS, uid("dd", 9)])
    world.network.requests.clear()
    await world.book(world.intent(parent=1))
    second = first + timedelta(minutes=15)
    swept = [each async for page in xero.documents_since(second) for each in page]
    assert [each.time_line.task.split("/")[0] for each in swept] == [PROJECTS[1]]
    assert listed(world) == [PROJECTS[1]]


async def test_a_sweep_that_was_not_taken_over_is_made_again_in_full(world: XeroWorld) -> None:
    xero, since = world.connect(), world.now
    await world.book(world.intent())
    for _ in range(2):
        swept = [each async for page in xero.documents_since(since) for each in page]
        assert len(swept) == 1


async def test_a_sweep_goes_on_where_it_met_trouble(world: XeroWorld) -> None:
    for parent in range(3):
        await world.book(world.intent(parent=parent))
    pages = world.connect().documents_since(None)
    swept = len(await anext(pages))
    world.misbehave(failures=2)
    for _ in range(2):
        with pytest.raises(TransientError):
            await anext(pages)
    async for page in pages:
        swept += len(page)
    assert swept == 3


async def test_entries_of_a_window_are_those_of_its_days(world: XeroWorld) -> None:
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    for day in days:
        await world.book(world.intent(work_date=day))
    xero = world.connect()
    march = xero.documents_between(world.options().tenant_id, days[1], days[2])
    swept = [each.time_line.work_date async for page in march for each in page]
    assert sorted(swept) == days[1:3]
    nobody = xero.documents_between("another", days[1], days[2])
    assert [page async for page in nobody] == []


async def test_an_undo_names_what_it_is_about(world: XeroWorld) -> None:
    intent = world.intent().model_copy(update={"kind": PostingKind.UNDO})
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == "not_an_id"
