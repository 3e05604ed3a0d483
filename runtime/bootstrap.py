"""Wiring: the one place where settings become connections, activities and workers."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from temporalio.client import Client

from activities.acknowledgement import AcknowledgementActivities
from activities.billing_desk import BillingDeskActivities
from activities.billing_facts import BillingFactsLoader
from activities.case_workflows import CaseWorkflows
from activities.contract_intake import ContractIntakeActivities
from activities.dispatch import DispatchActivities
from activities.document_workflows import DocumentWorkflows, Route
from activities.exception_cases import ExceptionCaseActivities
from activities.expense_intake import ExpenseIntakeActivities
from activities.facts import FactsCache
from activities.intake import IntakeActivities
from activities.intents import Intents
from activities.invoice_news import InvoiceNewsActivities
from activities.master_cases import MasterCaseActivities
from activities.master_data import MasterDataActivities
from activities.master_feeds import MasterFeedActivities
from activities.master_sync import MasterSyncActivities
from activities.master_sync_workflows import MasterSyncTelling, MasterSyncWorkflows
from activities.payments import PaymentActivities
from activities.posting import PostingActivities
from activities.preparation import PreparationActivities
from activities.readiness import ReadinessActivities
from activities.reimbursement import ReimbursementActivities
from activities.report_news import ReportNewsActivities
from activities.sweep import SweepActivities
from activities.waking import Waking
from canonical.posting import PostingKind
from connectors.base.capabilities import (
    AcknowledgementSink,
    Connected,
    ContractSource,
    ExpenseReportSink,
    InvoiceStatusSink,
    PostingTarget,
)
from connectors.base.connections import Connections
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.base.system import System
from rules.policies import Policies
from runtime.configuration import Configuration, ConnectionSettings, options_for
from runtime.registry import has_capability, system_named
from runtime.settings import Settings
from store.database import Database
from store.rate_budgets import SharedBudget


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything a worker or a command works with, and how it is let go."""

    configuration: Configuration
    policies: Policies
    database: Database
    connections: Connections
    client: Client

    async def close(self) -> None:
        """Close sockets and the pool; Temporal's client needs no closing."""
        await self.connections.close()
        await self.database.close()


@dataclass(frozen=True, slots=True)
class Activities:
    """The activities of one process, one object per concern."""

    preparation: PreparationActivities
    posting: PostingActivities
    cases: ExceptionCaseActivities
    intake: IntakeActivities
    dispatch: DispatchActivities
    master_data: MasterDataActivities
    acknowledgement: AcknowledgementActivities
    sweep: SweepActivities
    expense_intake: ExpenseIntakeActivities
    reimbursement: ReimbursementActivities
    report_news: ReportNewsActivities
    payments: PaymentActivities
    contract_intake: ContractIntakeActivities
    readiness: ReadinessActivities
    billing_desk: BillingDeskActivities
    invoice_news: InvoiceNewsActivities
    master_feeds: MasterFeedActivities
    master_sync: MasterSyncActivities
    master_cases: MasterCaseActivities
    master_telling: MasterSyncTelling

    @classmethod
    def of(cls, platform: Platform) -> Self:
        """Build them for a platform."""
        configuration, policies = platform.configuration, platform.policies
        database, connections = platform.database, platform.connections
        documents = DocumentWorkflows(platform.client, routes_of(configuration))
        waking = Waking(database, documents)
        master_workflows = MasterSyncWorkflows(platform.client, configuration.tenant)
        acknowledged = told_sources(configuration)
        intents = Intents(configuration.tenant, _undone(configuration, connections))
        facts = FactsCache()
        loader = billing_facts(configuration, policies, facts)
        return cls(
            preparation=PreparationActivities(database, facts, policies, intents),
            posting=PostingActivities(
                database,
                connections,
                policies,
                tenant=configuration.tenant,
                acknowledged=acknowledged,
            ),
            cases=ExceptionCaseActivities(
                database,
                waking,
                CaseWorkflows(platform.client),
                policies,
                _take_rejections(connections),
            ),
            intake=IntakeActivities(database, connections),
            dispatch=DispatchActivities(database, documents),
            master_data=MasterDataActivities(database, connections, policies),
            acknowledgement=AcknowledgementActivities(database, connections),
            sweep=SweepActivities(
                database,
                connections,
                policies,
                tenant=configuration.tenant,
                acknowledged=acknowledged,
            ),
            expense_intake=ExpenseIntakeActivities(database, connections),
            reimbursement=ReimbursementActivities(database, connections),
            report_news=ReportNewsActivities(database, connections),
            payments=PaymentActivities(database, connections),
            contract_intake=ContractIntakeActivities(database, connections),
            readiness=ReadinessActivities(database, loader, waking),
            billing_desk=BillingDeskActivities(database, loader, facts, policies),
            invoice_news=InvoiceNewsActivities(
                database,
                connections,
                {
                    name: one.status_to
                    for name, one in configuration.sources().items()
                    if one.status_to is not None
                },
            ),
            master_feeds=MasterFeedActivities(
                database, connections, policies, tenant=configuration.tenant
            ),
            master_sync=MasterSyncActivities(
                database,
                connections,
                policies,
                waking,
                tenant=configuration.tenant,
                routes={name: one.target for name, one in routes_of(configuration).items()},
            ),
            master_cases=MasterCaseActivities(
                database, connections, policies, master_workflows, waking
            ),
            master_telling=MasterSyncTelling(master_workflows),
        )


