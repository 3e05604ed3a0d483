"""The file drop keeps the contracts of a source of contracts, and of a sink for their invoices."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.base.capabilities import ContractSource, InvoiceStatusSink, MilestoneSource
from connectors.conformance.contract_source import ContractSourceContract
from connectors.conformance.http_contract import Tokens
from connectors.conformance.invoice_status import InvoiceStatusContract
from connectors.flatfile import SYSTEM
from tests.connectors.flatfile.world import DropWorld


class TestTables(ContractSourceContract):
    pass


class TestLinesOfJson(ContractSourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> DropWorld:
        return DropWorld(tmp_path / "drop", as_json=True)


class TestStatusFile(InvoiceStatusContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: DropWorld) -> None:
    drop = world.connect()
    roles = {ContractSource, MilestoneSource, InvoiceStatusSink}
    assert drop.manifest.capabilities == roles == SYSTEM.capabilities
    assert all(isinstance(drop, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: DropWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    options = TypeAdapter(SYSTEM.options).validate_python(
        {"connection": "contracts", "folder": str(world.folder), "delimiter": "tab"}
    )
    assert isinstance(SYSTEM.connect(options, Tokens()), ContractSource)


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": "contracts"},
        {"encoding": "latin-2"},
        {"delimiter": "|"},
        {"delimiter": ",", "decimal_comma": True},
        {"page_size": 0},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    given = {"connection": "contracts", "folder": "/srv/contracts", **wrong}
    with pytest.raises((ValidationError, ValueError)):
        TypeAdapter(SYSTEM.options).validate_python(given)
