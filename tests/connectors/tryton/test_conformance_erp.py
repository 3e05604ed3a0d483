"""The real Tryton keeps the same contracts: what the simulator promises is so."""

import pytest

from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_repeats import DraftThenPostContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.tryton.drafting_world import (
    ExpenseDrafts,
    InvoiceDrafts,
    JournalDrafts,
    ReversalDrafts,
    TrytonDrafts,
)
from tests.connectors.tryton.expense_world import ExpenseWorld
from tests.connectors.tryton.invoice_world import InvoiceWorld
from tests.connectors.tryton.journal_world import JournalWorld
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


class TestTrytonsExpenseDocuments(DraftThenPostContract):
    @pytest.fixture
    def world(self, expenses: ExpenseWorld) -> TrytonDrafts:
        return ExpenseDrafts(expenses)


@pytest.mark.exhaustive
class TestTrytonsInvoices(DraftThenPostContract):
    @pytest.fixture
    def world(self, invoices: InvoiceWorld) -> TrytonDrafts:
        return InvoiceDrafts(invoices)


@pytest.mark.exhaustive
class TestTrytonsJournalEntries(DraftThenPostContract):
    @pytest.fixture
    def world(self, journal: JournalWorld) -> TrytonDrafts:
        return JournalDrafts(journal)


@pytest.mark.exhaustive
class TestTrytonsReversals(DraftThenPostContract):
    @pytest.fixture
    async def world(self, journal: JournalWorld) -> TrytonDrafts:
        return await ReversalDrafts.open(JournalDrafts(journal))


@pytest.mark.exhaustive
class TestTrytonsReversalsOfExpenses(DraftThenPostContract):
    """What a report's taking back has beyond an entry's is told in test_expense_reversal.py."""

    @pytest.fixture
    async def world(self, expenses: ExpenseWorld) -> TrytonDrafts:
        return await ReversalDrafts.open(ExpenseDrafts(expenses))
