"""The story of what was billed: an invoice by its names, and the invoices that work is on."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from canonical.expense import EXPENSE_REPORT
from canonical.source_line import BILLING_EVENT
from canonical.time_entry import TIME_ENTRY
from store.billing import SHORT_ID
from store.database import Connection

_PREFIX_OF: Final = {TIME_ENTRY: "time", EXPENSE_REPORT: "expense"}
# The posting of an event that counts now, with the number that the ERP gave it.
_POSTED: Final = """
    SELECT p.state, d.number FROM posting p
    LEFT JOIN document_payment d ON d.posting_key = p.key
    WHERE p.connection = {event}.connection AND p.object = 'billing_event'
      AND p.source_id = {event}.source_id AND p.kind = 'invoice'
      AND p.state NOT IN ('SUPERSEDED', 'CANCELLED')
    ORDER BY p.revision DESC, p.amendment DESC LIMIT 1
"""


async def events_called(connection: Connection, name: str) -> list[str]:
    """The billing events whose documents have a number in the ERP, or whose ids begin so."""
    rows = await connection.fetch(
        "SELECT p.source_id FROM document_payment d JOIN posting p ON p.key = d.posting_key "
        "WHERE p.object = $2 AND d.number = $1 UNION "
        "SELECT source_id FROM source_line WHERE object = $2 AND length($1) >= $3 "
        "AND starts_with(source_id, $1) ORDER BY 1",
        name,
        BILLING_EVENT,
        SHORT_ID,
    )
    return [row["source_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class OtherDocument:
    """An invoice or credit note that another one is about; `number` is empty while it has none."""

    event_id: str
    number: str
    invoice_date: date
    net: Decimal
    state: str


@dataclass(frozen=True, slots=True)
class BilledEvent:
    """A billing event as people read it; `invoice` is the JSON of what the ERP is told."""

    engagement: str
    released_by: str
    invoice: str
    credits: OtherDocument | None
    credited_by: tuple[OtherDocument, ...]


async def event_of(
    connection: Connection, source: str, object_name: str, source_id: str
) -> BilledEvent | None:
    """Read an event with the invoice that it credits, or the credit notes on it; else None."""
    if object_name != BILLING_EVENT:
        return None
    row = await connection.fetchrow(
        "SELECT l.employee AS released_by, l.entry::jsonb ->> 'engagement' AS engagement, "
        "(l.entry::jsonb -> 'invoice')::text AS invoice, "
        "l.entry::jsonb #>> '{invoice,credits}' AS credits, l.document_id "
        "FROM source_line l WHERE l.connection = $1 AND l.object = $2 AND l.source_id = $3",
        source,
        BILLING_EVENT,
        source_id,
    )
    if row is None:
        return None
    others = await connection.fetch(
        f"""
        SELECT e.source_id AS event_id, coalesce(p.number, '') AS number,
          e.work_date AS invoice_date, coalesce(p.state, e.status) AS state,
          (SELECT sum((line ->> 'amount')::numeric)
           FROM jsonb_array_elements(e.entry::jsonb #> '{{invoice,lines}}') AS line) AS net
        FROM source_line e LEFT JOIN LATERAL ({_POSTED.format(event="e")}) p ON true
        WHERE e.connection = $1 AND e.object = $2 AND e.status = 'APPROVED'
          AND (e.source_id = $4 OR (starts_with(e.document_id, $5 || '/')
                                    AND e.entry::jsonb #>> '{{invoice,credits}}' = $3))
        ORDER BY e.approved_at, e.source_id
        """,
        source,
        BILLING_EVENT,
        source_id,
        row["credits"],
        row["engagement"],
    )
    found = [OtherDocument(**dict(one)) for one in others]
    return BilledEvent(
        row["engagement"],
        row["released_by"],
        row["invoice"],
        next((one for one in found if one.event_id == row["credits"]), None),
        tuple(one for one in found if one.event_id != row["credits"]),
    )


@dataclass(frozen=True, slots=True)
class BilledPart:
    """A part of work that was billed, credited or given up, and where.

    `line` is the number of the invoice line on the paper; `credits` the number of the invoice that
    is credited. Numbers are empty while the ERP has given none.
    """

    revision: int
    kind: str
    event_id: str
    number: str
    state: str
    line: int | None
    on_date: date
    seconds: int
    amount: Decimal
    currency: str
    credits: str
    reason: str


async def parts_of(
    connection: Connection, source: str, object_name: str, source_id: str
) -> list[BilledPart]:
    """List what of a source line stands billed, credited or written off, in its order."""
    prefix = _PREFIX_OF.get(object_name)
    if prefix is None:
        return []
    key = f"{prefix}:{source}:{source_id}"
    rows = await connection.fetch(
        f"""
        SELECT a.revision, a.kind, a.event_id, coalesce(p.number, '') AS number,
          coalesce(p.state, e.status, '') AS state, a.billed_date AS on_date, a.seconds, a.amount,
          a.currency, coalesce(a.body::jsonb ->> 'reason', '') AS reason,
          (SELECT n FROM jsonb_array_elements(e.entry::jsonb #> '{{invoice,lines}}')
             WITH ORDINALITY AS x(line, n) WHERE line ->> 'id' = a.invoice_line)::int AS line,
          coalesce((SELECT d.number FROM posting o JOIN document_payment d ON d.posting_key = o.key
             WHERE o.connection = a.connection AND o.object = 'billing_event'
               AND o.source_id = e.entry::jsonb #>> '{{invoice,credits}}' AND o.kind = 'invoice'
             ORDER BY o.revision DESC, o.amendment DESC LIMIT 1), '') AS credits
        FROM standing_allocation a
        LEFT JOIN source_line e ON e.connection = a.connection AND e.object = 'billing_event'
          AND e.source_id = a.event_id
        LEFT JOIN LATERAL ({_POSTED.format(event="e")}) p ON true
        WHERE a.work_key = $1 OR (a.work_kind = 'expense' AND split_part(a.work_key, '/', 1) = $1)
        ORDER BY a.made_at, a.event_id, a.ordinal
        """,
        key,
    )
    return [BilledPart(**dict(row)) for row in rows]
