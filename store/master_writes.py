"""Master writes: written down before they are sent, and settled by an answer or a later look."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from canonical.cross_reference import MasterKind
from store.bulk import Columns
from store.database import Connection

_WRITE: Final = Columns(
    {"kind": "text", "owner": "text", "owner_id": "text", "connection": "text",
     "record_id": "text", "code": "text", "body": "text", "state": "text",
     "correlation_id": "text"}
)  # fmt: skip
_BEGIN: Final = _WRITE.insert("master_write", "RETURNING id, owner_id")


@dataclass(frozen=True, slots=True)
class NewWrite:
    """A record to be made (no `record_id`) or changed in one system."""

    owner_id: str
    record_id: str | None
    code: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A write that was sent and has no answer: it made a record, or it did not."""

    id: UUID
    owner_id: str
    connection: str
    makes: bool
    sent_at: datetime


async def begin(
    connection: Connection,
    kind: MasterKind,
    owner: str,
    where: str,
    writes: Sequence[NewWrite],
) -> list[UUID]:
    """Write down what is about to be sent; ids in order."""
    rows = await connection.fetch(
        _BEGIN,
        *_WRITE.arrays(
            (kind, owner, one.owner_id, where, one.record_id, one.code,
             json.dumps(dict(one.values), sort_keys=True), "SENDING", f"masters/{kind}")
            for one in writes
        ),
    )  # fmt: skip
    ids: dict[str, UUID] = {row["owner_id"]: row["id"] for row in rows}
    return [ids[one.owner_id] for one in writes]


async def settle(connection: Connection, answers: Iterable[tuple[UUID, str, str]]) -> None:
    """Note what came of writes: (id, state, what was said)."""
    ids, states, said = [list(one) for one in zip(*answers, strict=True)] or ([], [], [])
    await connection.execute(
        """
        UPDATE master_write w SET state = a.state, said = left(a.said, 500),
          settled_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS a(id, state, said)
        WHERE w.id = a.id AND w.state = 'SENDING'
        """,
        ids,
        states,
        said,
    )


async def under_way(
    connection: Connection, kind: MasterKind, owner: str, owner_ids: Sequence[str]
) -> list[UnderWay]:
    """The writes about these identities that nobody has answered."""
    rows = await connection.fetch(
        "SELECT id, owner_id, connection, record_id IS NULL AS makes, sent_at FROM master_write "
        "WHERE kind = $1 AND owner = $2 AND owner_id = ANY($3::text[]) AND state = 'SENDING'",
        kind,
        owner,
        owner_ids,
    )
    return [UnderWay(**dict(row)) for row in rows]
