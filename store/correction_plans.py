"""Correction plans: posted lines that a later word of HR would have put elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from store import documents, invoiced_work
from store.database import Connection
from store.documents import Touched


@dataclass(frozen=True, slots=True)
class Worth:
    """What lines of a plan come to in one currency.

    `invoiced` of them are on invoices: they are stopped until those are credited.
    """

    currency: str
    lines: int
    amount: Decimal
    invoiced: int


@dataclass(frozen=True, slots=True)
class PostedTime:
    """A posted line of time of one person, and the cost centre that it is booked on."""

    key: UUID
    target: str
    legal_entity: str
    work_date: date
    cost_centre: str


async def posted_since(
    connection: Connection, hr: str, since: Mapping[str, date]
) -> dict[str, list[PostedTime]]:
    """Posted time of people from a day on each, by HR's id; found through their links."""
    rows = await connection.fetch(
        """
        SELECT e.employee, p.key, p.target, p.legal_entity, l.work_date, d ->> 'value' AS centre
        FROM unnest($2::text[], $3::date[]) AS e(employee, since)
        JOIN LATERAL (
          SELECT target AS source, target_id AS id FROM cross_reference
            WHERE kind = 'employee' AND source = $1 AND source_id = e.employee
          UNION ALL SELECT $1, e.employee) AS who ON true
        JOIN source_line l ON l.connection = who.source AND l.object = 'time_entry'
          AND l.employee = who.id AND l.work_date >= e.since AND l.status = 'APPROVED'
        JOIN posting p ON (p.connection, p.object, p.source_id, p.revision) =
                          (l.connection, l.object, l.source_id, l.revision)
          AND p.kind = 'time' AND p.leg = 'main' AND p.state = 'POSTED'
        CROSS JOIN LATERAL jsonb_array_elements(p.intent::jsonb -> 'dimensions') AS d
        WHERE d ->> 'name' = 'cost_centre'
        ORDER BY e.employee, l.work_date, p.key
        """,
        hr,
        list(since),
        list(since.values()),
    )
    found: dict[str, list[PostedTime]] = {}
    for row in rows:
        found.setdefault(row["employee"], []).append(
            PostedTime(
                row["key"], row["target"], row["legal_entity"], row["work_date"], row["centre"]
            )
        )
    return found


async def correct(connection: Connection, keys: Sequence[UUID]) -> list[Touched]:
    """Let posted lines be taken back and posted anew from what is known now.

    A line that was changed, withdrawn or corrected since is left alone: its news decided it.
    """
    rows = await connection.fetch(
        """
        UPDATE source_line l SET revision = l.revision + 1 FROM posting p
        WHERE p.key = ANY($1::uuid[]) AND p.state = 'POSTED' AND l.status = 'APPROVED'
          AND (l.connection, l.object, l.source_id, l.revision) =
              (p.connection, p.object, p.source_id, p.revision)
        RETURNING l.connection, l.document_id
        """,
        keys,
    )
    return await documents.touch(
        connection, {(row["connection"], row["document_id"]) for row in rows}
    )


async def worth(connection: Connection, keys: Sequence[UUID]) -> list[Worth]:
    """What the lines of a plan come to now, by currency."""
    rows = await connection.fetch(
        "SELECT connection, object, source_id, revision, amount, currency FROM posting "
        "WHERE key = ANY($1::uuid[]) AND state = 'POSTED' ORDER BY currency",
        keys,
    )
    invoiced: set[tuple[str, str, int]] = set()
    for source, object_name in {(row["connection"], row["object"]) for row in rows}:
        ids = [row["source_id"] for row in rows if row["connection"] == source]
        found = await invoiced_work.on_invoices(connection, source, object_name, ids)
        invoiced |= {(source, *one) for one in found}
    return [
        Worth(
            currency,
            lines=len(of_it),
            amount=sum((row["amount"] for row in of_it), Decimal(0)),
            invoiced=sum(
                (row["connection"], row["source_id"], row["revision"]) in invoiced for row in of_it
            ),
        )
        for currency, group in groupby(rows, key=lambda row: str(row["currency"]))
        if (of_it := list(group))
    ]
