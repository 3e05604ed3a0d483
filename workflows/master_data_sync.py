"""Master data sync: what owners say of masters reaches every system that receives it."""

import asyncio
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.policies import LOCAL, READ_NOW, RECORD

with workflow.unsafe.imports_passed_through():
    from activities.exception_cases import ExceptionCaseActivities as Cases
    from activities.master_feeds import MasterFeedActivities as Feeds
    from activities.master_sync import MasterSyncActivities as Sync
    from activities.master_sync_workflows import MasterSyncTelling as Telling
    from canonical.messages import (
        MESSAGE_ITEMS_MAX,
        CaseNews,
        MasterBatch,
        MasterFeedOutcome,
        MasterFeedRef,
        MasterKindRef,
        MasterSyncOutcome,
        MasterSyncPlan,
        MasterSyncRef,
    )


@workflow.defn
class MasterDataSync:
    """Ends when nothing is left to be done; there is one at a time, and it hears of news.

    Kinds go in the order in which they depend on each other: customer, project, task.
    """

    def __init__(self) -> None:
        self._news: list[MasterSyncRef] = []
        self._total = MasterSyncOutcome()

    @workflow.run
    async def run(self, news: list[MasterSyncRef] | None = None) -> MasterSyncOutcome:
        """Read what changed, bring it to where it belongs, and wait for what is not settled.

        `news` are those that an earlier run of this has not looked at.
        """
        self._news = [*(news or ()), *self._news]
        again: int | None = None
        while self._news or again is not None:
            if again is not None:
                await self._until_news(again)
            news, self._news = self._news, []
            plan: MasterSyncPlan = await workflow.execute_local_activity_method(
                Feeds.plan_master_sync, **LOCAL
            )
            await asyncio.gather(*(self._read(ref) for ref in feeds(plan, news)))
            waits = [await self._sync(kind) for kind in plan.kinds]
            again = min((one for one in waits if one is not None), default=None)
            if workflow.info().is_continue_as_new_suggested():
                self._continue(again)
        return self._total

    def _continue(self, again: int | None) -> None:
        """Go on in a new run if anything is left; under a steady stream of news there always is.

        What waits is looked at anew, which reads no system.
        """
        if again is not None and not self._news:
            self._news = [MasterSyncRef(feeds=False)]
        if self._news:
            workflow.continue_as_new(self._news)

    async def _until_news(self, seconds: int) -> None:
        try:
            await workflow.wait_condition(
                lambda: bool(self._news), timeout=timedelta(seconds=max(seconds, 1))
            )
        except TimeoutError:
            return

    async def _read(self, ref: MasterFeedRef) -> None:
        """Read one system; one that does not answer now is read by the next Schedule."""
        try:
            read: MasterFeedOutcome = await workflow.execute_activity_method(
                Feeds.read_masters, ref, **READ_NOW
            )
        except ActivityError as error:
            workflow.logger.warning("masters of %s were not read: %s", ref.connection, error.cause)
            return
        await self._announce(read.cases)

    async def _sync(self, kind: str) -> int | None:
        """Sync one kind, batch by batch; gives after how many seconds there is more to do."""
        while True:
            batch: MasterBatch = await workflow.execute_activity_method(
                Sync.sync_masters, MasterKindRef(kind=kind), **READ_NOW
            )
            self._total = MasterSyncOutcome(
                looked=self._total.looked + batch.looked,
                written=self._total.written + batch.written,
                linked=self._total.linked + batch.linked,
            )
            await self._announce(batch.cases)
            if not batch.more:
                return batch.again_in_seconds

    async def _announce(self, cases: tuple[UUID, ...]) -> None:
        for start in range(0, len(cases), MESSAGE_ITEMS_MAX):
            news = CaseNews(case_ids=cases[start : start + MESSAGE_ITEMS_MAX])
            await workflow.execute_activity_method(Cases.announce_cases, news, **RECORD)

    @workflow.signal(description="A system has news of masters, or somebody decided about one.")
    def masters_changed(self, ref: MasterSyncRef) -> None:
        # Of hundreds of webhooks in a burst, one says it all.
        if ref not in self._news:
            self._news.append(ref)


@workflow.defn
class PollMasters:
    """Tells the synchronisation, or starts it; a Schedule does so for systems without webhooks."""

    @workflow.run
    async def run(self, ref: MasterSyncRef) -> None:
        await workflow.execute_activity_method(Telling.tell_master_sync, ref, **RECORD)


def feeds(plan: MasterSyncPlan, news: list[MasterSyncRef]) -> list[MasterFeedRef]:
    """Which systems are read: those that were named, or all where none was."""
    found = []
    for name in plan.connections:
        mine = [
            ref for ref in news if ref.feeds and (not ref.connections or name in ref.connections)
        ]
        if mine:
            found.append(MasterFeedRef(connection=name, whole=any(ref.whole for ref in mine)))
    return found
