"""Workflows that were changed as nobody may change them while runs of them are under way."""

from temporalio import workflow

from workflows.exception_case import ExceptionCase
from workflows.expense_to_reimbursement import ExpenseToReimbursement
from workflows.policies import READ, RECORD
from workflows.time_to_posting import TimeToPosting

with workflow.unsafe.imports_passed_through():
    from activities.exception_cases import ExceptionCaseActivities as Cases
    from activities.master_data import MasterDataActivities as MasterData
    from canonical.messages import (
        CaseNews,
        CaseRef,
        CaseView,
        DocumentRef,
        MasterDataRef,
        Posted,
        Prepared,
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
class CarelessExpenseToReimbursement(ExpenseToReimbursement):
    """Announces cases always, even if there is none."""

    @workflow.run
    async def run(self, ref: DocumentRef) -> Reimbursed:
        return await super().run(ref)

    async def _announce(self, prepared: Prepared, posted: Posted) -> None:
        news = CaseNews(case_ids=(*prepared.cases, *prepared.touched_cases, *posted.cases))
        await workflow.execute_activity_method(Cases.announce_cases, news, **RECORD)


@workflow.defn(name="ExceptionCase")
class DrowsyExceptionCase(ExceptionCase):
    """Thinks for a second before it reads a case."""

    @workflow.run
    async def run(self, ref: CaseRef) -> CaseView:
        await workflow.sleep(1)
        return await super().run(ref)
