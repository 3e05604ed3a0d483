"""Business Central keeps the contracts of a posting target, of its guard, and of HTTP."""

from connectors.base.capabilities import MasterDataSource, PostingCalendar, PostingTarget
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.business_central.world import BusinessCentralWorld


class TestBusinessCentral(PostingTargetContract):
    pass


class TestBusinessCentralsGuard(CompareAndSetContract):
    pass


class TestBusinessCentralsUndo(UndoContract):
    pass


class TestBusinessCentralOnTheWire(HttpContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: BusinessCentralWorld) -> None:
    erp = world.connect()
    assert erp.manifest.capabilities == {PostingTarget, MasterDataSource, PostingCalendar}
    assert all(isinstance(erp, role) for role in erp.manifest.capabilities)
