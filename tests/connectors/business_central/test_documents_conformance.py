"""Documents in Business Central keep what every posting keeps, beyond what guards them."""

from collections.abc import Iterator

import pytest

from connectors.conformance.posting_documents import DocumentTargetContract
from tests.connectors.business_central.document_world import (
    DocumentWorld,
    ExpenseWorld,
    InvoiceWorld,
    ReversalWorld,
)
from tests.connectors.business_central.journal_world import JournalWorld


class _Documents(DocumentTargetContract):
    world_of: type[DocumentWorld]

    @pytest.fixture
    def world(self) -> Iterator[DocumentWorld]:
        world = self.world_of()
        yield world
        assert world.spec.broken == []


class TestExpenseDocuments(_Documents):
    world_of = ExpenseWorld


class TestReversals(_Documents):
    world_of = ReversalWorld


class TestInvoices(_Documents):
    world_of = InvoiceWorld


class TestJournalEntries(_Documents):
    world_of = JournalWorld
