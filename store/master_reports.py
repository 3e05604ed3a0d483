"""Masters for people: where records are, what waits, and how one record stands in each system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from canonical.cross_reference import MasterKind
from canonical.masters import Master
from store.cases import BLOCKED
from store.database import Connection
from store.master_identities import Known, known
from store.masters import master_from


@dataclass(frozen=True, slots=True)
class Standing:
    """One kind in one system that receives it."""

    kind: MasterKind
    owner: str
    receiver: str
    # Records in use at the owner, and how many of them the receiver is known to have.
    records: int
    linked: int
    issues: int
    # Identities that the synchronisation has still to look at.
    news: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a case holds up, in one currency."""

    case_id: UUID
    lines: int
    amount: Decimal
    currency: str


async def standings(
    connection: Connection, owners: Mapping[MasterKind, tuple[str, Sequence[str]]]
) -> list[Standing]:
    """How many records of each kind have reached whom."""
    found = []
    for kind, (owner, receivers) in owners.items():
        for receiver in receivers:
            row = await connection.fetchrow(
                """
                SELECT count(*) FILTER (WHERE (m.body::jsonb ->> 'active')::boolean) AS records,
                  count(c.target_id) FILTER (WHERE (m.body::jsonb ->> 'active')::boolean) AS linked,
                  (SELECT count(*) FROM master_issue i WHERE i.kind = $1 AND i.owner = $2
                     AND i.connection IN ($3, $2) AND i.closed_at IS NULL
                     AND i.decision IS DISTINCT FROM 'waive') AS issues,
                  (SELECT count(*) FROM master_news n WHERE n.kind = $1 AND n.owner = $2) AS news
                FROM master_record m LEFT JOIN cross_reference c
                  ON (c.kind, c.source, c.source_id, c.target) = (m.kind, m.connection, m.id, $3)
                WHERE m.kind = $1 AND m.connection = $2 AND m.gone_at IS NULL
                """,
                kind,
                owner,
                receiver,
            )
            found.append(
                Standing(
                    kind, owner, receiver, row["records"], row["linked"], row["issues"], row["news"]
                )
            )
    return found


async def held_up(connection: Connection, case_ids: Sequence[UUID]) -> list[Held]:
    """What the cases hold up in money: their own lines, which are those that need the record."""
    rows = await connection.fetch(
        "SELECT p.case_id, count(*) AS lines, sum(p.amount) AS amount, p.currency FROM posting p "
        f"WHERE p.case_id = ANY($1::uuid[]) AND {BLOCKED} GROUP BY p.case_id, p.currency",
        case_ids,
    )
    return [Held(**dict(row)) for row in rows]


async def identity_of(
    connection: Connection, kind: MasterKind, owner: str, code: str
) -> tuple[Known, dict[str, Master]] | None:
    """One record by its code: what is known of it, and the record in each system that has it."""
    row = await connection.fetchrow(
        "SELECT id FROM master_record WHERE kind = $1 AND connection = $2 AND code = $3 "
        "ORDER BY gone_at NULLS FIRST LIMIT 1",
        kind,
        owner,
        code,
    )
    if row is None:
        return None
    found = (await known(connection, kind, owner, [row["id"]]))[row["id"]]
    records = {owner: found.record}
    for name, record_id in found.links.items():
        there = await connection.fetchrow(
            "SELECT kind, body FROM master_record "
            "WHERE kind = $1 AND connection = $2 AND id = $3 AND gone_at IS NULL",
            kind,
            name,
            record_id,
        )
        if there is not None:
            records[name] = master_from(there)
    return found, records
