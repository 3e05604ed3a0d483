"""Master feeds: what changed in each system, kept, and noted for those identities it is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.correction_plans import plan_corrections
from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from canonical.masters import CostCentreAssignment
from canonical.messages import MasterFeedOutcome, MasterFeedRef, MasterSyncPlan
from connectors.base.capabilities import (
    CostCentreSource,
    MasterChangeSource,
    MasterDataSource,
)
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from connectors.base.master_writes import MasterChanges
from rules.master_sync import in_order
from rules.policies import Policies
from store import cost_centres, cursors, master_identities, master_issues, masters
from store.database import Connection, Database
from store.masters import Changed

_FEED: Final = "masters"


class MasterFeedActivities:
    """Reads what systems say about masters; writes to our own ledger only."""

    def __init__(
        self, database: Database, connections: Connections, policies: Policies, *, tenant: str
    ) -> None:
        self._tenant = tenant
        self._database = database
        self._connections = connections
        self._policies = policies

    @activity.defn
    async def plan_master_sync(self) -> MasterSyncPlan:
        """Say which systems take part, and in which order kinds go."""
        return MasterSyncPlan(
            connections=tuple(participants(self._policies)),
            kinds=tuple(str(one) for one in in_order(self._policies.ownership.kinds)),
        )

    @activity.defn
    async def read_masters(self, ref: MasterFeedRef) -> MasterFeedOutcome:
        """Read one system's news of masters, and mark the identities that it is about."""
        try:
            return await self.read(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def read(self, ref: MasterFeedRef) -> MasterFeedOutcome:
        """The same, outside Temporal."""
        began = datetime.now(UTC)
        changes = await self._changes(ref, began)
        if changes is None:
            return MasterFeedOutcome()
        assignments = self._connections.all_filling(CostCentreSource).get(ref.connection)
        assigned = await assignments.cost_centre_assignments() if assignments else None
        async with self._database.transaction() as connection:
            changed = await _kept(connection, ref.connection, changes)
            if assigned is not None:
                await self._assign(connection, ref.connection, assigned)
            cases = await self._case_ids(connection, ref.connection)
            marked = await mark_changed(connection, self._policies, ref.connection, changed)
            await cursors.move_cursor(connection, ref.connection, _FEED, changes.until)
        return MasterFeedOutcome(marked=marked, cases=cases)

    async def _assign(
        self, connection: Connection, hr: str, assigned: Sequence[CostCentreAssignment]
    ) -> None:
        """Keep for which cost centres people work; what was posted otherwise becomes a plan."""
        since = await cost_centres.save(connection, hr, assigned)
        if not since:
            return
        ownership = self._policies.ownership.kinds.get(MasterKind.EMPLOYEE)
        for receiver in ownership.receivers if ownership else ():
            await masters.is_news(connection, receiver)
        await plan_corrections(connection, (self._tenant, self._policies), hr, since, assigned)

    async def _changes(self, ref: MasterFeedRef, began: datetime) -> MasterChanges | None:
        """What changed; None of a system that cannot tell, unless all of it is asked for."""
        feed = self._connections.all_filling(MasterChangeSource).get(ref.connection)
        async with self._database.connection() as connection:
            since = await cursors.watermark(connection, ref.connection, _FEED)
        if feed is not None and since is not None and not ref.whole:
            return await feed.masters_changed_since(since)
        if since is not None and not ref.whole:
            return None
        source = self._connections.filling(ref.connection, MasterDataSource)
        # What was being written while it was read may show up behind our clock.
        overlap = timedelta(seconds=source.manifest.overlap_seconds)
        return MasterChanges(await source.masters(), until=began - overlap, whole=True)

    async def _case_ids(self, connection: Connection, hr: str) -> tuple[UUID, ...]:
        """The cases of plans that wait: their workflows are told, however often."""
        issues = await master_issues.all_open(connection, MasterKind.EMPLOYEE)
        plans = [
            one for one in issues if one.issue.cause is Cause.RETROACTIVE_CHANGE and one.owner == hr
        ]
        return tuple(sorted({one.case_id for one in plans if one.case_id is not None}))


async def _kept(connection: Connection, source: str, changes: MasterChanges) -> Changed:
    if changes.whole:
        return await masters.save_masters(connection, source, changes.masters)
    gone = [(one.kind, one.id) for one in changes.gone]
    return await masters.save_some(connection, source, changes.masters, gone)


async def mark_changed(
    connection: Connection, policies: Policies, source: str, changed: Changed
) -> int:
    """Mark identities by their owner's record, whichever system's record has changed.

    Whoever reads masters does so: a change that nobody noted would never be compared.
    """
    marked = 0
    for kind, ownership in policies.ownership.kinds.items():
        ids = changed.ids_of(kind)
        if not ids or source not in ownership.connections:
            continue
        owner = ownership.owner
        if source != owner:
            ids = await master_identities.owners_of(connection, kind, owner, source, ids)
        marked += await master_identities.mark(connection, kind, owner, ids)
    return marked


def participants(policies: Policies) -> Mapping[str, Sequence[MasterKind]]:
    """All connections that own or receive masters, with the kinds; owners first."""
    found: dict[str, list[MasterKind]] = {}
    kinds = policies.ownership.kinds
    for place in (lambda one: (one.owner,), lambda one: one.receivers):
        for kind, ownership in kinds.items():
            for connection in place(ownership):
                found.setdefault(connection, []).append(kind)
    return found
