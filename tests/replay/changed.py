"""Workflows that were changed as nobody may change them while runs of them are under way."""

from temporalio import workflow

from workflows.exception_case import ExceptionCase
from workflows.expense_to_reimbursement import ExpenseToReimbursement
from workflows.invoice_readiness import InvoiceReadiness
from workflows.policies import LOCAL, READ
from workflows.time_to_posting import TimeToPosting

with workflow.unsafe.imports_passed_through():
    from activities.master_data import MasterDataActivities as MasterData
    from activities.reimbursement import ReimbursementActivities as Reimbursement
    from canonical.billing_messages import MonthRef, ReadinessView
    from canonical.messages import (
        CaseRef,
        CaseView,
        DocumentRef,
        MasterDataRef,
        Reimbursed,
        TimesheetOutcome,
    )


@workflow.defn(name="TimeToPosting")
class HastyTimeToPosting(TimeToPosting):
    """Reads masters first, always."""

    @workflow.run
    async def run(self, ref: DocumentRef) -> TimesheetOutcome:
        await workflow.execute_activity_method(
            MasterData.refresh_master_data,
            MasterDataRef(connection=ref.connection, target=ref.target),
            **READ,
        )
        return await super().run(ref)


@workflow.defn(name="ExpenseToReimbursement")
class CuriousExpenseToReimbursement(ExpenseToReimbursement):
    """Asks how far the money is before it prepares anything."""

    @workflow.run
    async def run(self, ref: DocumentRef) -> Reimbursed:
        await workflow.execute_local_activity_method(Reimbursement.read_reimbursement, ref, **LOCAL)
        return await super().run(ref)


@workflow.defn(name="InvoiceReadiness")
class ForgetfulInvoiceReadiness(InvoiceReadiness):
    """Prepares what was released before it has looked how the month stands."""

    @workflow.run
    async def run(self, month: MonthRef) -> ReadinessView:
        await self._prepare(month.ref)
        return await super().run(month)


@workflow.defn(name="ExceptionCase")
class DrowsyExceptionCase(ExceptionCase):
    """Thinks for a second before it reads a case."""

    @workflow.run
    async def run(self, ref: CaseRef) -> CaseView:
        await workflow.sleep(1)
        return await super().run(ref)
