"""Work of engagements: lines of their projects as they stand, and what they are worth."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from canonical.money import HourlyRate
from canonical.source_line import LineStatus
from rules.billable_work import WorkValue
from store.bulk import Columns
from store.database import Connection

_VALUE: Final = Columns(
    {
        "connection": "text",
        "object": "text",
        "source_id": "text",
        "part": "text",
        "revision": "int",
        "project": "text",
        "employee": "text",
        "work_date": "date",
        "billable": "boolean",
        "seconds": "int",
        "billed_seconds": "int",
        "rate": "numeric",
        "worth": "numeric",
        "currency": "text",
        "why": "text",
        "cost": "numeric",
        "cost_currency": "text",
    }
)
# What was decided first stays.
_DECIDE: Final = _VALUE.insert("work_value", "ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A source line on an engagement's project, with how far it is on its way into the ERP.

    `standing` is the state of its revision's posting, None if there is none; `posted_body` the JSON
    of what was posted; `waived` who said that it never will be, and why.
    """

    connection: str
    object: str
    source_id: str
    revision: int
    status: LineStatus
    entry: str | None
    standing: str | None
    case_id: str | None
    posted_body: str | None
    waived_by: str | None
    waived_reason: str | None


async def of_projects(
    connection: Connection,
    sources: Collection[str],
    projects: Collection[str],
    until: date,
    also: Collection[tuple[str, str, str]] = (),
) -> list[WorkLine]:
    """Read the lines of projects (by code) up to a work date, and those named beside.

    `also` are (connection, object, source id). Reports are given whatever their date: their items
    have days of their own.
    """
    named = sorted(also)
    rows = await connection.fetch(
        """
        WITH names AS (
          SELECT s AS connection, p AS project
          FROM unnest($1::text[]) AS s CROSS JOIN unnest($2::text[]) AS p
          UNION
          SELECT connection, id FROM master_record
          WHERE kind = 'project' AND connection = ANY($1::text[]) AND code = ANY($2::text[])
        ), wanted AS (
          SELECT wp.connection, wp.object, wp.source_id
          FROM work_project wp JOIN names USING (connection, project)
          UNION
          SELECT * FROM unnest($4::text[], $5::text[], $6::text[])
        )
        SELECT l.connection, l.object, l.source_id, l.revision, l.status, l.entry,
               p.state AS standing, p.case_id::text,
               CASE WHEN l.object = 'expense_report' AND p.state IN ('POSTED', 'DUPLICATE')
                    THEN p.intent::jsonb #>> '{body,disbursements}' END AS posted_body,
               CASE WHEN p.state = 'WAIVED' THEN p.actor END AS waived_by,
               CASE WHEN p.state = 'WAIVED' THEN p.reason END AS waived_reason
        FROM wanted w JOIN source_line l USING (connection, object, source_id)
        LEFT JOIN LATERAL (
          SELECT state, case_id, intent, actor, reason FROM posting p
          WHERE p.connection = l.connection AND p.object = l.object
            AND p.source_id = l.source_id AND p.revision = l.revision
            AND p.kind IN ('time', 'expense') AND p.leg = 'main'
            AND p.state NOT IN ('SUPERSEDED', 'CANCELLED', 'REVERSED')
          ORDER BY p.amendment DESC LIMIT 1
        ) p ON true
        WHERE l.work_date <= $3 OR l.object = 'expense_report'
          OR (l.connection, l.object, l.source_id)
            IN (SELECT * FROM unnest($4::text[], $5::text[], $6::text[]))
        ORDER BY l.connection, l.object, l.source_id
        """,
        list(sources),
        list(projects),
        until,
        [one[0] for one in named],
        [one[1] for one in named],
        [one[2] for one in named],
    )
    return [WorkLine(**{**dict(row), "status": LineStatus(row["status"])}) for row in rows]


# Its connection, object, id and revision.
LineKey = tuple[str, str, str, int]


async def still_stands(connection: Connection, lines: Collection[LineKey]) -> bool:
    """Whether lines are what was read of them; if so they stay that until the commit.

    Their source's news of them waits so long, and whoever takes it up knows what was decided.
    """
    wanted = sorted(set(lines))
    rows = await connection.fetch(
        """
        SELECT l.revision = n.revision AND l.status IN ('APPROVED', 'UNREADABLE') AS stands
        FROM unnest($1::text[], $2::text[], $3::text[], $4::int[])
          AS n(connection, object, source_id, revision)
        JOIN source_line l USING (connection, object, source_id)
        ORDER BY l.connection, l.object, l.source_id FOR SHARE OF l
        """,
        [one[0] for one in wanted],
        [one[1] for one in wanted],
        [one[2] for one in wanted],
        [one[3] for one in wanted],
    )
    return len(rows) == len(wanted) and all(row["stands"] for row in rows)


