"""The process that Kubernetes runs: what it answers, and how it ends."""

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.client import WorkflowHandle

from canonical.messages import MasterDataRef
from runtime.temporal import connect
from runtime.topology import DEPLOYMENT, UPKEEP_QUEUE
from sandbox.postgres import Postgres
from sandbox.temporal_server import TemporalServer, binary
from store import schema
from tests.infra.manifests import CHECKOUT
from tests.infra.worker_under_test import (
    SilentVendor,
    WorkerUnderTest,
    worker_with,
    write_configuration,
)
from tests.server_fixtures import FreshDatabase

OK, UNAVAILABLE = httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE
DRAIN_SECONDS = 2
# Beyond what it waits for its work: closing connections, and a machine that is busy.
SECONDS_TO_END = 10


def environment_of(config: Path, dsn: str, temporal: TemporalServer) -> dict[str, str]:
    """What the worker is told."""
    return {
        "LEDGERWAY_CONFIG": str(config),
        "LEDGERWAY_DATABASE_URL": dsn,
        "LEDGERWAY_TEMPORAL_ADDRESS": temporal.address,
        "LEDGERWAY_TEMPORAL_NAMESPACE": temporal.namespace,
        "LEDGERWAY_DRAIN_SECONDS": str(DRAIN_SECONDS),
    }


@pytest.fixture
async def environment(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, temporal_server: TemporalServer
) -> dict[str, str]:
    """A worker's environment, whose vendors cannot be reached."""
    dsn = await fresh_database(migrated)
    return environment_of(write_configuration(tmp_path / "config"), dsn, temporal_server)


@asynccontextmanager
async def work_for(
    temporal: TemporalServer, workflow_id: str, workflow: str = "RefreshMasterData"
) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """Start work that calls a vendor; it is withdrawn at the end of the block."""
    client = await connect(temporal.address, temporal.namespace)
    handle = await client.start_workflow(
        workflow,
        MasterDataRef(connection="harvest", target="tryton"),
        id=workflow_id,
        task_queue=UPKEEP_QUEUE,
    )
    try:
        yield handle
    finally:
        await handle.terminate()


