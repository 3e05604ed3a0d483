"""Claims: whether a source has given a document over to us, asked before and answered after."""

from collections.abc import Collection, Mapping, Sequence
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
class Answered:
    """What a source says of a document that it was asked for, with its code.

    `before` says that somebody claimed it before: we did, if we have asked more than once.
    """

    source_id: str
    state: ClaimState
    code: str
    before: bool = False
    # The revision that was asked for; a recall is of this one.
    revision: int = 1


async def ask(
    connection: Connection, source: str, object_name: str, limit: int
) -> Mapping[str, int]:
    """Write down that approved documents are asked for, the oldest first; commit before asking.

    Gives their revisions. One that was recalled or refused, and approved again since, is asked for
    anew: what we asked before has not made it ours.
    """
    rows = await connection.fetch(
        """
        WITH wanted AS (
          SELECT l.source_id, l.revision, l.changed_at FROM source_line l
          LEFT JOIN source_claim c USING (connection, object, source_id)
          WHERE l.connection = $1 AND l.object = $2 AND l.status IN ('APPROVED', 'UNREADABLE')
            AND (c.state IS NULL OR c.state IN ('ASKED', 'RECALLED')
                 OR (c.state = 'REFUSED' AND l.approved_at > c.answered_at))
          ORDER BY l.changed_at, l.source_id LIMIT $3
        ), asked AS (
          INSERT INTO source_claim AS c (connection, object, source_id, state)
          SELECT $1, $2, source_id, 'ASKED' FROM wanted ORDER BY source_id
          ON CONFLICT (connection, object, source_id) DO UPDATE
            SET state = 'ASKED', answered_at = NULL,
                attempts = CASE WHEN c.state = 'ASKED' THEN c.attempts + 1 ELSE 1 END
            WHERE c.state <> 'CLAIMED'
          RETURNING c.source_id
        )
        SELECT source_id, w.revision FROM wanted w JOIN asked USING (source_id)
        ORDER BY w.changed_at, source_id
        """,
        source,
        object_name,
        limit,
    )
    return {row["source_id"]: row["revision"] for row in rows}


async def not_asked(
    connection: Connection, source: str, object_name: str, source_ids: Collection[str]
) -> None:
    """Take back that documents were asked for: nothing has left that could have claimed them."""
    await connection.execute(
        "UPDATE source_claim SET attempts = attempts - 1 WHERE connection = $1 AND object = $2 "
        "AND source_id = ANY($3::text[]) AND state = 'ASKED' AND attempts > 0",
        source,
        object_name,
        list(source_ids),
    )


async def answered(
    connection: Connection,
    source: str,
    object_name: str,
    answers: Sequence[Answered],
) -> int:
    """Note a source's answers, and owe their documents a workflow; gives how many are ours now.

    A recalled document is withdrawn with it, unless it was approved again in the meantime; it
    comes again once it is. How often we have asked is read now: two of our own claims may cross,
    and either answer come first.
    """
    rows = await connection.fetch(
        """
        WITH answers AS (
          SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::boolean[], $7::int[])
            AS a(source_id, state, code, before, revision)
        ), noted AS (
          UPDATE source_claim c
          SET state = CASE WHEN a.before AND c.attempts > 1 THEN 'CLAIMED' ELSE a.state END,
              code = a.code, answered_at = clock_timestamp()
          FROM answers a
          WHERE c.connection = $1 AND c.object = $2 AND c.source_id = a.source_id
            AND c.state = 'ASKED'
          RETURNING c.source_id, c.state, a.revision
        ), withdrawn AS (
          UPDATE source_line l SET status = 'WITHDRAWN'
          FROM noted n WHERE n.state = 'RECALLED' AND l.connection = $1 AND l.object = $2
            AND l.source_id = n.source_id AND l.revision = n.revision
        ), told AS (
          UPDATE document d SET news_seq = d.news_seq + 1
          FROM noted n WHERE d.connection = $1 AND d.kind = $2 AND d.document_id = n.source_id
        )
        SELECT state FROM noted
        """,
        source,
        object_name,
        [one.source_id for one in answers],
        [str(one.state) for one in answers],
        [one.code for one in answers],
        [one.before for one in answers],
        [one.revision for one in answers],
    )
    return sum(row["state"] == ClaimState.CLAIMED for row in rows)


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
