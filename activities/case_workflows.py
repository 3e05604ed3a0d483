"""Case workflows: one per root cause, started by the first line that needs it."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from temporalio.client import Client
from temporalio.common import SearchAttributePair, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities import search_attributes as sa
from canonical.messages import CaseRef, CaseView

CASE_QUEUE: Final = "cases"
_TASK_TIMEOUT: Final = timedelta(seconds=5)


def case_workflow_id(case_id: UUID) -> str:
    """The workflow of a case; opaque, because ids leak where payloads do not."""
    return f"exception-case/{case_id}"


class CaseWorkflows:
    """Starts and tells the workflows of exception cases."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell(self, case: CaseView) -> None:
        """Start the case's workflow if it does not run, and have it look at its lines again."""
        pairs: list[SearchAttributePair[Any]] = [
            SearchAttributePair(sa.KIND, "case"),
            SearchAttributePair(sa.STATE, case.state),
            SearchAttributePair(sa.CAUSE, case.cause),
            SearchAttributePair(sa.SUBJECT, case.subject),
            SearchAttributePair(sa.LEGAL_ENTITY, case.legal_entity),
            SearchAttributePair(sa.CONNECTION, case.connection),
            SearchAttributePair(sa.OWNER, case.owner),
            SearchAttributePair(sa.LINES, case.lines),
            SearchAttributePair(sa.AMOUNT_MINOR, case.amount_minor),
            SearchAttributePair(sa.DEADLINE, case.deadline_at),
        ]
        if case.period:
            pairs.append(SearchAttributePair(sa.PERIOD, case.period))
        await self._client.start_workflow(
            "ExceptionCase",
            CaseRef(case_id=case.case_id),
            id=case_workflow_id(case.case_id),
            task_queue=CASE_QUEUE,
            task_timeout=_TASK_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="lines_changed",
            search_attributes=sa.typed(*pairs),
            static_summary=f"{case.legal_entity}: {case.cause.replace('_', ' ')}, {case.subject}",
        )

    async def tell_if_running(self, case_id: UUID) -> None:
        """Have the case's workflow look again, if there is one: to end it, none is started."""
        try:
            await self._client.get_workflow_handle(case_workflow_id(case_id)).signal(
                "lines_changed"
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
