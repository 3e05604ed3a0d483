"""Payments: how far posted documents are paid, and what their sources are to be told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from canonical.expense_document import DocumentPayments, MoneyMoved, PaymentState
from canonical.money import Money
from rules.payment_steps import Paid, PaymentStep
from store.bulk import Columns
from store.database import Connection, Row

# After it was paid, a document is watched for so long: a transfer may bounce.
WATCHED_AFTER_PAYMENT_DAYS: Final = 60

_SEEN: Final = Columns(
    {
        "posting_key": "uuid",
        "target": "text",
        "document_id": "text",
        "number": "text",
        "state": "text",
        "currency": "text",
        "total": "numeric",
        "paid": "numeric",
        "due_on": "date",
        "last_paid_on": "date",
        "steps": "int",
    }
)
_SAVE: Final = _SEEN.insert(
    "document_payment",
    "ON CONFLICT (posting_key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in list(_SEEN.types)[1:])
    + ", seen_at = clock_timestamp(), changed_at = CASE WHEN "
    "(document_payment.state, document_payment.paid) = (excluded.state, excluded.paid) "
    "THEN document_payment.changed_at ELSE clock_timestamp() END",
)
_OWED: Final = Columns(
    {
        "connection": "text",
        "object": "text",
        "source_id": "text",
        "posting_key": "uuid",
        "kind": "text",
        "reference": "text",
        "document_id": "text",
        "ordinal": "int",
        "detail": "text",
    }
)
_OWE: Final = _OWED.insert("outbox", "ON CONFLICT (posting_key, kind, ordinal) DO NOTHING")


@dataclass(frozen=True, slots=True)
class Watched:
    """A posted document whose payment is watched, and what was last seen of it."""

    key: UUID
    connection: str
    object: str
    source_id: str
    reference: str
    document_id: str
    # The document of ours whose workflow waits for it.
    of_document: str
    before: Paid | None
    steps: int
    # A credit note: it is settled with its invoice, and nobody pays it.
    credit_note: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ERP says now of a watched document, and the steps that follow from it."""

    watched: Watched
    payments: DocumentPayments
    now: Paid
    steps: Sequence[PaymentStep]


_WATCHED: Final = """
    SELECT p.key, p.connection, p.object, p.source_id, p.reference,
           p.erp_document_id AS document_id, p.document_id AS of_document,
           d.total, d.paid, d.state AS pay_state, d.last_paid_on, coalesce(d.steps, 0) AS steps,
           p.kind = 'invoice' AND p.corrects IS NOT NULL AS credit_note
    FROM posting p LEFT JOIN document_payment d ON d.posting_key = p.key
"""


async def watched(
    connection: Connection, target: str, after: UUID | None, limit: int
) -> list[Watched]:
    """List documents whose payment is watched, by key from `after` on.

    Only what was read back counts as posted: nothing is reimbursed that is not.
    """
    rows = await connection.fetch(
        f"""
        {_WATCHED}
        WHERE p.target = $1 AND p.kind IN ('expense', 'invoice') AND p.state = 'POSTED'
          AND p.attested_at IS NOT NULL AND ($2::uuid IS NULL OR p.key > $2)
          AND (d.state IS NULL OR d.state NOT IN ('paid', 'reversed')
               OR d.changed_at > now() - make_interval(days => $4))
        ORDER BY p.key LIMIT $3
        """,
        target,
        after,
        limit,
        WATCHED_AFTER_PAYMENT_DAYS,
    )
    return [_watched(row) for row in rows]


async def hold(connection: Connection, keys: Sequence[UUID]) -> list[Watched]:
    """Read watched documents once more and hold them until the commit: one look at a time.

    Held first, read then: a statement that had to wait would show what was seen before the wait.
    """
    await connection.execute(
        "SELECT FROM posting WHERE key = ANY($1::uuid[]) ORDER BY key FOR UPDATE", keys
    )
    rows = await connection.fetch(
        f"{_WATCHED} WHERE p.key = ANY($1::uuid[]) AND p.state = 'POSTED' ORDER BY p.key", keys
    )
    return [_watched(row) for row in rows]


