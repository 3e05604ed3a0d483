"""What people ask the ledger: how many, how much, how old, and the whole story of one line."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from canonical.posting import PostingKind
from canonical.source_line import LineStatus, LineVersion
from store import reports, source_lines
from store.database import Database
from store.postings import AttemptClass
from tests.store.corner import DAY, NOON, Corner


async def test_postings_are_counted_by_state_and_kind(own_ledger: Database) -> None:
    corner = Corner(own_ledger, 1)
    original = await corner.posted("1")
    await corner.posted("2", "502")
    await corner.pending("1", kind=PostingKind.UNDO, corrects=original, seconds=-3600)
    async with own_ledger.connection() as connection:
        counted = await reports.counts_by_state(connection)
    assert [(one.state, one.kind, one.lines, one.seconds) for one in counted] == [
        ("PENDING", "undo", 1, -3600),
        ("POSTED", "time", 2, 7200),
    ]


async def test_the_backlog_is_what_is_worth_an_alarm(own_ledger: Database) -> None:
    corner = Corner(own_ledger, 1)
    case_id = await corner.case()
    for number in range(3):
        await corner.stopped(str(number), case_id)
    for number, minutes in ((7, 5), (8, 50)):
        key = await corner.sending(str(number))
        await corner.set(key, unknown_since=datetime.now(UTC) - timedelta(minutes=minutes))
    await corner.sending("9")
    async with own_ledger.connection() as connection:
        backlog = await reports.backlog(connection)
    assert backlog.in_cases == [("closed_project", "DE01", 3)]
    ((target, lines, age_seconds),) = backlog.uncertain
    assert (target, lines) == (corner.target, 2)
    assert 2999 < age_seconds < 3100


async def test_what_blocks_most_comes_first_with_its_money(own_ledger: Database) -> None:
    corner = Corner(own_ledger, 1)
    small, large = await corner.case("P-small"), await corner.case("P-large")
    await corner.stopped("1", small)
    for number in range(2, 5):
        await corner.stopped(str(number), large)
    async with own_ledger.connection() as connection:
        found = await reports.blocked(connection)
    assert [(one.subject, one.lines, one.seconds, one.amount) for one in found] == [
        ("P-large", 3, 10800, Decimal("360.00")),
        ("P-small", 1, 3600, Decimal("120.00")),
    ]


async def test_what_a_source_approved_is_totalled_by_where_it_stands(corner: Corner) -> None:
    def line(source_id: str, seconds: int, status: LineStatus = LineStatus.APPROVED) -> LineVersion:
        entry = json.dumps({"seconds": seconds})
        return LineVersion(
            *(corner.source, "time_entry", source_id, "sheet-1", "u1", DAY, 1, "h", status),
            *(NOON, "source", None, entry, NOON),
        )

    async with corner.database.transaction() as connection:
        await source_lines.save(
            connection,
            [line("1", 60), line("2", 600), line("3", 1), line("4", 9, LineStatus.WITHDRAWN)],
        )
    await corner.posted("1")
    await corner.set(await corner.pending("2"), state="SUPERSEDED")
    await corner.pending("2", amendment=1)
    async with corner.database.connection() as connection:
        totals = await reports.source_totals(connection, corner.source, DAY, DAY)
    assert [(one.period, one.standing, one.lines, one.seconds) for one in totals] == [
        ("2026-10", "NEW", 1, 1),
        ("2026-10", "PENDING", 1, 600),
        ("2026-10", "POSTED", 1, 60),
    ]


async def test_what_is_in_the_erp_is_listed_by_its_work_date(corner: Corner) -> None:
    await corner.posted("1")
    await corner.set(await corner.posted("2", "502"), state="DUPLICATE")
    await corner.set(await corner.posted("3", "503"), state="REVERSED")
    await corner.pending("4")
    window = (corner.source, corner.target)
    async with corner.database.connection() as connection:
        found = await reports.posted_lines(connection, *window, DAY, DAY)
        later = DAY + timedelta(days=1)
        assert await reports.posted_lines(connection, *window, later, later) == []
    assert sorted((one.source_id, one.document_id) for one in found) == [("1", "501"), ("2", "502")]


async def test_the_story_of_a_line_is_told_by_any_of_its_names(corner: Corner) -> None:
    key = await corner.sending("line-of-a-story")
    await corner.record(key, AttemptClass.EXECUTED, document_id=f"document-{corner.number}")
    reference = (await corner.row(key))["reference"]
    for name in (reference, "line-of-a-story", f"document-{corner.number}", str(key)):
        async with corner.database.connection() as connection:
            (told,) = await reports.story(connection, name)
        steps = [(step["from"], step["to"]) for step in json.loads(told["steps"])]
        assert steps == [(None, "PENDING"), ("PENDING", "SENDING"), ("SENDING", "POSTED")]


async def test_a_story_is_of_one_source_only(corner: Corner) -> None:
    """Two sources may well have a line of the same id."""
    key = await corner.pending("twin")
    await Corner(corner.database, -corner.number).pending("twin")
    reference = (await corner.row(key))["reference"]
    async with corner.database.connection() as connection:
        told = await reports.story(connection, reference)
    assert [one["connection"] for one in told] == [corner.source]
