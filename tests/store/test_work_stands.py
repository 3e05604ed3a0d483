"""What is released is what its source shows at that instant, though the decision took a while."""

import asyncio

import pytest

from canonical.time_entry import TIME_ENTRY
from store import work
from store.work import LineKey
from tests.store.corner import DAY, Corner, until_waiting_for


async def enter(corner: Corner, name: str, status: str = "APPROVED") -> LineKey:
    await corner.database.execute(
        "INSERT INTO source_line (connection, object, source_id, document_id, employee, "
        "work_date, revision, financial_hash, status, entry, changed_at) "
        "VALUES ($1, $2, $3, 'sheet-1', '7', $4, 2, 'h', $5, '{}', now())",
        *(corner.source, TIME_ENTRY, name, DAY, status),
    )
    return corner.source, TIME_ENTRY, name, 2


async def stands(corner: Corner, *lines: LineKey) -> bool:
    async with corner.database.transaction() as connection:
        return await work.still_stands(connection, lines)


async def test_lines_stand_in_the_revision_that_was_read(corner: Corner) -> None:
    one, other = await enter(corner, "1"), await enter(corner, "2", "UNREADABLE")
    assert await stands(corner)
    assert await stands(corner, one, other, one)
    assert not await stands(corner, one, (*other[:3], 1))
    assert not await stands(corner, one, (*other[:2], "gone", 2))


@pytest.mark.parametrize("status", ["NOT_APPROVED", "WITHDRAWN", "DELETED", "REJECTED"])
async def test_what_was_taken_back_does_not_stand(corner: Corner, status: str) -> None:
    assert not await stands(corner, await enter(corner, "1", status))


async def test_news_that_is_being_written_is_waited_for_and_refuses(corner: Corner) -> None:
    line = await enter(corner, "1")
    async with corner.database.transaction() as connection:
        await connection.execute(
            "UPDATE source_line SET revision = 3 WHERE connection = $1", corner.source
        )
        decides = asyncio.create_task(stands(corner, line))
        await until_waiting_for(corner, "FOR SHARE OF l")
    assert not await decides


async def test_news_waits_until_what_was_decided_is_written_down(corner: Corner) -> None:
    line, order = await enter(corner, "1"), []

    async def news() -> None:
        await corner.database.execute(
            "UPDATE source_line SET revision = 3 WHERE connection = $1", corner.source
        )
        order.append("news")

    async with corner.database.transaction() as connection:
        assert await work.still_stands(connection, [line])
        waits = asyncio.create_task(news())
        await until_waiting_for(corner, "SET revision = 3")
        order.append("decided")
    await waits
    assert order == ["decided", "news"]
