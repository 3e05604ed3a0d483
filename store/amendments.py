"""Amendments: values that a person put in place of the source's, per line and revision."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from store.database import Connection


async def amend(
    connection: Connection,
    case_id: UUID,
    changes: Mapping[str, str],
    made_by: str,
) -> None:
    """Amend every line that a case blocks, in its current revision."""
    await connection.execute(
        """
        INSERT INTO amendment (connection, object, source_id, revision, field, value, case_id,
                               made_by)
        SELECT p.connection, p.object, p.source_id, p.revision, c.field, c.value, $1, $4
        FROM posting p CROSS JOIN unnest($2::text[], $3::text[]) AS c(field, value)
        WHERE p.case_id = $1 AND p.state = 'EXCEPTION'
        ON CONFLICT (connection, object, source_id, revision, field)
        DO UPDATE SET value = excluded.value, case_id = excluded.case_id,
                      made_by = excluded.made_by, made_at = now()
        """,
        case_id,
        list(changes),
        list(changes.values()),
        made_by,
    )


async def of_lines(
    connection: Connection, source: str, object_name: str, source_ids: Sequence[str]
) -> dict[tuple[str, int], dict[str, str]]:
    """Read amendments by (line, revision)."""
    rows = await connection.fetch(
        "SELECT source_id, revision, field, value FROM amendment "
        "WHERE connection = $1 AND object = $2 AND source_id = ANY($3::text[])",
        source,
        object_name,
        source_ids,
    )
    found: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for row in rows:
        found[row["source_id"], row["revision"]][row["field"]] = row["value"]
    return dict(found)
