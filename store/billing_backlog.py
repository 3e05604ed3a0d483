"""What of billing is worth watching: months that are not billed, invoices not paid, WIP."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from store.database import Connection

_ONE_DAY: Final = timedelta(days=1)
# How each engagement's newest month that has ended stands. It holds older work, too, that is open.
_NEWEST: Final = """
    WITH newest AS (
      SELECT DISTINCT ON (connection, engagement) legal_entity, ready, snapshot
      FROM readiness WHERE period <= $1 ORDER BY connection, engagement, period DESC
    ), standing AS (
      SELECT legal_entity, ready, snapshot::jsonb AS said FROM newest
    )
"""
_TO_BE_RELEASED: Final = "ready AND jsonb_array_length(said -> 'events') > 0"


@dataclass(frozen=True, slots=True)
class BillingBacklog:
    """What waits of billing; `ended` is the month that ended last, such as 2026-10.

    By legal entity: months that something holds up; months that are ready and wait to be released,
    with what is ready in them by currency; and the readiness lag of the month that ended last, its
    median and what 95 % are within, in seconds. By ERP: invoices that are not paid in full, and how
    many of them are overdue.
    """

    ended: str
    held_up: list[tuple[str, int]]
    unreleased: list[tuple[str, int]]
    unreleased_amounts: list[tuple[str, str, Decimal]]
    lags: list[tuple[str, Decimal, Decimal]]
    unpaid: list[tuple[str, int, int]]


async def billing_backlog(connection: Connection, today: date) -> BillingBacklog:
    """Count it all, as of a day; reads one row per engagement and month, and open invoices."""
    this_month = today.replace(day=1)
    ended = f"{this_month - _ONE_DAY:%Y-%m}"
    months = await connection.fetch(
        f"{_NEWEST} SELECT legal_entity, count(*) FILTER (WHERE NOT ready) AS held_up, "
        f"count(*) FILTER (WHERE {_TO_BE_RELEASED}) AS unreleased FROM standing "
        "GROUP BY legal_entity ORDER BY legal_entity",
        ended,
    )
    amounts = await connection.fetch(
        f"{_NEWEST} SELECT legal_entity, one ->> 'currency' AS currency, "
        "sum((one ->> 'amount')::numeric) AS amount FROM standing "
        "CROSS JOIN LATERAL jsonb_array_elements(said -> 'ready_amounts') AS one "
        f"WHERE {_TO_BE_RELEASED} GROUP BY 1, 2 ORDER BY 1, 2",
        ended,
    )
    return BillingBacklog(
        ended=ended,
        held_up=[(row["legal_entity"], row["held_up"]) for row in months],
        unreleased=[(row["legal_entity"], row["unreleased"]) for row in months],
        unreleased_amounts=[
            (row["legal_entity"], row["currency"], row["amount"]) for row in amounts
        ],
        lags=[(row["legal_entity"], *row["lags"]) for row in await _lags(connection, this_month)],
        unpaid=[
            (row["target"], row["unpaid"], row["overdue"])
            for row in await _unpaid(connection, today)
        ],
    )


async def _lags(connection: Connection, this_month: date) -> list[Any]:
    """Ready - period end, of engagements that could be billed (DOMAIN rule 43).

    Nothing where one stood ready at the end of the month, and has not had to be looked at since.
    """
    rows: list[Any] = await connection.fetch(
        """
        SELECT legal_entity,
               percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY lag) AS lags
        FROM (
          SELECT r.legal_entity, coalesce(
                   extract(epoch FROM min(s.made_at - e.ended_at) FILTER (
                     WHERE s.made_at >= e.ended_at)), 0) AS lag
          FROM readiness r
          CROSS JOIN (SELECT $2::date::timestamp AT TIME ZONE 'UTC' AS ended_at) e
          JOIN readiness_snapshot s USING (connection, engagement, period)
          WHERE r.period = $1
          GROUP BY r.connection, r.engagement, r.legal_entity) found
        GROUP BY legal_entity ORDER BY legal_entity
        """,
        f"{this_month - _ONE_DAY:%Y-%m}",
        this_month,
    )
    return rows


async def _unpaid(connection: Connection, today: date) -> list[Any]:
    """Invoices that are not settled in full, credit notes aside; due on a day is in time."""
    rows: list[Any] = await connection.fetch(
        """
        SELECT p.target, count(*) AS unpaid, count(*) FILTER (WHERE d.due_on < $1) AS overdue
        FROM posting p LEFT JOIN document_payment d ON d.posting_key = p.key
        WHERE p.kind = 'invoice' AND p.state = 'POSTED' AND p.corrects IS NULL
          AND coalesce(d.state, 'none') IN ('none', 'partial')
        GROUP BY p.target ORDER BY p.target
        """,
        today,
    )
    return rows


async def wip_values(connection: Connection) -> list[tuple[str, Decimal]]:
    """What is posted and not billed, by currency; reads every movement there ever was."""
    rows = await connection.fetch(
        "SELECT currency, sum(CASE WHEN movement IN ('billed', 'written_off') THEN -amount "
        "ELSE amount END) AS amount FROM wip_movement GROUP BY currency ORDER BY currency"
    )
    return [(row["currency"], row["amount"]) for row in rows]
