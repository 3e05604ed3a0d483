"""The posting ledger: intents written down, and moved on by news and by people, in bulk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from canonical.posting import PostingKind, PostingState
from store.bulk import Columns
from store.database import Connection, Row
from store.postings import (
    ACCEPTED,
    Moves,
    NewPosting,
    Posting,
    Requeue,
    StillStopped,
    Who,
)

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

POSTING_COLUMNS: Final = """
    p.key, p.reference, p.target, p.connection, p.object, p.source_id, p.revision, p.kind, p.leg,
    p.amendment, p.document_id, p.legal_entity, p.seconds, p.amount, p.currency, p.state, p.fence,
    p.claimed_by, p.sent_at, p.unknown_since, p.body_hash, p.intent, p.erp_document_id,
    p.attested_at, p.case_id, p.released_at, p.corrects, p.waits_for, p.next_revision, p.withdrawn,
    p.other_document_ids, p.last_outcome,
    (extract(epoch FROM clock_timestamp() - p.sent_at) * 1000)::bigint AS claimed_ms_ago,
    (extract(epoch FROM clock_timestamp() - p.unknown_since) * 1000)::bigint AS unknown_ms_ago
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
        f"SELECT {POSTING_COLUMNS}, NULL::timestamptz AS approved_at FROM posting p "
        "WHERE p.connection = $1 AND p.object = $2 AND p.source_id = ANY($3::text[]) "
        "ORDER BY p.key FOR UPDATE",
        source,
        object_name,
        source_ids,
    )
    return [posting_from(row) for row in rows]


_MOVE: Final = """
    UPDATE posting SET state = $2, released_at = NULL, actor = $3, reason = $4, correlation_id = $5
    WHERE key = ANY($1::uuid[]) AND state IN ('PENDING', 'EXCEPTION')
"""


async def move(connection: Connection, moves: Moves, who: Who) -> None:
    """Apply moves to rows that `of_lines` has locked."""
    for keys, state in (
        (moves.cancel, PostingState.CANCELLED),
        (moves.supersede, PostingState.SUPERSEDED),
    ):
        if keys:
            await connection.execute(_MOVE, keys, state, who.actor, who.reason, who.correlation_id)
    if moves.note_withdrawn:
        await connection.execute(
            "UPDATE posting SET withdrawn = true WHERE key = ANY($1::uuid[])",
            moves.note_withdrawn,
        )
    if moves.note_revision:
        await connection.execute(
            """
            UPDATE posting p SET next_revision = greatest(p.next_revision, n.revision)
            FROM unnest($1::uuid[], $2::int[]) AS n(key, revision) WHERE p.key = n.key
            """,
            [key for key, _ in moves.note_revision],
            [revision for _, revision in moves.note_revision],
        )


_REQUEUE: Final = """
    UPDATE posting p
    SET state = 'PENDING', case_id = NULL, released_at = NULL,
        legal_entity = r.legal_entity, seconds = r.seconds, amount = r.amount,
        currency = r.currency, intent = r.intent, body_hash = r.body_hash, period = r.period,
        posting_date = r.posting_date, original_date = r.original_date,
        actor = $11, reason = $12, correlation_id = $13
    FROM unnest($1::uuid[], $2::text[], $3::int[], $4::numeric[], $5::text[], $6::text[],
                $7::text[], $8::text[], $9::date[], $10::date[])
      AS r(key, legal_entity, seconds, amount, currency, intent, body_hash, period,
           posting_date, original_date)
    WHERE p.key = r.key AND p.state = 'EXCEPTION' AND (p.fence = 0 OR p.body_hash = r.body_hash)
"""


