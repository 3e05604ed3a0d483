"""A register of each guard keeps the suites for masters: their rules ask for nothing impossible."""

import pytest

from connectors.base.capabilities import MasterChangeSource, MasterDataTarget
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.master_changes import MasterChangesContract
from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from tests.connectors.conformance.made_up_master_world import MadeUpMasterWorld
from tests.connectors.conformance.made_up_register import Way


class _EachWay:
    @pytest.fixture(params=list(Way))
    def world(self, request: pytest.FixtureRequest) -> MadeUpMasterWorld:
        return MadeUpMasterWorld(request.param)


class TestMasterTarget(_EachWay, MasterTargetContract, MasterOnceContract):
    pass


class TestMasterSource(MasterSourceContract, MasterChangesContract, HttpContract):
    @pytest.fixture
    def world(self) -> MadeUpMasterWorld:
        return MadeUpMasterWorld(Way.UNIQUE)


def test_it_fills_the_roles_that_its_manifest_claims() -> None:
    made_up = MadeUpMasterWorld(Way.UNIQUE).connect()
    assert isinstance(made_up, MasterChangeSource)
    assert isinstance(made_up, MasterDataTarget)
