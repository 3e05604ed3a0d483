"""Invoiced work: which lines a customer was invoiced for, and has no credit of yet."""

from collections.abc import Iterable
from typing import Final

from canonical.expense import EXPENSE_REPORT
from canonical.time_entry import TIME_ENTRY
from store import documents
from store.database import Connection
from store.documents import Touched

# What is on invoices of each revision of a line: released counts as billed, but only a credit note
# that the ERP has booked gives anything back.
_ON_INVOICES: Final = """
    SELECT a.work_key, a.revision FROM standing_allocation a
    WHERE {works} AND (a.kind = 'billed' OR (a.kind = 'credited' AND EXISTS (
      SELECT FROM posting c WHERE c.connection = a.connection AND c.object = 'billing_event'
        AND c.source_id = a.event_id AND c.state IN ('POSTED', 'DUPLICATE'))))
    GROUP BY a.work_key, a.revision HAVING sum(a.seconds) <> 0 OR sum(a.worth) <> 0
"""
_OF_TIME: Final = _ON_INVOICES.format(works="a.work_key = ANY($1::text[])")
_OF_COSTS: Final = _ON_INVOICES.format(
    works="a.work_kind = 'expense' "
    "AND EXISTS (SELECT FROM unnest($1::text[]) AS n(key) WHERE starts_with(a.work_key, n.key))"
)

_ELSEWHERE: Final = """
    SELECT a.work_key, a.connection, a.engagement
    FROM standing_allocation a JOIN unnest($3::text[]) AS n(work_key) USING (work_key)
    WHERE (a.connection, a.engagement) <> ($1, $2)
      AND (a.kind IN ('billed', 'written_off') OR (a.kind = 'credited' AND EXISTS (
        SELECT FROM posting c WHERE c.connection = a.connection AND c.object = 'billing_event'
          AND c.source_id = a.event_id AND c.state IN ('POSTED', 'DUPLICATE'))))
    GROUP BY a.work_key, a.connection, a.engagement
    HAVING sum(a.seconds) <> 0 OR sum(a.worth) <> 0
    ORDER BY a.work_key, a.connection DESC, a.engagement DESC
"""


async def elsewhere(
    connection: Connection, source: str, engagement: str, work_keys: Iterable[str]
) -> dict[str, str]:
    """The engagement that bills work, for work that another one than this bills already.

    A project may go from one engagement to another, or an engagement get another name; what was
    billed stays where it was until its credit is booked.
    """
    rows = await connection.fetch(_ELSEWHERE, source, engagement, sorted(set(work_keys)))
    return {row["work_key"]: row["engagement"] for row in rows}


async def on_invoices(
    connection: Connection, source: str, object_name: str, source_ids: Iterable[str]
) -> set[tuple[str, int]]:
    """The revisions of lines that are invoiced and not credited (DOMAIN rule 12)."""
    ids = sorted(set(source_ids))
    if not ids:
        return set()
    if object_name == TIME_ENTRY:
        keys = {f"time:{source}:{one}": one for one in ids}
        rows = await connection.fetch(_OF_TIME, list(keys))
        return {(keys[row["work_key"]], row["revision"]) for row in rows}
    if object_name != EXPENSE_REPORT:
        return set()
    prefixes = {f"expense:{source}:{one}/": one for one in ids}
    rows = await connection.fetch(_OF_COSTS, list(prefixes))
    return {
        (one, row["revision"])
        for row in rows
        for prefix, one in prefixes.items()
        if row["work_key"].startswith(prefix)
    }


async def let_go_of_credited(connection: Connection) -> list[Touched]:
    """Let takings back go that waited for a credit note which is booked now; gives who is told."""
    stopped = await connection.fetch(
        """
        SELECT b.key, b.connection, b.object, b.source_id, p.revision
        FROM posting b JOIN posting p ON p.key = b.corrects
        JOIN exception_case c ON c.id = b.case_id
        WHERE b.state = 'EXCEPTION' AND b.released_at IS NULL
          AND b.kind IN ('reversal', 'undo') AND c.cause = 'invoiced'
        """
    )
    places = {(row["connection"], row["object"]) for row in stopped}
    billed = {
        (source, name, *revision)
        for source, name in places
        for revision in await on_invoices(
            connection,
            source,
            name,
            [row["source_id"] for row in stopped if row["connection"] == source],
        )
    }
    free = [
        row["key"]
        for row in stopped
        if (row["connection"], row["object"], row["source_id"], row["revision"]) not in billed
    ]
    if not free:
        return []
    # Documents first, as whoever prepares one does: nobody waits in a circle.
    await connection.execute(
        "SELECT FROM document WHERE (connection, document_id) IN "
        "(SELECT connection, document_id FROM posting WHERE key = ANY($1::uuid[])) "
        "ORDER BY connection, kind, document_id FOR UPDATE",
        free,
    )
    freed = await connection.fetch(
        """
        UPDATE posting SET released_at = now()
        WHERE key = ANY($1::uuid[]) AND state = 'EXCEPTION' AND released_at IS NULL
        RETURNING connection, document_id
        """,
        free,
    )
    return await documents.touch(
        connection, {(row["connection"], row["document_id"]) for row in freed}
    )
