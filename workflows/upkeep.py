"""Upkeep on Schedules: master data kept fresh, sources told, the ERP swept for what is ours."""

from temporalio import workflow

from workflows.policies import READ, RECORD

with workflow.unsafe.imports_passed_through():
    from activities.acknowledgement import AcknowledgementActivities as Acknowledgement
    from activities.dispatch import DispatchActivities as Dispatch
    from activities.exception_cases import ExceptionCaseActivities as Cases
    from activities.invoice_news import InvoiceNewsActivities as InvoiceNews
    from activities.master_data import MasterDataActivities as MasterData
    from activities.payments import PaymentActivities as Payments
    from activities.report_news import ReportNewsActivities as ReportNews
    from activities.sweep import SweepActivities as Sweep
    from canonical.messages import (
        AcknowledgementOutcome,
        CaseNews,
        MasterDataRef,
        PaymentOutcome,
        PaymentRef,
        SourceRef,
        SweepOutcome,
        SweepRequest,
    )


@workflow.defn
class RefreshMasterData:
    """Reads what rules need to know, often enough that no decision is made on old facts."""

    @workflow.run
    async def run(self, ref: MasterDataRef) -> None:
        await workflow.execute_activity_method(MasterData.refresh_master_data, ref, **READ)


@workflow.defn
class AcknowledgePostings:
    """Tells a source what became of its lines."""

    @workflow.run
    async def run(self, ref: SourceRef) -> AcknowledgementOutcome:
        outcome: AcknowledgementOutcome = await workflow.execute_activity_method(
            Acknowledgement.acknowledge_postings, ref, **READ
        )
        return outcome


@workflow.defn
class TellExpenseSource:
    """Tells a source what became of its reports, and lets those go on that waited for it."""

    @workflow.run
    async def run(self, ref: SourceRef) -> AcknowledgementOutcome:
        outcome: AcknowledgementOutcome = await workflow.execute_activity_method(
            ReportNews.tell_expense_source, ref, **READ
        )
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return outcome


@workflow.defn
class TellInvoices:
    """Tells a source of contracts what became of its invoices, and lets their months go on."""

    @workflow.run
    async def run(self, ref: SourceRef) -> AcknowledgementOutcome:
        outcome: AcknowledgementOutcome = await workflow.execute_activity_method(
            InvoiceNews.tell_invoices, ref, **READ
        )
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return outcome


@workflow.defn
class WatchPayments:
    """Asks an ERP how far its documents are paid."""

    @workflow.run
    async def run(self, ref: PaymentRef) -> PaymentOutcome:
        outcome: PaymentOutcome = await workflow.execute_activity_method(
            Payments.watch_payments, ref, **READ
        )
        return outcome


@workflow.defn
class SweepPostings:
    """Asks the ERP for every document of ours, and calls people where it does not agree."""

    @workflow.run
    async def run(self, request: SweepRequest) -> SweepOutcome:
        found: SweepOutcome = await workflow.execute_activity_method(
            Sweep.sweep_target, request, **READ
        )
        if found.cases:
            await workflow.execute_activity_method(
                Cases.announce_cases, CaseNews(case_ids=found.cases), **RECORD
            )
        return found
