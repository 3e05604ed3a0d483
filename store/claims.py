"""Claims: whether a source has given a document over to us, asked before and answered after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from store.database import Connection


class ClaimState(StrEnum):
    """Where a claim stands; ASKED without an answer is asked again."""

    ASKED = "ASKED"
    CLAIMED = "CLAIMED"
    RECALLED = "RECALLED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Asked:
    """A document that a source is about to be asked for; `before` if an earlier ask was lost."""

    source_id: str
    before: bool


async def ask(connection: Connection, source: str, object_name: str, limit: int) -> Sequence[Asked]:
    """Write down that approved documents are asked for, the oldest first; commit before asking."""
    rows = await connection.fetch(
        """
        INSERT INTO source_claim (connection, object, source_id, state)
        SELECT l.connection, l.object, l.source_id, 'ASKED' FROM source_line l
        LEFT JOIN source_claim c USING (connection, object, source_id)
        WHERE l.connection = $1 AND l.object = $2 AND l.status IN ('APPROVED', 'UNREADABLE')
          AND (c.state IS NULL OR c.state = 'ASKED')
        ORDER BY l.changed_at, l.source_id LIMIT $3
        ON CONFLICT (connection, object, source_id)
          DO UPDATE SET attempts = source_claim.attempts + 1
        RETURNING source_id, attempts > 1 AS before
        """,
        source,
        object_name,
        limit,
    )
    return [Asked(row["source_id"], row["before"]) for row in rows]


async def answered(
    connection: Connection,
    source: str,
    object_name: str,
    answers: Iterable[tuple[str, ClaimState, str]],
) -> None:
    """Note a source's answers (document, state, code), and owe their documents a workflow.

    A recalled document is withdrawn with it; it comes again once it is approved again.
    """
    ids, states, codes = [list(c) for c in zip(*answers, strict=True)] or ([], [], [])
    await connection.execute(
        """
        WITH answers AS (
          SELECT * FROM unnest($3::text[], $4::text[], $5::text[]) AS a(source_id, state, code)
        ), noted AS (
          UPDATE source_claim c
          SET state = a.state, code = a.code, answered_at = clock_timestamp()
          FROM answers a
          WHERE c.connection = $1 AND c.object = $2 AND c.source_id = a.source_id
            AND c.state = 'ASKED'
          RETURNING c.source_id, c.state
        ), withdrawn AS (
          UPDATE source_line l SET status = 'WITHDRAWN'
          FROM noted n WHERE n.state = 'RECALLED' AND l.connection = $1 AND l.object = $2
            AND l.source_id = n.source_id
        )
        UPDATE document d SET news_seq = d.news_seq + 1
        FROM noted n WHERE d.connection = $1 AND d.kind = $2 AND d.document_id = n.source_id
        """,
        source,
        object_name,
        ids,
        [str(state) for state in states],
        codes,
    )


async def of_documents(
    connection: Connection, source: str, object_name: str, source_ids: Sequence[str]
) -> dict[str, tuple[ClaimState, str]]:
    """Read where claims stand, each with the source's code."""
    rows = await connection.fetch(
        "SELECT source_id, state, code FROM source_claim "
        "WHERE connection = $1 AND object = $2 AND source_id = ANY($3::text[])",
        source,
        object_name,
        source_ids,
    )
    return {row["source_id"]: (ClaimState(row["state"]), row["code"]) for row in rows}
