"""Documents: timesheets and reports that have news, and which of it a workflow was told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from store.bulk import Columns
from store.database import Connection

# An engagement hears of its work no more often, however much of it changes.
BILLING_TOLD_EVERY_SECONDS: Final = 10

_NEWS: Final = Columns(
    {"connection": "text", "kind": "text", "document_id": "text", "employee": "text",
     "starts_on": "date"}
)  # fmt: skip
_TELL: Final = _NEWS.insert(
    "document",
    "ON CONFLICT (connection, kind, document_id) DO UPDATE SET news_seq = document.news_seq + 1",
)


@dataclass(frozen=True, slots=True)
class DocumentNews:
    """A document that has something to decide."""

    connection: str
    kind: str
    document_id: str
    employee: str
    starts_on: date


@dataclass(frozen=True, slots=True)
class Undispatched:
    """A document to which a workflow is owed."""

    kind: str
    document_id: str
    news_seq: int
    starts_on: date


@dataclass(frozen=True, slots=True)
class Touched:
    """A document with news that its workflow is to be told."""

    connection: str
    kind: str
    document_id: str
    news_seq: int


async def tell(connection: Connection, news: Iterable[DocumentNews]) -> None:
    """Note that documents have news, so that a workflow is started or told."""
    told = sorted((n.connection, n.kind, n.document_id, n.employee, n.starts_on) for n in news)
    # Lines that could not be read may disagree about whose week it is; a document is told once.
    once = {row[:3]: row for row in told}
    await connection.execute(_TELL, *_NEWS.arrays(once.values()))


async def undispatched(connection: Connection, source: str, limit: int) -> list[Undispatched]:
    """List documents that have news which no workflow was told, as far as they may be told now."""
    rows = await connection.fetch(
        "SELECT kind, document_id, news_seq, starts_on FROM document "
        "WHERE connection = $1 AND news_seq > dispatched_seq "
        "AND (kind <> 'billing' OR told_at IS NULL "
        "     OR told_at <= clock_timestamp() - make_interval(secs => $3)) "
        "ORDER BY starts_on, document_id LIMIT $2",
        source,
        limit,
        BILLING_TOLD_EVERY_SECONDS,
    )
    return [Undispatched(**dict(row)) for row in rows]


async def dispatched(
    connection: Connection, source: str, told: Iterable[tuple[str, str, int]]
) -> None:
    """Note up to which news workflows were told, by kind and id; later news stays owed."""
    kinds, ids, seqs = [list(column) for column in zip(*told, strict=True)] or ([], [], [])
    await connection.execute(
        """
        UPDATE document d
        SET dispatched_seq = greatest(d.dispatched_seq, t.seq), told_at = clock_timestamp()
        FROM unnest($2::text[], $3::text[], $4::bigint[]) AS t(kind, document_id, seq)
        WHERE d.connection = $1 AND d.kind = t.kind AND d.document_id = t.document_id
        """,
        source,
        kinds,
        ids,
        seqs,
    )


async def touch(connection: Connection, documents: Iterable[tuple[str, str]]) -> list[Touched]:
    """Give documents news that did not come from their source.

    Written with the cause, so that a workflow is owed to them even if nobody tells it at once.
    """
    sources, ids = [list(c) for c in zip(*sorted(set(documents)), strict=True)] or ([], [])
    rows = await connection.fetch(
        """
        UPDATE document d SET news_seq = d.news_seq + 1
        FROM unnest($1::text[], $2::text[]) AS t(source, document_id)
        WHERE d.connection = t.source AND d.document_id = t.document_id
        RETURNING d.connection, d.kind, d.document_id, d.news_seq
        """,
        sources,
        ids,
    )
    return [Touched(**dict(row)) for row in rows]


async def owe_again(connection: Connection, source: str, first: date, last: date) -> None:
    """Owe a workflow to every document of a window that is not settled, whoever was told before.

    A report is settled once it is paid; a billing month that the window touches is always owed one,
    since people release by it what no posting knows of. Temporal's state may have been lost since;
    a workflow that runs only looks once more.
    """
    await connection.execute(
        """
        UPDATE document SET news_seq = news_seq + 1
        WHERE (connection, kind, document_id) IN (
          SELECT d.connection, d.kind, d.document_id FROM document d
          WHERE d.connection = $1 AND d.starts_on <= $3
            AND d.starts_on >= CASE d.kind WHEN 'billing' THEN date_trunc('month', $2::date)::date
                                           ELSE $2::date - 6 END
            AND (d.kind = 'billing' OR d.news_seq > d.prepared_seq OR EXISTS (
              SELECT FROM posting p
              WHERE p.connection = d.connection AND p.document_id = d.document_id
                AND (p.state IN ('PENDING', 'SENDING', 'EXCEPTION', 'IN_DOUBT', 'DUPLICATE')
                     OR (p.state = 'POSTED' AND p.attested_at IS NULL AND p.case_id IS NULL)
                     OR (p.state = 'POSTED' AND p.kind = 'expense' AND NOT EXISTS (
                       SELECT FROM document_payment m
                       WHERE m.posting_key = p.key AND m.state = 'paid')))))
          ORDER BY d.document_id FOR UPDATE)
        """,
        source,
        first,
        last,
    )
