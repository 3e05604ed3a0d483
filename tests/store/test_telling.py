"""Telling: an item that its source does not answer waits, for however long it takes."""

from store import outbox
from store.postings import AttemptClass
from tests.store.corner import Corner


async def test_an_item_may_be_put_off_for_weeks(corner: Corner) -> None:
    """Its delay stops growing; a number that grew on would sink the answers of all others."""
    key = await corner.sending("1")
    await corner.record(key, AttemptClass.EXECUTED, document_id="51", acknowledge=True)
    await corner.database.execute(
        "UPDATE outbox SET attempts = 500 WHERE connection = $1", corner.source
    )
    async with corner.database.transaction() as connection:
        (item,) = await outbox.waiting(connection, corner.source, "time_entry", 10)
        await outbox.put_off(connection, item.id)
    row = await corner.database.fetch_row(
        "SELECT attempts, extract(epoch FROM not_before - now()) AS seconds FROM outbox "
        "WHERE connection = $1",
        corner.source,
    )
    assert row is not None
    assert row["attempts"] == 501
    assert 3590 < row["seconds"] <= 3600
