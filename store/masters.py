"""Master data, calendars and cross-references, as they were last read from their systems."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from canonical.cross_reference import CrossReference, MasterKind
from canonical.masters import (
    Account,
    Currency,
    Customer,
    DimensionValue,
    Employee,
    LegalEntity,
    Master,
    Masters,
    Project,
    Task,
    TaxCode,
)
from canonical.posting_period import PostingPeriod
from store.bulk import Columns
from store.database import Connection, Row

_FIELDS: Final[dict[MasterKind, tuple[str, type[Master]]]] = {
    MasterKind.LEGAL_ENTITY: ("legal_entities", LegalEntity),
    MasterKind.CUSTOMER: ("customers", Customer),
    MasterKind.EMPLOYEE: ("employees", Employee),
    MasterKind.PROJECT: ("projects", Project),
    MasterKind.TASK: ("tasks", Task),
    MasterKind.DIMENSION_VALUE: ("dimension_values", DimensionValue),
    MasterKind.ACCOUNT: ("accounts", Account),
    MasterKind.TAX_CODE: ("tax_codes", TaxCode),
    MasterKind.CURRENCY: ("currencies", Currency),
}

_MASTER: Final = Columns(
    {"connection": "text", "kind": "text", "id": "text", "code": "text", "body": "text"}
)
# An id that was gone and comes back as something else is linked to nothing any more.
_REBORN: Final = f"""
    WITH unlinked AS (
      DELETE FROM cross_reference c USING master_record m, {_MASTER.unnest()}
      WHERE (m.connection, m.kind, m.id) = (r.connection, r.kind, r.id)
        AND m.gone_at IS NOT NULL AND m.code <> r.code
        AND c.kind = m.kind AND ((c.source, c.source_id) = (m.connection, m.id)
                                 OR (c.target, c.target_id) = (m.connection, m.id)))
"""
_SAVE_MASTERS: Final = _REBORN + _MASTER.insert(
    "master_record",
    """
    ON CONFLICT (connection, kind, id)
    DO UPDATE SET code = excluded.code, body = excluded.body, gone_at = NULL, gone_said = false
    WHERE master_record.body <> excluded.body OR master_record.gone_at IS NOT NULL
    RETURNING kind, id
    """,
)
_PERIOD: Final = Columns(
    {"connection": "text", "id": "text", "legal_entity": "text", "body": "text"}
)
_SAVE_PERIODS: Final = _PERIOD.insert(
    "posting_period",
    """
    ON CONFLICT (connection, id)
    DO UPDATE SET legal_entity = excluded.legal_entity, body = excluded.body
    WHERE posting_period.body <> excluded.body
    RETURNING 1
    """,
)
_REFERENCE: Final = Columns(
    {"kind": "text", "source": "text", "source_id": "text", "target": "text", "target_id": "text",
     "made_by": "text"}
)  # fmt: skip
_SAVE_REFERENCES: Final = _REFERENCE.insert("cross_reference", "ON CONFLICT DO NOTHING RETURNING 1")


@dataclass(frozen=True, slots=True)
class SnapshotAge:
    """When a connection's masters and calendar were read, and which version that is."""

    version: int
    masters_read_at: datetime | None
    calendar_read_at: datetime | None


# What a look at nothing shows.
NOTHING: Final = Masters()


@dataclass(frozen=True, slots=True)
class Changed:
    """Records that are new, changed or gone, by kind and id."""

    records: frozenset[tuple[MasterKind, str]] = frozenset()

    def ids_of(self, kind: MasterKind) -> list[str]:
        """The ids of one kind, in order."""
        return sorted(one for of, one in self.records if of is kind)


async def save_masters(connection: Connection, source: str, masters: Masters) -> Changed:
    """Replace what is known of a connection; what is no longer listed is marked as gone."""
    rows = _rows(source, masters)
    changed = await _save(connection, rows)
    gone = await connection.fetch(
        """
        UPDATE master_record m SET gone_at = now()
        WHERE m.connection = $1 AND m.gone_at IS NULL AND NOT EXISTS (
          SELECT FROM unnest($2::text[], $3::text[]) AS listed(kind, id)
          WHERE listed.kind = m.kind AND listed.id = m.id)
        RETURNING kind, id
        """,
        source,
        [row[1] for row in rows],
        [row[2] for row in rows],
    )
    await _new_version(connection, source, "masters_read_at", changed=bool(changed or gone))
    return _changed([*changed, *gone])


