"""A terminal whose `ledgerway` works on a billing platform: on its ledger, Temporal and ERP."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from rules.policies import Policies
from runtime.configuration import Configuration
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.billing_seed import ACCOUNT_OF_ROLE
from tests.billing.billing_platform import BillingPlatform, firm_policies
from tests.billing.systems import CONTRACTS, BillingSystems
from tests.cli.conftest import NOBODY, nowhere  # noqa: F401  A fixture.
from tests.cli.terminal import Terminal

Options = Mapping[str, Mapping[str, object]]


def write_configuration(
    folder: Path,
    systems: BillingSystems,
    settings: Configuration,
    policies: Policies,
    more: Options,
) -> None:
    """Write what a platform is made of, as an operator would; sources cannot be asked by it."""
    folder.mkdir(exist_ok=True)
    erp = systems.erp.server
    (folder / "harvest.token").write_text(systems.account.token)
    (folder / "erp.password").write_text(erp.password)
    options: Options = {
        **more,
        "harvest": {
            "account_id": systems.account.account_id,
            "token": "file:harvest.token",
            "user_agent": "Ledgerway tests (tests@ledgerway.example)",
            "base_url": f"{NOBODY}/v2",
        },
        CONTRACTS: {"folder": str(systems.agreements.folder)},
        "tryton": {
            "url": erp.url,
            "database": erp.database,
            "user": erp.user,
            "password": "file:erp.password",
            "revenue_accounts": dict(ACCOUNT_OF_ROLE),
        },
    }
    described = settings.model_dump(mode="json", exclude_defaults=True)
    for name, one in options.items():
        described["connections"][name]["options"] = dict(one)
    (folder / "connections.yaml").write_text(yaml.safe_dump(described))
    decided = policies.model_dump(mode="json", exclude_defaults=True)
    (folder / "policies.yaml").write_text(yaml.safe_dump(decided))


@pytest.fixture
def policies() -> Policies:
    """What the firm has decided."""
    return firm_policies()


@pytest.fixture
def more_options() -> Options:
    """The options of connections that only some tests have."""
    return {}


@pytest.fixture
def terminal(  # noqa: PLR0917  Fixtures.
    local: BillingPlatform,
    settings: Configuration,
    policies: Policies,
    more_options: Options,
    temporal_server: TemporalServer,
    nowhere: Terminal,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Terminal:
    """A terminal on the platform."""
    folder = tmp_path / "config"
    write_configuration(folder, local.systems, settings, policies, more_options)
    monkeypatch.setenv("LEDGERWAY_DATABASE_URL", local.dsn)
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_NAMESPACE", local.client.namespace)
    monkeypatch.setenv("LEDGERWAY_CONFIG", str(folder))
    return nowhere
