"""What the sources of contracts are still to be told of invoices, out of the outbox."""

from dataclasses import dataclass
from datetime import date

from canonical.billing import BillingEvent
from canonical.source_line import BILLING_EVENT
from store.database import Connection


@dataclass(frozen=True, slots=True)
class InvoiceItem:
    """One step of one invoice; `credited_number` is the number of what a credit note is about."""

    id: int
    kind: str
    ordinal: int
    detail: str | None
    event: BillingEvent
    target: str
    reference: str
    document_id: str
    of_document: str
    number: str
    due_on: date | None
    credited_document: str | None
    credited_number: str


async def waiting(connection: Connection, source: str, limit: int) -> list[InvoiceItem]:
    """List what is to be told next, oldest first; each invoice's news in order."""
    rows = await connection.fetch(
        """
        SELECT o.id, o.kind, o.ordinal, o.detail, l.entry, p.target, o.reference, o.document_id,
               p.document_id AS of_document, coalesce(d.number, '') AS number, d.due_on,
               c.erp_document_id AS credited_document, coalesce(cd.number, '') AS credited_number
        FROM outbox o JOIN posting p ON p.key = o.posting_key
        JOIN source_line l ON l.connection = p.connection AND l.object = p.object
          AND l.source_id = p.source_id
        LEFT JOIN document_payment d ON d.posting_key = p.key
        LEFT JOIN posting c ON c.key = p.corrects
        LEFT JOIN document_payment cd ON cd.posting_key = c.key
        WHERE o.connection = $1 AND o.object = $2 AND o.state = 'WAITING'
          AND NOT EXISTS (
            SELECT FROM outbox e
            WHERE e.connection = o.connection AND e.object = o.object AND e.state = 'WAITING'
              AND e.source_id = o.source_id AND e.id <= o.id AND e.not_before > now())
        ORDER BY o.id LIMIT $3
        """,
        source,
        BILLING_EVENT,
        limit,
    )
    return [
        InvoiceItem(
            **{name: value for name, value in dict(row).items() if name != "entry"},
            event=BillingEvent.model_validate_json(row["entry"]),
        )
        for row in rows
    ]
