"""Billing events, and the allocations that say which work they are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from canonical.billing import Allocation, BillingEvent
from canonical.billing_period import BillingPeriod
from canonical.contracts import Engagement
from canonical.messages import BILLING
from canonical.source_line import BILLING_EVENT, LineStatus, LineVersion
from store import documents
from store.bulk import Columns
from store.database import Connection
from store.documents import DocumentNews

# So much of an event's id is shown, and is enough to name it.
SHORT_ID: Final = 8
_ALLOCATION: Final = Columns(
    {
        "connection": "text",
        "engagement": "text",
        "legal_entity": "text",
        "event_id": "text",
        "ordinal": "int",
        "kind": "text",
        "invoice_line": "text",
        "role": "text",
        "contract_line": "text",
        "work_key": "text",
        "work_kind": "text",
        "revision": "int",
        "project": "text",
        "work_date": "date",
        "billed_date": "date",
        "seconds": "bigint",
        "worth": "numeric",
        "worth_currency": "text",
        "amount": "numeric",
        "currency": "text",
        "body": "text",
    }
)
# The same event is made of the same work, whoever writes it down again.
_ALLOCATE: Final = _ALLOCATION.insert(
    "billing_allocation", "ON CONFLICT (connection, event_id, ordinal) DO NOTHING"
)
_RELEASE: Final = """
    INSERT INTO source_line AS l (connection, object, source_id, document_id, employee, work_date,
      revision, financial_hash, status, approved_at, approved_at_from, entry, changed_at)
    SELECT $1, $2, n.id, $3, $4, n.invoice_date, 1, n.hash, 'APPROVED', $5, 'source', n.entry, $5
    FROM unnest($6::text[], $7::date[], $8::text[], $9::text[]) AS n(id, invoice_date, hash, entry)
    ON CONFLICT (connection, object, source_id) DO UPDATE
      SET status = 'APPROVED', revision = l.revision + 1, approved_at = excluded.approved_at,
          employee = excluded.employee, changed_at = excluded.changed_at
      WHERE l.status <> 'APPROVED' OR EXISTS (
        SELECT FROM posting p
        WHERE p.connection = l.connection AND p.object = l.object AND p.source_id = l.source_id
          AND p.revision = l.revision AND p.state = 'WAIVED')
"""


async def hold(connection: Connection, source: str, engagement: str) -> None:
    """Hold an engagement and its projects until the commit: one at a time decides on their work.

    A project that two engagements are about is decided on by one of them at a time, too.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"billing/{source}/{engagement}"
    )
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('billed work of ' || project, 0)) FROM ("
        "SELECT project FROM engagement_project WHERE connection = $1 AND engagement = $2 "
        "ORDER BY project) AS held_in_one_order",
        source,
        engagement,
    )


async def release(
    connection: Connection,
    source: str,
    period: BillingPeriod,
    events: Sequence[BillingEvent],
    by: str,
) -> None:
    """Write events down with the work that they are made of, and tell their document.

    One that was sent back before is released anew, as another revision.
    """
    now = datetime.now(UTC)
    await connection.execute(
        _RELEASE,
        source,
        BILLING_EVENT,
        period.document_id,
        by,
        now,
        [one.id for one in events],
        [one.invoice.invoice_date for one in events],
        [one.invoice.body_hash for one in events],
        [one.model_dump_json() for one in events],
    )
    await _allocate(connection, source, events)
    await tell(connection, source, [period])


async def _allocate(connection: Connection, source: str, events: Iterable[BillingEvent]) -> None:
    rows = [
        _row(
            one,
            source=source,
            engagement=event.engagement,
            legal_entity=event.invoice.legal_entity,
            event=event.id,
            number=number,
            role=roles.get(one.invoice_line or ""),
        )
        for event in events
        for roles in [{line.id: str(line.role) for line in event.invoice.lines}]
        for number, one in enumerate(event.allocations)
    ]
    if rows:
        await connection.execute(_ALLOCATE, *_ALLOCATION.arrays(rows))