async def time_between(
    connection: Connection, sources: Collection[str], first: date, last: date
) -> list[tuple[LineStatus, int, str]]:
    """All time of a window of work dates: its status, revision and canonical JSON."""
    rows = await connection.fetch(
        "SELECT status, revision, entry FROM source_line WHERE connection = ANY($1::text[]) "
        "AND object = 'time_entry' AND entry IS NOT NULL AND work_date BETWEEN $2 AND $3 "
        "ORDER BY connection, source_id",
        list(sources),
        first,
        last,
    )
    return [(LineStatus(row["status"]), row["revision"], row["entry"]) for row in rows]


ValueKey = tuple[str, str, str, str, int]


async def decided_rates(
    connection: Connection, lines: Sequence[WorkLine]
) -> dict[ValueKey, HourlyRate | None]:
    """The rates that were decided, by (connection, object, source id, part, revision)."""
    rows = await connection.fetch(
        """
        SELECT v.connection, v.object, v.source_id, v.part, v.revision, v.rate, v.currency
        FROM unnest($1::text[], $2::text[], $3::text[], $4::int[])
          AS n(connection, object, source_id, revision)
        JOIN work_value v USING (connection, object, source_id, revision)
        """,
        [one.connection for one in lines],
        [one.object for one in lines],
        [one.source_id for one in lines],
        [one.revision for one in lines],
    )
    return {
        (row["connection"], row["object"], row["source_id"], row["part"], row["revision"]): (
            HourlyRate(amount=row["rate"], currency=row["currency"])
            if row["rate"] is not None
            else None
        )
        for row in rows
    }


async def decide(connection: Connection, values: Iterable[WorkValue]) -> None:
    """Write down what revisions are worth; what was decided before stays."""
    rows = [_row(one) for one in values]
    if rows:
        await connection.execute(_DECIDE, *_VALUE.arrays(rows))


def _row(one: WorkValue) -> tuple[object, ...]:
    work, line = one.work, one.work.line
    return (
        *(line.work.connection, work.object, work.source_id, work.part, line.work.revision),
        *(line.project, line.employee, line.work_date, line.billable),
        *(line.seconds, one.billed_seconds, one.rate.amount if one.rate else None),
        one.worth.amount if one.worth else None,
        one.worth.currency if one.worth else None,
        one.why,
        one.cost.amount if one.cost else None,
        one.cost.currency if one.cost else None,
    )


@dataclass(frozen=True, slots=True)
class PostedValue:
    """Work in the ERP since a day, with its worth; less than nothing where it was taken back."""

    project: str
    currency: str
    posting_date: date
    worth: Decimal
    correction: bool


async def posted_values(
    connection: Connection, until: date, projects: Collection[str] | None = None
) -> list[PostedValue]:
    """Read what the ledger says is in the ERP up to a day, priced; of some projects or of all."""
    rows = await connection.fetch(
        "SELECT project, currency, posting_date, worth, correction FROM wip_posting "
        "WHERE posting_date <= $1 AND ($2::text[] IS NULL OR project = ANY($2))",
        until,
        list(projects) if projects is not None else None,
    )
    return [PostedValue(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Cost:
    """What posted work of a project cost, in one currency."""

    project: str
    currency: str
    cost: Decimal


async def costs(connection: Connection, projects: Collection[str] | None = None) -> list[Cost]:
    """Sum up what posted work cost, by project and currency."""
    rows = await connection.fetch(
        """
        SELECT v.project, v.cost_currency AS currency, sum(v.cost) AS cost
        FROM posting p JOIN work_value v USING (connection, object, source_id, revision)
        WHERE p.kind IN ('time', 'expense') AND p.leg = 'main'
          AND p.state IN ('POSTED', 'DUPLICATE') AND v.cost IS NOT NULL
          AND ($1::text[] IS NULL OR v.project = ANY($1))
        GROUP BY v.project, v.cost_currency ORDER BY 1, 2
        """,
        list(projects) if projects is not None else None,
    )
    return [Cost(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class PostedWork:
    """Work behind a document of the ERP: whose project it is on, and its price."""

    reference: str
    project: str
    rate: Decimal | None
    currency: str


async def posted_work(
    connection: Connection, target: str, until: date
) -> dict[str, list[PostedWork]]:
    """Billable work that stands in an ERP and counts by a day, by our reference there."""
    rows = await connection.fetch(
        """
        SELECT p.reference, v.project, v.rate, v.currency
        FROM posting p JOIN work_value v USING (connection, object, source_id, revision)
        WHERE p.target = $1 AND p.kind IN ('time', 'expense') AND p.leg = 'main'
          AND p.state IN ('POSTED', 'DUPLICATE') AND p.posting_date <= $2
          AND v.billable AND v.worth IS NOT NULL
        """,
        target,
        until,
    )
    found: dict[str, list[PostedWork]] = {}
    for row in rows:
        found.setdefault(row["reference"], []).append(PostedWork(**dict(row)))
    return found


async def first_day(connection: Connection) -> date | None:
    """The earliest day of work that has a worth; None if there is none."""
    row = await connection.fetchrow("SELECT min(work_date) AS first FROM work_value")
    first: date | None = row["first"] if row else None
    return first
