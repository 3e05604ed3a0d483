"""Plays of masters: brought in step, disagreed about, and settled."""

from typing import Final

from canonical.messages import MasterSyncRef
from tests.masters.made_up_platform import SYNC_ID, C, MadeUpPlatform
from tests.replay.repertoire import Handle, Repertoire

MASTERS: Final[Repertoire[MadeUpPlatform]] = Repertoire()


@MASTERS.play("PollMasters", "tell_master_sync")
async def told(local: MadeUpPlatform) -> Handle:
    """A Schedule tells the synchronisation."""
    await local.run("PollMasters", MasterSyncRef())
    await local.client.get_workflow_handle(SYNC_ID).result()
    return local.client.get_workflow_handle(f"test/PollMasters/{local.ids['PollMasters']}")


@MASTERS.play("MasterDataSync", "plan_master_sync", "read_masters", "sync_masters")
async def brought_in_step(local: MadeUpPlatform) -> Handle:
    """A new customer reaches the ERP."""
    local.crm.put(C, "K-2", name="Birch Pumps")
    return await local.sync()


@MASTERS.play("MasterDataSync", "read_masters", "sync_masters", "announce_cases")
async def disagreed(local: MadeUpPlatform) -> Handle:
    """Both sides renamed a customer: people hear of it."""
    await local.conflict()
    return local.client.get_workflow_handle(SYNC_ID)


@MASTERS.play("MasterDataSync", "sync_masters", "TIMER_STARTED", "sync_masters")
async def unanswered(local: MadeUpPlatform) -> Handle:
    """An answer is lost, and a later look tells what came of it."""
    local.crm.put(C, "K-3", name="Cedar Kilns")
    local.erp.lost = 1
    return await local.sync()


@MASTERS.play("ExceptionCase", "read_case", "settle_master_case", "read_case")
async def settled_about_a_record(local: MadeUpPlatform) -> Handle:
    """A person decides about a customer's name."""
    case = await local.conflict()
    await case.execute_update("resolve_exception", {"kind": "restore", "by": "ana"})
    return case
