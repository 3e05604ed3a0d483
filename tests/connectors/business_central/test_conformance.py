"""Business Central keeps the contracts of a posting target, of its guards, and of HTTP."""

from collections.abc import Iterator

import pytest

from connectors.base.capabilities import (
    DraftKeeper,
    ExchangeRateSource,
    MasterDataSource,
    MasterDataTarget,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
)
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_repeats import DraftThenPostContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.business_central.document_world import (
    CreditWorld,
    DocumentWorld,
    ExpenseWorld,
    InvoiceWorld,
    ReversalWorld,
)
from tests.connectors.business_central.journal_world import JournalWorld
from tests.connectors.business_central.world import BusinessCentralWorld


class TestBusinessCentral(PostingTargetContract):
    pass


class TestBusinessCentralsGuard(CompareAndSetContract):
    pass


class TestBusinessCentralsUndo(UndoContract):
    pass


class TestBusinessCentralOnTheWire(HttpContract):
    pass


class _Documents(DraftThenPostContract):
    world_of: type[DocumentWorld]

    @pytest.fixture
    def world(self) -> Iterator[DocumentWorld]:
        world = self.world_of()
        yield world
        assert world.spec.broken == []


class TestBusinessCentralsExpenseDocuments(_Documents):
    world_of = ExpenseWorld


class TestBusinessCentralsReversals(_Documents):
    world_of = ReversalWorld


class TestBusinessCentralsInvoices(_Documents):
    world_of = InvoiceWorld


class TestBusinessCentralsCreditNotes(_Documents):
    world_of = CreditWorld


class TestBusinessCentralsJournalEntries(_Documents):
    world_of = JournalWorld


def test_it_fills_each_role_that_its_manifest_claims(world: BusinessCentralWorld) -> None:
    erp = world.connect()
    assert erp.manifest.capabilities == {
        PostingTarget,
        MasterDataSource,
        MasterDataTarget,
        PostingCalendar,
        DraftKeeper,
        PaymentSource,
        ExchangeRateSource,
    }
    assert all(isinstance(erp, role) for role in erp.manifest.capabilities)