async def save(connection: Connection, target: str, seen: Sequence[Seen]) -> None:
    """Keep what was seen, and owe every new step to the source, in one transaction."""
    rows = [
        (
            *(one.watched.key, target, one.watched.document_id, one.payments.number),
            *(one.now.state, one.payments.total.currency, one.now.total, one.now.paid),
            *(one.payments.due_on, one.now.on_date, one.watched.steps + len(one.steps)),
        )
        for one in seen
    ]
    if rows:
        await connection.execute(_SAVE, *_SEEN.arrays(rows))
    owed = [
        (
            *(one.watched.connection, one.watched.object, one.watched.source_id, one.watched.key),
            *(f"payment_{step.state}", one.watched.reference, one.watched.document_id),
            *(one.watched.steps + number, _detail(one, step)),
        )
        for one in seen
        for number, step in enumerate(one.steps, start=1)
    ]
    if owed:
        await connection.execute(_OWE, *_OWED.arrays(owed))


def _detail(seen: Seen, step: PaymentStep) -> str:
    moved = Money(amount=step.amount, currency=seen.payments.total.currency)
    return MoneyMoved(amount=moved, on_date=step.on_date).model_dump_json()


@dataclass(frozen=True, slots=True)
class Reimbursement:
    """How far one report is on its way back to the employee's account."""

    document_id: str
    state: str | None
    number: str | None
    total: Decimal | None
    paid: Decimal | None
    currency: str | None
    due_on: date | None
    to_be_told: int
    posted_at: datetime


async def reimbursement_of(
    connection: Connection, source: str, document_id: str
) -> Reimbursement | None:
    """Read how far a report is; None while nothing of it stands posted and read back."""
    row = await connection.fetchrow(
        """
        SELECT p.erp_document_id AS document_id, p.posted_at,
          d.state, d.number, d.total, d.paid, d.currency, d.due_on,
          (SELECT count(*) FROM outbox o
           WHERE o.posting_key = p.key AND o.state = 'WAITING') AS to_be_told
        FROM posting p LEFT JOIN document_payment d ON d.posting_key = p.key
        WHERE p.connection = $1 AND p.document_id = $2 AND p.kind = 'expense'
          AND p.state = 'POSTED' AND p.attested_at IS NOT NULL
        ORDER BY p.revision DESC, p.amendment DESC LIMIT 1
        """,
        source,
        document_id,
    )
    return Reimbursement(**dict(row)) if row else None


@dataclass(frozen=True, slots=True)
class ReportHead:
    """What people find a report by: its number, who books it, and what it is worth."""

    number: str | None
    legal_entity: str
    amount: Decimal
    currency: str


async def head_of(connection: Connection, source: str, document_id: str) -> ReportHead | None:
    """Read a report's head by its newest posting; None while there is none."""
    row = await connection.fetchrow(
        """
        SELECT l.entry::jsonb ->> 'number' AS number, p.legal_entity, p.amount, p.currency
        FROM posting p
        JOIN source_line l ON l.connection = p.connection AND l.object = p.object
          AND l.source_id = p.source_id
        WHERE p.connection = $1 AND p.document_id = $2 AND p.kind = 'expense'
        ORDER BY p.revision DESC, p.amendment DESC LIMIT 1
        """,
        source,
        document_id,
    )
    return ReportHead(**dict(row)) if row else None


def _watched(row: Row) -> Watched:
    return Watched(
        key=row["key"],
        connection=row["connection"],
        object=row["object"],
        source_id=row["source_id"],
        reference=row["reference"],
        document_id=row["document_id"],
        of_document=row["of_document"],
        before=_before(row) if row["pay_state"] is not None else None,
        steps=row["steps"],
        credit_note=row["credit_note"],
    )


def _before(row: Row) -> Paid:
    # Of what counts as paid, that which no money paid was credited.
    total, paid, state = row["total"], row["paid"], PaymentState(row["pay_state"])
    credited = max(total - paid, Decimal(0)) if state is PaymentState.PAID else Decimal(0)
    return Paid(total, paid, state is not PaymentState.REVERSED, row["last_paid_on"], credited)