async def write_off(
    connection: Connection,
    source: str,
    engagement: Engagement,
    name: str,
    given_up: Sequence[Allocation],
) -> None:
    """Write down what is given up without an invoice; `name` makes a repeat recognisable."""
    rows = [
        _row(
            one,
            source=source,
            engagement=engagement.id,
            legal_entity=engagement.legal_entity,
            event=name,
            number=number,
            role=None,
        )
        for number, one in enumerate(given_up)
    ]
    if rows:
        await connection.execute(_ALLOCATE, *_ALLOCATION.arrays(rows))


def _row(
    one: Allocation,
    *,
    source: str,
    engagement: str,
    legal_entity: str,
    event: str,
    number: int,
    role: str | None,
) -> tuple[object, ...]:
    return (
        *(source, engagement, legal_entity, event, number),
        *(one.kind, one.invoice_line, role, one.contract_line),
        *(one.work.key, one.work.kind, one.work.revision, one.project),
        *(one.work_date, one.billed_date, one.seconds, one.worth.amount, one.worth.currency),
        *(one.amount.amount, one.amount.currency, one.model_dump_json()),
    )


async def tell(connection: Connection, source: str, periods: Iterable[BillingPeriod]) -> None:
    """Note that billing periods have news; one that nobody knew begins with it."""
    await documents.tell(
        connection,
        [
            DocumentNews(
                connection=source,
                kind=BILLING,
                document_id=one.document_id,
                employee="-",
                starts_on=one.first_day,
            )
            for one in periods
        ],
    )


async def periods_since(
    connection: Connection, source: str, engagement: str, since: date
) -> list[BillingPeriod]:
    """The periods of an engagement that are known and end on a day or later."""
    rows = await connection.fetch(
        "SELECT document_id FROM document WHERE connection = $1 AND kind = $2 "
        "AND starts_on >= date_trunc('month', $3::date) AND starts_with(document_id, $4 || '/') "
        "ORDER BY document_id",
        source,
        BILLING,
        since,
        engagement,
    )
    found = [BillingPeriod.of_document(row["document_id"]) for row in rows]
    return [one for one in found if one.engagement == engagement]


async def allocations_of(
    connection: Connection, source: str, engagement: str
) -> tuple[Allocation, ...]:
    """All allocations of an engagement that stand: of what was released or issued, and credited."""
    rows = await connection.fetch(
        "SELECT body FROM standing_allocation WHERE connection = $1 AND engagement = $2 "
        "ORDER BY event_id, ordinal",
        source,
        engagement,
    )
    return tuple(Allocation.model_validate_json(row["body"]) for row in rows)


async def standing_allocations(
    connection: Connection, until: date, projects: Sequence[str] | None = None
) -> tuple[Allocation, ...]:
    """All allocations that stand and count up to a day, of some projects or of all."""
    rows = await connection.fetch(
        "SELECT body FROM standing_allocation WHERE billed_date <= $1 "
        "AND ($2::text[] IS NULL OR coalesce(project, '-') = ANY($2)) "
        "ORDER BY connection, event_id, ordinal",
        until,
        projects,
    )
    return tuple(Allocation.model_validate_json(row["body"]) for row in rows)


