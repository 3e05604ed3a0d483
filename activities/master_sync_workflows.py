"""The one synchronisation of masters: started, or told while it runs."""

from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.client import Client
from temporalio.common import SearchAttributePair, WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities import search_attributes as sa
from canonical.messages import MasterSyncRef

MASTERS_QUEUE: Final = "masters"
_TASK_TIMEOUT: Final = timedelta(seconds=5)


class MasterSyncWorkflows:
    """Starts and tells the synchronisation of masters."""

    def __init__(self, client: Client, tenant: str) -> None:
        self._client = client
        self._tenant = tenant

    @property
    def id(self) -> str:
        """The workflow's id: one per tenant, so that never two write."""
        return f"master-data-sync/{self._tenant}"

    async def tell(self, ref: MasterSyncRef) -> None:
        """See to it that the synchronisation runs, and hears of this."""
        await self._client.start_workflow(
            "MasterDataSync",
            id=self.id,
            task_queue=MASTERS_QUEUE,
            task_timeout=_TASK_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="masters_changed",
            start_signal_args=[ref],
            search_attributes=sa.typed(
                SearchAttributePair(sa.KIND, "masters"),
                SearchAttributePair(sa.STATE, sa.RUNNING),
            ),
            static_summary="Customers, projects, people and dimensions to who receives them",
        )


class MasterSyncTelling:
    """What a Schedule does about masters."""

    def __init__(self, workflows: MasterSyncWorkflows) -> None:
        self._workflows = workflows

    @activity.defn
    async def tell_master_sync(self, ref: MasterSyncRef) -> None:
        """Start the synchronisation or tell the running one."""
        await self._workflows.tell(ref)
