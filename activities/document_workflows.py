"""Document workflows: started for a document, or told if they run already."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import (
    SearchAttributePair,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities import search_attributes as sa
from canonical.messages import BILLING, CONTRACT, REPORT, TIMESHEET, DocumentRef

# A dead worker's workflow task is taken over after this, and not after the default of 10 s.
TASK_TIMEOUT: Final = timedelta(seconds=5)
_RACES_MAX: Final = 3
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Route:
    """Where what a source approves goes, and in which region its workflows run."""

    target: str
    region: str

    def task_queue(self, kind: str) -> str:
        """The task queue of this region's workflows for a kind of document."""
        return f"{_PROCESSES[kind].domain}.{self.region}"


@dataclass(frozen=True, slots=True)
class _Process:
    """The workflow of a kind of document, and how people find it."""

    workflow: str
    id_prefix: str
    domain: str
    title: str


_PROCESSES: Final[Mapping[str, _Process]] = {
    TIMESHEET: _Process("TimeToPosting", "time-to-posting", "time", "Timesheet"),
    REPORT: _Process(
        "ExpenseToReimbursement", "expense-to-reimbursement", "expenses", "Expense report"
    ),
    BILLING: _Process("InvoiceReadiness", "invoice-readiness", "billing", "Invoice readiness"),
    CONTRACT: _Process("ContractTrouble", "contract-trouble", "billing", "Contract record"),
}


class DocumentWorkflows:
    """The one place that knows how document workflows are named and found."""

    def __init__(self, client: Client, routes: Mapping[str, Route]) -> None:
        self._client = client
        self._routes = routes

    def route(self, connection: str) -> Route:
        """The route of a source; KeyError if it goes nowhere."""
        return self._routes[connection]

    def leads_from(self, connection: str) -> bool:
        """Whether documents of a connection go anywhere: it may be configured no more."""
        return connection in self._routes

    @staticmethod
    def id_of(ref: DocumentRef) -> str:
        """The id of a document's workflow."""
        return f"{_PROCESSES[ref.kind].id_prefix}/{ref.connection}/{ref.document}"

    async def tell(self, ref: DocumentRef) -> bool:
        """Start the document's workflow, or tell the running one of news; True if started."""
        workflow_id = self.id_of(ref)
        for _ in range(_RACES_MAX):
            try:
                await self._client.start_workflow(
                    _PROCESSES[ref.kind].workflow,
                    ref,
                    id=workflow_id,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    **self._options(ref),
                )
            except WorkflowAlreadyStartedError:
                if await self._signal(workflow_id):
                    return False
            else:
                return True
        raise RuntimeError(f"{workflow_id} neither starts nor listens")

    async def ask(
        self, ref: DocumentRef, update: str, request: object, answer: type[Answer]
    ) -> Answer:
        """Ask the document's workflow; one that has ended is started in the same step.

        So it cannot end between the two. Raises WorkflowUpdateFailedError if it refuses.
        """
        started: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            _PROCESSES[ref.kind].workflow,
            ref,
            id=self.id_of(ref),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            **self._options(ref),
        )
        given: Answer = await self._client.execute_update_with_start_workflow(
            update, request, start_workflow_operation=started, result_type=answer
        )
        return given

    def _options(self, ref: DocumentRef) -> dict[str, Any]:
        """How every workflow of a document is started."""
        route = self._routes[ref.connection]
        return {
            "task_queue": route.task_queue(ref.kind),
            "task_timeout": TASK_TIMEOUT,
            "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            "search_attributes": sa.typed(
                SearchAttributePair(sa.KIND, ref.kind),
                SearchAttributePair(sa.STATE, sa.RUNNING),
                SearchAttributePair(sa.CONNECTION, ref.connection),
                SearchAttributePair(sa.REGION, route.region),
            ),
            "static_summary": (
                f"{_PROCESSES[ref.kind].title} {ref.document} from {ref.connection}"
            ),
        }

    async def _signal(self, workflow_id: str) -> bool:
        try:
            await self._client.get_workflow_handle(workflow_id).signal("document_changed")
        except RPCError as error:
            # It ended in between: start it anew.
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True
