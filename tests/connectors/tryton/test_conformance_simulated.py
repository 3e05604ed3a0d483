"""The simulated Tryton keeps the contracts of a posting target, of its guard, and of HTTP."""

import pytest

from connectors.base.capabilities import (
    AttachmentTarget,
    CostRateSource,
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
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.tryton.world import TrytonWorld


@pytest.fixture
def world(simulated_world: TrytonWorld) -> TrytonWorld:
    return simulated_world


class TestSimulatedTryton(PostingTargetContract):
    pass


class TestSimulatedTrytonsGuard(CompareAndSetContract):
    pass


class TestSimulatedTrytonsUndo(UndoContract):
    pass


class TestSimulatedTrytonOnTheWire(HttpContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: TrytonWorld) -> None:
    tryton = world.connect()
    roles = {
        PostingTarget,
        MasterDataSource,
        MasterDataTarget,
        PostingCalendar,
        AttachmentTarget,
        DraftKeeper,
        PaymentSource,
        ExchangeRateSource,
        CostRateSource,
    }
    assert tryton.manifest.capabilities == roles
    assert all(isinstance(tryton, role) for role in roles)
