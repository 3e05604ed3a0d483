"""What people ask the ledger: how many, how old, how much, and the whole story of one line."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from store.cases import BLOCKED
from store.database import Connection


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many postings are in a state."""

    state: str
    kind: str
    lines: int
    seconds: int


async def counts_by_state(connection: Connection) -> list[StateCount]:
    """Count all postings by state and kind."""
    rows = await connection.fetch(
        "SELECT state, kind, count(*) AS lines, sum(seconds)::bigint AS seconds FROM posting "
        "GROUP BY state, kind ORDER BY state, kind"
    )
    return [StateCount(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is worth an alarm: lines in cases, and lines that were sent and not answered."""

    in_cases: list[tuple[str, str, int]]
    uncertain: list[tuple[str, int, Decimal]]


async def backlog(connection: Connection) -> Backlog:
    """Count lines by (cause, legal entity), and unanswered lines with the oldest age by ERP."""
    cases = await connection.fetch(
        f"SELECT c.cause, c.legal_entity, count(*) AS lines FROM posting p "
        f"JOIN exception_case c ON c.id = p.case_id WHERE c.state <> 'RESOLVED' AND {BLOCKED} "
        "GROUP BY c.cause, c.legal_entity"
    )
    uncertain = await connection.fetch(
        "SELECT target, count(*) AS lines, max(extract(epoch FROM now() - unknown_since)) AS age "
        "FROM posting WHERE state = 'SENDING' AND unknown_since IS NOT NULL GROUP BY target"
    )
    return Backlog(
        in_cases=[(row["cause"], row["legal_entity"], row["lines"]) for row in cases],
        uncertain=[(row["target"], row["lines"], row["age"]) for row in uncertain],
    )


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """What one side says about one legal entity, period and kind: count, time, and every key."""

    legal_entity: str
    period: str
    lines: int
    seconds: int
    # Sum of a hash of each reference: two sides with equal sums hold the same lines.
    checksum: int


async def ledger_totals(
    connection: Connection, target: str, period: str | None = None
) -> list[ControlTotal]:
    """Total what the ledger says is in the ERP, by the month of the work date."""
    rows = await connection.fetch(
        """
        SELECT legal_entity, to_char(original_date, 'YYYY-MM') AS period, count(*) AS lines,
               sum(seconds)::bigint AS seconds,
               sum(('x' || substr(encode(sha256(reference::bytea), 'hex'), 1, 12))::bit(48)::bigint)
                 AS checksum
        FROM posting
        WHERE target = $1 AND kind = 'time' AND state IN ('POSTED', 'DUPLICATE')
          AND ($2::text IS NULL OR to_char(original_date, 'YYYY-MM') = $2)
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        target,
        period,
    )
    return [
        ControlTotal(
            row["legal_entity"],
            row["period"],
            row["lines"],
            row["seconds"],
            int(row["checksum"]),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """The approved lines of a source in one month, by where they stand."""

    period: str
    standing: str
    lines: int
    seconds: int


async def source_totals(
    connection: Connection, source: str, period: str | None = None
) -> list[SourceTotal]:
    """Total what a source has approved, by the month of the work date and by standing."""
    rows = await connection.fetch(
        """
        SELECT to_char(l.work_date, 'YYYY-MM') AS period, coalesce(p.state, 'NONE') AS standing,
               count(*) AS lines,
               coalesce(sum((l.entry::jsonb ->> 'seconds')::bigint), 0) AS seconds
        FROM source_line l
        LEFT JOIN posting p ON p.connection = l.connection AND p.object = l.object
          AND p.source_id = l.source_id AND p.revision = l.revision AND p.kind = 'time'
          AND p.state NOT IN ('SUPERSEDED', 'CANCELLED', 'REVERSED')
        WHERE l.connection = $1 AND l.status IN ('APPROVED', 'UNREADABLE')
          AND l.approved_at IS NOT NULL
          AND ($2::text IS NULL OR to_char(l.work_date, 'YYYY-MM') = $2)
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        source,
        period,
    )
    return [
        SourceTotal(row["period"] or "-", row["standing"], row["lines"], int(row["seconds"]))
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Blocked:
    """What waits for people, by cause and currency."""

    cause: str
    subject: str
    legal_entity: str
    state: str
    case_id: UUID
    lines: int
    seconds: int
    amount: Decimal
    currency: str


async def blocked(connection: Connection) -> list[Blocked]:
    """List the open cases with what each blocks per currency, the largest first."""
    rows = await connection.fetch(
        f"""
        SELECT c.cause, c.subject, c.legal_entity, c.state, c.id AS case_id, count(*) AS lines,
               sum(p.seconds)::bigint AS seconds, sum(p.amount) AS amount, p.currency
        FROM exception_case c JOIN posting p ON p.case_id = c.id
        WHERE c.state <> 'RESOLVED' AND {BLOCKED}
        GROUP BY c.id, p.currency ORDER BY lines DESC, c.cause, c.subject
        """
    )
    return [Blocked(**dict(row)) for row in rows]


async def story(connection: Connection, ref: str) -> list[dict[str, Any]]:
    """Everything that happened to the lines that a reference, document or source id names."""
    rows = await connection.fetch(
        """
        SELECT p.key, p.reference, p.connection, p.source_id, p.document_id AS timesheet,
               p.revision, p.kind, p.amendment, p.state, p.legal_entity, p.period, p.posting_date,
               p.original_date, p.seconds, p.amount, p.currency, p.target, p.erp_document_id,
               p.other_document_ids, p.posted_at, p.attested_at, p.corrects, p.last_outcome,
               p.intent, l.status AS source_status, l.approved_at, l.approved_at_from,
               c.cause, c.sentence, c.state AS case_state, c.id AS case_id,
               (SELECT json_agg(json_build_object(
                  'at', a.at, 'from', a.from_state, 'to', a.to_state, 'fence', a.fence,
                  'outcome', a.outcome, 'actor', a.actor, 'reason', a.reason) ORDER BY a.id)::text
                FROM audit a WHERE a.subject = p.key::text) AS steps
        FROM posting p
        LEFT JOIN source_line l ON l.connection = p.connection AND l.object = p.object
          AND l.source_id = p.source_id
        LEFT JOIN exception_case c ON c.id = p.case_id
        WHERE p.source_id IN (
          SELECT source_id FROM posting
          WHERE reference = $1 OR source_id = $1 OR erp_document_id = $1 OR key::text = $1)
        ORDER BY p.created_at, p.kind
        """,
        ref,
    )
    return [dict(row) for row in rows]


async def oldest_open_day(connection: Connection) -> date | None:
    """The earliest work date of a line that is approved and not settled."""
    row = await connection.fetchrow(
        "SELECT min(original_date) AS day FROM posting "
        "WHERE state IN ('PENDING', 'SENDING', 'EXCEPTION', 'IN_DOUBT', 'DUPLICATE')"
    )
    return row["day"] if row else None
