"""Invoice readiness: an engagement's month, from the first hour to the last payment."""

from contextlib import suppress
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.asking_again import AskingAgain
from workflows.document_steps import DocumentSteps
from workflows.policies import READ, RECORD
from workflows.readiness_details import readiness_details

with workflow.unsafe.imports_passed_through():
    from activities import search_attributes as sa
    from activities.billing_desk import BillingDeskActivities as Desk
    from activities.master_data import MasterDataActivities as MasterData
    from activities.readiness import ReadinessActivities as Readiness
    from canonical.billing_messages import (
        RELEASE,
        BillingDecision,
        BillingRequest,
        Decided,
        MonthRef,
        ReadinessView,
    )
    from canonical.messages import DocumentRef, MasterDataRef, Posted


@workflow.defn
class InvoiceReadiness(DocumentSteps):
    """Ends when nothing of the month is left to be billed and every invoice is paid and told.

    News of work, contracts or payments after its end starts it anew.
    """

    def __init__(self) -> None:
        self._news = False
        self._ref: DocumentRef | None = None
        self._view: ReadinessView | None = None
        self._deciding = 0
        self._last_answer = ""
        self._asking_again = AskingAgain()

    @workflow.run
    async def run(self, month: MonthRef) -> ReadinessView:
        """Decide how the month stands, post what was released, and follow it to its payment."""
        ref = self._ref = month.ref
        self._view, self._last_answer = month.view, month.last_answer
        while True:
            self._news = False
            self._view = await self._assess(ref)
            await self._release_by_policy(ref)
            prepared = await self._prepare(ref)
            posted = await self._post(ref, prepared)
            await self._announce((*prepared.cases, *prepared.touched_cases, *posted.cases))
            if posted.posted or posted.stopped:
                self._view = await self._assess(ref)
            stopped = prepared.stopped + posted.stopped
            if not (self._news or posted.news):
                self._show(stopped, posted)
                left = stopped or posted.again_in_seconds is not None or self._deciding
                if self._view.settled and not left:
                    await workflow.wait_condition(workflow.all_handlers_finished)
                    if not self._news:
                        return self._view
                    continue
                await self._wait(posted)
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                shown = {"view": self._view, "last_answer": self._last_answer}
                workflow.continue_as_new(month.model_copy(update=shown))

    async def _assess(self, ref: DocumentRef) -> ReadinessView:
        while True:
            view: ReadinessView = await workflow.execute_activity_method(
                Readiness.assess_readiness, ref, **READ
            )
            if not view.stale:
                return view
            await workflow.execute_activity_method(
                MasterData.refresh_master_data,
                MasterDataRef(connection=ref.connection, target=ref.target),
                **READ,
            )

    async def _release_by_policy(self, ref: DocumentRef) -> None:
        """Let go what needs no person; what the policy does not let go waits for one."""
        view = self._view
        assert view is not None
        if not (view.releases_itself and view.can_be_released) or view.needs_two:
            return
        request = BillingRequest(kind=RELEASE, snapshot=view.snapshot)
        await self._decide(ref, request, str(workflow.uuid4()))

    async def _decide(self, ref: DocumentRef, request: BillingRequest, decision: str) -> Decided:
        decided: Decided = await workflow.execute_activity_method(
            Desk.decide_billing,
            BillingDecision(id=decision, ref=ref, request=request),
            **RECORD,
        )
        return decided

    async def _wait(self, posted: Posted) -> None:
        """Until there is news; or, if something is unanswered, until it can be asked again."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._news, timeout=self._asking_again.after(posted)
            )
        if self._news:
            self._asking_again.begin_anew()

    def _show(self, stopped: int, posted: Posted) -> None:
        """Say in Temporal's UI how the month stands."""
        view = self._view
        assert view is not None
        state = sa.BLOCKED
        if stopped:
            state = sa.WAITS_FOR_PERSON
        elif view.settled:
            state = sa.BILLED
        elif view.can_be_released:
            state = sa.READY
        elif view.ready and view.invoices:
            state = sa.WAITS_FOR_PAYMENT
        amount = next(iter(view.ready_amounts or view.billable), None)
        now: list[SearchAttributeUpdate[Any]] = [
            sa.STATE.value_set(state),
            sa.SUBJECT.value_set(view.engagement),
            sa.PERIOD.value_set(view.period),
            sa.LINES.value_set(len(view.invoices)),
        ]
        if view.legal_entity:
            now.append(sa.LEGAL_ENTITY.value_set(view.legal_entity))
        if amount is not None:
            now.append(sa.AMOUNT_MINOR.value_set(amount.minor))
        shown = workflow.info().typed_search_attributes
        news = [one for one in now if shown.get(one.key) != one.value]
        if news:
            workflow.upsert_search_attributes(news)
        workflow.set_current_details(
            readiness_details(
                view,
                stopped=stopped,
                uncertain=posted.uncertain,
                last_answer=self._last_answer,
            )
        )

    @workflow.signal(description="Work, contracts, payments or a case of this month have news.")
    def document_changed(self) -> None:
        self._news = True

    @workflow.query(description="How the month stands: ready and blocked, in money.")
    def readiness(self) -> ReadinessView | None:
        return self._view

    @workflow.update(
        description="Decide on the month. Input, for example: "
        '{"kind": "release", "by": "your name", "snapshot": "the hash you looked at"}; kinds are '
        "release, credit, exclude, include, write_down and write_off. The workflow's details show "
        "them ready to paste."
    )
    async def decide(self, request: BillingRequest) -> Decided:
        self._deciding += 1
        try:
            await workflow.wait_condition(lambda: self._ref is not None)
            assert self._ref is not None
            decided = await self._decide(self._ref, request, _decision_id())
        except ActivityError as error:
            # What an activity says for good is said to the person who asked.
            raise ApplicationError(_told(error), type="not_decided") from error
        finally:
            self._deciding -= 1
            self._news = True
        self._last_answer = f"{request.kind} by {request.by}: {decided.message}"
        return decided


def _decision_id() -> str:
    """What recognises a request that is sent again, also in another history of the month.

    A client that got no answer while a new history began sends the same update once more.
    """
    update = workflow.current_update_info()
    assert update is not None
    return str(uuid5(NAMESPACE_OID, f"{workflow.info().workflow_id}/{update.id}"))


def _told(error: ActivityError) -> str:
    cause = error.cause
    return cause.message if isinstance(cause, ApplicationError) else "the decision failed"
