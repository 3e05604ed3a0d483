"""Attempts to post: rows claimed before a send, and what came of it, in bulk.

Every statement here is a compare-and-set: it says which state and fence it expects, and a row
that has moved on is left alone (POSTING.md section 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from canonical.posting import PostingKind, PostingState
from store import posting_ledger as ledger
from store.database import Connection
from store.postings import AttemptResult, Posting, Who


async def to_post(connection: Connection, source: str, document_id: str) -> list[Posting]:
    """A document's postings that are to be sent, looked up or attested now.

    A replacement is not among them until the posting it waits for is POSTED.
    """
    rows = await connection.fetch(
        f"""
        SELECT {ledger.POSTING_COLUMNS}, line.approved_at FROM posting p
        LEFT JOIN posting before ON before.key = p.waits_for
        LEFT JOIN source_line line ON line.connection = p.connection
          AND line.object = p.object AND line.source_id = p.source_id
        WHERE p.connection = $1 AND p.document_id = $2
          AND (p.state IN ('PENDING', 'SENDING')
               OR (p.state IN ('POSTED', 'DUPLICATE')
                   AND p.attested_at IS NULL AND p.case_id IS NULL))
          AND (p.waits_for IS NULL OR before.state = 'POSTED')
        ORDER BY p.key
        """,
        source,
        document_id,
    )
    return [ledger.posting_from(row) for row in rows]


# Locked in the order of the keys, so that two lanes never wait for each other in a circle.
_CLAIM: Final = """
    WITH mine AS (
      SELECT p.key FROM posting p
      JOIN unnest($1::uuid[], $2::bigint[]) AS wanted(key, fence)
        ON p.key = wanted.key AND p.fence = wanted.fence
      WHERE p.state IN ('PENDING', 'SENDING')
        AND (p.state = 'PENDING' OR $8::int IS NULL
             OR coalesce(p.unknown_since, p.sent_at)
                > clock_timestamp() - make_interval(secs => $8))
      ORDER BY p.key FOR UPDATE OF p SKIP LOCKED
    )
    UPDATE posting p
    SET state = 'SENDING', fence = p.fence + 1, claimed_by = $3, evidence = $4,
        unknown_since = CASE WHEN p.state = 'SENDING'
                             THEN coalesce(p.unknown_since, p.sent_at) END,
        sent_at = clock_timestamp(), last_outcome = NULL,
        actor = $5, reason = $6, correlation_id = $7
    FROM mine WHERE p.key = mine.key
    RETURNING p.key, p.fence
