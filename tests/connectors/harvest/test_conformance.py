"""Harvest keeps the contracts of a source of time, of a sink for acknowledgements, and of HTTP."""

from connectors.base.capabilities import AcknowledgementSink, MasterDataSource, TimeEntrySource
from connectors.conformance.acknowledgement import AcknowledgementContract
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.time_source import TimeEntrySourceContract
from tests.connectors.harvest.world import HarvestWorld


class TestHarvestOnTheWire(HttpContract):
    pass


class TestHarvest(TimeEntrySourceContract):
    pass


class TestHarvestAsSink(AcknowledgementContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: HarvestWorld) -> None:
    harvest = world.connect()
    roles = {TimeEntrySource, MasterDataSource, AcknowledgementSink}
    assert harvest.manifest.capabilities == roles
    assert all(isinstance(harvest, role) for role in roles)
