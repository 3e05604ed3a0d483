"""One run of each variant: its programs started, warmed up, told to go, and accounted for."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx
from temporalio.client import Client

from benchmarks.firm import LINES_PER_TIMESHEET
from benchmarks.measuring import Measured, measured
from benchmarks.processes import ToldProgram
from benchmarks.profiling import profiled
from benchmarks.report import CAREFUL, EVENT, NAIVE, Run, actions_in, books_compared
from benchmarks.stage import Set, Stage
from runtime.temporal import connect
from sandbox.child_process import LOCALHOST, ChildProcess, free_port
from sandbox.programs import python_program, with_checkout
from sandbox.temporal_server import TemporalServer
from sandbox.world import our_search_attributes

_VISIBILITY_SECONDS_MAX: Final = 20
# The server brings its metrics page up to date once a second.
_METRICS_LAG_SECONDS: Final = 1.5


class Worker:
    """`python -m worker`, as it runs in production."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._port = free_port()
        self._environment = with_checkout({**environment, "LEDGERWAY_HEALTH_PORT": str(self._port)})
        self._child = ChildProcess("the worker", home / "worker.log", stop_signal=signal.SIGTERM)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    async def start(self) -> None:
        """Start it, without waiting for anything."""
        await self._child.spawn(python_program("worker"), self._environment)

    async def ready(self) -> None:
        """Wait until it serves every queue."""
        async with httpx.AsyncClient(base_url=f"http://{LOCALHOST}:{self._port}") as http:

            async def serves() -> bool:
                try:
                    return (await http.get("/ready")).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            await self._child.wait_until(serves)

    async def kill(self) -> None:
        """End it by SIGKILL."""
        await self._child.kill()


@dataclass(frozen=True, slots=True)
class EventLane:
    """Everything of the event lane, warmed up and ready to go."""

    given: Set
    temporal: TemporalServer
    client: Client
    workers: list[Worker]
    driver: ToldProgram

    @property
    def pids(self) -> dict[str, int]:
        """All processes, by the group they are counted in."""
        named = {f"worker{number or ''}": one.pid for number, one in enumerate(self.workers)}
        return {
            **named,
            "Temporal": self.temporal.pid,
            "PostgreSQL": self.given.postgres_pid,
            "ERP": self.given.erp.pid,
            "driver": self.driver.pid,
        }

    async def actions(self) -> float:
        """The server's own count of billed actions so far, once it stands still."""
        async with httpx.AsyncClient() as http:
            known = -1.0
            while True:
                page = (await http.get(self.temporal.metrics_url)).text
                found = actions_in(page, self.temporal.namespace)
                if found == known:
                    return found
                known = found
                await asyncio.sleep(_METRICS_LAG_SECONDS)

    async def events(self) -> tuple[int, int]:
        """How many workflows of timesheets have ended, and their events."""
        lengths = [
            one.history_length async for one in self.client.list_workflows("LwKind = 'timesheet'")
        ]
        return len(lengths), sum(lengths)


@asynccontextmanager
async def event_lane(given: Set, workers: int = 1) -> AsyncIterator[EventLane]:
    """Start Temporal, workers and driver, and warm them up."""
    async with AsyncExitStack() as stack:
        temporal = await stack.enter_async_context(
            TemporalServer(
                given.home / "temporal", search_attributes=our_search_attributes(), headless=True
            )
        )
        environment = {
            **given.environment,
            "LEDGERWAY_TEMPORAL_ADDRESS": temporal.address,
            "LEDGERWAY_TEMPORAL_NAMESPACE": temporal.namespace,
        }
        started = [Worker(given.home, environment) for _ in range(workers)]
        for worker in started:
            stack.push_async_callback(worker.kill)
            await worker.start()
        for worker in started:
            await worker.ready()
        driver = ToldProgram("the driver", given.home / "driver.log")
        stack.push_async_callback(driver.stop)
        await driver.start("benchmarks.dispatching", environment=environment)
        await driver.ready()
        client = await connect(temporal.address, temporal.namespace)
        yield EventLane(given, temporal, client, started, driver)