async def save_some(
    connection: Connection, source: str, masters: Masters, gone: Iterable[tuple[MasterKind, str]]
) -> Changed:
    """Take in some records of a connection, and that others are gone; all else stays as it was."""
    changed = await _save(connection, _rows(source, masters))
    kinds, ids = [list(one) for one in zip(*sorted(gone), strict=True)] or ([], [])
    lost = await connection.fetch(
        """
        UPDATE master_record m SET gone_at = coalesce(m.gone_at, now()), gone_said = true
        FROM unnest($2::text[], $3::text[]) AS g(kind, id)
        WHERE m.connection = $1 AND NOT m.gone_said AND (m.kind, m.id) = (g.kind, g.id)
        RETURNING m.kind, m.id
        """,
        source,
        kinds,
        ids,
    )
    if changed or lost:
        await is_news(connection, source)
    return _changed([*changed, *lost])


def _rows(source: str, masters: Masters) -> list[tuple[str, ...]]:
    # Pages shift while they are read, and then a record stands on two: the later one counts.
    latest = {
        (kind, master.id): (source, kind, master.id, master.code, master.model_dump_json())
        for kind, (field, _) in _FIELDS.items()
        for master in getattr(masters, field)
    }
    # In one order everywhere, so that two readings never wait for each other in a circle.
    return [latest[key] for key in sorted(latest)]


async def _save(connection: Connection, rows: Sequence[tuple[str, ...]]) -> list[Row]:
    """Keep records as they are now; an id that was gone and comes back as another is a new one."""
    if not rows:
        return []
    return list(await connection.fetch(_SAVE_MASTERS, *_MASTER.arrays(rows)))


def _changed(rows: Sequence[Row]) -> Changed:
    return Changed(frozenset((MasterKind(row["kind"]), row["id"]) for row in rows))


def master_from(row: Row) -> Master:
    """Build a record out of its row."""
    return _FIELDS[MasterKind(row["kind"])][1].model_validate_json(row["body"])


async def save_calendar(
    connection: Connection, source: str, periods: Sequence[PostingPeriod]
) -> None:
    """Replace what is known of an ERP's calendar."""
    latest = {one.id: one for one in periods}
    rows = [
        (source, one.id, one.legal_entity, one.model_dump_json())
        for _, one in sorted(latest.items())
    ]
    changed = await connection.fetch(_SAVE_PERIODS, *_PERIOD.arrays(rows))
    gone = await connection.fetch(
        "DELETE FROM posting_period WHERE connection = $1 AND id <> ALL ($2::text[]) RETURNING 1",
        source,
        [one.id for one in periods],
    )
    await _new_version(connection, source, "calendar_read_at", changed=bool(changed or gone))


async def add_references(connection: Connection, references: Iterable[CrossReference]) -> None:
    """Add cross-references; one that exists stays, and nothing is linked twice."""
    rows = [
        (one.kind, one.source, one.source_id, one.target, one.target_id, one.made_by)
        for one in references
    ]
    added = await connection.fetch(_SAVE_REFERENCES, *_REFERENCE.arrays(rows))
    if added:
        for source in {row[1] for row in rows}:
            await _new_version(connection, source, "masters_read_at", changed=True)


async def is_news(connection: Connection, source: str) -> None:
    """Something that is kept beside the masters of a connection has changed."""
    await _new_version(connection, source, "masters_read_at", changed=True)


async def ages(connection: Connection, connections: Sequence[str]) -> dict[str, SnapshotAge]:
    """Say how old what is known of these connections is."""
    rows = await connection.fetch(
        "SELECT connection, version, masters_read_at, calendar_read_at FROM master_snapshot "
        "WHERE connection = ANY($1::text[])",
        connections,
    )
    return {
        row["connection"]: SnapshotAge(
            row["version"], row["masters_read_at"], row["calendar_read_at"]
        )
        for row in rows
    }


