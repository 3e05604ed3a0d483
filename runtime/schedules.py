"""Schedules: what happens by itself, and how often; made once and kept as configured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from canonical.messages import MasterDataRef, MasterSyncRef, PaymentRef, SourceRef, SweepRequest
from connectors.base.capabilities import (
    ContractSource,
    ExpenseReportSource,
    PaymentSource,
    TimeEntrySource,
)
from rules.policies import Policies
from runtime.configuration import Configuration, ConnectionSettings
from runtime.registry import has_capability
from runtime.topology import UPKEEP_QUEUE

# Facts are fresher than the 15 minutes after which no decision is made on them.
REFRESH_EVERY: Final = timedelta(minutes=5)
SWEEP_EVERY: Final = timedelta(minutes=15)
SWEEP_EVERYTHING_EVERY: Final = timedelta(days=1)
ACKNOWLEDGE_EVERY: Final = timedelta(seconds=15)
WATCH_PAYMENTS_EVERY: Final = timedelta(minutes=1)
# Systems that send webhooks are heard of at once all the same.
SYNC_MASTERS_EVERY: Final = timedelta(seconds=30)
# However much work changes, an engagement hears of it no more often.
HEAR_EVERY: Final = timedelta(seconds=10)

# How the ids of our schedules begin; a namespace may have others.
_OURS: Final = (
    *("poll/", "hear/", "reread/", "masters/", "acknowledge/", "tell/", "payments/"),
    *("sweep/", "sweep-everything/", "master-sync/"),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One schedule: its id, what it starts, with what, and how often."""

    id: str
    workflow: str
    argument: Any
    every: timedelta


def planned(configuration: Configuration, policies: Policies | None = None) -> Iterator[Planned]:
    """All schedules that a configuration and its policies call for."""

    def paid(name: str) -> bool:
        system = configuration.connections[name].system
        return any(has_capability(system, one) for one in (ExpenseReportSource, ContractSource))

    def tells_payments(name: str) -> bool:
        return has_capability(configuration.connections[name].system, PaymentSource)

    for name, one in configuration.sources().items():
        yield from _of_source(name, one)
    if policies is not None and policies.ownership.kinds:
        news, everything = MasterSyncRef(), MasterSyncRef(whole=True)
        yield Planned("master-sync/news", "PollMasters", news, SYNC_MASTERS_EVERY)
        yield Planned("master-sync/everything", "PollMasters", everything, SWEEP_EVERYTHING_EVERY)
    for target in sorted(configuration.targets()):
        yield Planned(f"sweep/{target}", "SweepPostings", SweepRequest(target=target), SWEEP_EVERY)
        yield Planned(
            f"sweep-everything/{target}",
            "SweepPostings",
            SweepRequest(target=target, full=True),
            SWEEP_EVERYTHING_EVERY,
        )
    watched = {one.posts_to for name, one in configuration.sources().items() if paid(name)}
    # An ERP that only imports files says nothing of payments.
    for target in sorted(one for one in watched if one is not None and tells_payments(one)):
        yield Planned(
            f"payments/{target}",
            "WatchPayments",
            PaymentRef(target=target),
            WATCH_PAYMENTS_EVERY,
        )


def _source(name: str, one: ConnectionSettings) -> SourceRef:
    assert one.posts_to is not None
    return SourceRef(
        connection=name,
        target=one.posts_to,
        first_poll_days=one.first_poll_days,
        reread_days=one.reread_days,
    )


def _of_source(name: str, one: ConnectionSettings) -> Iterator[Planned]:
    """What a source can be used as decides what happens by itself."""
    kinds: tuple[tuple[type, Callable[[str, ConnectionSettings], Iterator[Planned]]], ...] = (
        (ExpenseReportSource, _of_expenses),
        (TimeEntrySource, _of_time),
        (ContractSource, _of_contracts),
    )
    for capability, planned_for in kinds:
        if has_capability(one.system, capability):
            yield from planned_for(name, one)
            return


def _of_contracts(name: str, one: ConnectionSettings) -> Iterator[Planned]:
    ref = _source(name, one)
    every = timedelta(seconds=one.poll_every_seconds)
    yield Planned(f"poll/{name}", "PollContracts", ref, every)
    yield Planned(f"hear/{name}", "HearOfWork", ref, HEAR_EVERY)
    masters = MasterDataRef(connection=name, target=ref.target)
    yield Planned(f"masters/{name}", "RefreshMasterData", masters, REFRESH_EVERY)
    yield Planned(f"tell/{name}", "TellInvoices", ref, ACKNOWLEDGE_EVERY)


def _of_expenses(name: str, one: ConnectionSettings) -> Iterator[Planned]:
    ref = _source(name, one)
    every = timedelta(seconds=one.poll_every_seconds)
    yield Planned(f"poll/{name}", "PollExpenseSource", ref, every)
    masters = MasterDataRef(connection=name, target=ref.target)
    yield Planned(f"masters/{name}", "RefreshMasterData", masters, REFRESH_EVERY)
    yield Planned(f"tell/{name}", "TellExpenseSource", ref, ACKNOWLEDGE_EVERY)


def _of_time(name: str, one: ConnectionSettings) -> Iterator[Planned]:
    ref = _source(name, one)
    every = timedelta(seconds=one.poll_every_seconds)
    yield Planned(f"poll/{name}", "PollSource", ref, every)
    reread = timedelta(seconds=one.reread_every_seconds)
    yield Planned(f"reread/{name}", "RereadSource", ref, reread)
    masters = MasterDataRef(connection=name, target=ref.target)
    yield Planned(f"masters/{name}", "RefreshMasterData", masters, REFRESH_EVERY)
    if one.acknowledge:
        yield Planned(f"acknowledge/{name}", "AcknowledgePostings", ref, ACKNOWLEDGE_EVERY)


async def keep_schedules(
    client: Client, configuration: Configuration, policies: Policies | None = None
) -> None:
    """Make the schedules, or bring those that exist to what is configured now.

    One that an operator has paused stays paused. Those of connections that are configured no
    longer are deleted.
    """
    wanted_ids: set[str] = set()
    for one in planned(configuration, policies):
        wanted_ids.add(one.id)
        wanted = schedule_of(one)
        try:
            await client.create_schedule(one.id, wanted)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(one.id).update(_replaced_by(wanted))
    async for listed in await client.list_schedules():
        if listed.id.startswith(_OURS) and listed.id not in wanted_ids:
            await client.get_schedule_handle(listed.id).delete()


def _replaced_by(wanted: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    return lambda told: ScheduleUpdate(
        schedule=replace(wanted, state=told.description.schedule.state)
    )


def schedule_of(one: Planned) -> Schedule:
    """What Temporal is told of it."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            one.workflow, one.argument, id=f"upkeep/{one.id}", task_queue=UPKEEP_QUEUE
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=one.every)]),
        # A run that takes longer than the interval is not overtaken; what was missed is not
        # made up for, because one run reads everything that is new.
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)
        ),
    )
