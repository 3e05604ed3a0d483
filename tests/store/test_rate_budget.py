"""The shared budget: never more calls in any span than the vendor allows, whoever asks."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from store.rate_budgets import SharedBudget
from tests.store.corner import Corner


def budget(corner: Corner, calls_max: int, per_seconds: int) -> SharedBudget:
    return SharedBudget(corner.database, corner.source, calls_max, per_seconds)


async def window(corner: Corner) -> list[datetime]:
    row = await corner.database.fetch_row(
        "SELECT calls FROM rate_window WHERE connection = $1", corner.source
    )
    return list(row["calls"]) if row else []


def most_within(stamps: Sequence[datetime], span: timedelta) -> int:
    """The most calls in any span that begins just after one of the stamps."""
    ordered = sorted(stamps)
    return max(
        (bisect_right(ordered, one + span) - place for place, one in enumerate(ordered)), default=0
    )


async def test_no_span_ever_holds_more_calls_than_allowed(corner: Corner) -> None:
    shared, seen = budget(corner, 7, 1), set[datetime]()
    granted = 0

    async def taker() -> None:
        nonlocal granted
        until = time.monotonic() + 2.3
        while time.monotonic() < until:
            wait_seconds = await shared.take()
            granted += wait_seconds == 0
            # What is stored is read back at once, before it is forgotten.
            seen.update(await window(corner))
            await asyncio.sleep(0.02)

    await asyncio.gather(*(taker() for _ in range(6)))
    assert granted == len(seen)
    # The span is half open: a call exactly one second later is allowed.
    assert most_within(list(seen), timedelta(microseconds=999_999)) == 7
    assert 14 <= granted <= 21


async def test_many_at_once_never_get_more_than_there_is(corner: Corner) -> None:
    shared = budget(corner, 5, 60)
    answers = await asyncio.gather(*(shared.take() for _ in range(40)))
    assert sorted(answers)[:5] == [0] * 5
    assert all(50 <= answer <= 60 for answer in sorted(answers)[5:])
    assert len(await window(corner)) == 5


async def test_the_wait_is_until_the_oldest_call_is_forgotten(corner: Corner) -> None:
    shared = budget(corner, 2, 60)
    assert [await shared.take(), await shared.take()] == [0, 0]
    await corner.database.execute(
        "UPDATE rate_window SET calls[1] = clock_timestamp() - interval '40 seconds' "
        "WHERE connection = $1",
        corner.source,
    )
    assert 19 <= await shared.take() <= 20


async def test_several_calls_are_taken_together_or_not_at_all(corner: Corner) -> None:
    shared = budget(corner, 5, 60)
    assert await shared.take(3) == 0
    assert await shared.take(3) > 0
    assert len(await window(corner)) == 3
    assert await shared.take(2) == 0


async def test_what_is_refused_is_not_counted(corner: Corner) -> None:
    shared = budget(corner, 1, 60)
    assert await shared.take() == 0
    for _ in range(5):
        assert await shared.take() > 0
    assert len(await window(corner)) == 1


async def test_a_pause_is_honoured_by_everybody(corner: Corner) -> None:
    await budget(corner, 100, 60).pause(30)
    assert 29 <= await budget(corner, 100, 60).take() <= 30


async def test_a_pause_asks_for_no_longer_a_wait_than_itself(corner: Corner) -> None:
    shared = budget(corner, 100, 3600)
    assert await shared.take() == 0
    await shared.pause(5)
    # There is room for the call, so only the pause counts, and not the age of earlier calls.
    assert await shared.take() <= 5


async def test_a_shorter_pause_does_not_end_a_longer_one(corner: Corner) -> None:
    shared = budget(corner, 100, 60)
    await shared.pause(60)
    await shared.pause(1)
    assert await shared.take() > 50


async def test_a_pause_that_is_over_is_forgotten(corner: Corner) -> None:
    shared = budget(corner, 100, 60)
    await shared.pause(60)
    await corner.database.execute(
        "UPDATE rate_window SET paused_until = $2 WHERE connection = $1",
        corner.source,
        datetime.now(UTC) - timedelta(seconds=1),
    )
    assert await shared.take() == 0


@pytest.mark.parametrize("per_seconds", [1, 15, 86_400])
async def test_a_budget_begins_full(corner: Corner, per_seconds: int) -> None:
    shared = budget(corner, 3, per_seconds)
    assert [await shared.take() for _ in range(3)] == [0, 0, 0]
    assert 1 <= await shared.take() <= per_seconds


async def test_one_connections_calls_are_nothing_to_another(corner: Corner) -> None:
    assert await budget(corner, 1, 60).take() == 0
    assert await budget(Corner(corner.database, -corner.number), 1, 60).take() == 0
