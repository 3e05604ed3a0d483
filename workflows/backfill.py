"""Backfill: a past window of work dates is read again, whole, and whatever it changes is posted."""

from temporalio import workflow

from workflows.policies import READ

with workflow.unsafe.imports_passed_through():
    from activities.dispatch import DispatchActivities as Dispatch
    from activities.intake import IntakeActivities as Intake
    from activities.master_data import MasterDataActivities as MasterData
    from canonical.messages import BackfillWindow, MasterDataRef, PollOutcome, SourceRef


@workflow.defn
class Backfill:
    """Safe at any time and beside a poll: what is posted stays posted once."""

    @workflow.run
    async def run(self, window: BackfillWindow) -> PollOutcome:
        await workflow.execute_activity_method(
            MasterData.refresh_master_data,
            MasterDataRef(connection=window.connection, target=window.target),
            **READ,
        )
        found: PollOutcome = await workflow.execute_activity_method(
            Intake.read_window, window, **READ
        )
        await workflow.execute_activity_method(
            Dispatch.dispatch_documents, SourceRef(connection=window.connection), **READ
        )
        return found
