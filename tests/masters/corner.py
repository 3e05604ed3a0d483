"""A ledger with the synchronisation of masters between made-up systems, without Temporal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from activities.document_workflows import DocumentWorkflows
from activities.master_cases import MasterCaseActivities
from activities.master_feeds import MasterFeedActivities, participants
from activities.master_sync import MasterSyncActivities
from activities.master_sync_workflows import MasterSyncWorkflows
from activities.waking import Waking
from canonical.cross_reference import MasterKind
from canonical.messages import (
    CaseResolution,
    MasterFeedRef,
    MasterSyncRef,
    ResolutionOutcome,
    ResolutionRequest,
)
from connectors.base.capabilities import Connected
from connectors.base.connections import Connections
from rules.master_sync import in_order
from rules.policies import Policies
from store import cases, master_issues
from store.database import Database, Row
from store.master_issues import OpenIssue


class _Told(MasterSyncWorkflows):
    """Counts what it is told, and starts nothing."""

    def __init__(self) -> None:
        self.told: list[MasterSyncRef] = []

    async def tell(self, ref: MasterSyncRef) -> None:
        self.told.append(ref)


@dataclass
class Masters:
    """What a test of masters holds."""

    database: Database
    systems: Mapping[str, Connected]
    policies: Policies
    routes: Mapping[str, str] = field(default_factory=dict)
    told: _Told = field(default_factory=_Told)

    def __post_init__(self) -> None:
        connections = Connections(self.systems)
        waking = Waking(self.database, cast("DocumentWorkflows", None))
        self.feeds = MasterFeedActivities(
            self.database, connections, self.policies, tenant="northwind"
        )
        self.activities = MasterSyncActivities(
            self.database,
            connections,
            self.policies,
            waking,
            tenant="northwind",
            routes=self.routes,
        )
        self.decisions = MasterCaseActivities(
            self.database, connections, self.policies, self.told, waking
        )

    async def read(self, *, whole: bool = False) -> None:
        """Read the news of all systems."""
        for name in participants(self.policies):
            await self.feeds.read(MasterFeedRef(connection=name, whole=whole))

    async def sync(self, *, whole: bool = False, rounds_max: int = 30) -> int:
        """Read, and sync until nothing is left that can be done now; gives how much was written."""
        await self.read(whole=whole)
        return await self.settle(rounds_max)

    async def settle(self, rounds_max: int = 30) -> int:
        """Sync until nothing is left that can be done now; gives how much was written."""
        written = 0
        for _ in range(rounds_max):
            outcomes = [
                await self.activities.sync(kind) for kind in in_order(self.policies.ownership.kinds)
            ]
            written += sum(one.written for one in outcomes)
            if not any(one.looked for one in outcomes):
                return written
        raise AssertionError("masters do not come to rest")

    async def time_passes(self) -> None:
        """Let so much time pass that nothing sent before can appear any more."""
        await self.database.execute(
            "UPDATE master_write SET sent_at = sent_at - interval '1 hour' WHERE state = 'SENDING'"
        )
        await self.database.execute("UPDATE master_news SET not_before = '-infinity'")

    async def issues(self) -> list[OpenIssue]:
        """What waits for people."""
        async with self.database.connection() as connection:
            return await master_issues.all_open(connection)

    async def open_cases(self) -> list[Row]:
        """The open cases."""
        return await self.database.fetch(
            "SELECT id, cause, subject, target FROM exception_case WHERE state <> 'RESOLVED'"
        )

    async def resolve(self, issue: OpenIssue, kind: str, **request: Any) -> ResolutionOutcome:
        """Decide as a person would, and carry it out."""
        assert issue.case_id is not None
        decision = CaseResolution(
            case_id=issue.case_id,
            request=ResolutionRequest.model_validate({"kind": kind, "by": "ana", **request}),
        )
        outcome = await self.decisions.settle_master_case(decision)
        await self.settle()
        return outcome

    async def links(self, kind: MasterKind, source: str, target: str) -> dict[str, str]:
        """The cross-references between two systems."""
        rows = await self.database.fetch(
            "SELECT source_id, target_id FROM cross_reference "
            "WHERE kind = $1 AND source = $2 AND target = $3",
            kind,
            source,
            target,
        )
        return {row["source_id"]: row["target_id"] for row in rows}

    async def blocked(self, case_id: UUID) -> int:
        """How many lines wait for a case."""
        async with self.database.connection() as connection:
            (found,) = await cases.read(connection, [case_id])
        return found.lines
