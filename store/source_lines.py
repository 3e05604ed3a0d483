"""Intake: raw records once, source lines in their newest version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from canonical.source_line import LineStatus, LineVersion
from store.bulk import Columns
from store.database import Connection, Row

_INBOX: Final = Columns(
    {"connection": "text", "object": "text", "source_id": "text", "content_hash": "text",
     "payload": "text"}
)  # fmt: skip
_INTO_INBOX: Final = _INBOX.insert("inbox", "ON CONFLICT ON CONSTRAINT inbox_once DO NOTHING")

_LINE: Final = Columns(
    {
        "connection": "text",
        "object": "text",
        "source_id": "text",
        "document_id": "text",
        "employee": "text",
        "work_date": "date",
        "revision": "int",
        "financial_hash": "text",
        "status": "text",
        "approved_at": "timestamptz",
        "approved_at_from": "text",
        "trouble": "text",
        "entry": "text",
        "changed_at": "timestamptz",
    }
)
_SAVE_LINES: Final = _LINE.insert(
    "source_line",
    "ON CONFLICT (connection, object, source_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in list(_LINE.types)[3:])
    + ", seen_at = now()",
)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it came, for the inbox."""

    connection: str
    object: str
    source_id: str
    content_hash: str
    payload: str


async def keep_raw(connection: Connection, records: Iterable[RawRecord]) -> None:
    """Put records into the inbox; the same version of a record is kept once."""
    rows = [(r.connection, r.object, r.source_id, r.content_hash, r.payload) for r in records]
    await connection.execute(_INTO_INBOX, *_INBOX.arrays(rows))


async def lock(
    connection: Connection, source: str, object_name: str, source_ids: Sequence[str]
) -> dict[str, LineVersion]:
    """Read lines by id and hold them until the commit."""
    rows = await connection.fetch(
        f"SELECT {_LINE.names} FROM source_line WHERE connection = $1 AND object = $2 "
        "AND source_id = ANY($3::text[]) ORDER BY source_id FOR UPDATE",
        source,
        object_name,
        source_ids,
    )
    return {row["source_id"]: _line(row) for row in rows}


async def in_window(
    connection: Connection, source: str, object_name: str, first: date, last: date
) -> set[str]:
    """The ids of the lines that the source had in a window of work dates, ends included."""
    rows = await connection.fetch(
        "SELECT source_id FROM source_line WHERE connection = $1 AND object = $2 "
        "AND work_date BETWEEN $3 AND $4 AND status <> 'DELETED'",
        source,
        object_name,
        first,
        last,
    )
    return {row["source_id"] for row in rows}


async def revisions_of(connection: Connection, source: str, object_name: str) -> dict[str, int]:
    """The revisions of all records of a kind that a source shows, by their ids."""
    rows = await connection.fetch(
        "SELECT source_id, revision FROM source_line "
        "WHERE connection = $1 AND object = $2 AND status <> 'DELETED'",
        source,
        object_name,
    )
    return {row["source_id"]: row["revision"] for row in rows}


async def hashes_of(
    connection: Connection, source: str, object_name: str, source_ids: Sequence[str]
) -> dict[str, str]:
    """The financial hashes of lines that are known, by their ids."""
    rows = await connection.fetch(
        "SELECT source_id, financial_hash FROM source_line "
        "WHERE connection = $1 AND object = $2 AND source_id = ANY($3::text[])",
        source,
        object_name,
        source_ids,
    )
    return {row["source_id"]: row["financial_hash"] for row in rows}


async def of_document(connection: Connection, source: str, document_id: str) -> list[LineVersion]:
    """Read a document's lines to decide on all its news, and hold it: one at a time does so."""
    await connection.execute(
        "UPDATE document SET prepared_seq = news_seq WHERE connection = $1 AND document_id = $2",
        source,
        document_id,
    )
    rows = await connection.fetch(
        f"SELECT {_LINE.names} FROM source_line WHERE connection = $1 AND document_id = $2 "
        "ORDER BY work_date, source_id",
        source,
        document_id,
    )
    return [_line(row) for row in rows]


async def entry_of(connection: Connection, source: str, document_id: str) -> str | None:
    """The canonical JSON of a document that is its own only line."""
    row = await connection.fetchrow(
        "SELECT entry FROM source_line WHERE connection = $1 AND source_id = $2 "
        "AND document_id = $2",
        source,
        document_id,
    )
    entry: str | None = row["entry"] if row else None
    return entry


# Reports that are compared lie at most so many days apart: a claim is made twice by mistake, and
# not after a year.
COMPARED_DAYS: Final = 90
COMPARED_MAX: Final = 50


async def others_of_employee(connection: Connection, lines: Sequence[LineVersion]) -> list[str]:
    """The JSON of the employee's other approved lines of the same object, about the same time.

    Only of those that were approved before: of two that claim the same the first is right.
    """
    if not lines or lines[0].work_date is None:
        return []
    one = lines[0]
    rows = await connection.fetch(
        """
        SELECT entry FROM source_line
        WHERE connection = $1 AND object = $2 AND employee = $3 AND source_id <> ALL ($4::text[])
          AND status = 'APPROVED' AND entry IS NOT NULL
          AND work_date BETWEEN $5::date - $6::int AND $5::date + $6::int
          AND (approved_at, source_id) < ($8::timestamptz, $4[1])
        ORDER BY changed_at DESC, source_id LIMIT $7
        """,
        one.connection,
        one.object,
        one.employee,
        [line.source_id for line in lines],
        one.work_date,
        COMPARED_DAYS,
        COMPARED_MAX,
        one.approved_at,
    )
    return [row["entry"] for row in rows]


async def save(connection: Connection, lines: Iterable[LineVersion]) -> None:
    """Write lines in their newest version."""
    rows = [tuple(getattr(line, name) for name in _LINE.types) for line in lines]
    await connection.execute(_SAVE_LINES, *_LINE.arrays(rows))


def _line(row: Row) -> LineVersion:
    values = dict(row)
    values["status"] = LineStatus(values["status"])
    return LineVersion(**values)
