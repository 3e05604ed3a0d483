"""What stands around a master record: the ERP's lists, contracts, and records of the same code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canonical.cross_reference import MasterKind
from canonical.masters import Master
from store.database import Connection
from store.masters import master_from


@dataclass(frozen=True, slots=True)
class ErpLists:
    """The codes of what an ERP has and is in use."""

    legal_entities: tuple[str, ...]
    currencies: tuple[str, ...]
    cost_centres: tuple[str, ...]


async def of_erp(connection: Connection, erp: str) -> ErpLists:
    """Read the lists of an ERP as they were last read."""
    rows = await connection.fetch(
        "SELECT kind, code FROM master_record WHERE connection = $1 AND gone_at IS NULL "
        "AND kind IN ('legal_entity', 'currency', 'dimension_value') "
        "AND (body::jsonb ->> 'active')::boolean "
        "AND (kind <> 'dimension_value' OR body::jsonb ->> 'dimension' = 'cost_centre')",
        erp,
    )

    def codes(kind: str) -> tuple[str, ...]:
        return tuple(row["code"] for row in rows if row["kind"] == kind)

    return ErpLists(codes("legal_entity"), codes("currency"), codes("dimension_value"))


async def billed_projects(connection: Connection) -> list[str]:
    """The codes of all projects that some engagement is about."""
    rows = await connection.fetch("SELECT DISTINCT project FROM engagement_project")
    return [row["project"] for row in rows]


async def siblings(
    connection: Connection, kind: MasterKind, owner: str
) -> list[tuple[Master, bool]]:
    """All records in use that an owner has of a kind, and whether each is linked anywhere."""
    rows = await connection.fetch(
        """
        SELECT m.kind, m.body, EXISTS (
          SELECT FROM cross_reference c
          WHERE (c.kind, c.source, c.source_id) = (m.kind, m.connection, m.id)) AS linked
        FROM master_record m
        WHERE m.kind = $1 AND m.connection = $2 AND m.gone_at IS NULL
          AND (m.body::jsonb ->> 'active')::boolean
        """,
        kind,
        owner,
    )
    return [(master_from(row), row["linked"]) for row in rows]


async def codes_twice(
    connection: Connection, kind: MasterKind, owner: str, codes: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """Codes that several records of their owner have, with the ids of those.

    Tasks have their names for a code, and share it with those of other projects.
    """
    if kind is MasterKind.TASK:
        return {}
    rows = await connection.fetch(
        """
        SELECT code, array_agg($2 || ' ' || id ORDER BY id) AS records FROM master_record
        WHERE kind = $1 AND connection = $2 AND gone_at IS NULL AND code = ANY($3::text[])
          AND (body::jsonb ->> 'active')::boolean
        GROUP BY code HAVING count(*) > 1
        """,
        kind,
        owner,
        codes,
    )
    return {row["code"]: row["records"] for row in rows}
