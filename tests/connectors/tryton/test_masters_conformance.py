"""The simulated Tryton keeps the contracts of masters: read, written, and each of them once."""

from collections.abc import Iterator

import pytest

from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from tests.connectors.tryton.master_world import KINDS
from tests.connectors.tryton.simulated_master_world import SimulatedMasterWorld


class _EachKind:
    @pytest.fixture(params=KINDS)
    def world(self, request: pytest.FixtureRequest) -> Iterator[SimulatedMasterWorld]:
        world = SimulatedMasterWorld(request.param)
        yield world
        world.desk.close()


class TestSimulatedMasters(_EachKind, MasterSourceContract):
    pass


class TestSimulatedMastersWritten(_EachKind, MasterTargetContract, MasterOnceContract):
    pass
