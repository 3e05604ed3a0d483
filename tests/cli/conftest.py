"""A platform, and a terminal whose `ledgerway` works on it."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from connectors.harvest.simulator import simulated_harvest
from sandbox.child_process import LOCALHOST
from sandbox.temporal_server import TemporalServer
from tests.cli.serving import served
from tests.cli.terminal import Terminal
from tests.e2e.local_platform import CONFIGURATION, POLICIES, LocalPlatform, Systems, local_platform
from tests.e2e.namespaces import register_namespace
from tests.server_fixtures import FreshDatabase

NOBODY = f"http://{LOCALHOST}:9"


def write_configuration(folder: Path, systems: Systems, harvest: str, erp: str) -> None:
    """Write what the tests' platform is made of, as an operator would."""
    folder.mkdir(exist_ok=True)
    (folder / "harvest.token").write_text(systems.account.token)
    (folder / "erp.password").write_text("connector-pw")
    described = CONFIGURATION.model_dump(mode="json", exclude_defaults=True)
    described["connections"]["harvest"]["options"] = {
        "account_id": systems.account.account_id,
        "token": "file:harvest.token",
        "user_agent": "Ledgerway tests (tests@ledgerway.example)",
        "base_url": f"{harvest}/v2",
    }
    described["connections"]["tryton"]["options"] = {
        "url": erp,
        "database": "erp",
        "user": "connector",
        "password": "file:erp.password",
    }
    (folder / "connections.yaml").write_text(yaml.safe_dump(described))
    policies = POLICIES.model_dump(mode="json", exclude_defaults=True)
    (folder / "policies.yaml").write_text(yaml.safe_dump(policies))


@pytest.fixture
def systems() -> Systems:
    """A source without a single entry, and an ERP without a single line."""
    return Systems()


@pytest.fixture
async def dsn(fresh_database: FreshDatabase, migrated: str) -> str:
    """A ledger of its own."""
    return await fresh_database(migrated)


@pytest.fixture
async def local(
    systems: Systems, dsn: str, temporal_server: TemporalServer
) -> AsyncIterator[LocalPlatform]:
    """A platform with its workers."""
    namespace = "terminal-" + urlsplit(dsn).path.removeprefix("/").replace("_", "-")
    await register_namespace(temporal_server.address, namespace)
    async with local_platform(dsn, temporal_server.address, namespace, systems) as platform:
        await platform.refresh()
        yield platform


@pytest.fixture
def config(tmp_path: Path, systems: Systems) -> Path:
    """The folder of the configuration; nobody answers at the systems' addresses."""
    folder = tmp_path / "config"
    write_configuration(folder, systems, NOBODY, NOBODY)
    return folder


@pytest.fixture
async def systems_answer(config: Path, systems: Systems) -> AsyncIterator[None]:
    """Both systems can be asked from the terminal."""
    harvest, erp = simulated_harvest(systems.account), systems.simulated_erp
    async with served(harvest) as harvest_url, served(erp) as erp_url:
        write_configuration(config, systems, harvest_url, erp_url)
        yield


@pytest.fixture
def nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal on a machine without a ledger and without a local world."""
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "CONFIG"):
        # What a command sets by itself is undone as well.
        monkeypatch.setenv(f"LEDGERWAY_{name}", "")
        monkeypatch.delenv(f"LEDGERWAY_{name}")
    monkeypatch.setattr("cli.session.WORLD", tmp_path / "world")
    return Terminal(monkeypatch, capsys)


@pytest.fixture
def idle(
    dsn: str,
    config: Path,
    temporal_server: TemporalServer,
    nowhere: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> Terminal:
    """A terminal on a ledger and a Temporal for which nobody works."""
    monkeypatch.setenv("LEDGERWAY_DATABASE_URL", dsn)
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_NAMESPACE", temporal_server.namespace)
    monkeypatch.setenv("LEDGERWAY_CONFIG", str(config))
    return nowhere


@pytest.fixture
def terminal(local: LocalPlatform, idle: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal on the platform."""
    monkeypatch.setenv("LEDGERWAY_TEMPORAL_NAMESPACE", local.client.namespace)
    return idle
