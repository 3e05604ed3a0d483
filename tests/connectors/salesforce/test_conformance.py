"""Salesforce keeps the contracts of masters that are read, told of, made and changed."""

from pydantic import SecretStr, TypeAdapter

from connectors.base.capabilities import MasterChangeSource, MasterDataSource, MasterDataTarget
from connectors.base.rate_budget import Unlimited
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.master_changes import MasterChangesContract
from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from connectors.salesforce import SYSTEM, SalesforceOptions
from tests.connectors.salesforce.world import SalesforceWorld


class TestSalesforceOnTheWire(HttpContract):
    pass


class TestSalesforceAsSource(MasterSourceContract, MasterChangesContract):
    pass


class TestSalesforceAsTarget(MasterTargetContract, MasterOnceContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: SalesforceWorld) -> None:
    salesforce = world.connect()
    roles = {MasterDataSource, MasterChangeSource, MasterDataTarget}
    assert salesforce.manifest.capabilities == roles == SYSTEM.capabilities
    assert all(isinstance(salesforce, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: SalesforceWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    assert SYSTEM.options is SalesforceOptions
    options = TypeAdapter(SalesforceOptions).validate_python(
        {
            "connection": "crm",
            "instance_url": "https://firm.my.salesforce.com",
            "client_id": "id",
            "client_secret": SecretStr("secret"),
        }
    )
    assert SYSTEM.connect(options, Unlimited()).manifest == SYSTEM.manifest
