"""The lines behind a case: one tried first, all released, waived, or seen to have left."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Self
from uuid import UUID

from canonical.posting import PostingKind, PostingState
from store.cases import BLOCKED
from store.database import Connection, Row
from store.postings import ACCEPTED, Who


@dataclass(frozen=True, slots=True)
class LineOfCase:
    """A posting that a case blocks, and the document it is on."""

    connection: str
    document_id: str
    document_kind: str
    target: str
    source_id: str
    kind: PostingKind
    starts_on: date | None

    @classmethod
    def of(cls, row: Row) -> Self:
        """Build it out of a row."""
        return cls(**{**dict(row), "kind": PostingKind(row["kind"])})


@dataclass(frozen=True, slots=True)
class BlockedLine:
    """A line that a case holds up, as people look at it; `said` is what the ERP last answered.

    `called` is a report's number, an invoice's engagement, and an entry's id.
    """

    source_id: str
    called: str
    object: str
    timesheet: str
    work_date: date | None
    seconds: int
    amount: Decimal
    currency: str
    reference: str
    state: str
    said: str | None


async def blocked(connection: Connection, case_id: UUID) -> list[BlockedLine]:
    """List the lines that a case holds up, the earliest first."""
    rows = await connection.fetch(
        f"""
        SELECT p.source_id, p.object, p.document_id AS timesheet, p.original_date AS work_date,
               p.seconds, p.amount, p.currency, p.reference, p.state, p.last_outcome AS said,
               coalesce(CASE p.object WHEN 'expense_report' THEN l.entry::jsonb ->> 'number'
                                      WHEN 'billing_event' THEN l.entry::jsonb ->> 'engagement'
                        END, p.source_id) AS called
        FROM posting p LEFT JOIN source_line l ON l.connection = p.connection
          AND l.object = p.object AND l.source_id = p.source_id
        WHERE p.case_id = $1 AND {BLOCKED} ORDER BY p.original_date, p.source_id
        """,
        case_id,
    )
    return [BlockedLine(**dict(row)) for row in rows]


# Each kind of document has lines of one kind of object.
_LINE: Final = """
    p.connection, p.document_id, p.target, p.source_id, p.kind,
    CASE p.object WHEN 'time_entry' THEN 'timesheet' WHEN 'billing_event' THEN 'billing'
      WHEN 'contract_record' THEN 'contract' ELSE p.object END AS document_kind
"""

# EXCEPTION is checked again by preparation; IN_DOUBT is known, by a person, not to be booked
# (it came to people only after nothing could be in flight any more);
# what is posted and disputed is read back again once it hangs on no case any more.
_LET_GO: Final = f"""
    UPDATE posting p
    SET released_at = CASE WHEN p.state = 'EXCEPTION' THEN now() END,
        state = CASE WHEN p.state <> 'IN_DOUBT' THEN p.state
                     WHEN p.withdrawn THEN 'CANCELLED'
                     WHEN p.next_revision IS NOT NULL THEN 'SUPERSEDED'
                     ELSE 'PENDING' END,
        unknown_since = CASE WHEN p.state = 'IN_DOUBT' THEN NULL ELSE p.unknown_since END,
        case_id = CASE WHEN p.state = 'EXCEPTION' THEN p.case_id END,
        last_outcome = CASE WHEN p.last_outcome = 'executed:stray' THEN NULL
                            ELSE p.last_outcome END,
        actor = $2, reason = $3, correlation_id = $4
    FROM (SELECT key FROM posting p WHERE p.case_id = $1 AND {BLOCKED} AND p.released_at IS NULL
          ORDER BY p.original_date, p.source_id LIMIT $5 FOR UPDATE) chosen
    WHERE p.key = chosen.key
    RETURNING {_LINE},
      (SELECT d.starts_on FROM document d
       WHERE d.connection = p.connection AND d.document_id = p.document_id) AS starts_on
