"""The outbox: what sources are still to be told, written with the posting that it is about."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.database import Connection


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One thing a source is to be told."""

    id: int
    source_id: str
    reference: str
    document_id: str


async def waiting(connection: Connection, source: str, limit: int) -> list[OutboxItem]:
    """List what a source is to be told next, oldest first."""
    rows = await connection.fetch(
        "SELECT id, source_id, reference, document_id FROM outbox "
        "WHERE connection = $1 AND state = 'WAITING' ORDER BY id LIMIT $2",
        source,
        limit,
    )
    return [OutboxItem(**dict(row)) for row in rows]


async def told(connection: Connection, answers: Sequence[tuple[int, bool, str]]) -> None:
    """Note the source's answers: (item, accepted, code). A refusal is an answer too, and final."""
    await connection.execute(
        """
        UPDATE outbox o SET state = CASE WHEN a.accepted THEN 'SENT' ELSE 'REFUSED' END,
               code = a.code, done_at = now()
        FROM unnest($1::bigint[], $2::boolean[], $3::text[]) AS a(id, accepted, code)
        WHERE o.id = a.id AND o.state = 'WAITING'
        """,
        [item for item, _, _ in answers],
        [accepted for _, accepted, _ in answers],
        [code for _, _, code in answers],
    )
