"""Cases about masters in Temporal: they end there, too, once their systems agree."""

import asyncio
from typing import Any, Final

from temporalio.client import Client, WorkflowHandle

from canonical.cross_reference import MasterKind
from canonical.messages import CaseView, MasterSyncRef
from connectors.base.capabilities import Connected
from rules.ownership import KindOwnership, Ownership
from rules.policies import Policies
from runtime.bootstrap import Activities, Platform
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace, dsn, new_namespace  # noqa: F401  Fixtures.
from tests.e2e.running_platform import SECONDS_MAX, running
from tests.masters.made_up import MadeUpSystem

C: Final = MasterKind.CUSTOMER


async def test_a_case_that_was_decided_ends_in_temporal_once_systems_agree(
    dsn: str,  # noqa: F811
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> None:
    crm, erp = MadeUpSystem("crm"), MadeUpSystem("erp")
    known = crm.put(C, "K-1", name="Alder Mills")
    there = erp.put(C, "K-1", name="Alder Mills")
    client = await connect(temporal_server.address, await new_namespace())
    configured = Configuration(
        tenant="northwind",
        connections={name: ConnectionSettings(system=name) for name in ("crm", "erp")},
    )
    policies = Policies(
        ownership=Ownership(kinds={C: KindOwnership(owner="crm", receivers=("erp",))})
    )
    connected: dict[str, Connected] = {"crm": crm, "erp": erp}
    async with running(dsn, client, configured, policies, connected) as (platform, activities):
        await _synchronised(client, activities)
        crm.change(C, known, name="Alder Mills Group")
        erp.change(C, there, name="Alder Mills Holding")
        await _synchronised(client, activities)
        case = await _open_case(client, platform)
        await case.execute_update("resolve_exception", {"kind": "restore", "by": "ana"})
        async with asyncio.timeout(SECONDS_MAX):
            ended = CaseView.model_validate(await case.result())
        assert ended.state == "RESOLVED"
        assert erp.of(C)[there].name == "Alder Mills Group"


async def _synchronised(client: Client, activities: Activities) -> None:
    await activities.master_telling.tell_master_sync(MasterSyncRef(whole=True))
    await client.get_workflow_handle("master-data-sync/northwind").result()


async def _open_case(client: Client, platform: Platform) -> WorkflowHandle[Any, Any]:
    (row,) = await platform.database.fetch("SELECT id FROM exception_case WHERE state = 'OPEN'")
    return client.get_workflow_handle(f"exception-case/{row['id']}")
