"""Choices of people about masters: who owns a field of one record, and what is something else."""

from collections.abc import Sequence
from dataclasses import dataclass

from canonical.cross_reference import MasterKind
from store.database import Connection


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """Whose value of a field counts for one record; `once`: until the others have it."""

    field: str
    connection: str
    once: bool
    by: str
    reason: str


async def own(
    connection: Connection, kind: MasterKind, owner: str, owner_id: str, choice: FieldOwner
) -> None:
    """Let a system own a field of one record."""
    await connection.execute(
        """
        INSERT INTO master_field_owner
          (kind, owner, owner_id, field, connection, once, decided_by, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (kind, owner, owner_id, field) DO UPDATE
        SET connection = excluded.connection, once = excluded.once,
            decided_by = excluded.decided_by, reason = excluded.reason
        """,
        kind,
        owner,
        owner_id,
        choice.field,
        choice.connection,
        choice.once,
        choice.by,
        choice.reason,
    )


async def keep_apart(  # noqa: PLR0917  An identity, a system, records and who said so.
    connection: Connection,
    kind: MasterKind,
    owner: str,
    owner_id: str,
    where: str,
    records: Sequence[str],
    by: str,
) -> None:
    """Note that records of a system are something else than this identity."""
    await connection.execute(
        """
        INSERT INTO master_apart (kind, owner, owner_id, connection, record_id, decided_by)
          SELECT $1, $2, $3, $4, unnest($5::text[]), $6
        ON CONFLICT DO NOTHING
        """,
        kind,
        owner,
        owner_id,
        where,
        records,
        by,
    )


async def believe_gone(connection: Connection, kind: MasterKind, owner: str, owner_id: str) -> None:
    """A person says that a record which its owner does not show was deleted there."""
    await connection.execute(
        "UPDATE master_record SET gone_said = true "
        "WHERE kind = $1 AND connection = $2 AND id = $3 AND gone_at IS NOT NULL",
        kind,
        owner,
        owner_id,
    )


async def exists(connection: Connection, kind: MasterKind, where: str, record_id: str) -> bool:
    """Whether a system has a record, as far as it was read."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM master_record WHERE kind = $1 AND connection = $2 "
            "AND id = $3 AND gone_at IS NULL)",
            kind,
            where,
            record_id,
        )
    )
