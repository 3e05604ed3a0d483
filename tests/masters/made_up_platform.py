"""A platform that synchronises masters between two made-up systems: real ledger, real Temporal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import WorkflowHandle

from canonical.cross_reference import MasterKind
from canonical.messages import MasterSyncRef
from connectors.base.capabilities import Connected
from rules.ownership import KindOwnership, Ownership
from rules.policies import Policies
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from tests.e2e.running_platform import RunningPlatform, running
from tests.masters.made_up import MadeUpSystem

C: Final = MasterKind.CUSTOMER
SYNC_ID: Final = "master-data-sync/northwind"


@dataclass(kw_only=True)
class MadeUpPlatform(RunningPlatform):
    """Customers go from a CRM to an ERP."""

    crm: MadeUpSystem
    erp: MadeUpSystem

    async def refresh(self) -> None:
        """Begin with one customer whom both have."""
        self.crm.put(C, "K-1", "crm-0", name="Alder Mills")
        self.erp.put(C, "K-1", "erp-0", name="Alder Mills")
        await self.sync(whole=True)

    async def sync(self, *, whole: bool = False) -> WorkflowHandle[Any, Any]:
        """Synchronise, and wait until that has ended; gives its workflow."""
        await self.activities.master_telling.tell_master_sync(MasterSyncRef(whole=whole))
        handle = self.client.get_workflow_handle(SYNC_ID)
        await handle.result()
        return handle

    async def conflict(self) -> WorkflowHandle[Any, Any]:
        """Rename the customer on both sides, differently; gives the workflow of its case."""
        self.crm.change(C, "crm-0", name="Alder Mills Group")
        self.erp.change(C, "erp-0", name="Alder Mills Holding")
        await self.sync()
        (row,) = await self.rows("SELECT id FROM exception_case WHERE state = 'OPEN'")
        return self.client.get_workflow_handle(f"exception-case/{row['id']}")


@asynccontextmanager
async def made_up_platform(
    dsn: str, temporal_address: str, namespace: str
) -> AsyncIterator[MadeUpPlatform]:
    """Start a platform on a migrated ledger and a Temporal namespace of its own."""
    crm, erp = MadeUpSystem("crm"), MadeUpSystem("erp")
    client = await connect(temporal_address, namespace)
    configured = Configuration(
        tenant="northwind",
        connections={name: ConnectionSettings(system=name) for name in ("crm", "erp")},
    )
    policies = Policies(
        ownership=Ownership(kinds={C: KindOwnership(owner="crm", receivers=("erp",))})
    )
    connected: dict[str, Connected] = {"crm": crm, "erp": erp}
    async with running(dsn, client, configured, policies, connected) as (platform, activities):
        yield MadeUpPlatform(
            dsn=dsn, platform=platform, activities=activities, client=client, crm=crm, erp=erp
        )
