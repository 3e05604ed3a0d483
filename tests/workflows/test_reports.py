"""Expense reports and time: an ERP that is not there, and money that does not come.

The workflow alone, its activities scripted: what those really do is tested with their systems.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from temporalio import activity
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities import search_attributes as sa
from canonical.messages import Attached, DocumentRef, Posted, Prepared, Reimbursed, posting_queue
from runtime.temporal import DATA_CONVERTER
from sandbox.world import our_search_attributes
from tests.e2e.running_platform import eventually
from tests.workflows.conftest import TEST_SERVER, Ahead
from workflows.expense_to_reimbursement import ExpenseToReimbursement
from workflows.policies import ASK_AGAIN_MAX, REIMBURSE_WITHIN

REPORT: Final = DocumentRef(
    connection="concur", document="R-1", target="sap", kind="expense_report"
)
QUEUE: Final = "expenses.main"


class Erp:
    """An ERP that can be away, and pays when it is told to."""

    def __init__(self) -> None:
        self.there = True
        # The report was posted before, and what is to be posted takes it back.
        self.takes_back = False
        self.state = "none"
        self.attached = Attached()
        self.looked_for_receipts = 0
        self.posted_at: datetime | None = None
        self.asked = 0
        self.posted = 0

    @activity.defn
    async def prepare_document(self, ref: DocumentRef) -> Prepared:
        """There is something to post until it is posted."""
        return Prepared(to_post=0 if self.posted_at else 1)

    @activity.defn
    async def post_document(self, ref: DocumentRef) -> Posted:
        """Post it, if anybody is there."""
        self.asked += 1
        if not self.there:
            return Posted(again_in_seconds=2)
        self.posted += 1
        # By Temporal's clock, which skips.
        self.posted_at = activity.info().current_attempt_scheduled_time
        return Posted(posted=1)

    @activity.defn
    async def read_reimbursement(self, ref: DocumentRef) -> Reimbursed:
        """Say how far the payment is."""
        return Reimbursed(
            posted=self.posted_at is not None and not self.takes_back,
            state=self.state,
            posted_at=self.posted_at,
        )

    @activity.defn
    async def attach_receipts(self, ref: DocumentRef) -> Attached:
        """There are none, unless a test says otherwise."""
        self.looked_for_receipts += 1
        return self.attached


class Report:
    """A report's workflow, and the clock that it lives by."""

    def __init__(self, environment: WorkflowEnvironment, handle: WorkflowHandle[Any, Any]) -> None:
        self._environment = environment
        self.handle = handle

    async def pass_(self, **span: float) -> None:
        """Let time pass at once, with everything that falls due in it."""
        await self._environment.sleep(timedelta(**span))

    async def state(self) -> str | None:
        """The state as it is found in Temporal."""
        return (await self.handle.describe()).typed_search_attributes.get(sa.STATE)

    async def is_(self, state: str) -> None:
        """Wait until it is in a state."""

        async def there() -> bool:
            return await self.state() == state

        await eventually(there)

    async def details(self) -> str:
        """The details as Temporal's UI shows them."""
        metadata = await self.handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        return metadata.current_details


