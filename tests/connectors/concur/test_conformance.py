"""Concur keeps the contracts of a source of expenses, of a sink for their news, and of HTTP."""

from pydantic import SecretStr, TypeAdapter

from connectors.base.capabilities import ExpenseReportSink, ExpenseReportSource, MasterDataSource
from connectors.concur import SYSTEM
from connectors.conformance.expense_source import (
    ExpenseReportSinkContract,
    ExpenseReportSourceContract,
)
from connectors.conformance.http_contract import HttpContract, Tokens
from tests.connectors.concur.world import ConcurWorld


class TestConcurOnTheWire(HttpContract):
    pass


class TestConcur(ExpenseReportSourceContract):
    pass


class TestConcurAsSink(ExpenseReportSinkContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: ConcurWorld) -> None:
    concur = world.connect()
    roles = {ExpenseReportSource, ExpenseReportSink, MasterDataSource}
    assert concur.manifest.capabilities == roles
    assert all(isinstance(concur, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(world: ConcurWorld) -> None:
    assert SYSTEM.name == world.connect().manifest.system
    options = TypeAdapter(SYSTEM.options).validate_python(
        {
            "connection": "concur-emea",
            "client_id": "an-app",
            "client_secret": SecretStr("s"),
            "refresh_token": SecretStr("r"),
            "per_diem_types": ["DALLW"],
            "document_kinds": ["expense"],
        }
    )
    assert isinstance(SYSTEM.connect(options, Tokens()), ExpenseReportSource)
