"""Harvest keeps the contracts of a source of time, of both kinds of sink, and of HTTP."""

import pytest
from pydantic import SecretStr, TypeAdapter

from connectors.base.capabilities import (
    AcknowledgementSink,
    InvoiceStatusSink,
    MasterChangeSource,
    MasterDataSource,
    MasterDataTarget,
    TimeEntrySource,
)
from connectors.base.manifest import RateLimit
from connectors.conformance.acknowledgement import AcknowledgementContract
from connectors.conformance.http_contract import HttpContract, Tokens
from connectors.conformance.invoice_status import (
    InvoiceHttpContract,
    InvoiceRefusalContract,
    InvoiceStatusContract,
)
from connectors.conformance.time_source import TimeEntrySourceContract
from connectors.harvest import SYSTEM
from tests.connectors.harvest.world import HarvestWorld


class TestHarvestOnTheWire(HttpContract):
    pass


class TestHarvest(TimeEntrySourceContract):
    pass


class TestHarvestAsSink(AcknowledgementContract):
    pass


class TestHarvestToldOfInvoices(InvoiceStatusContract, InvoiceRefusalContract):
    pass


class TestHarvestToldOfInvoicesOnTheWire(InvoiceHttpContract):
    @pytest.fixture
    def world(self, world: HarvestWorld) -> HarvestWorld:
        # Every answer is lost once in these: more calls than Harvest takes in 15 seconds.
        world.misbehave(rate_limit_calls=100_000)
        return world


def test_it_fills_each_role_that_its_manifest_claims(world: HarvestWorld) -> None:
    harvest = world.connect()
    roles = {
        TimeEntrySource,
        MasterDataSource,
        MasterChangeSource,
        MasterDataTarget,
        AcknowledgementSink,
        InvoiceStatusSink,
    }
    assert harvest.manifest.capabilities == roles
    assert all(isinstance(harvest, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: HarvestWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    assert SYSTEM.rate_limits == (RateLimit(calls=100, per_seconds=15),)
    options = TypeAdapter(SYSTEM.options).validate_python(
        {
            "connection": "harvest-emea",
            "account_id": "1",
            "token": SecretStr("t"),
            "user_agent": "Ledgerway (x@firm.example)",
        }
    )
    assert isinstance(SYSTEM.connect(options, Tokens()), TimeEntrySource)
