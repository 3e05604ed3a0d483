"""Intake: raw records once, lines in their newest version, cursors that never go back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from canonical.source_line import LineStatus, LineVersion
from store import cursors, dead_letters, documents, outbox, source_lines
from store.dead_letters import DeadLetter
from store.documents import DocumentNews
from store.postings import AttemptClass
from store.source_lines import RawRecord
from tests.store.corner import DAY, NOON, Corner

MONDAY = date(2026, 9, 28)


def version(corner: Corner, source_id: str = "100", **changes: Any) -> LineVersion:
    line = LineVersion(
        connection=corner.source,
        object="time_entry",
        source_id=source_id,
        document_id="sheet-1",
        employee="u1",
        work_date=DAY,
        revision=1,
        financial_hash="hash",
        status=LineStatus.APPROVED,
        approved_at=NOON,
        approved_at_from="source",
        trouble=None,
        entry="{}",
        changed_at=NOON,
    )
    return replace(line, **changes)


async def save(corner: Corner, *lines: LineVersion) -> None:
    async with corner.database.transaction() as connection:
        await source_lines.save(connection, lines)


async def lock(corner: Corner, *source_ids: str) -> dict[str, LineVersion]:
    async with corner.database.transaction() as connection:
        return await source_lines.lock(connection, corner.source, "time_entry", source_ids)


async def test_a_line_reads_back_as_it_was_saved(corner: Corner) -> None:
    unreadable = version(
        corner,
        "101",
        status=LineStatus.UNREADABLE,
        work_date=None,
        entry=None,
        trouble="hours: not a number",
    )
    await save(corner, version(corner), unreadable)
    found = await lock(corner, "100", "101", "102")
    assert found == {"100": version(corner), "101": unreadable}


async def test_the_newest_version_takes_the_place_of_the_older(corner: Corner) -> None:
    await save(corner, version(corner))
    newer = version(corner, revision=2, status=LineStatus.WITHDRAWN, changed_at=datetime.now(UTC))
    await save(corner, newer)
    assert await lock(corner, "100") == {"100": newer}


async def test_no_line_at_all_is_saved_without_trouble(corner: Corner) -> None:
    await save(corner)
    assert await lock(corner) == {}


@pytest.mark.parametrize(
    ("day", "inside"),
    [(DAY, True), (DAY - timedelta(days=1), False), (DAY + timedelta(days=6), True), (None, False)],
    ids=str,
)
async def test_a_window_of_work_dates_includes_its_ends(
    corner: Corner, day: date | None, inside: bool
) -> None:
    await save(corner, version(corner, work_date=day))
    async with corner.database.transaction() as connection:
        found = await source_lines.in_window(
            connection, corner.source, "time_entry", DAY, DAY + timedelta(days=6)
        )
    assert ("100" in found) == inside


async def test_what_is_deleted_is_in_no_window(corner: Corner) -> None:
    await save(corner, version(corner, status=LineStatus.DELETED))
    async with corner.database.transaction() as connection:
        window = (corner.source, "time_entry", DAY, DAY)
        assert await source_lines.in_window(connection, *window) == set()


async def test_the_same_version_of_a_record_is_kept_once(corner: Corner) -> None:
    def raw(content_hash: str) -> RawRecord:
        return RawRecord(corner.source, "time_entry", "100", content_hash, f"body {content_hash}")

    async with corner.database.transaction() as connection:
        await source_lines.keep_raw(connection, [raw("a"), raw("a"), raw("b")])
        await source_lines.keep_raw(connection, [raw("a")])
    rows = await corner.database.fetch(
        "SELECT payload FROM inbox WHERE connection = $1 ORDER BY id", corner.source
    )
    assert [row["payload"] for row in rows] == ["body a", "body b"]


async def test_a_cursor_never_goes_back(corner: Corner) -> None:
    async with corner.database.transaction() as connection:
        read = (connection, corner.source, "time_entry")
        assert await cursors.watermark(*read) is None
        for moment in (NOON, NOON + timedelta(hours=1), NOON - timedelta(days=1)):
            await cursors.move_cursor(*read, moment)
        assert await cursors.watermark(*read) == NOON + timedelta(hours=1)
        assert await cursors.watermark(connection, corner.source, "other") is None


def news(corner: Corner, **changes: Any) -> DocumentNews:
    about = DocumentNews(corner.source, "timesheet", "sheet-1", "u1", MONDAY)
    return replace(about, **changes)


async def tell(corner: Corner, *told: DocumentNews) -> None:
    async with corner.database.transaction() as connection:
        await documents.tell(connection, told)


async def undispatched(corner: Corner) -> list[tuple[str, int]]:
    async with corner.database.transaction() as connection:
        found = await documents.undispatched(connection, corner.source, 10)
    return [(one.document_id, one.news_seq) for one in found]


async def dispatched(corner: Corner, *told: tuple[str, int]) -> None:
    async with corner.database.transaction() as connection:
        await documents.dispatched(connection, corner.source, [("timesheet", *one) for one in told])


async def test_a_document_with_news_is_owed_a_workflow_until_it_was_told(corner: Corner) -> None:
    await tell(corner, news(corner), news(corner, document_id="sheet-2"))
    await tell(corner, news(corner))
    assert await undispatched(corner) == [("sheet-1", 2), ("sheet-2", 1)]
    await dispatched(corner, ("sheet-1", 2), ("sheet-2", 1))
    assert await undispatched(corner) == []


async def test_news_that_came_while_the_workflow_was_told_stays_owed(corner: Corner) -> None:
    await tell(corner, news(corner))
    await tell(corner, news(corner))
    await dispatched(corner, ("sheet-1", 1))
    assert await undispatched(corner) == [("sheet-1", 2)]


async def test_what_was_told_is_never_untold(corner: Corner) -> None:
    await tell(corner, news(corner))
    await dispatched(corner, ("sheet-1", 5))
    await dispatched(corner, ("sheet-1", 1))
    await tell(corner, news(corner))
    assert await undispatched(corner) == []


async def test_lines_that_disagree_about_their_timesheet_do_not_sink_the_page(
    corner: Corner,
) -> None:
    """An unreadable line names no employee, and its week may only be guessed."""
    guessed = news(corner, employee="-", starts_on=MONDAY - timedelta(days=7))
    await tell(corner, news(corner), guessed, news(corner))
    assert [document_id for document_id, _ in await undispatched(corner)] == ["sheet-1"]


async def test_a_case_gives_documents_news_of_its_own(corner: Corner) -> None:
    await tell(corner, news(corner))
    await dispatched(corner, ("sheet-1", 1))
    async with corner.database.transaction() as connection:
        touched = await documents.touch(
            connection, [(corner.source, "sheet-1"), (corner.source, "nowhere")]
        )
    assert touched == [documents.Touched(corner.source, "timesheet", "sheet-1", 2)]
    assert await undispatched(corner) == [("sheet-1", 2)]


async def test_the_oldest_week_is_dispatched_first_and_a_limit_holds(corner: Corner) -> None:
    for number in range(12):
        week = MONDAY - timedelta(days=7 * number)
        await tell(corner, news(corner, document_id=f"sheet-{number:02}", starts_on=week))
    found = [document_id for document_id, _ in await undispatched(corner)]
    assert found == [f"sheet-{number:02}" for number in range(11, 1, -1)]


def letter(corner: Corner, **changes: Any) -> DeadLetter:
    about = DeadLetter(corner.source, "time_entry", "hash", "100", "hours: not a number", "{}")
    return replace(about, **changes)


async def letters(corner: Corner) -> list[tuple[Any, ...]]:
    rows = await corner.database.fetch(
        "SELECT content_hash, times, settled_at IS NOT NULL AS settled FROM dead_letter "
        "WHERE connection = $1 ORDER BY id",
        corner.source,
    )
    return [tuple(row) for row in rows]


async def test_the_same_dead_letter_is_counted_and_kept_once(corner: Corner) -> None:
    for _ in range(2):
        async with corner.database.transaction() as connection:
            await dead_letters.keep(
                connection, [letter(corner), letter(corner), letter(corner, content_hash="other")]
            )
    assert await letters(corner) == [("hash", 2, False), ("other", 2, False)]


async def test_a_readable_version_settles_the_dead_letters_of_a_line(corner: Corner) -> None:
    async with corner.database.transaction() as connection:
        await dead_letters.keep(
            connection,
            [letter(corner), letter(corner, content_hash="nameless", source_id=None)],
        )
        await dead_letters.settle(connection, corner.source, "time_entry", ["100"])
    assert await letters(corner) == [("hash", 1, True), ("nameless", 1, False)]


async def test_a_source_is_told_in_order_and_its_answer_is_final(corner: Corner) -> None:
    for number in range(3):
        key = await corner.sending(str(number))
        await corner.record(key, AttemptClass.EXECUTED, document_id=f"5{number}", acknowledge=True)
    async with corner.database.transaction() as connection:
        first, second, third = await outbox.waiting(connection, corner.source, "time_entry", 10)
        assert (first.source_id, first.document_id) == ("0", "50")
        await outbox.told(connection, [(first.id, True, "accepted"), (second.id, False, "gone")])
        # A late, other answer changes nothing.
        await outbox.told(connection, [(second.id, True, "accepted")])
        assert await outbox.waiting(connection, corner.source, "time_entry", 10) == [third]
    rows = await corner.database.fetch(
        "SELECT state, code FROM outbox WHERE connection = $1 ORDER BY id", corner.source
    )
    assert [tuple(row) for row in rows] == [
        ("SENT", "accepted"),
        ("REFUSED", "gone"),
        ("WAITING", None),
    ]
