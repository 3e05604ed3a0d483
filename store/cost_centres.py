"""Cost centres of people by day, as HR says: which one counts for work of a date."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from canonical.masters import CostCentreAssignment
from store import masters
from store.bulk import Columns
from store.database import Connection

_ASSIGNMENT: Final = Columns(
    {"connection": "text", "employee": "text", "valid_from": "date", "cost_centre": "text"}
)
_SAVE: Final = _ASSIGNMENT.insert(
    "cost_centre_assignment",
    "ON CONFLICT (connection, employee, valid_from) DO UPDATE SET cost_centre = "
    "excluded.cost_centre WHERE cost_centre_assignment.cost_centre <> excluded.cost_centre "
    "RETURNING employee, valid_from",
)


async def save(
    connection: Connection, source: str, assignments: Iterable[CostCentreAssignment]
) -> dict[str, date]:
    """Replace what is known; gives from which day on it changed, by employee of that system."""
    latest = {(one.employee, one.valid_from): one.cost_centre for one in assignments}
    rows = [(source, *key, centre) for key, centre in sorted(latest.items())]
    changed = await connection.fetch(_SAVE, *_ASSIGNMENT.arrays(rows))
    gone = await connection.fetch(
        """
        DELETE FROM cost_centre_assignment a
        WHERE a.connection = $1 AND NOT EXISTS (
          SELECT FROM unnest($2::text[], $3::date[]) AS l(employee, valid_from)
          WHERE (l.employee, l.valid_from) = (a.employee, a.valid_from))
        RETURNING employee, valid_from
        """,
        source,
        [row[1] for row in rows],
        [row[2] for row in rows],
    )
    since: dict[str, date] = {}
    for row in (*changed, *gone):
        since[row["employee"]] = min(row["valid_from"], since.get(row["employee"], date.max))
    if since:
        await masters.is_news(connection, source)
    return since


async def for_source(
    connection: Connection, source: str
) -> dict[str, Sequence[CostCentreAssignment]]:
    """The assignments of a source's people, by the source's own id, the earliest first."""
    rows = await connection.fetch(
        """
        SELECT c.target_id AS ours, a.valid_from, a.cost_centre
        FROM cost_centre_assignment a JOIN cross_reference c
          ON c.kind = 'employee' AND (c.source, c.source_id) = (a.connection, a.employee)
        WHERE c.target = $1
        UNION ALL
        SELECT employee, valid_from, cost_centre FROM cost_centre_assignment WHERE connection = $1
        ORDER BY 1, 2
        """,
        source,
    )
    found: dict[str, list[CostCentreAssignment]] = {}
    for row in rows:
        found.setdefault(row["ours"], []).append(
            CostCentreAssignment(
                employee=row["ours"], valid_from=row["valid_from"], cost_centre=row["cost_centre"]
            )
        )
    return dict(found)
