"""A billing month lives for months: its history begins anew, and nothing anybody said is lost.

The workflow alone, its activities scripted: what those really do is tested with their systems.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from canonical.billing_messages import Amount, BillingDecision, Decided, ReadinessView
from canonical.messages import BILLING, DocumentRef, Prepared
from tests.e2e.running_platform import SECONDS_MAX, eventually
from tests.workflows.test_long_lives import impatient, tell  # noqa: F401  A fixture.
from workflows.invoice_readiness import InvoiceReadiness

MONTH: Final = DocumentRef(
    connection="contracts", document="ENG-1/2026-10", target="tryton", kind=BILLING
)
QUEUE: Final = "billing.main"
Handle = WorkflowHandle[Any, Any]


class Firm:
    """Billing as its workflow sees it: how the month stands, and what was decided."""

    def __init__(self) -> None:
        self.looked = 0
        self.settled = False
        self.decisions: list[BillingDecision] = []
        # Who looks or decides waits while these are not set.
        self.may_look, self.may_decide = asyncio.Event(), asyncio.Event()
        self.may_look.set()
        self.may_decide.set()

    @activity.defn
    async def assess_readiness(self, ref: DocumentRef) -> ReadinessView:
        """Nothing is ready, and each look has a snapshot of its own."""
        await self.may_look.wait()
        self.looked += 1
        return ReadinessView(
            engagement="ENG-1",
            period="2026-10",
            snapshot=f"look {self.looked}",
            billable=(Amount(amount="100.00", currency="EUR"),),
            settled=self.settled,
        )

    @activity.defn
    async def prepare_document(self, ref: DocumentRef) -> Prepared:
        """There is nothing to be posted."""
        return Prepared()

    @activity.defn
    async def decide_billing(self, decision: BillingDecision) -> Decided:
        """Everything is done that somebody asks for."""
        await self.may_decide.wait()
        self.decisions.append(decision)
        return Decided(done=True, message=f"done for {decision.request.by}")

    @property
    def activities(self) -> Sequence[Any]:
        """All of them."""
        return [self.assess_readiness, self.prepare_document, self.decide_billing]


@pytest.fixture
def firm() -> Firm:
    """A firm that bills."""
    return Firm()


@asynccontextmanager
async def begun(environment: WorkflowEnvironment, firm: Firm, name: str) -> AsyncIterator[Handle]:
    """A month's workflow, on a server to which short histories are long already."""
    client = environment.client
    async with Worker(
        client, task_queue=QUEUE, workflows=[InvoiceReadiness], activities=firm.activities
    ):
        handle = await client.start_workflow(
            "InvoiceReadiness", MONTH, id=name, task_queue=QUEUE, result_type=ReadinessView
        )
        yield handle
        firm.settled = True
        await handle.signal("document_changed")
        async with asyncio.timeout(SECONDS_MAX):
            await handle.result()


async def shown(handle: Handle) -> ReadinessView | None:
    view: ReadinessView | None = await handle.query("readiness", result_type=ReadinessView)
    return view


async def details(handle: Handle) -> str:
    """What Temporal's UI shows."""
    metadata: WorkflowMetadata = await handle.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return metadata.current_details


async def say(handle: Handle, by: str) -> Decided:
    """Decide something, as a person does who waits for the answer."""
    decided: Decided = await handle.execute_update(
        "decide", {"kind": "include", "by": by}, result_type=Decided
    )
    return decided


async def test_in_a_new_history_it_shows_what_it_showed_before_it_has_looked_again(
    impatient: WorkflowEnvironment,  # noqa: F811
    firm: Firm,
) -> None:
    async with begun(impatient, firm, "long month") as month:
        await say(month, "ana")

        async def looked_again() -> bool:
            view = await shown(month)
            return view is not None and view.snapshot != "look 1"

        await eventually(looked_again)
        first = (await month.describe()).run_id
        await tell(month, "document_changed")
        firm.may_look.clear()
        await month.signal("document_changed")
        assert (await month.describe()).run_id != first
        view = await shown(month)
        assert view is not None
        assert view.snapshot == f"look {firm.looked}"
        firm.may_look.set()
        await eventually(lambda: _says(month, "Last decision: include by ana: done for ana"))


async def _says(month: Handle, words: str) -> bool:
    return words in await details(month)


async def test_what_is_being_decided_is_answered_before_a_new_history_begins(
    impatient: WorkflowEnvironment,  # noqa: F811
    firm: Firm,
) -> None:
    async with begun(impatient, firm, "month being decided") as month:
        firm.may_decide.clear()
        answer = asyncio.create_task(say(month, "ana"))
        first = (await month.describe()).run_id
        for _ in range(60):
            await month.signal("document_changed")

        async def is_long() -> bool:
            return (await month.describe()).history_length > 60

        await eventually(is_long)
        assert (await month.describe()).run_id == first
        firm.may_decide.set()
        assert (await answer).message == "done for ana"
        await tell(month, "document_changed")
        assert [one.request.by for one in firm.decisions] == ["ana"]


async def test_whoever_decides_while_it_begins_a_new_history_is_answered_and_heard_once(
    impatient: WorkflowEnvironment,  # noqa: F811
    firm: Firm,
) -> None:
    people = [f"person {number:02}" for number in range(60)]
    async with begun(impatient, firm, "busy month") as month:
        first = (await month.describe()).run_id
        answers = await asyncio.gather(*(say(month, by) for by in people))
        assert [one.message for one in answers] == [f"done for {by}" for by in people]
        assert (await month.describe()).run_id != first
        # A client that got no answer asks again, and the ledger recognises the decision by its id.
        decided = {(one.id, one.request.by) for one in firm.decisions}
        assert sorted(by for _, by in decided) == people
        assert len({name for name, _ in decided}) == len(people)