@pytest.fixture
def erp() -> Erp:
    """An ERP that is there."""
    return Erp()


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal whose clock skips."""
    starting = WorkflowEnvironment.start_time_skipping(
        data_converter=DATA_CONVERTER, test_server_existing_path=str(TEST_SERVER)
    )
    async with await starting as one:
        await one.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=one.client.namespace, search_attributes=our_search_attributes()
            )
        )
        yield one


@pytest.fixture
async def report(environment: WorkflowEnvironment, erp: Erp) -> AsyncIterator[Report]:
    """An approved report whose workflow begins when time passes or the ERP is asked."""
    client = environment.client
    beside = [erp.prepare_document, erp.read_reimbursement, erp.attach_receipts]
    posting = posting_queue(REPORT.target, REPORT.kind)
    async with (
        Worker(client, task_queue=QUEUE, workflows=[ExpenseToReimbursement], activities=beside),
        Worker(client, task_queue=posting, activities=[erp.post_document]),
    ):
        erp.there = False
        handle = await client.start_workflow(
            "ExpenseToReimbursement", REPORT, id="report", task_queue=QUEUE
        )
        yield Report(environment, handle)


async def test_an_outage_of_hours_costs_a_handful_of_tries_and_the_report_is_posted_once(
    report: Report, erp: Erp
) -> None:
    await report.pass_(hours=3)
    timers = await Ahead.timers_of(report.handle)
    limit = ASK_AGAIN_MAX.total_seconds()
    growing = [2, 2, 4, 8, 16, 32, 64, 128, 256]
    assert timers == growing + [limit] * (len(timers) - len(growing))
    assert erp.asked <= len(growing) + 3 * 60 / 5 + 1
    erp.there = True
    await report.pass_(minutes=6)
    await report.is_(sa.WAITS_FOR_PAYMENT)
    assert erp.posted == 1


async def test_news_in_an_outage_is_looked_at_at_once(report: Report, erp: Erp) -> None:
    await report.pass_(hours=1)
    erp.there = True
    await report.handle.signal("document_changed")
    await report.is_(sa.WAITS_FOR_PAYMENT)
    assert erp.posted == 1


async def test_money_that_does_not_come_in_time_escalates_the_report_and_once_more_every_day(
    report: Report, erp: Erp
) -> None:
    erp.there = True
    await report.pass_(minutes=1)
    await report.is_(sa.WAITS_FOR_PAYMENT)
    await report.pass_(days=REIMBURSE_WITHIN.days, hours=-1)
    assert await report.state() == sa.WAITS_FOR_PAYMENT
    await report.pass_(hours=2)
    assert await report.state() == sa.ESCALATED
    once = await report.details()
    await report.pass_(days=1)
    twice = await report.details()
    assert once != twice
    assert twice == once.replace("1 times", "2 times")
    # Waiting costs a look at each deadline, and none at the ERP.
    assert erp.asked <= 2
    assert len(await Ahead.timers_of(report.handle)) <= 5


async def test_a_report_ends_when_the_money_has_come_however_late(report: Report, erp: Erp) -> None:
    erp.there = True
    await report.pass_(days=20)
    assert await report.state() == sa.ESCALATED
    erp.state = "paid"
    await report.handle.signal("document_changed")
    assert (await report.handle.result())["state"] == "paid"
    assert (await report.handle.describe()).status == WorkflowExecutionStatus.COMPLETED


async def test_a_report_ends_when_it_was_taken_back_and_nothing_is_owed_any_more(
    report: Report, erp: Erp
) -> None:
    erp.takes_back = True
    await report.pass_(minutes=1)
    erp.there = True
    await report.handle.signal("document_changed")
    assert (await report.handle.result())["posted"] is False
    assert erp.posted == 1


async def test_a_receipt_that_nobody_has_is_asked_for_less_and_less_often(
    report: Report, erp: Erp
) -> None:
    erp.there, erp.attached = True, Attached(receipts=1, missing=1)
    await report.pass_(days=5)
    assert 10 < erp.looked_for_receipts < 35
    erp.state = "paid"
    await report.handle.signal("document_changed")
    assert (await report.handle.result())["state"] == "paid"


async def test_a_paid_report_waits_for_receipts_that_could_not_be_had_yet(
    report: Report, erp: Erp
) -> None:
    erp.there, erp.attached, erp.state = True, Attached(missing=1, later=True), "paid"
    await report.pass_(hours=1)
    assert (await report.handle.describe()).status == WorkflowExecutionStatus.RUNNING
    erp.attached = Attached(receipts=1)
    await report.pass_(hours=7)
    assert (await report.handle.result())["state"] == "paid"