async def credits_of(connection: Connection, source: str, event: BillingEvent) -> list[Allocation]:
    """All standing allocations that credit an event."""
    rows = await connection.fetch(
        "SELECT a.body FROM standing_allocation a "
        "WHERE a.connection = $1 AND a.engagement = $2 "
        "AND a.body::jsonb ->> 'credits' = ANY($3::text[]) ORDER BY a.event_id, a.ordinal",
        source,
        event.engagement,
        [line.id for line in event.invoice.lines],
    )
    return [Allocation.model_validate_json(row["body"]) for row in rows]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A billing event, the period that it is of, and how far its posting is."""

    event: BillingEvent
    period: BillingPeriod
    state: str
    erp_document_id: str | None
    posting: UUID | None


async def events_named(connection: Connection, source: str, name: str) -> list[StoredEvent]:
    """Read the events that have an id, the beginning of an id, the ERP's number or our reference.

    Legal entities number their invoices each by itself: several may have the same number.
    """
    rows = await connection.fetch(
        """
        SELECT l.entry, l.document_id, l.status, p.state, p.erp_document_id, p.key
        FROM source_line l
        LEFT JOIN LATERAL (
          SELECT state, erp_document_id, key, reference FROM posting p
          WHERE p.connection = l.connection AND p.object = l.object
            AND p.source_id = l.source_id AND p.revision = l.revision AND p.kind = 'invoice'
            AND p.state NOT IN ('SUPERSEDED', 'CANCELLED')
          ORDER BY p.amendment DESC LIMIT 1
        ) p ON true
        LEFT JOIN document_payment d ON d.posting_key = p.key
        WHERE l.connection = $1 AND l.object = $2
          AND $3 <> '' AND (l.source_id = $3 OR d.number = $3 OR p.reference = $3
               OR length($3) >= $4 AND starts_with(l.source_id, $3))
        ORDER BY l.source_id
        """,
        source,
        BILLING_EVENT,
        name,
        SHORT_ID,
    )
    return [
        StoredEvent(
            BillingEvent.model_validate_json(row["entry"]),
            BillingPeriod.of_document(row["document_id"]),
            row["state"]
            if row["status"] == LineStatus.APPROVED and row["state"]
            else row["status"],
            row["erp_document_id"],
            row["key"],
        )
        for row in rows
    ]


async def credited(
    connection: Connection, source: str, lines: Sequence[LineVersion]
) -> dict[str, tuple[UUID, str]]:
    """The posting and the ERP's document of what credit notes among lines are about."""
    about = {
        line.source_id: event.invoice.credits
        for line in lines
        if line.entry is not None and line.object == BILLING_EVENT
        for event in [BillingEvent.model_validate_json(line.entry)]
        if event.invoice.credits is not None
    }
    if not about:
        return {}
    rows = await connection.fetch(
        "SELECT source_id, key, erp_document_id FROM posting WHERE connection = $1 "
        "AND object = $2 AND source_id = ANY($3::text[]) AND kind = 'invoice' "
        "AND state IN ('POSTED', 'DUPLICATE') ORDER BY revision, amendment",
        source,
        BILLING_EVENT,
        list(about.values()),
    )
    posted = {row["source_id"]: (row["key"], row["erp_document_id"]) for row in rows}
    return {credit: posted[invoice] for credit, invoice in about.items() if invoice in posted}


async def newest_date(
    connection: Connection, legal_entity: str, after: date, *, of_credits: bool
) -> date | None:
    """The latest date after a day of an entity's invoices, or of its credit notes, that stand.

    ERPs number both apart: a credit note is what takes back and bills nothing beside it.
    """
    row = await connection.fetchrow(
        """
        SELECT max(e.billed_date) AS newest FROM (
          SELECT l.connection, l.event_id, max(l.billed_date) AS billed_date,
                 bool_and(l.amount <= 0) AND sum(l.amount) < 0 AS is_credit
          FROM (
            SELECT connection, event_id, invoice_line, max(billed_date) AS billed_date,
                   sum(amount) AS amount
            FROM standing_allocation
            WHERE legal_entity = $1 AND billed_date > $2 AND invoice_line IS NOT NULL
            GROUP BY connection, event_id, invoice_line) l
          GROUP BY l.connection, l.event_id) e
        WHERE e.is_credit = $3
        """,
        legal_entity,
        after,
        of_credits,
    )
    newest: date | None = row["newest"] if row else None
    return newest
