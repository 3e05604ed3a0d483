"""Links of masters: cross-references from an owner's record to those of who receives it."""

from collections.abc import Iterable, Sequence
from typing import Final

from canonical.cross_reference import CrossReference, MasterKind
from store import masters
from store.database import Connection

# By whom two receivers' records are linked: the owner's record is linked to both.
THROUGH: Final = "through "


async def link(connection: Connection, references: Iterable[CrossReference]) -> None:
    """Link owners' records; one that was linked to what its owner has no more is linked anew.

    Who takes over the link of a record that is gone takes over what was agreed about it.
    """
    wanted = list(references)
    if not wanted:
        return
    columns = [
        [one.kind for one in wanted],
        [one.source for one in wanted],
        [one.source_id for one in wanted],
        [one.target for one in wanted],
        [one.target_id for one in wanted],
    ]
    new = (
        "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) "
        "AS n(kind, source, source_id, target, target_id)"
    )
    await connection.execute(
        f"""
        INSERT INTO master_agreement (kind, owner, owner_id, connection, field, value)
          SELECT a.kind, a.owner, n.source_id, a.connection, a.field, a.value
          FROM {new} JOIN cross_reference c ON (c.kind, c.source, c.target, c.target_id) =
                                               (n.kind, n.source, n.target, n.target_id)
          JOIN master_agreement a ON (a.kind, a.owner, a.owner_id, a.connection) =
                                     (c.kind, c.source, c.source_id, c.target)
          WHERE c.source_id <> n.source_id
        ON CONFLICT DO NOTHING
        """,
        *columns,
    )
    await connection.execute(
        f"""
        DELETE FROM cross_reference c USING {new}
        WHERE c.kind = n.kind AND c.source = n.source AND c.target = n.target
          AND (c.target_id = n.target_id OR c.source_id = n.source_id)
        """,
        *columns,
    )
    await masters.add_references(connection, wanted)


async def unlink(
    connection: Connection, kind: MasterKind, owner: str, owner_id: str, target: str
) -> None:
    """Forget where a record is in one system, for that system's record is gone."""
    row = await connection.fetchrow(
        "DELETE FROM cross_reference WHERE kind = $1 AND source = $2 AND source_id = $3 "
        "AND target = $4 RETURNING target_id",
        kind,
        owner,
        owner_id,
        target,
    )
    if row is not None:
        # What led there through the owner leads nowhere any more.
        await connection.execute(
            "DELETE FROM cross_reference WHERE kind = $1 AND ((target, target_id) = ($2, $3) "
            "OR (source, source_id) = ($2, $3))",
            kind,
            target,
            row["target_id"],
        )
        await connection.execute(
            "DELETE FROM master_agreement WHERE kind = $1 AND owner = $2 AND owner_id = $3 "
            "AND connection = $4",
            kind,
            owner,
            owner_id,
            target,
        )


async def link_through(
    connection: Connection, kind: MasterKind, owner: str, source: str, target: str
) -> None:
    """Link the records of two receivers that are linked to one record of the owner."""
    added = await connection.fetch(
        """
        WITH wanted AS (
          SELECT a.kind, a.target AS source, a.target_id AS source_id, b.target, b.target_id
          FROM cross_reference a JOIN cross_reference b USING (kind, source, source_id)
          WHERE a.kind = $1 AND a.source = $2 AND a.target = $3 AND b.target = $4),
        -- What was linked another way before, by a key that meant another record.
        wrong AS (
          DELETE FROM cross_reference c USING wanted w
          WHERE c.kind = w.kind AND c.source = w.source AND c.target = w.target
            AND (c.source_id = w.source_id) <> (c.target_id = w.target_id)
          RETURNING c.kind, c.source_id)
        INSERT INTO cross_reference (kind, source, source_id, target, target_id, made_by)
          SELECT w.*, $5 FROM wanted w
        ON CONFLICT DO NOTHING RETURNING 1
        """,
        kind,
        owner,
        source,
        target,
        f"{THROUGH}{owner}",
    )
    if added:
        await masters.is_news(connection, source)


async def target_ids(
    connection: Connection, kind: MasterKind, source: str, ids: Sequence[str], target: str
) -> dict[str, str]:
    """Where records of one system are in another, as far as they are linked."""
    if source == target:
        return {one: one for one in ids}
    rows = await connection.fetch(
        "SELECT source_id AS ours, target_id AS theirs FROM cross_reference "
        "WHERE kind = $1 AND source = $2 AND source_id = ANY($3::text[]) AND target = $4 "
        "UNION ALL SELECT target_id, source_id FROM cross_reference "
        "WHERE kind = $1 AND target = $2 AND target_id = ANY($3::text[]) AND source = $4",
        kind,
        source,
        ids,
        target,
    )
    return {row["ours"]: row["theirs"] for row in rows}
