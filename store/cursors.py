"""Cursors: how far a source has been read."""

from datetime import datetime

from store.database import Connection


async def watermark(connection: Connection, source: str, object_name: str) -> datetime | None:
    """Read the watermark (UTC); None if the source was never read."""
    row = await connection.fetchrow(
        "SELECT watermark FROM source_cursor WHERE connection = $1 AND object = $2",
        source,
        object_name,
    )
    return row["watermark"] if row else None


async def move_cursor(
    connection: Connection, source: str, object_name: str, watermark: datetime
) -> None:
    """Move a cursor forward, never back."""
    await connection.execute(
        """
        INSERT INTO source_cursor (connection, object, watermark, last_polled_at)
        VALUES ($1, $2, $3, now())
        ON CONFLICT (connection, object) DO UPDATE
        SET watermark = greatest(source_cursor.watermark, excluded.watermark),
            last_polled_at = now(), last_error = NULL
        """,
        source,
        object_name,
        watermark,
    )
