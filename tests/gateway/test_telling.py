"""Telling: a burst costs a few signals, and none of it is lost."""

import asyncio

from tests.gateway.corner import Corner


async def burst(corner: Corner, number: int) -> list[int]:
    """Send so many at once while the listener is held, then let it go; gives the answers."""
    corner.listener.answers.clear()
    under_way = [asyncio.create_task(corner.post()) for _ in range(number)]
    await corner.listener.called.wait()
    corner.listener.answers.set()
    return [answer.status_code for answer in await asyncio.gather(*under_way)]


async def test_a_burst_is_told_of_a_few_times_and_all_are_accepted(corner: Corner) -> None:
    assert set(await burst(corner, 300)) == {202}
    assert len(corner.listener.heard) <= 3


async def test_what_comes_while_it_is_being_told_is_told_of_once_more(corner: Corner) -> None:
    corner.listener.answers.clear()
    first = asyncio.create_task(corner.post())
    await corner.listener.called.wait()
    # The reading that the first sets off may have begun before this one's change was there.
    later = asyncio.create_task(corner.post())
    corner.listener.answers.set()
    assert [(await one).status_code for one in (first, later)] == [202, 202]
    assert len(corner.listener.heard) == 2


async def test_one_after_the_other_each_is_told_of(corner: Corner) -> None:
    for _ in range(3):
        await corner.post()
    assert len(corner.listener.heard) == 3


async def test_in_a_burst_without_temporal_all_learn_it_from_a_few_attempts(
    corner: Corner,
) -> None:
    corner.listener.away = True
    assert set(await burst(corner, 300)) == {503}
    assert corner.listener.asked <= 3
    corner.listener.away = False
    assert set(await burst(corner, 10)) == {202}


async def test_who_hangs_up_takes_nobody_else_along(corner: Corner) -> None:
    corner.listener.answers.clear()
    first = asyncio.create_task(corner.post())
    await corner.listener.called.wait()
    later = asyncio.create_task(corner.post())
    first.cancel()
    corner.listener.answers.set()
    assert (await later).status_code == 202
    assert len(corner.listener.heard) == 1
