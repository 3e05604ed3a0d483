"""The outbox: what sources are still to be told, written with the posting that it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from store.database import Connection


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One thing a source is to be told."""

    id: int
    source_id: str
    reference: str
    document_id: str
    # What happened: posted, failed, or a step of its payment.
    kind: str
    ordinal: int
    # JSON whose form the kind decides.
    detail: str | None
    # The posting that it is about, where it is, and whose; the number that people see on the ERP's
    # document, if anybody has looked at its payment yet.
    target: str
    number: str
    employee: str
    legal_entity: str
    posting_date: date | None
    amount: Decimal
    currency: str


async def waiting(
    connection: Connection, source: str, object_name: str, limit: int
) -> list[OutboxItem]:
    """List what a source is to be told next, oldest first; each document's news in order.

    What was put off holds up the later news of its own document, and of no other.
    """
    rows = await connection.fetch(
        """
        SELECT o.id, o.source_id, o.reference, o.document_id, o.kind, o.ordinal, o.detail,
               p.target, coalesce(d.number, '') AS number, coalesce(l.employee, '') AS employee,
               p.legal_entity, p.posting_date, p.amount, p.currency
        FROM outbox o JOIN posting p ON p.key = o.posting_key
        LEFT JOIN document_payment d ON d.posting_key = o.posting_key
        LEFT JOIN source_line l ON l.connection = o.connection AND l.object = o.object
          AND l.source_id = o.source_id
        WHERE o.connection = $1 AND o.object = $2 AND o.state = 'WAITING'
          AND NOT EXISTS (
            SELECT FROM outbox e
            WHERE e.connection = o.connection AND e.object = o.object AND e.state = 'WAITING'
              AND e.source_id = o.source_id AND e.id <= o.id AND e.not_before > now())
        ORDER BY o.id LIMIT $3
        """,
        source,
        object_name,
        limit,
    )
    return [OutboxItem(**dict(row)) for row in rows]


async def put_off(connection: Connection, item: int) -> None:
    """Leave an item for later that its source did not answer: for a second, then ever longer."""
    await connection.execute(
        """
        UPDATE outbox SET attempts = attempts + 1,
          not_before = now()
            + least(interval '1 second' * 4 ^ least(attempts, 6), interval '1 hour')
        WHERE id = $1 AND state = 'WAITING'
        """,
        item,
    )


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
