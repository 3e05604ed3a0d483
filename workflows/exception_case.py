"""Exception case: one root cause, its people, and everything that it holds up."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.asking_again import AskingAgain
from workflows.case_details import case_details
from workflows.policies import ESCALATE_EVERY, LOCAL, POST, READ, RECORD

with workflow.unsafe.imports_passed_through():
    from activities import search_attributes as sa
    from activities.exception_cases import ExceptionCaseActivities as Cases
    from activities.master_cases import MasterCaseActivities as MasterCases
    from activities.master_data import MasterDataActivities as MasterData
    from activities.posting import PostingActivities as Posting
    from activities.preparation import PreparationActivities as Preparation
    from canonical.exception_case import MASTER_CAUSES
    from canonical.messages import (
        Canary,
        CanaryOutcome,
        CaseNews,
        CaseRef,
        CaseResolution,
        CaseView,
        DocumentRef,
        MasterDataRef,
        Posted,
        Prepared,
        ResolutionOutcome,
        ResolutionRequest,
        posting_queue,
    )


@workflow.defn
class ExceptionCase:
    """Ends when the case is resolved: by a person, or because no line waits for it any more."""

    def __init__(self) -> None:
        self._case: CaseView | None = None
        self._changed = True
        self._resolving = False
        self._last_answer = ""

    @workflow.run
    async def run(self, ref: CaseRef) -> CaseView:
        """Show the case, let people resolve it, and escalate it when its deadline passes."""
        while True:
            self._changed = False
            self._show(await self._read(ref))
            assert self._case is not None
            if self._case.state == "RESOLVED":
                await workflow.wait_condition(workflow.all_handlers_finished)
                return self._case
            if self._case.state == "TRYING" and not self._resolving:
                # A run before this one was lost while it tried a line.
                await workflow.execute_activity_method(Cases.keep_case_open, ref, **RECORD)
                self._changed = True
            await self._until_changed_or_late()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(ref)

    async def _read(self, ref: CaseRef) -> CaseView:
        case: CaseView = await workflow.execute_local_activity_method(Cases.read_case, ref, **LOCAL)
        return case

    async def _until_changed_or_late(self) -> None:
        assert self._case is not None
        late = self._case.deadline_at + _escalations(self._case) * ESCALATE_EVERY
        left = max(late - workflow.now(), timedelta(seconds=1))
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._changed and not self._resolving,
                timeout=left,
                timeout_summary="deadline of the case",
            )

    def _show(self, case: CaseView) -> None:
        self._case = case
        escalations = _escalations(case)
        workflow.set_current_details(
            case_details(case, escalations=escalations, last_answer=self._last_answer)
        )
        late = escalations and case.state == "OPEN"
        now: list[SearchAttributeUpdate[Any]] = [
            sa.STATE.value_set(sa.ESCALATED if late else case.state),
            sa.LINES.value_set(case.lines),
            sa.AMOUNT_MINOR.value_set(case.amount_minor),
        ]
        # The case may have moved on since its workflow was started with these.
        shown = workflow.info().typed_search_attributes
        news = [one for one in now if shown.get(one.key) != one.value]
        if news:
            workflow.upsert_search_attributes(news)

    @workflow.signal(description="Lines joined or left the case.")
    def lines_changed(self) -> None:
        self._changed = True

    @workflow.query(description="The case as it was last read.")
    def case(self) -> CaseView | None:
        return self._case

    @workflow.update(
        description="Resolve the case. Input, for example: "
        '{"kind": "retry", "by": "your name"}; kinds are retry, amend, post_to_period, reject, '
        "waive. The workflow's details show each of them ready to paste."
    )
    async def resolve_exception(self, request: ResolutionRequest) -> ResolutionOutcome:
        self._resolving = True
        # Somebody may be quicker than the first reading of the case.
        await workflow.wait_condition(lambda: self._case is not None)
        assert self._case is not None
        try:
            outcome = await self._resolve(
                CaseResolution(case_id=self._case.case_id, request=request)
            )
        except ActivityError as error:
            # What an activity says for good is said to the person who asked.
            raise ApplicationError(_told(error), type="not_resolved") from error
        finally:
            self._resolving = False
            self._changed = True
        self._last_answer = f"{request.kind} by {request.by}: {outcome.message}"
        return outcome

    @resolve_exception.validator
    def _may_resolve(self, request: ResolutionRequest) -> None:
        """Check state and form only; authority is checked where policies are known."""
        if self._resolving:
            raise ValueError("somebody else's resolution is being tried; wait for its answer")
        if self._case is not None and self._case.state == "RESOLVED":
            raise ValueError("the case is resolved already")
        request.resolution()

    async def _resolve(self, decision: CaseResolution) -> ResolutionOutcome:
        outcome: ResolutionOutcome
        assert self._case is not None
        match decision.request.kind:
            case kind if self._case.cause in MASTER_CAUSES and kind != "reject":
                outcome = await self._settle(decision)
                if kind == "waive":
                    outcome = await workflow.execute_activity_method(
                        Cases.waive_case, decision, **RECORD
                    )
            case "waive":
                outcome = await workflow.execute_activity_method(
                    Cases.waive_case, decision, **RECORD
                )
            case "reject":
                outcome = await workflow.execute_activity_method(
                    Cases.reject_case, decision, **RECORD
                )
            case _:
                outcome = await self._try(decision)
        return outcome

    async def _settle(self, decision: CaseResolution) -> ResolutionOutcome:
        """A case about a master record: its synchronisation carries out what was decided."""
        outcome: ResolutionOutcome = await workflow.execute_activity_method(
            MasterCases.settle_master_case, decision, **RECORD
        )
        return outcome

    async def _try(self, decision: CaseResolution) -> ResolutionOutcome:
        """Post one line; if the ERP takes it, release everything that the case holds up."""
        canary: Canary = await workflow.execute_activity_method(
            Cases.begin_resolution, decision, **RECORD
        )
        tried = await self._post(canary)
        if tried.posted:
            decision = decision.model_copy(update={"tried": canary.document})
            released: ResolutionOutcome = await workflow.execute_activity_method(
                Cases.release_case, decision, **RECORD
            )
            return released
        await workflow.execute_activity_method(
            Cases.keep_case_open, CaseRef(case_id=decision.case_id), **RECORD
        )
        return ResolutionOutcome(
            state="OPEN",
            message=f"Nothing was released: the first line was stopped again. {tried.sentence}",
        )

    async def _post(self, canary: Canary) -> CanaryOutcome:
        tried = canary.document
        if tried is None:
            return CanaryOutcome(posted=True)
        await workflow.execute_activity_method(
            MasterData.refresh_master_data,
            MasterDataRef(connection=tried.connection, target=tried.target),
            **READ,
        )
        asking_again = AskingAgain()
        while True:
            posted = await self._post_once(tried)
            outcome: CanaryOutcome = await workflow.execute_activity_method(
                Cases.canary_outcome, canary, **RECORD
            )
            if outcome.settled:
                return outcome
            again = asking_again.after(posted) or timedelta(seconds=1)
            await workflow.sleep(again, summary="the ERP has not answered yet")

    async def _post_once(self, ref: DocumentRef) -> Posted:
        prepared: Prepared = await workflow.execute_local_activity_method(
            Preparation.prepare_document, ref, **LOCAL
        )
        posted: Posted = await workflow.execute_activity_method(
            Posting.post_document, ref, task_queue=posting_queue(ref.target, ref.kind), **POST
        )
        assert self._case is not None
        # What stops the line now may be another cause, whose people have to hear of it.
        others = {*prepared.touched_cases, *posted.cases} - {self._case.case_id}
        if others:
            await workflow.execute_activity_method(
                Cases.announce_cases, CaseNews(case_ids=tuple(sorted(others))), **RECORD
            )
        return posted


def _escalations(case: CaseView) -> int:
    """How often the case has escalated by now: at its deadline, and once more for every span."""
    over = workflow.now() - case.deadline_at
    return 0 if over < timedelta(0) else 1 + over // ESCALATE_EVERY


def _told(error: ActivityError) -> str:
    cause = error.cause
    return cause.message if isinstance(cause, ApplicationError) else "the resolution failed"
