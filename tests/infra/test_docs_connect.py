"""docs/how-to/connect-your-systems.md: what it shows can be used, and it leaves nothing out."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from activities import search_attributes
from canonical.expense_document import ExpenseRole
from canonical.money import Money
from connectors.base.capabilities import (
    ContractSource,
    ExpenseReportSource,
    InvoiceStatusSink,
    PostingTarget,
    TimeEntrySource,
)
from rules.billing_policy import BillingPolicy, InvoiceTaxRow
from rules.expense_policy import ExpensePolicy
from rules.ownership import FIELDS_OF, Governance, KindOwnership
from rules.policies import Policies, Policy
from runtime.bootstrap import work_sources
from runtime.configuration import (
    CONNECTIONS_FILE,
    POLICIES_FILE,
    SHIPPED,
    Configuration,
    ConnectionSettings,
    load_configuration,
    options_for,
)
from runtime.registry import has_capability, system_named
from runtime.schedules import planned
from tests.infra.manifests import CHECKOUT

PAGE = (CHECKOUT / "docs" / "how-to" / "connect-your-systems.md").read_text()
BLOCKS = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def rows(column: str) -> Iterator[list[str]]:
    """The cells of the page's table whose first column has this title."""
    (table,) = re.findall(rf"^\| {column} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    for line in table.splitlines():
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def names(cell: str) -> list[str]:
    """What a cell has in code's letters."""
    return re.findall(r"`([a-z_]+)`", cell)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the page says, with every secret where it says that it is."""
    for name, text in BLOCKS:
        (tmp_path / name).write_text(text)
        for where, what in re.findall(r": (env|file):(\S+)", text):
            if where == "env":
                monkeypatch.setenv(what, "a-secret")
            else:
                (tmp_path / what).parent.mkdir(exist_ok=True)
                (tmp_path / what).write_text("a-secret\n")
    return tmp_path


def test_every_yaml_on_the_page_is_one_of_the_two_files() -> None:
    assert [name for name, _ in BLOCKS] == [CONNECTIONS_FILE, POLICIES_FILE]
    assert PAGE.count("```yaml") == len(BLOCKS)


def test_both_files_can_be_used_as_they_are_shown(folder: Path) -> None:
    configuration, policies = load_configuration(folder)
    for name, settings in configuration.connections.items():
        options = options_for(system_named(settings.system), name, settings, folder)
        secrets = [getattr(options, one.name) for one in fields(options)]
        secrets = [one for one in secrets if isinstance(one, SecretStr)]
        # A folder has no secret.
        assert bool(secrets) is not settings.system.startswith("flatfile"), name
        assert {one.get_secret_value() for one in secrets} <= {"a-secret"}
    assert policies.of("DE01").closed_period != policies.default.closed_period
    assert policies.of("DE01").expense.tax_registrations == ("DE",)


def test_the_example_reads_every_source_that_is_shipped_into_one_erp(folder: Path) -> None:
    configuration, _ = load_configuration(folder)
    shipped, _ = load_configuration(SHIPPED)
    # Of several ERPs a firm has one.
    assert {one.system for one in configuration.connections.values()} == {
        one.system
        for one in shipped.connections.values()
        if one.system == "tryton" or not has_capability(one.system, PostingTarget)
    }
    assert configuration.targets() == {"tryton"}
    polled = {one.id for one in planned(configuration) if one.id.startswith("poll/")}
    assert polled == {f"poll/{name}" for name in configuration.sources()}
    for one in configuration.sources().values():
        assert any(
            has_capability(one.system, kind)
            for kind in (TimeEntrySource, ExpenseReportSource, ContractSource)
        )


def test_every_member_of_a_connection_is_described_with_its_default() -> None:
    assert set(Configuration.model_fields) == {"tenant", "connections"}
    described = {names(member)[0]: default for member, default, _ in rows("member")}
    assert described.keys() == ConnectionSettings.model_fields.keys()
    for name, field in ConnectionSettings.model_fields.items():
        if name not in {"rate_limit", "options", "posts_to", "status_to"}:
            assert described[name].strip("`") == _as_written(field), name


def test_every_policy_is_described_with_its_default() -> None:
    described = {names(member)[0]: default for member, default, _ in rows("policy")}
    assert described.keys() == Policy.model_fields.keys()
    for name in described.keys() - {"expense", "billing", "required_dimensions", "resolvers"}:
        assert described[name].strip("`") == _as_written(Policy.model_fields[name]), name
    assert set(Policies.model_fields) == {
        *("default", "legal_entities", "case_owners", "ownership", "governance")
    }


def test_every_decision_about_masters_is_described_with_its_default(folder: Path) -> None:
    tables = (("ownership", KindOwnership), ("governance", Governance))
    for column, model in tables:
        described = {names(member)[0]: default for member, default, _ in rows(column)}
        assert described.keys() == model.model_fields.keys()
        given = {"owner": "crm"} if column == "ownership" else {}
        written = {
            name: yaml.safe_load(default.strip("`"))
            for name, default in described.items()
            if default != "required"
        }
        assert model.model_validate(given | written) == model.model_validate(given)
    (title,) = re.findall(r"^\| ownership \| default \| (.*) \|$", PAGE, re.MULTILINE)
    assert set(names(title)) == set(FIELDS_OF)
    configuration, policies = load_configuration(folder)
    taking_part = {one for kind in policies.ownership.kinds.values() for one in kind.connections}
    assert taking_part <= configuration.connections.keys()


def test_every_table_of_expenses_is_described() -> None:
    described = [name for cell, _ in rows("table") for name in names(cell)]
    assert sorted(described) == sorted(ExpensePolicy.model_fields)


def test_every_decision_about_invoices_is_described_with_its_default() -> None:
    described = {names(member)[0]: default for member, default, _ in rows("billing")}
    assert described.keys() == BillingPolicy.model_fields.keys()
    written = {name: yaml.safe_load(default.strip("`")) for name, default in described.items()}
    assert BillingPolicy.model_validate(written) == BillingPolicy()
    for row in rows("billing"):
        if "taxes" in names(row[0]):
            assert set(names(row[2])) == InvoiceTaxRow.model_fields.keys()


def test_the_example_bills_the_work_of_all_its_sources_and_tells_harvest(folder: Path) -> None:
    configuration, policies = load_configuration(folder)
    assert work_sources(configuration) == {
        "contracts": ["concur", "expense_files", "fyle", "harvest", "time_files"]
    }
    told = configuration.connections["contracts"].status_to
    assert told is not None
    assert has_capability(configuration.connections[told].system, InvoiceStatusSink)
    billing = policies.of("DE01").billing
    euros = (Money(amount=Decimal(one), currency="EUR") for one in ("30000.00", "30000.01"))
    assert [billing.needs_four_eyes(one) for one in euros] == [False, True]
    row = billing.tax_row(
        country="GB", registered=True, service="consulting", day=date(2026, 10, 31)
    )
    assert row is not None
    assert row.tax == "VAT0-OUT"


def test_every_option_of_every_system_is_named_where_it_belongs() -> None:
    for title, required, *rest in rows("system"):
        system = system_named(re.findall(r"\[(\w+)", title)[0].lower())
        options = [one for one in fields(system.options) if one.name != "connection"]
        listed = [name for cell in (required, *rest) for name in names(cell)]
        assert sorted(listed) == sorted(one.name for one in options), title
        assert set(names(required)) == {one.name for one in options if _is_required(one)}, title


def test_the_roles_of_the_example_are_the_ones_that_need_an_account(folder: Path) -> None:
    _, policies = load_configuration(folder)
    without = {
        # The party's own account; the cost's own account; joins the cost.
        *(ExpenseRole.EMPLOYEE_PAYABLE, ExpenseRole.EXPENSE, ExpenseRole.TAX_NON_RECOVERABLE)
    }
    assert set(policies.of("DE01").expense.accounts_by_role) == set(ExpenseRole) - without


def test_temporal_is_started_with_every_search_attribute() -> None:
    named = dict(re.findall(r"--search-attribute (Lw\w+)=(\w+)", PAGE))
    assert named == {
        key.name: key.indexed_value_type.name.title().replace("_", "")
        for key in search_attributes.ALL
    }


def _is_required(one: Field[object]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _as_written(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return "[]" if field.default == () else str(field.default)
