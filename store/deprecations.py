"""Warnings in the audit trail: what is deprecated, and in use all the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from canonical.deprecation import InUse
from store.bulk import Columns
from store.database import Connection

_WARNING: Final = Columns({"subject": "text", "reason": "text"})
# Of many processes and pages one tells it; the index has the day.
_NOTE: Final = f"""
    INSERT INTO audit (subject_kind, subject, to_state, actor, reason, correlation_id)
    SELECT 'deprecation', r.subject, 'IN_USE', $3, r.reason, $4 FROM {_WARNING.unnest()}
    ON CONFLICT (subject, ((at AT TIME ZONE 'UTC')::date)) WHERE subject_kind = 'deprecation'
    DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Warned:
    """One thing that is deprecated and was in use: what it is told of it, and when last."""

    subject: str
    reason: str
    days: int
    last_at: datetime


async def note(connection: Connection, used: Iterable[InUse], *, by: str, actor: str) -> None:
    """Warn of each thing that `by` uses, a source or a file; once a day, however often it is told.

    Two processes may warn of the same at once: they do so in one order, and in no transaction that
    holds anything else.
    """
    rows = sorted({(f"{one.thing} of {by}", one.deprecation.sentence) for one in used})
    if rows:
        await connection.execute(_NOTE, *_WARNING.arrays(rows), actor, by)


async def noted(connection: Connection, days: int) -> list[Warned]:
    """Everything that was warned of in the last days, the newest first."""
    rows = await connection.fetch(
        """
        SELECT subject, (array_agg(reason ORDER BY id DESC))[1] AS reason, count(*) AS days,
               max(at) AS last_at
        FROM audit WHERE subject_kind = 'deprecation' AND at > now() - make_interval(days => $1)
        GROUP BY subject ORDER BY max(id) DESC
        """,
        days,
    )
    return [Warned(**dict(row)) for row in rows]
