"""Facts out of the store, built once per version of the master data and shared by all lines."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from canonical.cross_reference import MasterKind
from canonical.masters import COST_CENTRE, Master, Masters
from canonical.posting_period import PostingPeriod
from rules.facts import Facts
from store import cost_centres, master_issues, rates
from store import masters as master_store
from store.database import Connection
from store.masters import SnapshotAge

M = TypeVar("M", bound=Master)

# DOMAIN rule 3: a calendar is not decided by after more than 15 minutes.
CALENDAR_AGE_MAX: Final = timedelta(minutes=15)


class FactsCache:
    """Keeps the newest facts of each pair of source and target in memory."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], tuple[tuple[int, int], Facts]] = {}

    async def current(
        self, connection: Connection, source: str, target: str, now: datetime
    ) -> Facts | None:
        """Give the facts as of now; None if the ERP's calendar has to be read again first."""
        ages = await master_store.ages(connection, (source, target))
        of_source, of_target = ages.get(source), ages.get(target)
        if of_source is None or of_target is None or _too_old(of_target, now):
            return None
        version = (of_source.version, of_target.version)
        known = self._facts.get((source, target))
        if known is not None and known[0] == version:
            return known[1]
        facts = await _load(connection, source, target)
        self._facts[source, target] = (version, facts)
        return facts


def _too_old(age: SnapshotAge, now: datetime) -> bool:
    return (
        age.masters_read_at is None
        or age.calendar_read_at is None
        or now - age.calendar_read_at > CALENDAR_AGE_MAX
    )


async def _load(connection: Connection, source: str, target: str) -> Facts:
    ours = await master_store.masters_of(connection, source)
    theirs = await master_store.masters_of(connection, target)
    links = await master_store.references_between(connection, source, target)
    calendar = await master_store.calendar_of(connection, target)
    facts = facts_of((source, ours), (target, theirs), links, calendar)
    return replace(
        facts,
        cost_rates=await rates.cost_rates_of(connection, target),
        exchange_rates=await rates.exchange_rates_of(connection, target),
        waiting=await master_issues.waiting(connection, source, target),
        assignments=await cost_centres.for_source(connection, source),
    )


def facts_of(
    source: tuple[str, Masters],
    target: tuple[str, Masters],
    links: dict[MasterKind, dict[str, str]],
    calendar: Sequence[PostingPeriod],
) -> Facts:
    """Join the master data of both sides, each given with the name of its connection."""
    (source_name, ours), (target_name, theirs) = source, target
    calendars: dict[str, list[PostingPeriod]] = {}
    for period in calendar:
        calendars.setdefault(period.legal_entity, []).append(period)
    return Facts(
        source=source_name,
        target=target_name,
        employees=_linked(links[MasterKind.EMPLOYEE], theirs.employees),
        projects=_linked(links[MasterKind.PROJECT], theirs.projects),
        tasks=_linked(links[MasterKind.TASK], theirs.tasks),
        source_employees={one.id: one for one in ours.employees},
        source_projects={one.id: one for one in ours.projects},
        source_tasks={one.id: one for one in ours.tasks},
        legal_entities={one.code: one for one in theirs.legal_entities},
        cost_centres={
            (one.legal_entity or "", one.code): one
            for one in theirs.dimension_values
            if one.dimension == COST_CENTRE
        },
        calendars=calendars,
        employees_by_code={one.code: one for one in theirs.employees},
        projects_by_code={one.code: one for one in theirs.projects},
        tasks_by_code={one.code: one for one in theirs.tasks},
        accounts={(one.legal_entity or "", one.code): one for one in theirs.accounts},
        tax_codes={(one.legal_entity or "", one.code): one for one in theirs.tax_codes},
        currencies={one.code: one for one in theirs.currencies},
        customers={(one.legal_entity or "", one.code): one for one in theirs.customers},
    )


def _linked(links: dict[str, str], records: Sequence[M]) -> dict[str, M]:
    by_id = {record.id: record for record in records}
    return {ours: by_id[theirs] for ours, theirs in links.items() if theirs in by_id}
