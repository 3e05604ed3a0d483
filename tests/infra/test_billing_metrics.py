"""What a process shows of billing is the ledger's, at each scrape; WIP, which is dear, seldom."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.base.connections import Connections
from rules.policies import Policies
from runtime import health
from runtime.bootstrap import Platform
from runtime.configuration import SHIPPED, load_configuration
from runtime.temporal import connect
from sandbox.temporal_server import TemporalServer
from store.database import Database
from tests.server_fixtures import FreshDatabase
from tests.store.corner import Corner
from tests.store.test_billing_backlog import stands

LAST_MONTH = f"{datetime.now(UTC).date().replace(day=1) - timedelta(days=1):%Y-%m}"


class Scraped:
    """A process's metrics, as Prometheus reads them."""

    def __init__(self, http: httpx.AsyncClient, database: Database) -> None:
        self.database = database
        self._http = http

    async def values(self, name: str) -> dict[str, float]:
        """The samples of a metric by the values of their labels; floats by their format."""
        text = (await self._http.get("/metrics")).text
        return {
            " ".join(sorted(sample.labels.values(), reverse=True)): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
async def scraped(
    fresh_database: FreshDatabase, migrated: str, temporal_server: TemporalServer
) -> AsyncIterator[Scraped]:
    """A process on a ledger of its own, with the configuration that is shipped."""
    configuration, _ = load_configuration(SHIPPED)
    client = await connect(temporal_server.address, temporal_server.namespace)
    database = await Database.connect(await fresh_database(migrated))
    platform = Platform(configuration, Policies(), database, Connections({}), client)
    async with (
        health.served(health.Health(platform, None), "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        yield Scraped(http, database)
    await platform.close()


async def test_a_month_is_shown_until_it_is_released(scraped: Scraped) -> None:
    await stands(scraped.database, "waits", LAST_MONTH, amounts={"EUR": "100.25"}, events=("e-1",))
    await stands(scraped.database, "in-america", LAST_MONTH, ready=False, legal_entity="US01")
    assert await scraped.values("ledgerway_unreleased_months") == {"DE01": 1, "US01": 0}
    assert await scraped.values("ledgerway_held_up_months") == {"DE01": 0, "US01": 1}
    assert await scraped.values("ledgerway_unreleased_amount") == {"EUR DE01": 100.25}
    await scraped.database.execute("DELETE FROM readiness")
    for name in ("unreleased_months", "held_up_months", "unreleased_amount"):
        assert await scraped.values(f"ledgerway_{name}") == {}


@pytest.mark.parametrize(("every_seconds", "shown"), [(300, 150.50), (0, 301.00)])
async def test_wip_is_summed_once_in_a_while_and_not_at_every_scrape(
    scraped: Scraped, monkeypatch: pytest.MonkeyPatch, every_seconds: int, shown: float
) -> None:
    monkeypatch.setattr(health, "WIP_EVERY_SECONDS", every_seconds)
    corner = Corner(scraped.database, 1)
    seen = []
    for source_id in ("1", "2"):
        await corner.posted(source_id, source_id)
        await scraped.database.execute(
            "INSERT INTO work_value (connection, object, source_id, part, revision, project, "
            "employee, work_date, billable, seconds, billed_seconds, worth, currency, why) VALUES "
            "($1, 'time_entry', $2, '', 1, 'P-1', 'E-1', '2026-10-01', true, 3600, 3600, 150.50, "
            "'EUR', 'a test')",
            corner.source,
            source_id,
        )
        seen.append(await scraped.values("ledgerway_wip_amount"))
    assert seen == [{"EUR": 150.50}, {"EUR": shown}]
