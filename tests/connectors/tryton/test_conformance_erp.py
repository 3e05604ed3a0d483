"""The real Tryton keeps the same contracts: what the simulator promises is so."""

import pytest

from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.tryton.world import RealTrytonWorld

pytestmark = pytest.mark.erp


@pytest.fixture
def world(erp_world: RealTrytonWorld) -> RealTrytonWorld:
    return erp_world


class TestTryton(PostingTargetContract):
    pass


class TestTrytonsGuard(CompareAndSetContract):
    pass


class TestTrytonsUndo(UndoContract):
    pass