async def masters_of(connection: Connection, source: str) -> Masters:
    """Read everything that is known of a connection and is not gone."""
    rows = await connection.fetch(
        "SELECT kind, body FROM master_record WHERE connection = $1 AND gone_at IS NULL", source
    )
    fields: dict[str, list[Master]] = {field: [] for field, _ in _FIELDS.values()}
    for row in rows:
        fields[_FIELDS[MasterKind(row["kind"])][0]].append(master_from(row))
    return Masters.model_validate({field: tuple(listed) for field, listed in fields.items()})


async def some_of(
    connection: Connection, source: str, kind: MasterKind, ids: Sequence[str]
) -> Masters:
    """Read some records of a connection, as far as they are not gone."""
    rows = await connection.fetch(
        "SELECT kind, body FROM master_record "
        "WHERE connection = $1 AND kind = $2 AND id = ANY($3::text[]) AND gone_at IS NULL",
        source,
        kind,
        ids,
    )
    return Masters.model_validate({_FIELDS[kind][0]: tuple(master_from(row) for row in rows)})


async def all_of(connection: Connection, source: str, kind: MasterKind) -> list[Master]:
    """All records of a kind that a connection has."""
    rows = await connection.fetch(
        "SELECT kind, body FROM master_record "
        "WHERE connection = $1 AND kind = $2 AND gone_at IS NULL",
        source,
        kind,
    )
    return [master_from(row) for row in rows]


def of_kind(kind: MasterKind, records: Iterable[Master]) -> Masters:
    """Some records of one kind, as what a system has."""
    return Masters.model_validate({_FIELDS[kind][0]: tuple(records)})


def records_of(masters: Masters, kind: MasterKind) -> Sequence[Master]:
    """All records of one kind."""
    records: Sequence[Master] = getattr(masters, _FIELDS[kind][0])
    return records


async def unlinked(
    connection: Connection, kind: MasterKind, owner: str, source: str
) -> list[Master]:
    """The records of a connection that are linked to none that their owner still has."""
    rows = await connection.fetch(
        """
        SELECT m.kind, m.body FROM master_record m
        WHERE m.connection = $3 AND m.kind = $1 AND m.gone_at IS NULL AND NOT EXISTS (
          SELECT FROM cross_reference c JOIN master_record o
            ON (o.connection, o.kind, o.id) = (c.source, c.kind, c.source_id)
          WHERE c.kind = $1 AND c.source = $2 AND (c.target, c.target_id) = (m.connection, m.id)
            AND o.gone_at IS NULL)
        """,
        kind,
        owner,
        source,
    )
    return [master_from(row) for row in rows]


async def calendar_of(connection: Connection, target: str) -> list[PostingPeriod]:
    """Read an ERP's calendar, earliest period first."""
    rows = await connection.fetch("SELECT body FROM posting_period WHERE connection = $1", target)
    periods = [PostingPeriod.model_validate_json(row["body"]) for row in rows]
    return sorted(periods, key=lambda period: (period.legal_entity, period.starts_on))


async def references_between(
    connection: Connection, source: str, target: str
) -> dict[MasterKind, dict[str, str]]:
    """Read the cross-references from one connection to another: kind, then id to id."""
    rows = await connection.fetch(
        "SELECT kind, source_id, target_id FROM cross_reference WHERE source = $1 AND target = $2",
        source,
        target,
    )
    found: dict[MasterKind, dict[str, str]] = {kind: {} for kind in MasterKind}
    for row in rows:
        found[MasterKind(row["kind"])][row["source_id"]] = row["target_id"]
    return found


async def _new_version(connection: Connection, source: str, read_at: str, *, changed: bool) -> None:
    await connection.execute(
        f"""
        INSERT INTO master_snapshot AS s (connection, version, {read_at}) VALUES ($1, 1, now())
        ON CONFLICT (connection)
        DO UPDATE SET {read_at} = now(), version = s.version + $2::int
        """,
        source,
        int(changed),
    )