"""


async def claim(
    connection: Connection,
    postings: Sequence[Posting],
    lane: str,
    evidence: str,
    who: Who,
    *,
    key_age_max_seconds: int | None = None,
) -> dict[UUID, int]:
    """Transaction 1: take rows whose fence is still the one that was read; gives new fences.

    Commit before the first byte leaves. A row taken over from an unanswered attempt keeps the
    time since which its outcome is unknown; it is not taken if its first attempt is older than
    `key_age_max_seconds`, because the ERP may have forgotten its key.
    """
    rows = await connection.fetch(
        _CLAIM,
        [posting.key for posting in postings],
        [posting.fence for posting in postings],
        lane,
        evidence,
        who.actor,
        who.reason,
        who.correlation_id,
        key_age_max_seconds,
    )
    return {row["key"]: row["fence"] for row in rows}


async def give_back(connection: Connection, fences: dict[UUID, int], who: Who) -> None:
    """Undo a claim that grew too old before anything was sent; only while it is still ours."""
    await connection.execute(
        """
        UPDATE posting p
        SET state = CASE WHEN p.unknown_since IS NOT NULL THEN 'SENDING'
                         WHEN p.withdrawn THEN 'CANCELLED'
                         WHEN p.next_revision IS NOT NULL THEN 'SUPERSEDED'
                         ELSE 'PENDING' END,
            last_outcome = 'given_back', actor = $3, reason = $4, correlation_id = $5
        FROM unnest($1::uuid[], $2::bigint[]) AS mine(key, fence)
        WHERE p.key = mine.key AND p.fence = mine.fence AND p.state = 'SENDING'
        """,
        list(fences),
        list(fences.values()),
        who.actor,
        who.reason,
        who.correlation_id,
    )


# EXECUTED alone is accepted with a stale fence: the document exists, whoever asks. A second,
# different document is never written over the first. NOT_EXECUTED speaks for one attempt: while
# an earlier one is unsettled (unknown_since) the row stays SENDING until a look-up settles it.
# The source is owed an acknowledgement ($11: if it is to be told at all) in the same statement; and
# so is a look at the line by whoever has it now, if there was news about it while it was under way.
_RECORD: Final = """
    WITH recorded AS (
    UPDATE posting p
    SET state = CASE
          WHEN r.outcome = 'executed' THEN
            -- Said to be never posted or taken back, and yet it is: the sweep makes a case of it.
            CASE WHEN p.state IN ('SUPERSEDED', 'CANCELLED', 'WAIVED', 'REVERSED') THEN p.state
                 WHEN p.erp_document_id <> r.document_id AND r.code <> 'single'
                 THEN 'DUPLICATE'
                 WHEN p.state = 'DUPLICATE' AND r.code <> 'single' THEN p.state
                 ELSE 'POSTED' END
          WHEN r.outcome = 'unknown' THEN 'SENDING'
          WHEN r.outcome = 'in_doubt' THEN 'IN_DOUBT'
          WHEN p.unknown_since IS NOT NULL AND r.outcome <> 'proven_absent' THEN 'SENDING'
          WHEN p.withdrawn THEN 'CANCELLED'
          WHEN p.next_revision IS NOT NULL THEN 'SUPERSEDED'
          WHEN r.outcome = 'refused' THEN 'EXCEPTION'
          ELSE 'PENDING' END,
        unknown_since = CASE
          WHEN r.outcome = 'unknown' THEN coalesce(p.unknown_since, p.sent_at)
          WHEN r.outcome IN ('executed', 'proven_absent') THEN NULL
          ELSE p.unknown_since END,
        erp_document_id = CASE WHEN p.state = 'DUPLICATE' AND r.code = 'single'
                               THEN r.document_id
                               ELSE coalesce(p.erp_document_id, r.document_id) END,
        other_document_ids = CASE
          WHEN p.erp_document_id <> r.document_id AND r.document_id <> ALL (p.other_document_ids)
          THEN p.other_document_ids || r.document_id ELSE p.other_document_ids END,
        posted_at = CASE WHEN r.outcome = 'executed'
                         THEN coalesce(p.posted_at, clock_timestamp()) ELSE p.posted_at END,
        attested_at = CASE WHEN r.attested THEN coalesce(p.attested_at, clock_timestamp())
                           -- Disputed: it waits for a person until it is read back as sent.
                           WHEN r.code IN ('altered', 'missing', 'duplicate') THEN NULL
                           ELSE p.attested_at END,
        case_id = coalesce(r.case_id, p.case_id),
        released_at = NULL,
        last_outcome = r.outcome || CASE WHEN r.code = '' THEN '' ELSE ':' || r.code END,
        actor = $8, reason = $9, correlation_id = $10
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::boolean[],
                $7::uuid[]) AS r(key, fence, outcome, code, document_id, attested, case_id)
    WHERE p.key = r.key
      AND (r.outcome = 'executed' OR (p.state = 'SENDING' AND p.fence = r.fence))
    RETURNING p.key, p.state, p.kind, p.corrects, p.connection, p.object, p.source_id,
      p.reference, p.erp_document_id, (p.withdrawn OR p.next_revision IS NOT NULL) AS has_news
    ), owed AS (
      INSERT INTO outbox (connection, object, source_id, posting_key, kind, reference, document_id)
      SELECT connection, object, source_id, key, 'posted', reference, erp_document_id
      FROM recorded WHERE $11::boolean AND state = 'POSTED'
        AND kind IN ('time', 'expense', 'invoice')
      ON CONFLICT (posting_key, kind, ordinal) DO NOTHING
    ), told AS (
      UPDATE document d SET news_seq = d.news_seq + 1
      FROM recorded r JOIN source_line l USING (connection, object, source_id)
      WHERE r.has_news AND r.state <> 'SENDING'
        AND d.connection = l.connection AND d.document_id = l.document_id
    )
    SELECT key, state, kind, corrects, has_news FROM recorded
"""

_REVERSED: Final = """
    UPDATE posting SET state = 'REVERSED', actor = $2, reason = $3, correlation_id = $4
    WHERE key = ANY($1::uuid[]) AND state IN ('POSTED', 'DUPLICATE')
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row after transaction 2; with news, its timesheet has to be prepared again."""

    key: UUID
    state: PostingState
    has_news: bool


async def record(
    connection: Connection, results: Sequence[AttemptResult], who: Who, *, acknowledge: bool
) -> list[Recorded]:
    """Transaction 2: write down what attempts came to; gives the rows that were touched.

    With them, if `acknowledge`, the source is owed an acknowledgement through the outbox. A posted
    undo or reversal turns its original REVERSED by a second statement: where one may be among the
    results, the caller gives a connection with a transaction.
    """
    rows = await connection.fetch(
        _RECORD,
        [result.key for result in results],
        [result.fence for result in results],
        [result.outcome for result in results],
        [result.code for result in results],
        [result.document_id for result in results],
        [result.attested for result in results],
        [result.case_id for result in results],
        who.actor,
        who.reason,
        who.correlation_id,
        acknowledge,
    )
    taken_back = [
        row["corrects"]
        for row in rows
        if row["state"] == PostingState.POSTED and PostingKind(row["kind"]).takes_back
    ]
    if taken_back:
        assert connection.is_in_transaction()
        await connection.execute(_REVERSED, taken_back, who.actor, who.reason, who.correlation_id)
    return [Recorded(row["key"], PostingState(row["state"]), row["has_news"]) for row in rows]


async def attest(connection: Connection, keys: Sequence[UUID]) -> None:
    """Note that the ERP shows exactly what was sent."""
    await connection.execute(
        "UPDATE posting SET attested_at = clock_timestamp() "
        "WHERE key = ANY($1::uuid[]) AND attested_at IS NULL",
        keys,
    )
