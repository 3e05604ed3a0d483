"""BambooHR keeps the contracts of masters that are read, changed and written, and of HTTP."""

import pytest
from pydantic import SecretStr, TypeAdapter

from connectors.bamboohr import SYSTEM
from connectors.base.capabilities import (
    CostCentreSource,
    MasterChangeSource,
    MasterDataSource,
    MasterDataTarget,
    WebhookSource,
)
from connectors.conformance.http_contract import HttpContract, Tokens
from connectors.conformance.master_changes import MasterChangesContract
from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from tests.connectors.bamboohr.world import BambooWorld


class TestBambooHrOnTheWire(HttpContract):
    pass


class TestBambooHr(MasterSourceContract, MasterChangesContract):
    pass


class TestBambooHrAsTarget(MasterTargetContract, MasterOnceContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: BambooWorld) -> None:
    connector = world.connect()
    roles = {
        CostCentreSource,
        MasterChangeSource,
        MasterDataSource,
        MasterDataTarget,
        WebhookSource,
    }
    assert connector.manifest.capabilities == roles
    assert all(isinstance(connector, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: BambooWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    options = TypeAdapter(SYSTEM.options).validate_python(
        {"connection": "hr", "company": "example", "api_key": SecretStr("k")}
    )
    assert isinstance(SYSTEM.connect(options, Tokens()), MasterChangeSource)


@pytest.mark.parametrize(
    "wrong",
    [
        {"company": "https://example.bamboohr.com"},
        {"page_size": 2501},
        {"cost_centre_pattern": "CC-[0-9]+"},
        {"code_field": "employeeNumber,ssn"},
        {"legal_entity_field": "location"},
        {"webhook_id": "4/../5"},
    ],
)
def test_options_that_cannot_work_are_refused(world: BambooWorld, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"company|page|group|name|legal_entities|number"):
        world.connect(**wrong)  # type: ignore[arg-type]  # Wrong on purpose.
