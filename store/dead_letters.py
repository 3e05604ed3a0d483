"""Dead letters: records that could not be read and name no line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from store.bulk import Columns
from store.database import Connection

_LETTER: Final = Columns(
    {"connection": "text", "object": "text", "content_hash": "text", "source_id": "text",
     "reason": "text", "payload": "text"}
)  # fmt: skip
_KEEP: Final = _LETTER.insert(
    "dead_letter",
    """
    ON CONFLICT ON CONSTRAINT dead_letter_once
    DO UPDATE SET times = dead_letter.times + 1, last_seen_at = now(), settled_at = NULL
    """,
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be read, and why."""

    connection: str
    object: str
    content_hash: str
    source_id: str | None
    reason: str
    payload: str


async def keep(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep records that could not be read; one that is back is counted, and open again."""
    rows = {
        (one.connection, one.object, one.content_hash): (
            *(one.connection, one.object, one.content_hash, one.source_id),
            *(one.reason, one.payload),
        )
        for one in letters
    }
    await connection.execute(_KEEP, *_LETTER.arrays(rows.values()))


async def settle(
    connection: Connection, source: str, object_name: str, source_ids: Iterable[str]
) -> None:
    """A readable version of these lines came: their dead letters are history."""
    await connection.execute(
        "UPDATE dead_letter SET settled_at = now() WHERE connection = $1 AND object = $2 "
        "AND source_id = ANY($3::text[]) AND settled_at IS NULL",
        source,
        object_name,
        list(source_ids),
    )
