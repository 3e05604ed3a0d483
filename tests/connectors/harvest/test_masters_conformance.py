"""Harvest keeps the contracts of masters: read, followed, written, and each of them once."""

from collections.abc import Iterator

import pytest

from connectors.conformance.master_changes import MasterChangesContract
from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from tests.connectors.harvest.master_world import KINDS, HarvestMasterWorld


class _EachKind:
    @pytest.fixture(params=KINDS)
    def world(self, request: pytest.FixtureRequest) -> Iterator[HarvestMasterWorld]:
        world = HarvestMasterWorld(request.param)
        yield world
        assert world.spec.broken == []


class TestHarvestMasters(_EachKind, MasterSourceContract, MasterChangesContract):
    pass


class TestHarvestMastersWritten(_EachKind, MasterTargetContract, MasterOnceContract):
    @pytest.fixture(params=[False, True], ids=["refuses taken names", "takes taken names"])
    def taken(self, request: pytest.FixtureRequest) -> bool:
        return bool(request.param)

    @pytest.fixture(autouse=True)
    def _either_way(self, world: HarvestMasterWorld, taken: bool) -> None:
        # Not documented at Harvest, so both must be survived.
        world.misbehave(takes_taken_names=taken)
