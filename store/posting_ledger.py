"""The posting ledger: intents written down, rows claimed, outcomes recorded, all in bulk.

Every statement here is a compare-and-set: it says which state and fence it expects, and a row
that has moved on is left alone (POSTING.md section 2).
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from canonical.posting import PostingKind, PostingState
from store.bulk import Columns
from store.database import Connection, Row
from store.postings import AttemptResult, Moves, NewPosting, Posting, Who

_NEW: Final = Columns(
    {
        "key": "uuid",
        "reference": "text",
        "tenant": "text",
        "target": "text",
        "connection": "text",
        "object": "text",
        "source_id": "text",
        "revision": "int",
        "kind": "text",
        "leg": "text",
        "amendment": "int",
        "document_id": "text",
        "legal_entity": "text",
        "state": "text",
        "case_id": "uuid",
        "seconds": "int",
        "amount": "numeric",
        "currency": "text",
        "period": "text",
        "posting_date": "date",
        "original_date": "date",
        "intent": "text",
        "body_hash": "text",
        "corrects": "uuid",
        "waits_for": "uuid",
        "actor": "text",
        "reason": "text",
        "correlation_id": "text",
    }
)
_WRITE_DOWN: Final = _NEW.insert("posting", "ON CONFLICT (key) DO NOTHING")

_POSTING: Final = """
    p.key, p.reference, p.target, p.connection, p.object, p.source_id, p.revision, p.kind, p.leg,
    p.amendment, p.document_id, p.legal_entity, p.seconds, p.amount, p.currency, p.state, p.fence,
    p.claimed_by, p.sent_at, p.unknown_since, p.body_hash, p.intent, p.erp_document_id,
    p.attested_at, p.case_id, p.released_at, p.corrects, p.waits_for, p.next_revision, p.withdrawn
"""


async def write_down(connection: Connection, postings: Iterable[NewPosting], who: Who) -> None:
    """Record postings as PENDING or EXCEPTION; one whose key is known already stays as it is."""
    rows = [
        (
            *(posting.key, posting.reference, posting.tenant, posting.target),
            *(posting.connection, posting.object, posting.source_id, posting.revision),
            *(posting.kind, posting.leg, posting.amendment, posting.document_id),
            *(posting.legal_entity, posting.state, posting.case_id),
            *(posting.seconds, posting.amount, posting.currency, posting.period),
            *(posting.posting_date, posting.original_date),
            posting.intent.model_dump_json() if posting.intent else None,
            posting.intent.body.body_hash if posting.intent else "unreadable",
            *(posting.corrects, posting.waits_for, who.actor, who.reason, who.correlation_id),
        )
        for posting in postings
    ]
    if rows:
        await connection.execute(_WRITE_DOWN, *_NEW.arrays(rows))


async def of_lines(
    connection: Connection, source: str, object_name: str, source_ids: Sequence[str]
) -> list[Posting]:
    """All postings that were ever made for these source lines, locked until the commit.

    The lock keeps a claim from slipping in between reading them and deciding on news.
    """
    rows = await connection.fetch(
        f"SELECT {_POSTING} FROM posting p "
        "WHERE p.connection = $1 AND p.object = $2 AND p.source_id = ANY($3::text[]) "
        "ORDER BY p.key FOR UPDATE",
        source,
        object_name,
        source_ids,
    )
    return [_posting(row) for row in rows]


async def to_post(connection: Connection, source: str, document_id: str) -> list[Posting]:
    """A document's postings that are to be sent, looked up or attested now.

    A replacement is not among them until the posting it waits for is POSTED.
    """
    rows = await connection.fetch(
        f"""
        SELECT {_POSTING} FROM posting p
        LEFT JOIN posting before ON before.key = p.waits_for
        WHERE p.connection = $1 AND p.document_id = $2
          AND (p.state IN ('PENDING', 'SENDING')
               OR (p.state = 'POSTED' AND p.attested_at IS NULL AND p.case_id IS NULL))
          AND (p.waits_for IS NULL OR before.state = 'POSTED')
        ORDER BY p.key
        """,
        source,
        document_id,
    )
    return [_posting(row) for row in rows]


# Locked in the order of the keys, so that two lanes never wait for each other in a circle.
_CLAIM: Final = """
    WITH mine AS (
      SELECT p.key FROM posting p
      JOIN unnest($1::uuid[], $2::bigint[]) AS wanted(key, fence)
        ON p.key = wanted.key AND p.fence = wanted.fence
      WHERE p.state IN ('PENDING', 'SENDING')
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
    connection: Connection, postings: Sequence[Posting], lane: str, evidence: str, who: Who
) -> dict[UUID, int]:
    """Transaction 1: take rows whose fence is still the one that was read; gives new fences.

    Commit before the first byte leaves. A row taken over from an unanswered attempt keeps the
    time since which its outcome is unknown.
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
_RECORD: Final = """
    UPDATE posting p
    SET state = CASE
          WHEN r.outcome = 'executed' THEN
            CASE WHEN p.erp_document_id IS NOT NULL AND p.erp_document_id <> r.document_id
                 THEN 'DUPLICATE'
                 WHEN p.state IN ('REVERSED', 'DUPLICATE') THEN p.state
                 -- Said to be never posted, and yet it is: the sweep makes a case of it.
                 WHEN p.state IN ('SUPERSEDED', 'CANCELLED', 'WAIVED') THEN p.state
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
        erp_document_id = coalesce(p.erp_document_id, r.document_id),
        other_document_ids = CASE
          WHEN p.erp_document_id <> r.document_id AND r.document_id <> ALL (p.other_document_ids)
          THEN p.other_document_ids || r.document_id ELSE p.other_document_ids END,
        posted_at = CASE WHEN r.outcome = 'executed'
                         THEN coalesce(p.posted_at, clock_timestamp()) ELSE p.posted_at END,
        attested_at = CASE WHEN r.attested
                           THEN coalesce(p.attested_at, clock_timestamp()) ELSE p.attested_at END,
        case_id = coalesce(r.case_id, p.case_id),
        released_at = NULL,
        last_outcome = r.outcome || CASE WHEN r.code = '' THEN '' ELSE ':' || r.code END,
        actor = $8, reason = $9, correlation_id = $10
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::boolean[],
                $7::uuid[]) AS r(key, fence, outcome, code, document_id, attested, case_id)
    WHERE p.key = r.key
      AND (r.outcome = 'executed' OR (p.state = 'SENDING' AND p.fence = r.fence))
    RETURNING p.key, p.state, p.kind, p.corrects
