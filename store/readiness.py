"""Readiness as it was decided last: snapshots, their pieces, and the invoices of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from canonical.billing import BlockReason, ReadinessSnapshot
from canonical.billing_period import BillingPeriod
from rules.billing_pieces import Piece
from store.bulk import Columns
from store.database import Connection

_PIECE: Final = Columns(
    {
        "connection": "text",
        "engagement": "text",
        "period": "text",
        "ordinal": "int",
        "work_key": "text",
        "work_kind": "text",
        "revision": "int",
        "contract_line": "text",
        "project": "text",
        "work_date": "date",
        "seconds": "bigint",
        "amount": "numeric",
        "currency": "text",
        "fund": "text",
        "reason": "text",
        "why": "text",
    }
)
_SAVE_PIECES: Final = _PIECE.insert("readiness_piece")


async def save(
    connection: Connection,
    source: str,
    period: BillingPeriod,
    snapshot: ReadinessSnapshot,
    pieces: Sequence[Piece],
) -> bool:
    """Keep how a period stands; True if that is news. What can be released is kept for ever."""
    key = (source, period.engagement, period.period)
    before = await connection.fetchrow(
        "SELECT snapshot_hash FROM readiness WHERE connection = $1 AND engagement = $2 "
        "AND period = $3 FOR UPDATE",
        *key,
    )
    if before is not None and before["snapshot_hash"] == snapshot.hash:
        return False
    said = snapshot.model_dump_json()
    await connection.execute(
        """
        INSERT INTO readiness (connection, engagement, period, legal_entity, ready, snapshot_hash,
                               snapshot)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (connection, engagement, period) DO UPDATE
          SET legal_entity = excluded.legal_entity, ready = excluded.ready,
              snapshot_hash = excluded.snapshot_hash, snapshot = excluded.snapshot,
              assessed_at = now()
        """,
        *key,
        snapshot.legal_entity,
        snapshot.ready,
        snapshot.hash,
        said,
    )
    if snapshot.ready and snapshot.events:
        await connection.execute(
            "INSERT INTO readiness_snapshot (connection, engagement, period, hash, snapshot) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            *key,
            snapshot.hash,
            said,
        )
    await connection.execute(
        "DELETE FROM readiness_piece WHERE connection = $1 AND engagement = $2 AND period = $3",
        *key,
    )
    rows = [
        (
            *(*key, number, one.work.key, one.work.kind, one.work.revision),
            *(one.contract_line, one.project, one.work_date, one.seconds),
            *(one.amount.amount, one.amount.currency, one.fund, one.reason, one.why),
        )
        for number, one in enumerate(pieces)
    ]
    if rows:
        await connection.execute(_SAVE_PIECES, *_PIECE.arrays(rows))
    return True


async def forget(connection: Connection, source: str, period: BillingPeriod) -> None:
    """Nothing is to be billed of a period any more: its engagement is gone."""
    for table in ("readiness", "readiness_piece"):
        await connection.execute(
            f"DELETE FROM {table} WHERE connection = $1 AND engagement = $2 AND period = $3",
            source,
            period.engagement,
            period.period,
        )


async def blocked_by(
    connection: Connection, reason: BlockReason
) -> list[tuple[str, BillingPeriod]]:
    """The periods, with whose they are, that a reason blocked when they were looked at last."""
    rows = await connection.fetch(
        "SELECT DISTINCT connection, engagement, period FROM readiness_piece WHERE reason = $1 "
        "ORDER BY 1, 2, 3",
        reason,
    )
    return [(row["connection"], BillingPeriod(row["engagement"], row["period"])) for row in rows]


@dataclass(frozen=True, slots=True)
class Assessed:
    """How a period stood when it was looked at last (UTC)."""

    connection: str
    period: BillingPeriod
    snapshot: ReadinessSnapshot
    assessed_at: datetime


async def assessed(
    connection: Connection, *, engagement: str | None = None, period: str | None = None
) -> list[Assessed]:
    """Read how periods stand, by month and engagement."""
    rows = await connection.fetch(
        "SELECT connection, engagement, period, snapshot, assessed_at FROM readiness "
        "WHERE ($1::text IS NULL OR engagement = $1) AND ($2::text IS NULL OR period = $2) "
        "ORDER BY period, engagement",
        engagement,
        period,
    )
    return [
        Assessed(
            row["connection"],
            BillingPeriod(row["engagement"], row["period"]),
            ReadinessSnapshot.model_validate_json(row["snapshot"]),
            row["assessed_at"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class OpenPiece:
    """A part of open work as people look at it."""

    work_key: str
    contract_line: str | None
    project: str | None
    work_date: date
    seconds: int
    amount: Decimal
    currency: str
    reason: str | None
    why: str


async def pieces_of(connection: Connection, source: str, period: BillingPeriod) -> list[OpenPiece]:
    """List the parts of a period's open work, in the order of the decision."""
    rows = await connection.fetch(
        "SELECT work_key, contract_line, project, work_date, seconds, amount, currency, reason, "
        "why FROM readiness_piece WHERE connection = $1 AND engagement = $2 AND period = $3 "
        "ORDER BY ordinal",
        source,
        period.engagement,
        period.period,
    )
    return [OpenPiece(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Invoice:
    """A released invoice or credit note, and how far it is: posted, numbered, paid."""

    connection: str
    event_id: str
    document_id: str
    legal_entity: str
    customer: str
    engagement: str
    invoice_date: date
    currency: str
    net: Decimal
    credits: str | None
    released_by: str
    state: str
    reference: str | None
    erp_document_id: str | None
    number: str | None
    total: Decimal | None
    paid: Decimal | None
    payment: str | None
    due_on: date | None
    posted_at: datetime | None
    to_be_told: int


async def invoices(
    connection: Connection,
    *,
    document_id: str | None = None,
    source: str | None = None,
    period: str | None = None,
) -> list[Invoice]:
    """List invoices and credit notes, the newest last; of one document, of a month, or all."""
    rows = await connection.fetch(
        """
        SELECT l.connection, l.source_id AS event_id, l.document_id,
          e.entry #>> '{invoice,legal_entity}' AS legal_entity,
          e.entry #>> '{invoice,customer}' AS customer, e.entry ->> 'engagement' AS engagement,
          l.work_date AS invoice_date, e.entry #>> '{invoice,currency}' AS currency,
          (SELECT sum((line ->> 'amount')::numeric)
           FROM jsonb_array_elements(e.entry #> '{invoice,lines}') AS line) AS net,
          e.entry #>> '{invoice,credits}' AS credits, l.employee AS released_by,
          CASE WHEN l.status = 'APPROVED' THEN coalesce(p.state, 'RELEASED') ELSE l.status END
            AS state,
          p.reference, p.erp_document_id, d.number, d.total, d.paid, d.state AS payment, d.due_on,
          p.posted_at,
          (SELECT count(*) FROM outbox o
           WHERE o.posting_key = p.key AND o.state = 'WAITING') AS to_be_told
        FROM source_line l
        CROSS JOIN LATERAL (SELECT l.entry::jsonb AS entry) e
        LEFT JOIN LATERAL (
          SELECT key, state, reference, erp_document_id, posted_at FROM posting p
          WHERE p.connection = l.connection AND p.object = l.object
            AND p.source_id = l.source_id AND p.revision = l.revision AND p.kind = 'invoice'
            AND p.state NOT IN ('SUPERSEDED', 'CANCELLED')
          ORDER BY p.amendment DESC LIMIT 1
        ) p ON true
        LEFT JOIN document_payment d ON d.posting_key = p.key
        WHERE l.object = 'billing_event'
          AND ($1::text IS NULL OR l.document_id = $1) AND ($2::text IS NULL OR l.connection = $2)
          AND ($3::text IS NULL OR to_char(l.work_date, 'YYYY-MM') = $3)
        ORDER BY l.approved_at, l.source_id
        """,
        document_id,
        source,
        period,
    )
    return [Invoice(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Leaking:
    """Approved, billable work that is old and not billed."""

    engagement: str
    project: str | None
    work_key: str
    work_date: date
    age_days: int
    seconds: int
    amount: Decimal
    currency: str
    cause: str


async def leakage(connection: Connection, as_of: date, older_than_days: int) -> list[Leaking]:
    """List what leaks, the oldest first, then the dearest."""
    rows = await connection.fetch("SELECT * FROM leakage($1, $2)", as_of, older_than_days)
    return [Leaking(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Margin:
    """What a project came to in one currency so far: billed + WIP - cost."""

    project: str
    currency: str
    billed: Decimal
    wip: Decimal
    cost: Decimal
    margin: Decimal


async def margins(connection: Connection) -> list[Margin]:
    """What projects came to, by currency, nothing converted."""
    rows = await connection.fetch("SELECT * FROM project_margin ORDER BY project, currency")
    return [Margin(**dict(row)) for row in rows]
