"""Intake: a source is read, and every document with news gets its workflow."""

from datetime import timedelta

from temporalio import workflow

from workflows.policies import READ

with workflow.unsafe.imports_passed_through():
    from activities.contract_intake import ContractIntakeActivities as ContractIntake
    from activities.dispatch import DispatchActivities as Dispatch
    from activities.expense_intake import ExpenseIntakeActivities as ExpenseIntake
    from activities.intake import IntakeActivities as Intake
    from canonical.messages import BackfillWindow, PollOutcome, SourceRef


@workflow.defn
class PollSource:
    """One poll of one source; a Schedule starts it, and skips it while one still runs."""

    @workflow.run
    async def run(self, ref: SourceRef) -> PollOutcome:
        found: PollOutcome = await workflow.execute_activity_method(
            Intake.poll_time_entries, ref, **READ
        )
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return found


@workflow.defn
class PollExpenseSource:
    """One poll of a source of expenses: what is ready is kept, claimed at once, and carried on."""

    @workflow.run
    async def run(self, ref: SourceRef) -> PollOutcome:
        found: PollOutcome = await workflow.execute_activity_method(
            ExpenseIntake.poll_expense_reports, ref, **READ
        )
        await workflow.execute_activity_method(ExpenseIntake.claim_expense_reports, ref, **READ)
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return found


@workflow.defn
class PollContracts:
    """One poll of a source of contracts: everything that it shows now."""

    @workflow.run
    async def run(self, ref: SourceRef) -> PollOutcome:
        found: PollOutcome = await workflow.execute_activity_method(
            ContractIntake.poll_contracts, ref, **READ
        )
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return found


@workflow.defn
class HearOfWork:
    """Tells billing periods of the work that changed, however much, in one go."""

    @workflow.run
    async def run(self, ref: SourceRef) -> int:
        heard: int = await workflow.execute_activity_method(ContractIntake.hear_of_work, **READ)
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return heard


@workflow.defn
class RereadSource:
    """Reads the last weeks of a source whole.

    So are found: lines that are gone, and approvals that did not move the record's stamp.
    """

    @workflow.run
    async def run(self, ref: SourceRef) -> PollOutcome:
        today = workflow.now().date()
        window = BackfillWindow(
            connection=ref.connection,
            target=ref.target,
            first=today - timedelta(days=ref.reread_days),
            # Time may be entered ahead, for a holiday say.
            last=today + timedelta(days=31),
        )
        found: PollOutcome = await workflow.execute_activity_method(
            Intake.read_window, window, **READ
        )
        await workflow.execute_activity_method(Dispatch.dispatch_documents, ref, **READ)
        return found
