"""What people decided about an engagement's month: left out, lowered, released; kept for ever."""

from dataclasses import dataclass

from canonical.billing import Exclusion, WriteDown
from canonical.billing_period import BillingPeriod
from store.database import Connection


async def exclude(
    connection: Connection, source: str, period: BillingPeriod, exclusion: Exclusion
) -> None:
    """Leave work out of a period's invoice; said again, the newest word counts."""
    await connection.execute(
        """
        INSERT INTO billing_exclusion (connection, engagement, period, work_key, made_by, reason)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (connection, engagement, period, work_key) DO UPDATE
          SET made_by = excluded.made_by, reason = excluded.reason, made_at = now(),
              lifted_by = NULL, lifted_at = NULL
        """,
        source,
        period.engagement,
        period.period,
        exclusion.work_key,
        exclusion.by,
        exclusion.reason,
    )


async def include(
    connection: Connection, source: str, period: BillingPeriod, work_key: str, by: str
) -> bool:
    """Lift an exclusion; False if there was none."""
    row = await connection.fetchrow(
        "UPDATE billing_exclusion SET lifted_by = $5, lifted_at = now() WHERE connection = $1 "
        "AND engagement = $2 AND period = $3 AND work_key = $4 AND lifted_at IS NULL RETURNING 1",
        source,
        period.engagement,
        period.period,
        work_key,
        by,
    )
    return row is not None


async def exclusions_of(
    connection: Connection, source: str, period: BillingPeriod
) -> tuple[Exclusion, ...]:
    """What people left out of a period's invoice."""
    rows = await connection.fetch(
        "SELECT work_key, made_by AS by, reason FROM billing_exclusion WHERE connection = $1 "
        "AND engagement = $2 AND period = $3 AND lifted_at IS NULL ORDER BY work_key",
        source,
        period.engagement,
        period.period,
    )
    return tuple(Exclusion(**dict(row)) for row in rows)


async def add_write_down(
    connection: Connection, source: str, engagement: str, lower: WriteDown
) -> None:
    """Keep a lower price; the same one is kept once."""
    await connection.execute(
        "INSERT INTO billing_write_down (connection, engagement, id, body) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        source,
        engagement,
        lower.id,
        lower.model_dump_json(),
    )


async def write_downs_of(
    connection: Connection, source: str, engagement: str
) -> tuple[WriteDown, ...]:
    """All lower prices of an engagement."""
    rows = await connection.fetch(
        "SELECT body FROM billing_write_down WHERE connection = $1 AND engagement = $2 ORDER BY id",
        source,
        engagement,
    )
    return tuple(WriteDown.model_validate_json(row["body"]) for row in rows)


async def note_release(
    connection: Connection, source: str, period: BillingPeriod, snapshot_hash: str, by: str
) -> tuple[str, ...]:
    """Note that somebody lets a snapshot go; gives all who did."""
    await connection.execute(
        "INSERT INTO billing_release (connection, engagement, period, snapshot_hash, released_by) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        source,
        period.engagement,
        period.period,
        snapshot_hash,
        by,
    )
    rows = await connection.fetch(
        "SELECT released_by FROM billing_release WHERE connection = $1 AND engagement = $2 "
        "AND period = $3 AND snapshot_hash = $4 ORDER BY id",
        source,
        period.engagement,
        period.period,
        snapshot_hash,
    )
    return tuple(row["released_by"] for row in rows)


async def answer_to(connection: Connection, decision_id: str) -> str | None:
    """What a decision was answered, if it was made before."""
    row = await connection.fetchrow(
        "SELECT answer FROM billing_decision WHERE id = $1", decision_id
    )
    answer: str | None = row["answer"] if row else None
    return answer


@dataclass(frozen=True, slots=True)
class MadeDecision:
    """A decision with its request and answer as JSON."""

    id: str
    kind: str
    made_by: str
    request: str
    answer: str


async def keep_decision(
    connection: Connection, source: str, period: BillingPeriod, made: MadeDecision
) -> None:
    """Keep a decision with what came of it, in the transaction that did it."""
    await connection.execute(
        "INSERT INTO billing_decision (id, connection, engagement, period, kind, made_by, request, "
        "answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        made.id,
        source,
        period.engagement,
        period.period,
        made.kind,
        made.made_by,
        made.request,
        made.answer,
    )
