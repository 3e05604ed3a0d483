"""Business Central keeps the contracts of masters that are read, and written once."""

from collections.abc import Iterator

import pytest

from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from tests.connectors.business_central.master_world import KINDS, BusinessCentralMasterWorld


class TestBusinessCentralMasters(MasterSourceContract, MasterTargetContract, MasterOnceContract):
    @pytest.fixture(params=KINDS)
    def world(self, request: pytest.FixtureRequest) -> Iterator[BusinessCentralMasterWorld]:
        world = BusinessCentralMasterWorld(request.param)
        yield world
        assert world.spec.broken == []