async def test_it_serves_its_metrics_and_ends_well_when_told(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    async with worker_with(tmp_path, environment) as worker:
        await worker.answers("/ready", OK)
        assert (await worker.get("/live")).status_code == OK
        families = await families_of(worker)
        assert {"ledgerway_posted_lines", "ledgerway_uncertain_lines"} <= families
        assert {"temporal_num_pollers", "temporal_worker_task_slots_available"} <= families
        worker.terminate()
        assert await worker.exit_code(SECONDS_TO_END) == 0


async def test_it_serves_every_metric_of_the_sdk_that_people_are_told_about(
    tmp_path: Path, environment: dict[str, str], temporal_server: TemporalServer
) -> None:
    told = (CHECKOUT / "docs/operations.md").read_text()
    alarms = (CHECKOUT / "infra/prometheus/alerts.yaml").read_text()
    named = set(re.findall(r"\btemporal_[a-z_]+?(?=_bucket|\b)", told + alarms))
    async with (
        work_for(temporal_server, "test/fails-for-its-vendor"),
        work_for(temporal_server, "test/unknown", workflow="NoSuchWorkflow"),
        worker_with(tmp_path, environment) as worker,
    ):
        await worker.answers("/ready", OK)
        deadline = time.monotonic() + 30
        while not named <= (served := await families_of(worker)):
            assert time.monotonic() < deadline, named - served


async def families_of(worker: WorkerUnderTest) -> set[str]:
    """The names of all metrics that it serves now."""
    scraped = await worker.get("/metrics")
    return {one.name for one in text_string_to_metric_families(scraped.text)}


async def test_it_is_ready_only_while_the_ledger_and_temporal_are_there(tmp_path: Path) -> None:
    async with (
        Postgres(tmp_path / "ledger") as ledger,
        TemporalServer(tmp_path / "temporal", keep=True, headless=True) as temporal,
    ):
        dsn = await ledger.create_database("ledger")
        await schema.upgrade(dsn)
        told = environment_of(write_configuration(tmp_path / "config"), dsn, temporal)
        async with worker_with(tmp_path, told) as worker:
            await worker.answers("/ready", OK)
            for server in (ledger, temporal):
                await server.kill()
                await worker.answers("/ready", UNAVAILABLE)
                # A restart of ours would not bring theirs back.
                assert (await worker.get("/live")).status_code == OK
                await server.start()
                await worker.answers("/ready", OK)
            worker.terminate()
            assert await worker.exit_code(SECONDS_TO_END) == 0


async def test_while_it_drains_it_is_alive_and_not_ready_and_its_work_ends_first(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, temporal_server: TemporalServer
) -> None:
    async with SilentVendor() as vendor:
        config = write_configuration(tmp_path / "config", vendor.url)
        told = environment_of(config, await fresh_database(migrated), temporal_server)
        # Far longer than the test: the end must come from the work, not from the limit.
        told |= {"LEDGERWAY_DRAIN_SECONDS": "60", "LEDGERWAY_QUEUES": f'["{UPKEEP_QUEUE}"]'}
        async with (
            work_for(temporal_server, "test/drains-with-its-work"),
            worker_with(tmp_path, told) as worker,
        ):
            await worker.answers("/ready", OK)
            await asyncio.wait_for(vendor.asked.wait(), 30)
            worker.terminate()
            await worker.answers("/ready", UNAVAILABLE)
            assert (await worker.get("/live")).status_code == OK
            assert (await worker.get("/metrics")).status_code == OK
            vendor.hang_up.set()
            assert await worker.exit_code(SECONDS_TO_END) == 0


async def test_work_that_does_not_end_does_not_keep_it(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, temporal_server: TemporalServer
) -> None:
    async with SilentVendor() as vendor:
        config = write_configuration(tmp_path / "config", vendor.url)
        told = environment_of(config, await fresh_database(migrated), temporal_server)
        async with (
            work_for(temporal_server, "test/drains-without-its-work"),
            worker_with(tmp_path, told) as worker,
        ):
            await worker.answers("/ready", OK)
            await asyncio.wait_for(vendor.asked.wait(), 30)
            told_to_end = time.monotonic()
            worker.terminate()
            assert await worker.exit_code(DRAIN_SECONDS + SECONDS_TO_END) == 0
            assert time.monotonic() - told_to_end >= DRAIN_SECONDS


async def test_a_versioned_worker_gets_work_once_its_version_is_current(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str
) -> None:
    async with (
        SilentVendor() as vendor,
        TemporalServer(tmp_path / "temporal", headless=True) as temporal,
    ):
        config = write_configuration(tmp_path / "config", vendor.url)
        told = environment_of(config, await fresh_database(migrated), temporal)
        told |= {"LEDGERWAY_VERSIONED": "true", "LEDGERWAY_BUILD_ID": "1.2.3"}
        async with (
            work_for(temporal, "test/versioned") as handle,
            worker_with(tmp_path, told) as worker,
        ):
            await worker.answers("/ready", OK)
            assert not vendor.asked.is_set()
            await make_current(temporal, "1.2.3")
            await asyncio.wait_for(vendor.asked.wait(), 30)
            info = (await handle.describe()).raw_description.workflow_execution_info
            version = info.versioning_info.deployment_version
            assert (version.deployment_name, version.build_id) == (DEPLOYMENT, "1.2.3")


async def make_current(temporal: TemporalServer, build_id: str) -> None:
    """Do what docs/operations.md tells people to do, as soon as the server knows the version."""
    command = [
        *(str(binary()), "worker", "deployment", "set-current-version", "--yes"),
        *("--address", temporal.address, "--namespace", temporal.namespace),
        *("--deployment-name", DEPLOYMENT, "--build-id", build_id),
    ]
    deadline = time.monotonic() + 30
    while (done := await asyncio.to_thread(_run, command)).returncode:
        assert time.monotonic() < deadline, done.stderr


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


async def test_a_queue_that_the_configuration_does_not_have_ends_it_with_its_name(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    told = environment | {"LEDGERWAY_QUEUES": '["time.emea", "time.moon"]'}
    async with worker_with(tmp_path, told) as worker:
        assert await worker.exit_code(30) == 2
        known = "time.emea, cases, masters, upkeep"
        assert f"no task queue 'time.moon'; there are {known}" in worker.said()


async def test_without_its_ledger_it_ends_and_leaves_the_retry_to_kubernetes(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    told = environment | {"LEDGERWAY_DATABASE_URL": "postgresql://nobody:none@127.0.0.1:9/none"}
    async with worker_with(tmp_path, told) as worker:
        assert await worker.exit_code(30) not in {0, None}
        assert "none@" not in worker.said()
