"""Exception cases in the ledger: opened in the transaction that stops a line, counted from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from canonical.exception_case import CaseState, Cause, ExceptionCase, RootCause
from canonical.money import Money
from store.bulk import Columns
from store.database import Connection, Row
from store.postings import Who


@dataclass(frozen=True, slots=True)
class CaseOpening:
    """What a new case begins with; `deadline_at` (UTC) is when it escalates."""

    root_cause: RootCause
    tenant: str
    connection: str
    target: str
    owner: str
    period: str | None
    deadline_at: datetime


_OPEN: Final = Columns(
    {
        "tenant": "text",
        "connection": "text",
        "target": "text",
        "legal_entity": "text",
        "cause": "text",
        "subject": "text",
        "sentence": "text",
        "period": "text",
        "state": "text",
        "owner": "text",
        "deadline_at": "timestamptz",
        "actor": "text",
        "reason": "text",
        "correlation_id": "text",
    }
)
_OPEN_CASES: Final = _OPEN.insert(
    "exception_case",
    """
    ON CONFLICT (tenant, target, legal_entity, cause, subject) WHERE state <> 'RESOLVED'
    DO UPDATE SET sentence = excluded.sentence
    RETURNING id, legal_entity, cause, subject
    """,
)


async def open_cases(
    connection: Connection, openings: Iterable[CaseOpening], who: Who
) -> dict[RootCause, UUID]:
    """Open a case per root cause, or find the one that is open already."""
    wanted = list(openings)
    if not wanted:
        return {}
    # In one order everywhere, so that two transactions never wait for each other in a circle.
    by_key = {_identity(one.root_cause): one for one in wanted}
    rows = await connection.fetch(
        _OPEN_CASES,
        *_OPEN.arrays(
            (
                *(one.tenant, one.connection, one.target),
                *(one.root_cause.legal_entity, one.root_cause.cause, one.root_cause.subject),
                *(one.root_cause.sentence, one.period, CaseState.OPEN, one.owner),
                *(one.deadline_at, who.actor, who.reason, who.correlation_id),
            )
            for _, one in sorted(by_key.items(), key=lambda item: item[0])
        ),
    )
    ids = {(row["legal_entity"], row["cause"], row["subject"]): row["id"] for row in rows}
    return {one.root_cause: ids[_identity(one.root_cause)] for one in wanted}


def _identity(cause: RootCause) -> tuple[str, str, str]:
    return (cause.legal_entity, str(cause.cause), cause.subject)


# What a case blocks: lines that wait for it, and posted documents that it is about.
BLOCKED: Final = (
    "(p.state IN ('EXCEPTION', 'IN_DOUBT', 'DUPLICATE')"
    " OR (p.state = 'POSTED' AND p.attested_at IS NULL)"
    " OR p.last_outcome = 'executed:stray')"
)

_READ: Final = f"""
    SELECT c.*, coalesce(b.lines, 0)::bigint AS lines, coalesce(b.seconds, 0)::bigint AS seconds,
           coalesce(b.currencies, '{{}}') AS currencies, coalesce(b.amounts, '{{}}') AS amounts
    FROM exception_case c
    LEFT JOIN LATERAL (
      SELECT sum(per.lines) AS lines, sum(per.seconds) AS seconds,
             array_agg(per.currency ORDER BY per.currency) AS currencies,
             array_agg(per.amount ORDER BY per.currency) AS amounts
      FROM (SELECT count(*) AS lines, sum(p.seconds) AS seconds, p.currency,
                   sum(p.amount) AS amount
            FROM posting p WHERE p.case_id = c.id AND {BLOCKED}
              -- What a resolved case has let go it no longer holds up, though it may not have been
              -- checked again yet.
              AND (c.state <> 'RESOLVED' OR p.released_at IS NULL)
            GROUP BY p.currency) per
    ) b ON true
"""


async def read(connection: Connection, case_ids: Sequence[UUID]) -> list[ExceptionCase]:
    """Read cases with what each blocks now."""
    rows = await connection.fetch(f"{_READ} WHERE c.id = ANY($1::uuid[])", case_ids)
    return [case_from(row) for row in rows]


async def unresolved(connection: Connection, *, limit: int = 1000) -> list[ExceptionCase]:
    """List the cases that wait for somebody, the one that blocks most first."""
    rows = await connection.fetch(
        f"{_READ} WHERE c.state <> 'RESOLVED' ORDER BY lines DESC, c.opened_at LIMIT $1", limit
    )
    return [case_from(row) for row in rows]


async def ids_like(connection: Connection, prefix: str) -> list[UUID]:
    """The ids that begin like this; at most three, which is enough to say that it is ambiguous."""
    rows = await connection.fetch(
        "SELECT id FROM exception_case WHERE starts_with(id::text, $1) LIMIT 3", prefix.lower()
    )
    return [row["id"] for row in rows]


async def hold(connection: Connection, case_id: UUID) -> None:
    """Hold a case until the commit: who opens its root cause meanwhile waits, and then looks."""
    await connection.execute("SELECT FROM exception_case WHERE id = $1 FOR UPDATE", case_id)


async def set_state(
    connection: Connection,
    case_id: UUID,
    state: CaseState,
    who: Who,
    *,
    expected: Sequence[CaseState],
    resolution: str | None = None,
) -> bool:
    """Move a case on; False if it was not in one of the expected states any more."""
    row = await connection.fetchrow(
        """
        UPDATE exception_case
        SET state = $2, resolution = coalesce($3, resolution),
            resolved_by = CASE WHEN $2 = 'RESOLVED' THEN $5 ELSE resolved_by END,
            resolved_at = CASE WHEN $2 = 'RESOLVED' THEN now() ELSE resolved_at END,
            actor = $5, reason = $6, correlation_id = $7
        WHERE id = $1 AND state = ANY($4::text[]) RETURNING id
        """,
        case_id,
        state,
        resolution,
        expected,
        who.actor,
        who.reason,
        who.correlation_id,
    )
    return row is not None


def case_from(row: Row) -> ExceptionCase:
    """Build the canonical case out of a row of the case query."""
    amounts: list[tuple[str, Decimal]] = list(zip(row["currencies"], row["amounts"], strict=True))
    return ExceptionCase(
        id=str(row["id"]),
        root_cause=RootCause(
            legal_entity=row["legal_entity"],
            cause=Cause(row["cause"]),
            subject=row["subject"],
            sentence=row["sentence"],
        ),
        state=CaseState(row["state"]),
        connection=row["connection"],
        target=row["target"],
        period=row["period"],
        owner=row["owner"],
        opened_at=row["opened_at"],
        deadline_at=row["deadline_at"],
        lines=row["lines"],
        seconds=row["seconds"],
        amounts=tuple(Money(amount=amount, currency=currency) for currency, amount in amounts),
    )
