"""Topology: which task queues there are, and what is served on each.

Postings run on queues of their ERP's connection, alone, so that one ERP's limits and outages are
its own; workflows of documents run on a queue per kind of document and region.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.case_workflows import CASE_QUEUE
from activities.heartbeats import Heartbeats
from activities.master_sync_workflows import MASTERS_QUEUE
from activities.turns import at_once
from canonical.messages import BILLING, REPORT, TIMESHEET
from connectors.base.capabilities import (
    ContractSource,
    ExpenseReportSource,
    PostingTarget,
    TimeEntrySource,
)
from runtime.bootstrap import Activities, Platform, routes_of
from runtime.configuration import Configuration
from runtime.registry import has_capability
from workflows.backfill import Backfill
from workflows.contract_trouble import ContractTrouble
from workflows.exception_case import ExceptionCase
from workflows.expense_to_reimbursement import ExpenseToReimbursement
from workflows.intake import (
    HearOfWork,
    PollContracts,
    PollExpenseSource,
    PollSource,
    RereadSource,
)
from workflows.invoice_readiness import InvoiceReadiness
from workflows.master_data_sync import MasterDataSync, PollMasters
from workflows.time_to_posting import TimeToPosting
from workflows.upkeep import (
    AcknowledgePostings,
    RefreshMasterData,
    SweepPostings,
    TellExpenseSource,
    TellInvoices,
    WatchPayments,
)

UPKEEP_QUEUE: Final = "upkeep"
DEPLOYMENT: Final = "ledgerway"
# A worker that was killed keeps its sticky queue for so long.
_STICKY_TIMEOUT: Final = timedelta(seconds=2)
_WORKFLOWS_CACHED: Final = 2000
_AT_ONCE: Final = 50
# Whose documents are brought into one ERP side by side; within one they take turns.
_COMPANIES_AT_ONCE: Final = 8

# What a source of each kind of document can be used as.
_SOURCE_OF: Final[Mapping[str, type]] = {
    TIMESHEET: TimeEntrySource,
    REPORT: ExpenseReportSource,
    BILLING: ContractSource,
}
UPKEEP: Final[tuple[type, ...]] = (
    *(PollSource, RereadSource, Backfill, PollExpenseSource, PollContracts, HearOfWork),
    *(RefreshMasterData, AcknowledgePostings, TellExpenseSource, TellInvoices, WatchPayments),
    *(SweepPostings, PollMasters),
)
WORKFLOWS: Final[tuple[type, ...]] = (
    *(TimeToPosting, ExpenseToReimbursement, InvoiceReadiness, ContractTrouble, ExceptionCase),
    MasterDataSync,
    *UPKEEP,
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A task queue with what is served on it."""

    name: str
    activities: Sequence[Callable[..., Any]]
    workflows: Sequence[type] = ()
    activities_at_once: int = _AT_ONCE


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How the workers of one process behave."""

    build_id: str = "dev"
    versioned: bool = False
    drain_seconds: int = 30


def queues_of(platform: Platform, activities: Activities) -> Iterator[Queue]:
    """All queues that the configuration calls for."""
    cases = activities.cases
    shared: list[Callable[..., Any]] = [
        activities.preparation.prepare_document,
        activities.master_data.refresh_master_data,
        cases.announce_cases,
    ]
    reimbursement = activities.reimbursement
    for queue, kind in sorted(document_queues(platform.configuration)):
        if kind == TIMESHEET:
            yield Queue(queue, shared, (TimeToPosting,))
        elif kind == BILLING:
            assess = activities.readiness.assess_readiness
            decide = activities.billing_desk.decide_billing
            yield Queue(queue, [*shared, assess, decide], (InvoiceReadiness, ContractTrouble))
        else:
            own = [reimbursement.read_reimbursement, reimbursement.attach_receipts]
            yield Queue(queue, [*shared, *own], (ExpenseToReimbursement,))
    yield Queue(
        CASE_QUEUE,
        [
            *shared,
            *(cases.read_case, cases.begin_resolution, cases.canary_outcome, cases.release_case),
            *(cases.keep_case_open, cases.waive_case, cases.reject_case),
            activities.master_cases.settle_master_case,
        ],
        (ExceptionCase,),
    )
    feeds = activities.master_feeds
    yield Queue(
        MASTERS_QUEUE,
        [
            *(feeds.plan_master_sync, feeds.read_masters, cases.announce_cases),
            activities.master_sync.sync_masters,
        ],
        (MasterDataSync,),
    )
    yield Queue(
        UPKEEP_QUEUE,
        [
            *(activities.intake.poll_time_entries, activities.intake.read_window),
            activities.dispatch.dispatch_documents,
            activities.master_data.refresh_master_data,
            activities.acknowledgement.acknowledge_postings,
            activities.expense_intake.poll_expense_reports,
            activities.expense_intake.claim_expense_reports,
            activities.report_news.tell_expense_source,
            activities.contract_intake.poll_contracts,
            activities.contract_intake.hear_of_work,
            activities.invoice_news.tell_invoices,
            activities.payments.watch_payments,
            activities.sweep.sweep_target,
            cases.announce_cases,
            activities.master_telling.tell_master_sync,
        ],
        UPKEEP,
    )
    for target in sorted(platform.configuration.targets()):
        operations = platform.connections.filling(target, PostingTarget).manifest.operations
        for queue, of_one_company in at_once(target, operations).items():
            slots = min(_AT_ONCE, of_one_company * _COMPANIES_AT_ONCE)
            yield Queue(queue, [activities.posting.post_document], activities_at_once=slots)


def document_queues(configuration: Configuration) -> set[tuple[str, str]]:
    """The queue of each region and kind of document that some source there has."""
    return {
        (route.task_queue(kind), kind)
        for name, route in routes_of(configuration).items()
        for kind, capability in _SOURCE_OF.items()
        if has_capability(configuration.connections[name].system, capability)
    }


def worker_for(client: Client, queue: Queue, settings: WorkerSettings) -> Worker:
    """Make the worker of one queue; it drains when it is told to stop."""
    return Worker(
        client,
        task_queue=queue.name,
        workflows=list(queue.workflows),
        activities=list(queue.activities),
        interceptors=[Heartbeats()],
        deployment_config=_deployment(settings),
        max_cached_workflows=_WORKFLOWS_CACHED if queue.workflows else 0,
        max_concurrent_activities=queue.activities_at_once,
        sticky_queue_schedule_to_start_timeout=_STICKY_TIMEOUT,
        graceful_shutdown_timeout=timedelta(seconds=settings.drain_seconds),
    )


def _deployment(settings: WorkerSettings) -> WorkerDeploymentConfig:
    """Versioned workers get work once an operator has made their version current.

    Every workflow then moves to the newest version at its next task, which is what replay tests
    of recorded histories make safe.
    """
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, settings.build_id),
        use_worker_versioning=settings.versioned,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE
        if settings.versioned
        else VersioningBehavior.UNSPECIFIED,
    )
