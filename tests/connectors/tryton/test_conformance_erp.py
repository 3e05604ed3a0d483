"""The real Tryton keeps the same contracts: what the simulator promises is so."""

import pytest

from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_repeats import DraftThenPostContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.tryton.drafting_world import TrytonDrafts
from tests.connectors.tryton.expense_world import ExpenseWorld
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


class TestTrytonsDocuments(DraftThenPostContract):
    @pytest.fixture
    def world(self, expenses: ExpenseWorld) -> TrytonDrafts:
        return TrytonDrafts(expenses)
