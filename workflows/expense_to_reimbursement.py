"""Expense to reimbursement: an approved report is posted, and followed until the money is there."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

from workflows.asking_again import AskingAgain
from workflows.document_steps import DocumentSteps
from workflows.policies import (
    ASK_AGAIN_MAX,
    ESCALATE_EVERY,
    LOCAL,
    READ,
    RECEIPTS_AGAIN_MAX,
    REIMBURSE_WITHIN,
)
from workflows.reimbursement_details import reimbursement_details

with workflow.unsafe.imports_passed_through():
    from activities import search_attributes as sa
    from activities.reimbursement import ReimbursementActivities as Reimbursement
    from canonical.messages import Attached, DocumentRef, Posted, Reimbursed

# Five minutes so often doubled are more than anybody waits.
_DOUBLINGS_MAX: Final = 10


@workflow.defn
class ExpenseToReimbursement(DocumentSteps):
    """Ends when the employee has the money and the source knows, or when nothing is owed.

    It may live for months. A payment that is taken back after its end starts it anew.
    """

    def __init__(self) -> None:
        self._news = False
        self._escalations = 0
        # How often receipts were missing.
        self._lacking = 0
        self._asking_again = AskingAgain()

    @workflow.run
    async def run(self, ref: DocumentRef) -> Reimbursed:
        """Post the report, then wait for the ERP's payment, and escalate when it is late."""
        while True:
            self._news = False
            prepared = await self._prepare(ref)
            posted = await self._post(ref, prepared)
            await self._announce((*prepared.cases, *prepared.touched_cases, *posted.cases))
            reimbursed = await self._reimbursed(ref)
            attached = await self._attach(ref) if reimbursed.posted else Attached()
            stopped = prepared.stopped + posted.stopped
            # What was taken back may leave nothing that could be waited for: look once more.
            taken_back = posted.posted > 0 and not reimbursed.posted
            if not (self._news or posted.news or taken_back):
                left = posted.again_in_seconds is not None or attached.later
                settled = not stopped and not left
                if settled and (reimbursed.ended or not (reimbursed.posted or prepared.to_post)):
                    # Paid, or there is nothing (any more) to be paid.
                    self._find_by(reimbursed, sa.REIMBURSED if reimbursed.ended else sa.CLOSED)
                    return reimbursed
                self._show(stopped, posted, reimbursed, attached)
                await self._wait(posted, reimbursed, attached)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ref)

    async def _reimbursed(self, ref: DocumentRef) -> Reimbursed:
        reimbursed: Reimbursed = await workflow.execute_local_activity_method(
            Reimbursement.read_reimbursement, ref, **LOCAL
        )
        return reimbursed

    async def _attach(self, ref: DocumentRef) -> Attached:
        attached: Attached = await workflow.execute_activity_method(
            Reimbursement.attach_receipts, ref, **READ
        )
        return attached

    async def _wait(self, posted: Posted, reimbursed: Reimbursed, attached: Attached) -> None:
        """Until there is news; or until the ERP can be asked again, or somebody has to be told."""
        waits = []
        if again := self._asking_again.after(posted):
            waits.append(again)
        if attached.missing:
            waits.append(min(ASK_AGAIN_MAX * 2**self._lacking, RECEIPTS_AGAIN_MAX))
            self._lacking = min(self._lacking + 1, _DOUBLINGS_MAX)
        if late := self._late_in(reimbursed):
            waits.append(late)
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._news,
                timeout=min(waits, default=None),
                timeout_summary="deadline of the reimbursement" if late else "ask the ERP again",
            )
        if self._news:
            self._asking_again.begin_anew()

    def _late_in(self, reimbursed: Reimbursed) -> timedelta | None:
        """How long until the reimbursement is late, or late once more; None if none is owed."""
        if reimbursed.posted_at is None or reimbursed.ended:
            return None
        due = reimbursed.posted_at + REIMBURSE_WITHIN
        over = workflow.now() - due
        self._escalations = 0 if over < timedelta(0) else 1 + over // ESCALATE_EVERY
        return max(due + self._escalations * ESCALATE_EVERY - workflow.now(), timedelta(seconds=1))

    def _show(
        self, stopped: int, posted: Posted, reimbursed: Reimbursed, attached: Attached
    ) -> None:
        """Say in Temporal's UI what this report waits for."""
        self._late_in(reimbursed)
        if stopped:
            state = sa.WAITS_FOR_PERSON
        elif self._escalations:
            state = sa.ESCALATED
        else:
            state = sa.WAITS_FOR_PAYMENT if reimbursed.posted else sa.RUNNING
        self._find_by(reimbursed, state)
        workflow.set_current_details(
            reimbursement_details(
                reimbursed,
                attached,
                stopped=bool(stopped),
                uncertain=bool(posted.uncertain),
                escalations=self._escalations,
            )
        )

    def _find_by(self, reimbursed: Reimbursed, state: str) -> None:
        """Let people find it in Temporal's UI by its number, legal entity, amount and state."""
        now: list[SearchAttributeUpdate[Any]] = [sa.STATE.value_set(state)]
        if reimbursed.report:
            now += [
                sa.SUBJECT.value_set(reimbursed.report),
                sa.LEGAL_ENTITY.value_set(reimbursed.legal_entity),
                sa.AMOUNT_MINOR.value_set(reimbursed.amount_minor),
            ]
        shown = workflow.info().typed_search_attributes
        news = [one for one in now if shown.get(one.key) != one.value]
        if news:
            workflow.upsert_search_attributes(news)

    @workflow.signal(
        description="The source or the ERP has news of this report, or a case let it go."
    )
    def document_changed(self) -> None:
        self._news = True
