"""Bulk: a thousand rows are one statement, never one statement per row."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from canonical.masters import Masters
from canonical.source_line import LineStatus, LineVersion
from store import (
    cases,
    dead_letters,
    documents,
    masters,
    posting_attempts,
    posting_ledger,
    source_lines,
)
from store.bulk import Columns
from store.database import Connection
from store.dead_letters import DeadLetter
from store.documents import DocumentNews
from store.postings import AttemptClass, AttemptResult, Moves, Posting, Requeue, StillStopped
from store.source_lines import RawRecord
from tests.store.corner import DAY, NOON, WHO, Corner
from tests.unit.building import project

ROWS = 1_000
Statement = Callable[[Connection], Awaitable[object]]


async def count(corner: Corner, call: Statement) -> int:
    """How many statements a call sends to the database, less the driver's own about types."""
    sent: list[str] = []

    async with corner.database.transaction() as connection:
        with connection.query_logger(lambda query: sent.append(query.query)):
            await call(connection)
    return sum("typeinfo" not in one and "set_config('jit'" not in one for one in sent)


async def test_writing_down_is_one_statement(corner: Corner) -> None:
    new = [corner.posting(str(number)) for number in range(ROWS)]
    assert await count(corner, lambda c: posting_ledger.write_down(c, new, WHO)) == 1


async def _written(corner: Corner) -> list[Posting]:
    await corner.write(*(corner.posting(str(number)) for number in range(ROWS)))
    async with corner.database.transaction() as connection:
        ids = [str(number) for number in range(ROWS)]
        return await posting_ledger.of_lines(connection, corner.source, "time_entry", ids)


async def test_claiming_recording_and_moving_on_are_one_statement_each(corner: Corner) -> None:
    postings = await _written(corner)
    assert len(postings) == ROWS
    claim = posting_attempts.claim
    assert await count(corner, lambda c: claim(c, postings, "mine", "{}", WHO)) == 1
    results = [
        AttemptResult(one.key, 1, AttemptClass.EXECUTED, document_id=str(place))
        for place, one in enumerate(postings)
    ]
    record = posting_attempts.record
    assert await count(corner, lambda c: record(c, results, WHO, acknowledge=True)) == 1
    keys = [one.key for one in postings]
    assert await count(corner, lambda c: posting_attempts.attest(c, keys)) == 1
    notes = Moves(note_withdrawn=keys, note_revision=[(key, 2) for key in keys])
    assert await count(corner, lambda c: posting_ledger.move(c, notes, WHO)) == 2


async def test_giving_back_and_ending_are_one_statement_each(corner: Corner) -> None:
    postings = await _written(corner)
    fences = await corner.claim(*postings)
    assert await count(corner, lambda c: posting_attempts.give_back(c, fences, WHO)) == 1
    ends = Moves(cancel=list(fences)[:500], supersede=list(fences)[500:])
    assert await count(corner, lambda c: posting_ledger.move(c, ends, WHO)) == 2


async def test_queueing_again_and_stopping_again_are_one_statement_each(corner: Corner) -> None:
    case_id = await corner.case()
    new = [corner.posting(str(number), case_id=case_id) for number in range(ROWS)]
    await corner.write(*new)
    await corner.database.execute(
        "UPDATE posting SET state = 'EXCEPTION' WHERE connection = $1", corner.source
    )
    stopped = [StillStopped(one.key, case_id) for one in new]
    assert await count(corner, lambda c: posting_ledger.still_stopped(c, stopped)) == 1
    passed = [
        Requeue(one.key, one.legal_entity, one.seconds, one.amount, one.currency, one.intent)
        for one in new
        if one.intent is not None
    ]
    assert len(passed) == ROWS
    assert await count(corner, lambda c: posting_ledger.requeue(c, passed, WHO)) == 1


async def test_opening_cases_is_one_statement(corner: Corner) -> None:
    openings = [corner.opening(f"P-{number}") for number in range(ROWS)]
    assert await count(corner, lambda c: cases.open_cases(c, openings, WHO)) == 1


async def test_taking_in_a_page_is_one_statement_per_table(corner: Corner) -> None:
    line = LineVersion(
        *(corner.source, "time_entry", "0", "sheet-1", "u1", DAY, 1, "hash"),
        *(LineStatus.APPROVED, NOON, "source", None, "{}", NOON),
    )
    lines = [replace(line, source_id=str(number)) for number in range(ROWS)]
    raw = [RawRecord(corner.source, "time_entry", one.source_id, "h", "{}") for one in lines]
    told = [DocumentNews(corner.source, "timesheet", one.source_id, "u1", DAY) for one in lines]
    letters = [
        DeadLetter(corner.source, "time_entry", one.source_id, None, "why", "{}") for one in lines
    ]
    ids = [one.source_id for one in lines]
    lock = source_lines.lock
    assert await count(corner, lambda c: source_lines.save(c, lines)) == 1
    assert await count(corner, lambda c: source_lines.keep_raw(c, raw)) == 1
    assert await count(corner, lambda c: lock(c, corner.source, "time_entry", ids)) == 1
    assert await count(corner, lambda c: documents.tell(c, told)) == 1
    assert await count(corner, lambda c: dead_letters.keep(c, letters)) == 1


async def test_saving_masters_takes_a_handful_of_statements(corner: Corner) -> None:
    known = Masters(projects=tuple(project(f"P-{n}", id=str(n)) for n in range(ROWS)))
    save = masters.save_masters
    assert await count(corner, lambda c: save(c, corner.source, known)) == 3


@pytest.mark.parametrize("rows", [[], [("a", 1)], [("a", 1), ("b", 2)]])
def test_rows_travel_as_one_array_per_column(rows: list[tuple[str, int]]) -> None:
    columns = Columns({"name": "text", "size": "int"})
    assert columns.arrays(rows) == [[row[0] for row in rows], [row[1] for row in rows]]
    assert columns.insert("t") == (
        "INSERT INTO t (name, size) SELECT name, size FROM "
        "unnest($1::text[], $2::int[]) AS r(name, size) "
    )


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Columns({"name": "text"}).arrays([("a", 1), ("b",)])
