"""Identities of masters: which have news, how they are linked, and what was agreed about them.

An identity is one thing in several systems, named by the id of its owner's record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from canonical.cross_reference import MasterKind
from canonical.masters import Master
from store.bulk import Columns
from store.database import Connection
from store.masters import master_from

_AGREEMENT: Final = Columns(
    {"kind": "text", "owner": "text", "owner_id": "text", "connection": "text", "field": "text",
     "value": "text"}
)  # fmt: skip
_AGREE: Final = _AGREEMENT.insert(
    "master_agreement",
    "ON CONFLICT (kind, owner, owner_id, connection, field) "
    "DO UPDATE SET value = excluded.value, agreed_at = now()",
)
_AGREED: Final = (
    "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) "
    "AS a(kind, owner, owner_id, connection, field)"
)


@dataclass(frozen=True, slots=True)
class News:
    """An identity with news, up to which it was heard."""

    owner_id: str
    seq: int


@dataclass(slots=True)
class Known:
    """What the ledger knows of one identity: where it is, what was agreed, what people decided."""

    owner_id: str
    record: Master
    # Whether its owner said that it is gone, or only does not show it any more.
    gone: bool
    absent: bool
    links: dict[str, str] = field(default_factory=dict)
    agreed: dict[tuple[str, str], str] = field(default_factory=dict)
    apart: set[tuple[str, str]] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)


async def mark(
    connection: Connection, kind: MasterKind, owner: str, owner_ids: Iterable[str]
) -> int:
    """Note that identities may have something to be done about them."""
    ids = sorted(set(owner_ids))
    if ids:
        await connection.execute(
            """
            INSERT INTO master_news (kind, owner, owner_id) SELECT $1, $2, unnest($3::text[])
            ON CONFLICT (kind, owner, owner_id)
            DO UPDATE SET seq = DEFAULT, noted_at = clock_timestamp(), not_before = '-infinity'
            """,
            kind,
            owner,
            ids,
        )
    return len(ids)


async def take(connection: Connection, kind: MasterKind, owner: str, limit: int) -> list[News]:
    """The identities of a kind that have news and whose time has come, the oldest news first."""
    rows = await connection.fetch(
        "SELECT owner_id, seq FROM master_news WHERE kind = $1 AND owner = $2 "
        "AND not_before <= clock_timestamp() ORDER BY seq LIMIT $3",
        kind,
        owner,
        limit,
    )
    return [News(row["owner_id"], row["seq"]) for row in rows]


async def done_with(
    connection: Connection, kind: MasterKind, owner: str, heard: Iterable[News]
) -> None:
    """Nothing is left to be done about these, unless there was news since."""
    heard = list(heard)
    await connection.execute(
        "DELETE FROM master_news n USING unnest($3::text[], $4::bigint[]) AS h(owner_id, seq) "
        "WHERE n.kind = $1 AND n.owner = $2 AND (n.owner_id, n.seq) = (h.owner_id, h.seq)",
        kind,
        owner,
        [one.owner_id for one in heard],
        [one.seq for one in heard],
    )


async def later(
    connection: Connection, kind: MasterKind, owner: str, owner_ids: Sequence[str], seconds: int
) -> None:
    """Look at these again, but not before so many seconds from now."""
    await connection.execute(
        "UPDATE master_news SET not_before = clock_timestamp() + $4::interval "
        "WHERE kind = $1 AND owner = $2 AND owner_id = ANY($3::text[])",
        kind,
        owner,
        owner_ids,
        timedelta(seconds=seconds),
    )


async def next_news_at(connection: Connection) -> datetime | None:
    """When the next identity is to be looked at (UTC, may be past); None if none is."""
    row = await connection.fetchrow(
        "SELECT greatest(min(not_before), clock_timestamp()) AS at FROM master_news "
        "HAVING count(*) > 0"
    )
    return row["at"] if row else None


async def known(
    connection: Connection, kind: MasterKind, owner: str, owner_ids: Sequence[str]
) -> dict[str, Known]:
    """Read what is known of identities; one that its owner never had is not in the answer."""
    named = (kind, owner, owner_ids)
    rows = await connection.fetch(
        "SELECT id, kind, body, gone_at IS NOT NULL AS missing, gone_said FROM master_record "
        "WHERE kind = $1 AND connection = $2 AND id = ANY($3::text[])",
        *named,
    )
    found = {
        row["id"]: Known(
            row["id"],
            master_from(row),
            gone=row["gone_said"],
            absent=row["missing"] and not row["gone_said"],
        )
        for row in rows
    }
    own = "WHERE kind = $1 AND owner = $2 AND owner_id = ANY($3::text[])"
    for row in await connection.fetch(
        "SELECT source_id, target, target_id FROM cross_reference "
        "WHERE kind = $1 AND source = $2 AND source_id = ANY($3::text[])",
        *named,
    ):
        if row["source_id"] in found:
            found[row["source_id"]].links[row["target"]] = row["target_id"]
    for row in await connection.fetch(f"SELECT * FROM master_agreement {own}", *named):
        if row["owner_id"] in found:
            found[row["owner_id"]].agreed[row["connection"], row["field"]] = row["value"]
    for row in await connection.fetch(f"SELECT * FROM master_apart {own}", *named):
        if row["owner_id"] in found:
            found[row["owner_id"]].apart.add((row["connection"], row["record_id"]))
    for row in await connection.fetch(f"SELECT * FROM master_field_owner {own}", *named):
        if row["owner_id"] in found:
            found[row["owner_id"]].owners[row["field"]] = row["connection"]
    return found


async def agree(
    connection: Connection,
    kind: MasterKind,
    owner: str,
    values: Iterable[tuple[str, str, Mapping[str, str]]],
    *,
    keep_choices: bool = False,
) -> None:
    """Keep what is the same now: (owner's id, connection, values by field).

    What a person let count once has done so then, unless `keep_choices`.
    """
    rows = sorted(
        (kind, owner, owner_id, where, name, value)
        for owner_id, where, given in values
        for name, value in given.items()
    )
    await connection.execute(_AGREE, *_AGREEMENT.arrays(rows))
    if keep_choices:
        return
    await connection.execute(
        "DELETE FROM master_field_owner f "
        f"USING {_AGREED} WHERE f.once AND a.connection <> f.connection "
        "AND (f.kind, f.owner, f.owner_id, f.field) = (a.kind, a.owner, a.owner_id, a.field)",
        *_AGREEMENT.arrays(rows)[:5],
    )


async def mark_dependents(
    connection: Connection, kind: MasterKind, owner: str, ids: Sequence[str]
) -> None:
    """What hangs on records that were linked just now may go on: projects, tasks."""
    for below, member in _BELOW.get(kind, ()):
        await connection.execute(
            f"""
            INSERT INTO master_news (kind, owner, owner_id)
              SELECT m.kind, m.connection, m.id FROM master_record m
              WHERE m.kind = $1 AND m.gone_at IS NULL
                AND (m.connection, m.body::jsonb ->> '{member}') IN (
                  SELECT $2, unnest($3::text[])
                  UNION ALL
                  SELECT target, target_id FROM cross_reference
                  WHERE kind = $4 AND source = $2 AND source_id = ANY($3::text[]))
            ON CONFLICT (kind, owner, owner_id) DO UPDATE SET seq = DEFAULT
            """,
            below,
            owner,
            ids,
            kind,
        )


_BELOW: Final[Mapping[MasterKind, Sequence[tuple[MasterKind, str]]]] = {
    MasterKind.CUSTOMER: ((MasterKind.PROJECT, "customer"),),
    MasterKind.PROJECT: ((MasterKind.TASK, "project"),),
}


async def mark_asked_about(connection: Connection, kind: MasterKind, owner: str) -> None:
    """Look again at who may be a twin of what has been linked to another one meanwhile."""
    await connection.execute(
        """
        INSERT INTO master_news (kind, owner, owner_id)
          SELECT DISTINCT i.kind, i.owner, i.owner_id FROM master_issue i
          JOIN cross_reference c ON (c.kind, c.source, c.target) = (i.kind, i.owner, i.connection)
            AND c.target_id = ANY(i.candidates) AND c.source_id <> i.owner_id
          WHERE i.kind = $1 AND i.owner = $2 AND i.cause = 'possible_twin' AND i.closed_at IS NULL
        ON CONFLICT (kind, owner, owner_id) DO UPDATE SET seq = DEFAULT
        """,
        kind,
        owner,
    )


async def owners_of(
    connection: Connection, kind: MasterKind, owner: str, source: str, ids: Sequence[str]
) -> list[str]:
    """The owner's ids of records that another system has."""
    rows = await connection.fetch(
        "SELECT source_id FROM cross_reference "
        "WHERE kind = $1 AND source = $2 AND target = $3 AND target_id = ANY($4::text[])",
        kind,
        owner,
        source,
        ids,
    )
    return [row["source_id"] for row in rows]