async def run_event_lane(
    stage: Stage, name: str, *, workers: int = 1, profile: Path | None = None
) -> Run:
    """Dispatch the stage's timesheets to the platform."""
    lines = stage.timesheets * LINES_PER_TIMESHEET
    async with stage.set_for(name) as given, event_lane(given, workers) as lane:
        actions, (_, events) = await lane.actions(), await lane.events()
        calls = await given.erp.calls()
        async with profiled(lane.workers[0].pid, profile), measured(lane.pids) as cost:
            await lane.driver.go()
            result = await lane.driver.result()
        duplicates, missing = await books(given)
        return Run(
            variant=EVENT,
            lines=lines,
            cpu_seconds=_one_worker(cost.cpu_seconds),
            lines_seconds=result["seconds"],
            calibration_us=cost.calibration_us,
            foreign_share=cost.foreign_share,
            actions=await lane.actions() - actions,
            events=await _events_of(lane, stage) - events,
            conflicts=(await given.erp.calls())["conflicts"] - calls["conflicts"],
            duplicates=duplicates,
            missing=missing,
        )


def _one_worker(cpu_seconds: Mapping[str, float]) -> dict[str, float]:
    """Add all workers up."""
    others = {name: s for name, s in cpu_seconds.items() if not name.startswith("worker")}
    return {"worker": sum(cpu_seconds.values()) - sum(others.values()), **others}


async def _events_of(lane: EventLane, stage: Stage) -> int:
    """All events, once visibility shows every workflow."""
    async with asyncio.timeout(_VISIBILITY_SECONDS_MAX):
        while True:
            workflows, events = await lane.events()
            if workflows >= stage.timesheets + stage.warm_up:
                return events
            await asyncio.sleep(0.1)


async def books(given: Set) -> tuple[int, int]:
    """Duplicates and missing lines, asked of the ledger and of the ERP."""
    connection = await asyncpg.connect(given.dsn)
    try:
        rows = await connection.fetch("SELECT reference FROM posting WHERE state = 'POSTED'")
        approved = await connection.fetchval(
            "SELECT count(*) FROM source_line WHERE status = 'APPROVED'"
        )
    finally:
        await connection.close()
    references = await given.erp.references()
    return books_compared([row["reference"] for row in rows], references, approved)


async def run_careful(stage: Stage, name: str) -> Run:
    """The same steps without Temporal."""
    return await _run_script(CAREFUL, "benchmarks.careful", stage, name, books)


async def run_naive(stage: Stage, name: str) -> Run:
    """One call per line."""
    return await _run_script(NAIVE, "benchmarks.naive", stage, name, None)


async def _run_script(
    variant: str,
    module: str,
    stage: Stage,
    name: str,
    compare: Callable[[Set], Awaitable[tuple[int, int]]] | None,
) -> Run:
    lines = stage.timesheets * LINES_PER_TIMESHEET
    async with stage.set_for(name) as given:
        script = ToldProgram(f"the {variant}", given.home / "script.log")
        try:
            await script.start(module, given.dsn, given.erp.url, environment={})
            await script.ready()
            calls = await given.erp.calls()
            cost, seconds = await _told(script, given)
            posted = await given.erp.lines()
            expected = lines + stage.warm_up * LINES_PER_TIMESHEET
            duplicates, missing = (
                await compare(given)
                if compare
                else (max(0, posted - expected), max(0, expected - posted))
            )
            return Run(
                variant=variant,
                lines=lines,
                cpu_seconds=cost.cpu_seconds,
                lines_seconds=seconds,
                calibration_us=cost.calibration_us,
                foreign_share=cost.foreign_share,
                conflicts=(await given.erp.calls())["conflicts"] - calls["conflicts"],
                duplicates=duplicates,
                missing=missing,
            )
        finally:
            await script.stop()


async def _told(script: ToldProgram, given: Set) -> tuple[Measured, float]:
    pids = {"script": script.pid, "PostgreSQL": given.postgres_pid, "ERP": given.erp.pid}
    async with measured(pids) as cost:
        await script.go()
        result = await script.result()
    return cost, float(result["seconds"])
