"""Migrations of a ledger in use: what it holds is still there, and goes on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command

from store import contracts, outbox, schema
from store.database import Database
from store.postings import AttemptClass
from tests.server_fixtures import FreshDatabase
from tests.store.corner import DAY, Corner


async def test_a_ledger_of_time_alone_takes_expenses_in_and_goes_on(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await fresh_database()
    upgrade = command.upgrade

    def to_the_first(config: Any, _: str) -> None:
        upgrade(config, "0001")

    with monkeypatch.context() as only:
        only.setattr(command, "upgrade", to_the_first)
        await schema.upgrade(dsn)
    database = await Database.connect(dsn)
    try:
        corner = Corner(database, 1)
        key = await corner.sending("1")
        await database.execute(
            "UPDATE posting SET state = 'POSTED', erp_document_id = '51', posted_at = now() "
            "WHERE key = $1",
            key,
        )
        for kind, state in (("posted", "WAITING"), ("earlier", "SENT")):
            await database.execute(
                "INSERT INTO outbox (connection, object, source_id, posting_key, kind, reference, "
                "document_id, state) VALUES ($1, 'time_entry', '1', $2, $3, 'L1', '51', $4)",
                *(corner.source, key, kind, state),
            )
        await database.execute(
            "INSERT INTO source_line (connection, object, source_id, document_id, employee, "
            "revision, financial_hash, status, changed_at) VALUES "
            "($1, 'time_entry', '2', 'sheet-1', '-', 1, 'unreadable', 'UNREADABLE', now())",
            corner.source,
        )
        await schema.upgrade(dsn)
        assert await schema.differences(dsn) == []
        async with database.transaction() as connection:
            (item,) = await outbox.waiting(connection, corner.source, "time_entry", 10)
            assert (item.kind, item.ordinal, item.number) == ("posted", 0, "")
            await outbox.put_off(connection, item.id)
        again = await corner.sending("3")
        await corner.record(again, AttemptClass.EXECUTED, document_id="53", acknowledge=True)
        assert await corner.state(again) == "POSTED"
    finally:
        await database.close()


async def test_a_ledger_of_time_and_expenses_takes_billing_in_and_knows_what_work_is_on(
    fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await fresh_database()
    upgrade = command.upgrade

    def to_the_second(config: Any, _: str) -> None:
        upgrade(config, "0002")

    with monkeypatch.context() as only:
        only.setattr(command, "upgrade", to_the_second)
        await schema.upgrade(dsn)
    database = await Database.connect(dsn)
    try:
        costs = {"items": [{"allocations": [{"project": "P-1"}, {"project": "P-2"}]}, {}]}
        for object_name, source_id, status, entry in (
            ("time_entry", "1", "APPROVED", {"project": "P-1"}),
            ("time_entry", "2", "WITHDRAWN", {"project": "P-2"}),
            ("time_entry", "3", "UNREADABLE", None),
            ("expense_report", "doc1", "APPROVED", costs),
            ("expense_report", "doc2", "APPROVED", {"items": []}),
        ):
            await database.execute(
                "INSERT INTO source_line (connection, object, source_id, document_id, employee, "
                "work_date, revision, financial_hash, status, entry, changed_at) VALUES "
                "('harvest', $1, $2, 'sheet-1', '-', $5, 1, '', $3, $4, now())",
                *(object_name, source_id, status, entry and json.dumps(entry), DAY),
            )
        key = await Corner(database, 1).posted("1")
        await schema.upgrade(dsn)
        assert await schema.differences(dsn) == []
        rows = await database.fetch(
            "SELECT object, source_id, project FROM work_project ORDER BY source_id, project"
        )
        assert [tuple(row.values()) for row in rows] == [
            ("time_entry", "1", "P-1"),
            ("time_entry", "2", "P-2"),
            ("expense_report", "doc1", "P-1"),
            ("expense_report", "doc1", "P-2"),
        ]
        # What was posted before goes on, and what happens from now on is news to who bills.
        await Corner(database, 1).set(key, attested_at=datetime.now(UTC))
        await database.execute("INSERT INTO engagement_project VALUES ('contracts', 'E-1', 'P-1')")
        await database.execute("UPDATE source_line SET status = 'WITHDRAWN' WHERE source_id = '1'")
        async with database.transaction() as connection:
            heard, taken = await contracts.hear(connection, 10)
        assert ([(one.engagement, one.since) for one in heard], taken) == ([("E-1", DAY)], 1)
    finally:
        await database.close()
