"""Workflows that live long begin a new history before theirs grows too long, and lose nothing."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from temporalio.client import WorkflowHandle
from temporalio.common import SearchAttributePair
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities import search_attributes as sa
from canonical.messages import posting_queue
from runtime.temporal import DATA_CONVERTER
from sandbox.temporal_server import SETTINGS, binary
from tests.e2e.erp_desk import hours
from tests.e2e.local_platform import LocalPlatform, Systems, local_platform
from tests.e2e.running_platform import eventually
from tests.server_fixtures import FreshDatabase
from tests.workflows.test_reports import QUEUE, REPORT, Erp
from workflows.expense_to_reimbursement import ExpenseToReimbursement

CLOSED: Final = "PRJ-1006"
# Instead of thousands.
_EVENTS_SUGGESTED: Final = 40


@pytest.fixture(scope="module")
async def impatient() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server to which short histories are long already."""
    starting = WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER,
        search_attributes=sa.ALL,
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=[
            *SETTINGS,
            "--dynamic-config-value",
            f"limit.historyCount.suggestContinueAsNew={_EVENTS_SUGGESTED}",
        ],
    )
    async with await starting as environment:
        yield environment


@pytest.fixture
async def local(
    impatient: WorkflowEnvironment, fresh_database: FreshDatabase, migrated: str
) -> AsyncIterator[LocalPlatform]:
    """A platform on it."""
    client = impatient.client
    address = client.service_client.config.target_host
    dsn = await fresh_database(migrated)
    async with local_platform(dsn, address, client.namespace, Systems()) as platform:
        await platform.refresh()
        yield platform


async def tell(handle: WorkflowHandle[Any, Any], signal: str) -> None:
    """Give a workflow news until it has begun a new history; it takes each before the next."""
    first = (await handle.describe()).run_id

    async def taken(length: int) -> bool:
        now = await handle.describe()
        return now.run_id != first or now.history_length > length + 3

    for _ in range(_EVENTS_SUGGESTED):
        before = await handle.describe()
        if before.run_id != first:
            return
        await handle.signal(signal)
        await eventually(lambda length=before.history_length: taken(length))
    raise AssertionError("its history only grew")


async def test_a_timesheet_goes_on_in_a_new_history_and_is_posted_once(
    local: LocalPlatform,
) -> None:
    stopped, posted = local.staff.enter(project=CLOSED), local.staff.enter(on=1)
    await local.poll()
    sheet = local.timesheet_workflow(local.staff.timesheet_of(stopped))
    await tell(sheet, "document_changed")
    attributes = (await sheet.describe()).typed_search_attributes
    assert attributes.get(sa.KIND) == "timesheet"
    case = await local.case_of("closed_project")
    await local.visible(case)
    local.erp.reopen(CLOSED)
    assert (await local.resolve(case, kind="retry")).state == "RESOLVED"
    await sheet.result()
    assert local.erp.hours_of(stopped, posted) == hours("2", "2")


async def test_a_case_goes_on_in_a_new_history_and_is_resolved_there(local: LocalPlatform) -> None:
    entry = local.staff.enter(project=CLOSED)
    await local.poll()
    case = await local.case_of("closed_project")
    await local.visible(case)
    workflow = local.case_workflow(case)
    await tell(workflow, "lines_changed")
    attributes = (await workflow.describe()).typed_search_attributes
    assert (attributes.get(sa.CAUSE), attributes.get(sa.LINES)) == ("closed_project", 1)
    local.erp.reopen(CLOSED)
    assert (await local.resolve(case, kind="retry")).state == "RESOLVED"
    assert (await local.closed(case)).state == "RESOLVED"
    assert local.erp.hours_of(entry) == hours("2")


async def test_a_report_goes_on_in_a_new_history_and_is_posted_once_and_ends_when_it_is_paid(
    impatient: WorkflowEnvironment,
) -> None:
    erp, client = Erp(), impatient.client
    beside = [erp.prepare_document, erp.read_reimbursement, erp.attach_receipts]
    documents = posting_queue(REPORT.target, REPORT.kind)
    async with (
        Worker(client, task_queue=QUEUE, workflows=[ExpenseToReimbursement], activities=beside),
        Worker(client, task_queue=documents, activities=[erp.post_document]),
    ):
        report = await client.start_workflow(
            "ExpenseToReimbursement",
            REPORT,
            id="long report",
            task_queue=QUEUE,
            search_attributes=sa.typed(SearchAttributePair(sa.KIND, REPORT.kind)),
        )
        await tell(report, "document_changed")
        attributes = (await report.describe()).typed_search_attributes
        assert attributes.get(sa.KIND) == REPORT.kind
        erp.state = "paid"
        await report.signal("document_changed")
        assert (await report.result())["state"] == "paid"
        assert erp.posted == 1
