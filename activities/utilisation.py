"""Utilisation: how much of what people could have worked was billable (DOMAIN rule 38)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from activities.facts import FactsCache
from canonical.billing import BillableLine, WorkState
from canonical.source_line import LineStatus
from canonical.time_entry import TimeEntry
from rules.billable_work import work_of_time
from rules.billing_measures import Capacity, capacity_of, utilisation
from rules.policies import Policies
from store import work
from store.database import Database

_STATES: Mapping[LineStatus, WorkState] = {
    LineStatus.APPROVED: WorkState.UNPOSTED,
    LineStatus.NOT_APPROVED: WorkState.UNAPPROVED,
}


@dataclass(frozen=True, slots=True)
class Utilisation:
    """One person's month, in seconds; `share` is None where nothing could be worked."""

    employee: str
    legal_entity: str
    billable: int
    capacity: Capacity
    share: Decimal | None


async def utilisation_of(
    database: Database,
    policies: Policies,
    routes: Mapping[str, str],
    first: date,
    last: date,
) -> Sequence[Utilisation] | None:
    """Everybody who has time in a window; None if master data has to be read again first.

    `routes` are sources of time with the ERP that each posts to. Restated by every correction: it
    is computed from the lines as they are now.
    """
    lines: list[BillableLine] = []
    entity_of: dict[str, str] = {}
    cache = FactsCache()
    async with database.connection() as connection:
        for source, target in sorted(routes.items()):
            facts = await cache.current(connection, source, target, datetime.now(UTC))
            if facts is None:
                return None
            rows = await work.time_between(connection, [source], first, last)
            for status, revision, entry in rows:
                state = _STATES.get(status, WorkState.WITHDRAWN)
                read = TimeEntry.model_validate_json(entry)
                lines.append(work_of_time(read, revision, state, facts, None).line)
            entity_of |= {one.code: one.legal_entity or "" for one in facts.employees.values()}
    return [
        _of(person, entity_of.get(person, ""), lines, policies, first, last)
        for person in sorted({one.employee for one in lines})
    ]


def _of(  # noqa: PLR0917  One person in one window.
    person: str,
    entity: str,
    lines: Sequence[BillableLine],
    policies: Policies,
    first: date,
    last: date,
) -> Utilisation:
    own = [one for one in lines if one.employee == person]
    capacity = capacity_of(first, last, own, person, policies.of(entity).billing)
    billable = sum(one.seconds for one in own if one.billable and one.state is WorkState.UNPOSTED)
    return Utilisation(
        person, entity, billable, capacity, utilisation(own, person, first, last, capacity)
    )