"""


async def let_go(
    connection: Connection, case_id: UUID, who: Who, *, limit: int | None = None
) -> list[LineOfCase]:
    """Let lines of a case go, the earliest first; `limit` 1 makes a canary."""
    rows = await connection.fetch(
        _LET_GO, case_id, who.actor, who.reason, who.correlation_id, limit
    )
    return [LineOfCase.of(row) for row in rows]


async def being_tried(connection: Connection, case_id: UUID) -> list[LineOfCase]:
    """The line that was let go as the canary and has not come back yet."""
    rows = await connection.fetch(
        f"""
        SELECT {_LINE}, d.starts_on
        FROM posting p LEFT JOIN document d
          ON d.connection = p.connection AND d.document_id = p.document_id
        WHERE p.case_id = $1 AND p.released_at IS NOT NULL AND p.state = 'EXCEPTION' LIMIT 1
        """,
        case_id,
    )
    return [LineOfCase.of(row) for row in rows]


async def state_of_line(
    connection: Connection, line_of: LineOfCase
) -> tuple[PostingState, str, bool]:
    """The newest posting of a line and kind: its state, its case's sentence, whether attested.

    By kind, because a replacement is as new as the taking back that it waits for.
    """
    row = await connection.fetchrow(
        """
        SELECT p.state, coalesce(c.sentence, '') AS sentence, p.attested_at IS NOT NULL AS attested
        FROM posting p LEFT JOIN exception_case c ON c.id = p.case_id
        WHERE p.connection = $1 AND p.target = $2 AND p.source_id = $3 AND p.kind = $4
          AND p.state NOT IN ('SUPERSEDED', 'CANCELLED')
        ORDER BY p.state = 'REVERSED', p.created_at DESC LIMIT 1
        """,
        line_of.connection,
        line_of.target,
        line_of.source_id,
        line_of.kind,
    )
    if row is None:
        return PostingState.CANCELLED, "", False
    return PostingState(row["state"]), row["sentence"], row["attested"]


async def waive(connection: Connection, case_id: UUID, who: Who) -> list[LineOfCase]:
    """Never post what a case blocks; documents that are disputed are accepted as they are.

    A replacement that waits for a waived taking back is waived with it.
    """
    rows = await connection.fetch(
        f"""
        WITH blocked AS (
          SELECT key FROM posting p WHERE p.case_id = $1 AND {BLOCKED} FOR UPDATE
        )
        UPDATE posting p
        SET state = CASE WHEN p.state IN ('EXCEPTION', 'IN_DOUBT', 'PENDING') THEN 'WAIVED'
                         WHEN p.state = 'DUPLICATE' THEN 'POSTED' ELSE p.state END,
            attested_at = CASE WHEN p.state IN ('POSTED', 'DUPLICATE') THEN now()
                               ELSE p.attested_at END,
            last_outcome = CASE WHEN p.state IN ('EXCEPTION', 'IN_DOUBT', 'PENDING')
                                THEN p.last_outcome ELSE '{ACCEPTED}' END,
            actor = $2, reason = $3, correlation_id = $4
        WHERE p.key IN (SELECT key FROM blocked)
           OR (p.waits_for IN (SELECT key FROM blocked) AND p.state IN ('PENDING', 'EXCEPTION'))
        RETURNING {_LINE}, NULL::date AS starts_on
        """,
        case_id,
        who.actor,
        who.reason,
        who.correlation_id,
    )
    return [LineOfCase.of(row) for row in rows]


async def reject(
    connection: Connection, case_id: UUID, who: Who, sources: Collection[str], rejection: str
) -> list[LineOfCase]:
    """Send what a case stops back to those of its sources that can be told why, by the outbox.

    `rejection` is the JSON of a canonical Rejection. What was sent and is not settled stays; and
    so does what its source has changed or withdrawn since: its news decides.
    """
    rows = await connection.fetch(
        f"""
        WITH rejected AS (
          UPDATE posting p
          SET state = 'CANCELLED', released_at = NULL, actor = $2, reason = $3,
              correlation_id = $4
          FROM source_line l
          WHERE p.case_id = $1 AND p.state = 'EXCEPTION' AND p.kind NOT IN ('reversal', 'undo')
            AND p.connection = ANY($6::text[])
            AND (l.connection, l.object, l.source_id) = (p.connection, p.object, p.source_id)
            AND l.revision = p.revision AND l.status IN ('APPROVED', 'UNREADABLE')
          RETURNING p.*
        ), told AS (
          INSERT INTO outbox
            (connection, object, source_id, posting_key, kind, reference, document_id, detail)
          SELECT connection, object, source_id, key, 'failed', reference, '', $5 FROM rejected
          -- An invoice that never was is nobody's news: its work is open again.
          WHERE object <> 'billing_event'
          ON CONFLICT (posting_key, kind, ordinal) DO NOTHING
        ), sent_back AS (
          UPDATE source_line l SET status = 'REJECTED' FROM rejected r
          WHERE (l.connection, l.object, l.source_id) = (r.connection, r.object, r.source_id)
            AND l.revision = r.revision
        )
        SELECT {_LINE}, NULL::date AS starts_on FROM rejected p
        """,
        case_id,
        who.actor,
        who.reason,
        who.correlation_id,
        rejection,
        list(sources),
    )
    return [LineOfCase.of(row) for row in rows]