async def requeue(connection: Connection, passed: Sequence[Requeue], who: Who) -> None:
    """Put stopped postings back in the queue with what they mean now.

    A posting that was sent once keeps its body: the caller makes a new amendment otherwise.
    """
    if not passed:
        return
    periods = [one.intent.period for one in passed]
    await connection.execute(
        _REQUEUE,
        [one.key for one in passed],
        [one.legal_entity for one in passed],
        [one.seconds for one in passed],
        [one.amount for one in passed],
        [one.currency for one in passed],
        [one.intent.model_dump_json() for one in passed],
        [one.intent.body.body_hash for one in passed],
        [period.period for period in periods],
        [period.posting_date for period in periods],
        [period.original_date for period in periods],
        who.actor,
        who.reason,
        who.correlation_id,
    )


async def still_stopped(connection: Connection, stopped: Sequence[StillStopped]) -> None:
    """Hang postings that were released and stopped again on the case that stops them now."""
    if stopped:
        await connection.execute(
            """
            UPDATE posting p SET case_id = s.case_id, released_at = NULL
            FROM unnest($1::uuid[], $2::uuid[]) AS s(key, case_id)
            WHERE p.key = s.key AND p.state = 'EXCEPTION'
            """,
            [one.key for one in stopped],
            [one.case_id for one in stopped],
        )


async def by_reference(
    connection: Connection, target: str, references: Sequence[str]
) -> dict[str, Posting]:
    """The postings that an ERP's documents claim to be, by reference."""
    rows = await connection.fetch(
        f"SELECT {POSTING_COLUMNS}, NULL::timestamptz AS approved_at FROM posting p "
        "WHERE p.target = $1 AND p.reference = ANY($2::text[])",
        target,
        references,
    )
    return {row["reference"]: posting_from(row) for row in rows}


async def posted_but_not_among(
    connection: Connection, target: str, references: Sequence[str], before: datetime
) -> list[Posting]:
    """Postings that were posted before an instant (UTC) and whose document was not listed.

    Without those that a person knows to be gone. An undo leaves no document.
    """
    rows = await connection.fetch(
        f"SELECT {POSTING_COLUMNS}, NULL::timestamptz AS approved_at FROM posting p "
        "WHERE p.target = $1 AND p.state = 'POSTED' AND p.kind <> 'undo' "
        "AND p.posted_at < $3 "
        "AND p.reference <> ALL ($2::text[]) AND p.last_outcome IS DISTINCT FROM $4",
        target,
        references,
        before,
        ACCEPTED,
    )
    return [posting_from(row) for row in rows]


_STANDING: Final = """
    SELECT
      count(*) FILTER (WHERE (p.state IN ('PENDING', 'SENDING')
                           AND (p.waits_for IS NULL OR before.state <> 'EXCEPTION'))
                         OR (p.state IN ('POSTED', 'DUPLICATE') AND p.attested_at IS NULL
                           AND p.case_id IS NULL)) AS to_post,
      count(*) FILTER (WHERE p.state IN ('EXCEPTION', 'IN_DOUBT', 'DUPLICATE')) AS stopped,
      array_agg(DISTINCT p.case_id) FILTER (WHERE p.case_id IS NOT NULL AND p.state IN
        ('EXCEPTION', 'IN_DOUBT', 'DUPLICATE')) AS cases
    FROM posting p LEFT JOIN posting before ON before.key = p.waits_for
    WHERE p.connection = $1 AND p.document_id = $2
"""


@dataclass(frozen=True, slots=True)
class DocumentStanding:
    """How far a document is: postings still to be settled, and those that wait for a person.

    What was posted and never read back is not settled, unless a person looks at it already.
    """

    to_post: int
    stopped: int
    cases: tuple[UUID, ...]


async def standing_of(connection: Connection, source: str, document_id: str) -> DocumentStanding:
    """Count a document's postings that are not settled."""
    row = await connection.fetchrow(_STANDING, source, document_id)
    assert row is not None
    return DocumentStanding(row["to_post"], row["stopped"], tuple(row["cases"] or ()))


def posting_from(row: Row) -> Posting:
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
        claimed_ms_ago=row["claimed_ms_ago"],
        unknown_ms_ago=row["unknown_ms_ago"],
        approved_at=row["approved_at"],
        other_document_ids=tuple(row["other_document_ids"]),
        accepted=row["last_outcome"] == ACCEPTED,
    )
