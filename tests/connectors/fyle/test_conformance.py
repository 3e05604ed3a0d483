"""Fyle keeps the contracts of a source of expenses, of a sink for what became of them, of HTTP."""

from pydantic import SecretStr, TypeAdapter

from connectors.base.capabilities import ExpenseReportSink, ExpenseReportSource, MasterDataSource
from connectors.base.manifest import RateLimit
from connectors.conformance.expense_source import (
    ExpenseReportSinkContract,
    ExpenseReportSourceContract,
)
from connectors.conformance.http_contract import HttpContract, Tokens
from connectors.fyle import SYSTEM
from tests.connectors.fyle.world import FyleWorld


class TestFyleOnTheWire(HttpContract):
    pass


class TestFyle(ExpenseReportSourceContract):
    pass


class TestFyleAsSink(ExpenseReportSinkContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: FyleWorld) -> None:
    fyle = world.connect()
    roles = {ExpenseReportSource, ExpenseReportSink, MasterDataSource}
    assert fyle.manifest.capabilities == roles
    assert all(isinstance(fyle, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: FyleWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    assert SYSTEM.rate_limits == (RateLimit(calls=10, per_seconds=1),)
    options = TypeAdapter(SYSTEM.options).validate_python(
        {
            "connection": "fyle-emea",
            "client_id": "c",
            "client_secret": SecretStr("s"),
            "refresh_token": SecretStr("r"),
        }
    )
    assert isinstance(SYSTEM.connect(options, Tokens()), ExpenseReportSource)
