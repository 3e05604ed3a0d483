"""Contracts as their source shows them now, and which projects they are about."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from canonical.contracts import (
    CONTRACT_RECORD,
    Acceptance,
    ContractRecord,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
    contract_record_id,
)
from canonical.messages import BILLING
from store.database import Connection


@dataclass(frozen=True, slots=True)
class Contract:
    """An engagement with everything that its source says about it.

    `troubles` are records about it that cannot be read now: what is known may be out of date.
    """

    engagement: Engagement
    rate_cards: tuple[RateCard, ...]
    purchase_orders: tuple[PurchaseOrder, ...]
    acceptances: tuple[Acceptance, ...]
    erp_schedule: tuple[ErpScheduleLine, ...]
    troubles: tuple[str, ...]


async def contract_of(connection: Connection, source: str, engagement: str) -> Contract | None:
    """Read a contract; None if its source shows no such engagement, or none that can be read."""
    found = await _records(connection, source, [contract_record_id("engagement", engagement)])
    head = next(iter(found.values()), None)
    if head is None or not isinstance(head.record, Engagement):
        return None
    about = _names_of(head.record)
    records = await _records(connection, source, sorted(about), rate_cards=True)
    accepted = await _acceptances(connection, source, engagement)
    every = [one.record for one in (*records.values(), *accepted)]
    return Contract(
        engagement=head.record,
        rate_cards=tuple(one for one in every if isinstance(one, RateCard)),
        purchase_orders=tuple(one for one in every if isinstance(one, PurchaseOrder)),
        acceptances=tuple(one for one in every if isinstance(one, Acceptance)),
        erp_schedule=tuple(one for one in every if isinstance(one, ErpScheduleLine)),
        troubles=await _troubles(connection, source, engagement, about),
    )


def _names_of(engagement: Engagement) -> set[str]:
    """The ids of the records that an engagement is about, its own included."""
    orders = {line.purchase_order for line in engagement.lines if line.purchase_order}
    keys = {due.erp_key for line in engagement.lines for due in line.schedule if due.erp_key}
    return {
        contract_record_id("engagement", engagement.id),
        *(contract_record_id("purchase_order", one) for one in orders),
        *(contract_record_id("erp_schedule_line", one) for one in keys),
    }


async def _records(
    connection: Connection, source: str, ids: Sequence[str], *, rate_cards: bool = False
) -> Mapping[str, ContractRecord]:
    rows = await connection.fetch(
        "SELECT source_id, entry FROM source_line WHERE connection = $1 AND object = $2 "
        "AND status = 'APPROVED' AND entry IS NOT NULL "
        "AND (source_id = ANY($3::text[]) OR ($4 AND starts_with(source_id, 'rate_card/'))) "
        "ORDER BY source_id",
        source,
        CONTRACT_RECORD,
        ids,
        rate_cards,
    )
    return {row["source_id"]: ContractRecord.model_validate_json(row["entry"]) for row in rows}


async def _acceptances(
    connection: Connection, source: str, engagement: str
) -> list[ContractRecord]:
    rows = await connection.fetch(
        "SELECT entry FROM source_line WHERE connection = $1 AND object = $2 "
        "AND status = 'APPROVED' AND starts_with(source_id, 'acceptance/') "
        "AND entry::jsonb #>> '{record,engagement}' = $3 ORDER BY source_id",
        source,
        CONTRACT_RECORD,
        engagement,
    )
    return [ContractRecord.model_validate_json(row["entry"]) for row in rows]


async def _troubles(
    connection: Connection, source: str, engagement: str, about: Collection[str]
) -> tuple[str, ...]:
    rows = await connection.fetch(
        """
        SELECT source_id FROM source_line
        WHERE connection = $1 AND object = $2 AND status = 'UNREADABLE'
          AND (source_id = ANY($3::text[]) OR starts_with(source_id, 'rate_card/')
               OR starts_with(source_id, 'acceptance/' || $4 || '/'))
        UNION
        SELECT source_id FROM dead_letter
        WHERE connection = $1 AND object = $2 AND settled_at IS NULL
          AND (source_id = ANY($3::text[]) OR starts_with(source_id, 'rate_card/')
               OR starts_with(source_id, 'acceptance/' || $4 || '/'))
        ORDER BY 1
        """,
        source,
        CONTRACT_RECORD,
        list(about),
        engagement,
    )
    return tuple(row["source_id"] for row in rows)


async def note_changed(connection: Connection, source: str, records: Collection[str]) -> None:
    """Note that records changed, in the transaction that changes them: their telling is owed."""
    await connection.execute(
        "INSERT INTO billing_news (connection, object, source_id) "
        "SELECT $1, $2, id FROM unnest($3::text[]) AS n(id)",
        source,
        CONTRACT_RECORD,
        sorted(records),
    )


async def take_changed(connection: Connection, source: str) -> set[str]:
    """Take the records away whose change is still to be told, in the transaction that tells it."""
    rows = await connection.fetch(
        "DELETE FROM billing_news WHERE connection = $1 AND object = $2 RETURNING source_id",
        source,
        CONTRACT_RECORD,
    )
    return {row["source_id"] for row in rows}


async def engagements_of(connection: Connection, source: str) -> list[Engagement]:
    """All engagements that a source shows now."""
    rows = await connection.fetch(
        "SELECT entry FROM source_line WHERE connection = $1 AND object = $2 "
        "AND status = 'APPROVED' AND starts_with(source_id, 'engagement/') ORDER BY source_id",
        source,
        CONTRACT_RECORD,
    )
    found = (ContractRecord.model_validate_json(row["entry"]).record for row in rows)
    return [one for one in found if isinstance(one, Engagement)]


async def set_projects(
    connection: Connection, source: str, engagements: Iterable[Engagement]
) -> None:
    """Note which projects engagements are about now. One that it left keeps what was billed."""
    wanted = {(one.id, project) for one in engagements for project in one.projects}
    names = sorted({engagement for engagement, _ in wanted})
    pairs = sorted(wanted)
    await connection.execute(
        """
        INSERT INTO engagement_project (connection, engagement, project)
        SELECT $1, e, p FROM unnest($2::text[], $3::text[]) AS n(e, p) ON CONFLICT DO NOTHING
        """,
        source,
        [engagement for engagement, _ in pairs],
        [project for _, project in pairs],
    )
    await connection.execute(
        """
        DELETE FROM engagement_project x
        WHERE x.connection = $1 AND x.engagement = ANY($2::text[]) AND NOT EXISTS (
          SELECT FROM unnest($3::text[], $4::text[]) AS n(e, p)
          WHERE n.e = x.engagement AND n.p = x.project)
        """,
        source,
        names,
        [engagement for engagement, _ in pairs],
        [project for _, project in pairs],
    )


async def forget_others(
    connection: Connection, source: str, engagements: Sequence[str]
) -> list[str]:
    """Engagements that are gone are about no project any more; gives them."""
    rows = await connection.fetch(
        "WITH gone AS (DELETE FROM engagement_project WHERE connection = $1 "
        "AND engagement <> ALL ($2::text[]) RETURNING engagement) "
        "SELECT DISTINCT engagement FROM gone ORDER BY 1",
        source,
        engagements,
    )
    return [row["engagement"] for row in rows]


async def without_month(connection: Connection, source: str, month: str) -> list[str]:
    """The engagements of a source whose month, such as 2026-10, nobody has begun."""
    rows = await connection.fetch(
        "SELECT DISTINCT e.engagement FROM engagement_project e WHERE e.connection = $1 "
        "AND NOT EXISTS (SELECT FROM document d WHERE d.connection = e.connection "
        "AND d.kind = $3 AND d.document_id = e.engagement || '/' || $2) ORDER BY 1",
        source,
        month,
        BILLING,
    )
    return [row["engagement"] for row in rows]


async def used_lines(connection: Connection, source: str, engagement: str) -> set[str]:
    """The contract lines that work was approved on, or that something was billed by."""
    rows = await connection.fetch(
        "SELECT contract_line FROM billing_allocation WHERE connection = $1 AND engagement = $2 "
        "UNION SELECT contract_line FROM readiness_piece WHERE connection = $1 "
        "AND engagement = $2 AND contract_line IS NOT NULL AND work_kind IN ('time', 'expense') "
        "AND reason IS DISTINCT FROM 'unapproved'",
        source,
        engagement,
    )
    return {row["contract_line"] for row in rows}


@dataclass(frozen=True, slots=True, order=True)
class Heard:
    """A change that concerns an engagement, by the first day of work that it touches.

    In one order for all: whoever tells several of them never waits in a circle.
    """

    connection: str
    engagement: str
    since: date


async def hear(connection: Connection, limit: int) -> tuple[list[Heard], int]:
    """Take news about work away, and say which engagements it concerns; also how much it was.

    In the caller's transaction: what it does with the news happens, or the news stays.
    """
    rows = await connection.fetch(
        """
        WITH taken AS (
          DELETE FROM billing_news WHERE id IN (
            SELECT id FROM billing_news WHERE object <> $2 ORDER BY id LIMIT $1)
          RETURNING connection, object, source_id
        ), lines AS (
          SELECT connection, object, source_id, count(*) AS times FROM taken GROUP BY 1, 2, 3
        ), concerned AS (
          SELECT ep.connection, ep.engagement, min(l.work_date) AS since
          FROM lines n
          JOIN work_project wp USING (connection, object, source_id)
          JOIN source_line l USING (connection, object, source_id)
          LEFT JOIN master_record m
            ON m.connection = wp.connection AND m.kind = 'project' AND m.id = wp.project
          JOIN engagement_project ep ON ep.project = coalesce(m.code, wp.project)
          GROUP BY ep.connection, ep.engagement
        ), released AS (
          SELECT n.connection, a.engagement, min(a.work_date) AS since
          FROM lines n JOIN billing_allocation a
            ON a.connection = n.connection AND a.event_id = n.source_id
          WHERE n.object = 'billing_event' GROUP BY n.connection, a.engagement
        ), billed AS (
          -- Work that left the projects of an engagement is still its own while it is billed.
          SELECT connection, engagement, min(work_date) AS since FROM (
            SELECT a.connection, a.engagement, a.work_date
            FROM lines n JOIN billing_allocation a
              ON a.work_key = 'time:' || n.connection || ':' || n.source_id
            WHERE n.object = 'time_entry'
            UNION ALL
            SELECT a.connection, a.engagement, a.work_date
            FROM lines n JOIN billing_allocation a ON a.work_kind = 'expense'
              AND split_part(a.work_key, '/', 1) = 'expense:' || n.connection || ':' || n.source_id
            WHERE n.object = 'expense_report'
          ) AS of_work GROUP BY connection, engagement
        )
        SELECT connection, engagement, min(since) AS since,
               (SELECT coalesce(sum(times), 0) FROM lines) AS taken
        FROM (
          SELECT * FROM concerned UNION ALL SELECT * FROM released UNION ALL SELECT * FROM billed
        ) AS all_of_them
        GROUP BY connection, engagement
        UNION ALL SELECT NULL, NULL, NULL, (SELECT coalesce(sum(times), 0) FROM lines)
        """,
        limit,
        CONTRACT_RECORD,
    )
    heard = sorted(
        Heard(row["connection"], row["engagement"], row["since"])
        for row in rows
        if row["engagement"] is not None and row["since"] is not None
    )
    return heard, int(rows[0]["taken"])
