"""The demo: a firm's month goes into a real ERP and is billed, and its masters stay in step."""

import asyncio
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from connectors.harvest.simulated_orders import Additions, Changes
from connectors.harvest.simulated_state import Change, SimulatedEntry
from sandbox.billing_act import bill_the_month, decide_cases
from sandbox.control_totals import control_totals
from sandbox.expense_act import reimburse, send_back_and_fix
from sandbox.faults import Fault, FaultKind
from sandbox.firm import Month
from sandbox.masters_act import keep_masters_in_step
from sandbox.platform_view import PlatformView, Standing, platform_view
from sandbox.summary import Summary, summary_of
from sandbox.world import Ports, Progress, World

A = TypeVar("A")
B = TypeVar("B")

_WRITE: Final = {"method": "model.timesheet.work.write"}
# What the ERP and the way to it do to the first writes.
FAULTS: Final = (
    Fault(kind=FaultKind.LOST_ANSWER, fields=_WRITE, next_requests=4),
    Fault(kind=FaultKind.THROTTLE, fields=_WRITE, next_requests=2),
    Fault(kind=FaultKind.UNAVAILABLE, fields=_WRITE, next_requests=2),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Whom the demo tells how far it is."""

    step: Callable[[str], None]
    building: Progress
    standing: Callable[[Standing], None]


async def run_demo(home: Path, month: Month, cache: Path, ports: Ports, stage: Stage) -> Summary:
    """Make a new world, carry the month through it, and leave it stopped and kept."""
    started = time.monotonic()
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    stage.step(
        "Starting PostgreSQL, Temporal, Tryton, Harvest, Concur, Salesforce, BambooHR and a worker"
    )
    world = World(home, month, cache=cache, faulty=True, ports=ports, on_progress=stage.building)
    async with world, platform_view(world) as platform:
        await _post_the_month(world, platform, stage)
        # What different people do goes on side by side, as it does in a firm.
        _, returned = await _side_by_side(
            _life_goes_on(world, platform, stage),
            send_back_and_fix(world, platform, stage.step),
        )
        await decide_cases(world, platform, stage.step)
        billing, expenses = await _side_by_side(
            bill_the_month(world, platform, stage.step),
            reimburse(world, platform, stage.step, returned=returned),
        )
        masters = await keep_masters_in_step(world, platform, stage.step)
        stage.step("Asking Harvest, the ledger and the ERP for their totals")
        totals = await control_totals(world, platform)
        report = await world.proxy.report()
        return summary_of(
            totals,
            await platform.blocked(),
            expenses,
            billing,
            masters,
            fired={kind.value: report.of(kind).fired for kind in FaultKind},
            seconds=round(time.monotonic() - started),
        )


async def _side_by_side(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Wait for both; the first that fails ends the other, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            both = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as troubles:
        raise troubles.exceptions[0] from None
    return both[0].result(), both[1].result()


async def _post_the_month(world: World, platform: PlatformView, stage: Stage) -> None:
    stage.step("Reading master data of both sides")
    await platform.refresh()
    await world.proxy.inject(*FAULTS)
    stage.step("Posting time and expense reports, while answers get lost and a worker is killed")
    await _side_by_side(platform.read_source(), platform.read_expenses())
    await _kill_a_worker_halfway(world, platform, stage)
    await platform.settled(stage.standing)


async def _kill_a_worker_halfway(world: World, platform: PlatformView, stage: Stage) -> None:
    while True:
        now = await platform.standing()
        stage.standing(now)
        if now.posted > now.approved // 3:
            break
        await asyncio.sleep(0.05)
    await world.worker.kill()
    await world.worker.restart()


async def _life_goes_on(world: World, platform: PlatformView, stage: Stage) -> None:
    """After posting, people change hours, withdraw an approval, delete a line, book twice."""
    stage.step("Correcting what people changed in Harvest after it was posted")
    account = await world.harvest.account()
    mine = [one for one in account.time_entries if one.user_id == account.users[0].id]
    changed, withdrawn, deleted, doubled = mine[3], mine[9], mine[15], mine[21]
    await world.harvest.withdraw(frozenset({changed.id, withdrawn.id}))
    await world.harvest.order(
        "change", Changes(changes=(Change(id=changed.id, hours=changed.hours + 1),))
    )
    await world.harvest.approve(frozenset({changed.id}))
    await world.harvest.delete(frozenset({deleted.id}))
    await world.harvest.order("add", Additions(time_entries=tuple(_mistakes(doubled))))
    await platform.reread(world.firm)
    await platform.settled(stage.standing)


def _mistakes(model: SimulatedEntry) -> list[SimulatedEntry]:
    """The same work entered twice, and a day of 26 hours."""
    new = {"id": model.id + 100_000, "updated_at": None}
    sunday = model.spent_date + timedelta(days=6 - model.spent_date.weekday())
    return [
        model.model_copy(update=new),
        model.model_copy(
            update=new
            | {"id": model.id + 100_001, "spent_date": sunday, "hours": model.hours + 26}
            | {"notes": "Cut-over weekend"}
        ),
    ]
