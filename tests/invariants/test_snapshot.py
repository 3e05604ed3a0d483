"""A ledger that the product itself wrote, read back with plain SQL: the checkers understand it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from canonical.posting import PostingKind
from store.database import Database
from store.postings import AttemptClass
from tests.invariants.rows import ErpLine, Row
from tests.invariants.snapshot import erp_line, read_ledger, report, source_entry, violations
from tests.server_fixtures import FreshDatabase
from tests.store.corner import DAY, Corner

A = AttemptClass


def shown(row: Row) -> ErpLine:
    return erp_line(
        document_id=str(row["erp_document_id"]),
        reference=str(row["reference"]),
        seconds=3600,
        work_date=DAY,
        legal_entity="DE01",
    )


async def test_a_ledger_of_the_product_has_no_violation(
    fresh_database: FreshDatabase, migrated: str
) -> None:
    dsn = await fresh_database(migrated)
    database = await Database.connect(dsn)
    corner = Corner(database, 1)
    posted = await _sent(corner, "1")
    await corner.record(posted, A.EXECUTED, document_id="501", attested=True)
    withdrawn = await _sent(corner, "2")
    await corner.record(withdrawn, A.EXECUTED, document_id="502", attested=True)
    undo = corner.posting(
        "2",
        kind=PostingKind.UNDO,
        corrects=withdrawn,
        seconds=-3600,
        amount=-corner.posting("2").amount,
    )
    assert undo.intent is not None
    about = undo.intent.model_copy(update={"corrects_document": "502"})
    await corner.write(replace(undo, intent=about))
    (back,) = await corner.read(undo.key)
    fences = await corner.claim(back)
    await corner.record(undo.key, A.EXECUTED, fence=fences[undo.key], document_id="502")
    lost = await _sent(corner, "3")
    await corner.record(lost, A.UNKNOWN, code="reset")
    (unknown,) = await corner.read(lost)
    await corner.claim(unknown, lane="other")
    await corner.record(lost, A.PROVEN_ABSENT, fence=2)
    await corner.stopped("4")
    await database.close()

    snapshot = await read_ledger(dsn)
    rows = {row["source_id"]: row for row in snapshot.ledger if row["kind"] == "time"}
    erp = [shown(rows["1"])]
    entries = [
        source_entry(
            connection=corner.source,
            entry_id=str(number),
            approved=number != 2,
            seconds=3600,
            work_date=DAY,
        )
        for number in range(1, 5)
    ]
    found = violations(
        snapshot.ledger, snapshot.audit, entries, erp, cases=snapshot.cases, settled=True
    )
    assert found == [], report(found)
    assert {row["state"] for row in snapshot.ledger} >= {"POSTED", "REVERSED", "EXCEPTION"}


async def _sent(corner: Corner, source_id: str) -> UUID:
    key = await corner.pending(source_id)
    (posting,) = await corner.read(key)
    await corner.claim(posting)
    return key


async def test_a_snapshot_is_of_one_instant_and_of_all_there_is(
    fresh_database: FreshDatabase, migrated: str
) -> None:
    dsn = await fresh_database(migrated)
    database = await Database.connect(dsn)
    corner = Corner(database, 1)
    await corner.stopped("1")
    key = await corner.posted("2")
    await corner.set(key, attested_at=datetime.now(UTC))
    await database.close()
    snapshot = await read_ledger(dsn)
    assert [row["case_state"] for row in snapshot.ledger if row["state"] == "EXCEPTION"] == ["OPEN"]
    assert (len(snapshot.ledger), len(snapshot.cases)) == (2, 1)
    steps = [row["to_state"] for row in snapshot.audit if row["subject"] == str(key)]
    assert steps == ["PENDING", "SENDING", "POSTED"]
