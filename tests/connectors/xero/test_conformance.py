"""Xero keeps the contracts of a posting target for every kind, of its guards, and of HTTP."""

from collections.abc import Callable
from typing import ClassVar

import pytest
from pydantic import SecretStr, TypeAdapter

from connectors.base.capabilities import (
    MasterDataSource,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
)
from connectors.conformance.http_contract import HttpContract, Tokens
from connectors.conformance.posting_documents import DocumentTargetContract
from connectors.conformance.posting_repeats import IdempotencyKeyContract, LookupContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from connectors.xero import SYSTEM
from tests.connectors.xero.world import (
    BillWorld,
    JournalWorld,
    ReversalWorld,
    SaleWorld,
    XeroWorld,
)

Make = Callable[[type[XeroWorld]], XeroWorld]


class TestXeroOnTheWire(HttpContract):
    pass


class TestTime(PostingTargetContract):
    durations: ClassVar[tuple[int, int]] = (60, 86_340)


class TestTimesKey(IdempotencyKeyContract):
    pass


class TestTimeUndone(UndoContract):
    pass


class OfBills:
    @pytest.fixture
    def world(self, made: Make) -> XeroWorld:
        return made(BillWorld)


class TestBills(OfBills, DocumentTargetContract):
    durations: ClassVar[tuple[int, int]] = (0, 86_399)


class TestBillsKey(OfBills, IdempotencyKeyContract):
    pass


class OfReversals:
    @pytest.fixture
    def world(self, made: Make) -> XeroWorld:
        return made(ReversalWorld)


class TestReversals(OfReversals, DocumentTargetContract):
    pass


class TestReversalsKey(OfReversals, IdempotencyKeyContract):
    pass


class OfSales:
    @pytest.fixture
    def world(self, made: Make) -> XeroWorld:
        return made(SaleWorld)


class TestSales(OfSales, DocumentTargetContract):
    durations: ClassVar[tuple[int, int]] = (0, 86_399)


class TestSalesKey(OfSales, IdempotencyKeyContract):
    pass


class OfJournals:
    @pytest.fixture
    def world(self, made: Make) -> XeroWorld:
        return made(JournalWorld)


class TestJournals(OfJournals, DocumentTargetContract):
    pass


class TestJournalsLookUp(LookupContract):
    @pytest.fixture
    def world(self, made: Make) -> XeroWorld:
        world = made(JournalWorld)
        world.misbehave(lag_seconds=30)
        return world


def test_it_fills_each_role_that_its_manifest_claims(world: XeroWorld) -> None:
    xero = world.connect()
    roles = {PostingTarget, MasterDataSource, PostingCalendar, PaymentSource}
    assert xero.manifest.capabilities == roles
    assert all(isinstance(xero, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: XeroWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    options = TypeAdapter(SYSTEM.options).validate_python(
        {
            "connection": "erp",
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": SecretStr("s"),
            "legal_entity": "FIRM-DE",
            "tax_account": "820",
        }
    )
    assert isinstance(SYSTEM.connect(options, Tokens()), PostingTarget)
