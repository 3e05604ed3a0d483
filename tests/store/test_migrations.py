"""Migrations of a ledger in use: what it holds is still there, and goes on."""

from typing import Any

import pytest
from alembic import command

from store import outbox, schema
from store.database import Database
from store.postings import AttemptClass
from tests.server_fixtures import FreshDatabase
from tests.store.corner import Corner


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
