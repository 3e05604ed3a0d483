"""Master issues: what people have to decide about a record, one case each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause, RootCause
from store.bulk import Columns
from store.database import Connection, Row

Place = tuple[str, str, Cause, str]


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with one identity in one system; both values where it is about a field."""

    owner_id: str
    code: str
    legal_entity: str
    connection: str
    cause: Cause
    field: str = ""
    field_owner: str = ""
    owner_value: str = ""
    value: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """What it is about: there is one open issue of a place at most."""
        return (self.owner_id, self.connection, self.cause, self.field)


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An issue that is open, and what a person decided about just these values."""

    id: UUID
    kind: MasterKind
    owner: str
    issue: Issue
    case_id: UUID | None
    decision: str | None

    @property
    def is_waived(self) -> bool:
        """Whether a person said that it stays as it is."""
        return self.decision == "waive"


_COLUMNS: Final = (
    "id, kind, owner, owner_id, code, legal_entity, connection, cause, field, field_owner, "
    "owner_value, value, candidates, case_id, decision"
)
# Ids have no control characters, so that this one parts them.
_APART: Final = "\x1f"
_KEPT: Final = Columns(
    {"kind": "text", "owner": "text", "owner_id": "text", "code": "text", "legal_entity": "text",
     "connection": "text", "cause": "text", "field": "text", "field_owner": "text",
     "owner_value": "text", "value": "text", "candidates": "text", "case_id": "uuid"}
)  # fmt: skip
_KEEP: Final = f"""
    INSERT INTO master_issue ({_KEPT.names})
      SELECT kind, owner, owner_id, code, legal_entity, connection, cause, field, field_owner,
             owner_value, value, string_to_array(candidates, chr(31)), case_id
      FROM {_KEPT.unnest()}
    ON CONFLICT (kind, owner, owner_id, connection, cause, field) WHERE closed_at IS NULL
    DO UPDATE SET code = excluded.code, legal_entity = excluded.legal_entity,
      field_owner = excluded.field_owner, owner_value = excluded.owner_value,
      value = excluded.value, candidates = excluded.candidates, case_id = excluded.case_id,
      decision = NULL, decided_by = NULL
"""


async def open_of(
    connection: Connection, kind: MasterKind, owner: str, owner_ids: Sequence[str]
) -> list[OpenIssue]:
    """The open issues of these identities."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM master_issue "
        "WHERE kind = $1 AND owner = $2 AND owner_id = ANY($3::text[]) AND closed_at IS NULL",
        kind,
        owner,
        owner_ids,
    )
    return [_issue(row) for row in rows]


async def all_open(connection: Connection, kind: MasterKind | None = None) -> list[OpenIssue]:
    """All open issues that people have not waived, the oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM master_issue WHERE closed_at IS NULL "
        "AND decision IS DISTINCT FROM 'waive' AND ($1::text IS NULL OR kind = $1) "
        "ORDER BY opened_at, kind, code",
        kind,
    )
    return [_issue(row) for row in rows]


async def of_case(
    connection: Connection, case_id: UUID, *, waived: bool = False
) -> list[OpenIssue]:
    """The open issues that a case is about; those that a person waived only if asked for."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM master_issue WHERE case_id = $1 AND closed_at IS NULL "
        "AND ($2 OR decision IS DISTINCT FROM 'waive') ORDER BY opened_at",
        case_id,
        waived,
    )
    return [_issue(row) for row in rows]


async def keep(
    connection: Connection,
    kind: MasterKind,
    owner: str,
    issues: Iterable[tuple[Issue, UUID]],
) -> None:
    """Open issues with their cases; one that is open takes the values that it has now."""
    rows = [
        (kind, owner, one.owner_id, one.code, one.legal_entity, one.connection, one.cause,
         one.field, one.field_owner, one.owner_value, one.value, _APART.join(one.candidates),
         case_id)
        for one, case_id in issues
    ]  # fmt: skip
    await connection.execute(_KEEP, *_KEPT.arrays(rows))


async def close(connection: Connection, ids: Sequence[UUID]) -> None:
    """Close issues: what was wrong is no more."""
    await connection.execute(
        "UPDATE master_issue SET closed_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[]) AND closed_at IS NULL",
        ids,
    )


async def decide(connection: Connection, issue_id: UUID, decision: str, by: str) -> None:
    """Note what a person decided."""
    await connection.execute(
        "UPDATE master_issue SET decision = $2, decided_by = $3 WHERE id = $1",
        issue_id,
        decision,
        by,
    )


# What keeps a record from being made in an ERP.
_HOLDS: Final = "('possible_twin', 'master_gone', 'master_incomplete', 'master_refused')"


async def waiting_of(connection: Connection, kind: MasterKind) -> set[tuple[str, str]]:
    """The records of a kind that a system does not get before people decide: (system, id)."""
    rows = await connection.fetch(
        "SELECT connection, owner_id FROM master_issue WHERE closed_at IS NULL AND kind = $1 "
        f"AND cause IN {_HOLDS} AND decision IS DISTINCT FROM 'waive'",
        kind,
    )
    return {(row["connection"], row["owner_id"]) for row in rows}


async def waiting(
    connection: Connection, source: str, target: str
) -> dict[tuple[MasterKind, str], RootCause]:
    """The records of a source that wait for a decision before an ERP has them, and for which.

    By kind and the source's own id; what hangs on a customer or project waits with it.
    """
    rows = await connection.fetch(
        f"""
        WITH held AS (
          SELECT i.kind, i.owner, i.owner_id, i.case_id FROM master_issue i
          WHERE i.closed_at IS NULL AND i.decision IS DISTINCT FROM 'waive'
            AND i.connection IN ($2, i.owner) AND i.cause IN {_HOLDS}),
        ours AS (
          SELECT kind, owner_id AS id, case_id FROM held WHERE owner = $1
          UNION
          SELECT h.kind, c.target_id, h.case_id FROM held h JOIN cross_reference c
            ON (c.kind, c.source, c.source_id) = (h.kind, h.owner, h.owner_id) AND c.target = $1),
        below AS (
          SELECT m.kind, m.id, o.case_id FROM ours o JOIN master_record m
            ON m.connection = $1 AND m.gone_at IS NULL AND o.kind = 'customer'
               AND m.kind = 'project' AND m.body::jsonb ->> 'customer' = o.id),
        waiting AS (SELECT * FROM below UNION ALL SELECT * FROM ours)
        SELECT w.kind, w.id, c.legal_entity, c.cause, c.subject, c.sentence
        FROM waiting w JOIN exception_case c ON c.id = w.case_id AND c.state <> 'RESOLVED'
        """,
        source,
        target,
    )
    return {
        (MasterKind(row["kind"]), row["id"]): RootCause(
            legal_entity=row["legal_entity"],
            cause=Cause(row["cause"]),
            subject=row["subject"],
            sentence=row["sentence"],
        )
        for row in rows
    }


def _issue(row: Row) -> OpenIssue:
    return OpenIssue(
        id=row["id"],
        kind=MasterKind(row["kind"]),
        owner=row["owner"],
        issue=Issue(
            owner_id=row["owner_id"],
            code=row["code"],
            legal_entity=row["legal_entity"],
            connection=row["connection"],
            cause=Cause(row["cause"]),
            field=row["field"],
            field_owner=row["field_owner"],
            owner_value=row["owner_value"],
            value=row["value"],
            candidates=tuple(row["candidates"]),
        ),
        case_id=row["case_id"],
        decision=row["decision"],
    )
