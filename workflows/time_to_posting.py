"""Time to posting: the approved time of one timesheet becomes postings in the ERP."""

from contextlib import suppress

from temporalio import workflow

from workflows.asking_again import AskingAgain
from workflows.document_steps import DocumentSteps

with workflow.unsafe.imports_passed_through():
    from activities import search_attributes as sa
    from canonical.messages import DocumentRef, Posted, TimesheetOutcome


@workflow.defn
class TimeToPosting(DocumentSteps):
    """Ends when every line of the timesheet is posted, or decided never to be."""

    def __init__(self) -> None:
        self._news = False
        self._posted = 0
        self._asking_again = AskingAgain()

    @workflow.run
    async def run(self, ref: DocumentRef) -> TimesheetOutcome:
        """Prepare and post until nothing is left; good lines never wait for a decision."""
        rounds = 0
        while True:
            rounds += 1
            self._news = False
            prepared = await self._prepare(ref)
            posted = await self._post(ref, prepared)
            self._posted += posted.posted
            # On the first round all that stop us, later those that gained or lost lines.
            stopping = prepared.cases if rounds == 1 else ()
            await self._announce((*stopping, *prepared.touched_cases, *posted.cases))
            if not (self._news or posted.news):
                stopped = prepared.stopped + posted.stopped
                if not stopped and posted.again_in_seconds is None:
                    return TimesheetOutcome(posted=self._posted, rounds=rounds)
                await self._wait(stopped, posted)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ref)

    async def _wait(self, stopped: int, posted: Posted) -> None:
        """Until there is news; or, if something is unanswered, until it can be asked again."""
        self._show(stopped, posted)
        timeout = self._asking_again.after(posted)
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._news, timeout=timeout)
        if self._news:
            self._asking_again.begin_anew()

    def _show(self, stopped: int, posted: Posted) -> None:
        """Say in Temporal's UI what this timesheet waits for."""
        state = sa.WAITS_FOR_PERSON if stopped else sa.RUNNING
        # A history before this one may have left something else.
        if workflow.info().typed_search_attributes.get(sa.STATE) != state:
            workflow.upsert_search_attributes([sa.STATE.value_set(state)])
        lines = [f"**{self._posted}** lines posted."]
        if stopped:
            lines.append(
                f"**{stopped}** wait for a person: see the workflows with "
                f"`LwKind = 'case'`. They go on by themselves once their case is resolved."
            )
        if posted.uncertain:
            lines.append(
                f"**{posted.uncertain}** were sent without a clear answer; the ERP is asked again."
            )
        workflow.set_current_details("\n\n".join(lines))

    @workflow.signal(description="The source has news about this timesheet, or a case let it go.")
    def document_changed(self) -> None:
        self._news = True