@asynccontextmanager
async def platform_from(
    settings: Settings, configuration: Configuration, policies: Policies, client: Client
) -> AsyncIterator[Platform]:
    """Open the ledger and make the connections; nothing is sent to any system yet."""
    database = await Database.connect(settings.database_url.get_secret_value())
    try:
        connected = {
            name: _connect(name, one, settings, database)
            for name, one in configuration.connections.items()
        }
    except BaseException:
        await database.close()
        raise
    platform = Platform(configuration, policies, database, Connections(connected), client)
    try:
        yield platform
    finally:
        await platform.close()


def routes_of(configuration: Configuration) -> Mapping[str, Route]:
    """Where the documents of each source go."""
    return {
        name: Route(target=one.posts_to, region=one.region)
        for name, one in configuration.sources().items()
        if one.posts_to is not None
    }


def billing_facts(
    configuration: Configuration, policies: Policies, facts: FactsCache | None = None
) -> BillingFactsLoader:
    """What reads the facts of billing, for activities and for commands."""
    return BillingFactsLoader(facts or FactsCache(), policies, work_sources(configuration))


def work_sources(configuration: Configuration) -> Mapping[str, Sequence[str]]:
    """Whose work each source of contracts bills: all that goes to the same ERP."""
    sources = configuration.sources()
    contracts = {
        name for name, one in sources.items() if has_capability(one.system, ContractSource)
    }
    return {
        name: sorted(
            other
            for other, one in sources.items()
            if other not in contracts and one.posts_to == sources[name].posts_to
        )
        for name in contracts
    }


def _connect(
    name: str, settings: ConnectionSettings, process: Settings, database: Database
) -> Connected:
    system = system_named(settings.system)
    options = options_for(system, name, settings, process.config)
    return system.connect(options, _budget(name, settings, system, database))


def _budget(
    name: str, settings: ConnectionSettings, system: System, database: Database
) -> RateBudget:
    """The vendor's tightest limit, or the account's own if that is given; shared by all workers."""
    if settings.rate_limit is not None:
        return SharedBudget(
            database, name, settings.rate_limit.calls, settings.rate_limit.per_seconds
        )
    if not system.rate_limits:
        return Unlimited()
    tightest = min(system.rate_limits, key=lambda limit: limit.calls / limit.per_seconds)
    return SharedBudget(database, name, tightest.calls, tightest.per_seconds)


def told_sources(configuration: Configuration) -> frozenset[str]:
    """The sources that are told of postings: those of time as configured, of expenses always.

    Payments and rejections of reports are told in any case, and make no sense to a source that
    never heard of the posting.
    """
    return frozenset(
        name
        for name, one in configuration.sources().items()
        if has_capability(one.system, ExpenseReportSink)
        or (
            has_capability(one.system, ContractSource)
            and (one.status_to is not None or has_capability(one.system, InvoiceStatusSink))
        )
        or (one.acknowledge and has_capability(one.system, AcknowledgementSink))
    )


def _take_rejections(connections: Connections) -> frozenset[str]:
    """The sources that can be told that something was rejected.

    An invoice is rejected at home: its work is open again.
    """
    told = {
        name
        for name, one in connections.all_filling(ExpenseReportSink).items()
        if one.manifest.takes_rejections
    }
    return frozenset(told | connections.all_filling(ContractSource).keys())


def _undone(
    configuration: Configuration, connections: Connections
) -> Mapping[str, Collection[PostingKind]]:
    """What each ERP takes back by removal, because it knows no opposite of that kind."""
    return {
        name: connections.filling(name, PostingTarget).manifest.undone_by_deletion
        for name in configuration.targets()
    }
