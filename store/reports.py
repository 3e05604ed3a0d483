"""What people ask the ledger: how many, how old, how much, and the whole story of one line."""

from dataclasses import dataclass
from datetime import date, datetime
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
    """What is worth an alarm.

    Lines in cases by cause and legal entity; unanswered lines, and unpaid reports, each with the
    oldest age in seconds by ERP; and, by source of reports or contracts, what waits to be told and
    what was refused.
    """

    in_cases: list[tuple[str, str, int]]
    uncertain: list[tuple[str, int, Decimal]]
    unpaid: list[tuple[str, int, Decimal]]
    news: list[tuple[str, int, int]]


async def backlog(connection: Connection) -> Backlog:
    """Count it all, now."""
    cases = await connection.fetch(
        f"SELECT c.cause, c.legal_entity, count(*) AS lines FROM posting p "
        f"JOIN exception_case c ON c.id = p.case_id WHERE c.state <> 'RESOLVED' AND {BLOCKED} "
        "GROUP BY c.cause, c.legal_entity"
    )
    uncertain = await connection.fetch(
        "SELECT target, count(*) AS lines, max(extract(epoch FROM now() - unknown_since)) AS age "
        "FROM posting WHERE state = 'SENDING' AND unknown_since IS NOT NULL GROUP BY target"
    )
    unpaid = await connection.fetch(
        """
        SELECT p.target, count(*) AS reports,
               max(extract(epoch FROM now() - p.posted_at)) AS age
        FROM posting p LEFT JOIN document_payment d ON d.posting_key = p.key
        WHERE p.kind = 'expense' AND p.state = 'POSTED'
          AND coalesce(d.state, 'none') IN ('none', 'partial')
        GROUP BY p.target
        """
    )
    news = await connection.fetch(
        """
        SELECT connection, count(*) FILTER (WHERE state = 'WAITING') AS waiting,
               count(*) FILTER (WHERE state = 'REFUSED') AS refused
        FROM outbox WHERE object IN ('expense_report', 'billing_event') GROUP BY connection
        """
    )
    return Backlog(
        unpaid=[(row["target"], row["reports"], row["age"]) for row in unpaid],
        news=[(row["connection"], row["waiting"], row["refused"]) for row in news],
        in_cases=[(row["cause"], row["legal_entity"], row["lines"]) for row in cases],
        uncertain=[(row["target"], row["lines"], row["age"]) for row in uncertain],
    )


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A line that the ledger says is in the ERP."""

    legal_entity: str
    reference: str
    source_id: str
    seconds: int
    document_id: str


async def posted_lines(
    connection: Connection, source: str, target: str, first: date, last: date
) -> list[PostedLine]:
    """List what the ledger says is in the ERP, by work date."""
    rows = await connection.fetch(
        "SELECT legal_entity, reference, source_id, seconds, erp_document_id AS document_id "
        "FROM posting WHERE connection = $1 AND target = $2 AND kind = 'time' "
        "AND state IN ('POSTED', 'DUPLICATE') AND original_date BETWEEN $3 AND $4",
        source,
        target,
        first,
        last,
    )
    return [PostedLine(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class PostedReport:
    """A report's document, or its reversal, that the ledger says is in the ERP.

    `owed` is what the employee is owed by it, below nothing for a reversal.
    """

    legal_entity: str
    reference: str
    source_id: str
    document_id: str
    currency: str
    owed: Decimal


# Sum of the body's lines; a reversal carries the body that it takes back.
_OWED = """
    (CASE WHEN kind = 'reversal' THEN -1 ELSE 1 END) * coalesce((
      SELECT sum((line ->> 'amount')::numeric)
      FROM jsonb_array_elements(intent::jsonb #> '{body,lines}') AS line), 0)
"""


async def posted_reports(
    connection: Connection, source: str, target: str, first: date, last: date
) -> list[PostedReport]:
    """List a source's documents that the ledger says stand in the ERP, by posting date."""
    rows = await connection.fetch(
        f"""
        SELECT legal_entity, reference, source_id, erp_document_id AS document_id, currency,
               {_OWED} AS owed
        FROM posting
        WHERE connection = $1 AND target = $2 AND object = 'expense_report'
          AND kind IN ('expense', 'reversal') AND state IN ('POSTED', 'DUPLICATE', 'REVERSED')
          AND posting_date BETWEEN $3 AND $4
        ORDER BY reference
        """,
        source,
        target,
        first,
        last,
    )
    return [PostedReport(**dict(row)) for row in rows]


async def references_of_others(connection: Connection, source: str, target: str) -> set[str]:
    """The references under which other sources post to an ERP."""
    rows = await connection.fetch(
        "SELECT reference FROM posting WHERE connection <> $1 AND target = $2", source, target
    )
    return {row["reference"] for row in rows}


async def reversing_references(connection: Connection, source: str, target: str) -> set[str]:
    """The references of what takes a source's documents back."""
    rows = await connection.fetch(
        "SELECT reference FROM posting WHERE connection = $1 AND target = $2 AND kind = 'reversal'",
        source,
        target,
    )
    return {row["reference"] for row in rows}


async def approved_ids(connection: Connection, source: str, first: date, last: date) -> set[str]:
    """The ids of the lines that we know as approved, in a window of work dates."""
    rows = await connection.fetch(
        "SELECT source_id FROM source_line WHERE connection = $1 "
        "AND status IN ('APPROVED', 'UNREADABLE') AND work_date BETWEEN $2 AND $3",
        source,
        first,
        last,
    )
    return {row["source_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """The approved lines of a source in one month, by where they stand."""

    period: str
    standing: str
    lines: int
    seconds: int


async def source_totals(
    connection: Connection, source: str, first: date, last: date
) -> list[SourceTotal]:
    """Total what a source has approved in a window of work dates, by month and standing."""
    rows = await connection.fetch(
        """
        SELECT to_char(l.work_date, 'YYYY-MM') AS period, coalesce(p.state, 'NEW') AS standing,
               count(*) AS lines,
               coalesce(sum((l.entry::jsonb ->> 'seconds')::bigint), 0) AS seconds
        FROM source_line l
        LEFT JOIN posting p ON p.connection = l.connection AND p.object = l.object
          AND p.source_id = l.source_id AND p.revision = l.revision
          AND p.kind IN ('time', 'expense')
          AND p.state NOT IN ('SUPERSEDED', 'CANCELLED', 'REVERSED')
        WHERE l.connection = $1 AND l.status IN ('APPROVED', 'UNREADABLE')
          AND l.approved_at IS NOT NULL AND l.work_date BETWEEN $2 AND $3
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        source,
        first,
        last,
    )
    return [
        SourceTotal(row["period"], row["standing"], row["lines"], int(row["seconds"]))
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
    # What the lines are: time entries or expense reports.
    object: str = "time_entry"


async def blocked(connection: Connection) -> list[Blocked]:
    """List the open cases with what each blocks per currency, the largest first."""
    rows = await connection.fetch(
        f"""
        SELECT c.cause, c.subject, c.legal_entity, c.state, c.id AS case_id, count(*) AS lines,
               sum(p.seconds)::bigint AS seconds, sum(p.amount) AS amount, p.currency, p.object
        FROM exception_case c JOIN posting p ON p.case_id = c.id
        WHERE c.state <> 'RESOLVED' AND {BLOCKED}
        GROUP BY c.id, p.currency, p.object ORDER BY lines DESC, c.cause, c.subject
        """
    )
    return [Blocked(**dict(row)) for row in rows]


async def story(connection: Connection, ref: str) -> list[dict[str, Any]]:
    """Everything that happened to the lines that a reference, document or source id names."""
    rows = await connection.fetch(
        """
        SELECT p.key, p.reference, p.connection, p.source_id, p.document_id AS timesheet,
               p.revision, p.kind, p.leg, p.amendment, p.state, p.legal_entity, p.period,
               p.posting_date, p.original_date, p.seconds, p.amount, p.currency, p.target,
               p.erp_document_id, p.other_document_ids, p.posted_at, p.attested_at, p.corrects,
               p.last_outcome, p.intent, p.object, l.status AS source_status, l.approved_at,
               l.approved_at_from,
               CASE WHEN p.object = 'expense_report' THEN l.entry END AS report,
               (SELECT row_to_json(s)::text FROM source_claim s
                WHERE (s.connection, s.object, s.source_id)
                    = (p.connection, p.object, p.source_id)) AS claim,
               (SELECT row_to_json(d)::text FROM document_payment d
                WHERE d.posting_key = p.key) AS payment,
               (SELECT json_agg(json_build_object(
                  'step', o.kind, 'state', o.state, 'code', o.code, 'detail', o.detail,
                  'created_at', o.created_at, 'done_at', o.done_at) ORDER BY o.id)::text
                FROM outbox o WHERE o.posting_key = p.key) AS told,
               c.cause, c.sentence, c.state AS case_state, c.id AS case_id,
               (SELECT json_agg(json_build_object(
                  'at', a.at, 'from', a.from_state, 'to', a.to_state, 'fence', a.fence,
                  'outcome', a.outcome, 'actor', a.actor, 'reason', a.reason) ORDER BY a.id)::text
                FROM audit a WHERE a.subject = p.key::text) AS steps
        FROM posting p
        LEFT JOIN source_line l ON l.connection = p.connection AND l.object = p.object
          AND l.source_id = p.source_id
        LEFT JOIN exception_case c ON c.id = p.case_id
        WHERE (p.connection, p.object, p.source_id) IN (
          SELECT connection, object, source_id FROM posting
          WHERE reference = $1 OR source_id = $1 OR erp_document_id = $1 OR key::text = $1
             OR (object = 'expense_report' AND intent::jsonb #>> '{body,report_number}' = $1))
        ORDER BY p.created_at, p.kind
        """,
        ref,
    )
    return [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """How fresh a source is (UTC), and what is owed to it."""

    connection: str
    watermark: datetime
    last_polled_at: datetime | None
    to_be_told: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand."""

    states: list[StateCount]
    sources: list[SourceStanding]
    open_cases: int
    uncertain: int


async def status(connection: Connection) -> Status:
    """How things stand, in a few counts."""
    sources = await connection.fetch(
        """
        SELECT c.connection, c.watermark, c.last_polled_at,
          (SELECT count(*) FROM outbox o
           WHERE o.connection = c.connection AND o.state = 'WAITING') AS to_be_told,
          (SELECT count(*) FROM dead_letter d
           WHERE d.connection = c.connection AND d.settled_at IS NULL) AS dead_letters
        FROM source_cursor c WHERE c.object IN ('time_entry', 'expense_report')
        ORDER BY c.connection
        """
    )
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM exception_case WHERE state <> 'RESOLVED') AS open_cases,
          (SELECT count(*) FROM posting WHERE state = 'SENDING' AND unknown_since IS NOT NULL)
            AS uncertain
        """
    )
    assert row is not None
    return Status(
        states=await counts_by_state(connection),
        sources=[SourceStanding(**dict(one)) for one in sources],
        open_cases=row["open_cases"],
        uncertain=row["uncertain"],
    )