"""

_ACKNOWLEDGE: Final = """
    INSERT INTO outbox (connection, object, source_id, posting_key, kind, reference, document_id)
    SELECT connection, object, source_id, key, 'posted', reference, erp_document_id
    FROM posting WHERE key = ANY($1::uuid[]) AND kind = 'time'
    ON CONFLICT (posting_key, kind) DO NOTHING
"""

_REVERSED: Final = """
    UPDATE posting SET state = 'REVERSED', actor = $2, reason = $3, correlation_id = $4
    WHERE key = ANY($1::uuid[]) AND state = 'POSTED'
"""


async def record(
    connection: Connection, results: Sequence[AttemptResult], who: Who, *, acknowledge: bool
) -> dict[UUID, PostingState]:
    """Transaction 2: write down what attempts came to; gives the new state of each row touched.

    In the same transaction a posted undo or reversal turns its original REVERSED, and, if
    `acknowledge`, the source is owed an acknowledgement through the outbox.
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
    )
    posted = [row for row in rows if row["state"] == PostingState.POSTED]
    taken_back = [row["corrects"] for row in posted if row["kind"] != PostingKind.TIME]
    if taken_back:
        await connection.execute(_REVERSED, taken_back, who.actor, who.reason, who.correlation_id)
    if acknowledge and posted:
        await connection.execute(_ACKNOWLEDGE, [row["key"] for row in posted])
    return {row["key"]: PostingState(row["state"]) for row in rows}


_MOVE: Final = """
    UPDATE posting SET state = $2, case_id = CASE WHEN $2 = 'PENDING' THEN NULL ELSE case_id END,
           released_at = NULL, actor = $4, reason = $5, correlation_id = $6
    WHERE key = ANY($1::uuid[]) AND state = ANY($3::text[])
"""


async def move(connection: Connection, moves: Moves, who: Who) -> None:
    """Apply moves; a row that was claimed meanwhile is left to the claim's outcome."""
    steps = (
        (moves.cancel, PostingState.CANCELLED),
        (moves.supersede, PostingState.SUPERSEDED),
        (moves.waive, PostingState.WAIVED),
        (moves.requeue, PostingState.PENDING),
    )
    for keys, state in steps:
        if keys:
            expected = ["EXCEPTION"] if state is PostingState.PENDING else ["PENDING", "EXCEPTION"]
            await connection.execute(
                _MOVE, keys, state, expected, who.actor, who.reason, who.correlation_id
            )
    if moves.note_withdrawn:
        await connection.execute(
            "UPDATE posting SET withdrawn = true WHERE key = ANY($1::uuid[]) AND state = 'SENDING'",
            moves.note_withdrawn,
        )
    if moves.note_revision:
        await connection.execute(
            """
            UPDATE posting p SET next_revision = greatest(p.next_revision, n.revision)
            FROM unnest($1::uuid[], $2::int[]) AS n(key, revision)
            WHERE p.key = n.key AND p.state = 'SENDING'
            """,
            [key for key, _ in moves.note_revision],
            [revision for _, revision in moves.note_revision],
        )


async def attest(connection: Connection, keys: Sequence[UUID]) -> None:
    """Note that the ERP shows exactly what was sent."""
    await connection.execute(
        "UPDATE posting SET attested_at = clock_timestamp() "
        "WHERE key = ANY($1::uuid[]) AND attested_at IS NULL",
        keys,
    )


def _posting(row: Row) -> Posting:
    return Posting(
        key=row["key"],
        reference=row["reference"],
        target=row["target"],
        connection=row["connection"],
        object=row["object"],
        source_id=row["source_id"],
        revision=row["revision"],
        kind=PostingKind(row["kind"]),
        leg=row["leg"],
        amendment=row["amendment"],
        document_id=row["document_id"],
        legal_entity=row["legal_entity"],
        seconds=row["seconds"],
        amount=row["amount"],
        currency=row["currency"],
        state=PostingState(row["state"]),
        fence=row["fence"],
        claimed_by=row["claimed_by"],
        sent_at=row["sent_at"],
        unknown_since=row["unknown_since"],
        body_hash=row["body_hash"],
        intent_json=row["intent"],
        erp_document_id=row["erp_document_id"],
        attested_at=row["attested_at"],
        case_id=row["case_id"],
        released=row["released_at"] is not None,
        corrects=row["corrects"],
        waits_for=row["waits_for"],
        next_revision=row["next_revision"],
        withdrawn=row["withdrawn"],
    )
