"""Whether all is well at the end: the invariants hold, nothing is stuck, and nobody is named."""

from collections.abc import Collection, Sequence

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from tests.e2e.local_platform import LocalPlatform
from tests.e2e.running_platform import eventually
from tests.invariants.snapshot import read_ledger, report, violations

_RUNNING = {WorkflowExecutionStatus.RUNNING}
_ENDED = {WorkflowExecutionStatus.COMPLETED}
_TASK_FAILED = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
_NEWS_AT_THE_END = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND


async def assert_all_is_well(platform: LocalPlatform) -> None:
    """Hold the platform's end state to the invariants, and compare the ledger with Temporal."""
    await platform.settled()
    await _invariants_hold(platform)
    await _nothing_is_stuck(platform)


async def _invariants_hold(platform: LocalPlatform) -> None:
    erp_lines = platform.erp.as_dumped()
    snapshot = await read_ledger(platform.dsn)
    found = violations(
        snapshot.ledger,
        snapshot.audit,
        platform.staff.as_dumped(),
        erp_lines,
        cases=snapshot.cases,
        excused=platform.erp.spoilt,
    )
    assert found == [], report(found)


async def _nothing_is_stuck(platform: LocalPlatform) -> None:
    """A timesheet's workflow runs if and only if lines of it wait, a case's until it is resolved.

    No workflow task of any of them ever failed, which is how a defect in workflow code looks; and
    no history holds a person's name or note.
    """
    people = platform.firm.employees
    personal = [text.encode() for one in people for text in (one.name, one.email)] + [b"private 9"]
    handles: dict[WorkflowHandle[object, object], Collection[WorkflowExecutionStatus]] = {}
    for row in await platform.rows(
        "SELECT d.document_id, array_agg(p.state) && '{PENDING,SENDING,EXCEPTION,IN_DOUBT}' "
        "  AS waits, 'DUPLICATE' = ANY (array_agg(p.state)) AS disputed "
        "FROM document d LEFT JOIN posting p ON p.connection = d.connection "
        "  AND p.document_id = d.document_id GROUP BY d.document_id"
    ):
        handle = platform.timesheet_workflow(row["document_id"])
        # A second document is found by the sweep, when its timesheet may have ended long ago.
        either = _RUNNING | _ENDED if row["disputed"] else _ENDED
        handles[handle] = _RUNNING if row["waits"] else either
    for row in await platform.rows("SELECT id, state FROM exception_case"):
        handle = platform.client.get_workflow_handle(f"exception-case/{row['id']}")
        handles[handle] = _ENDED if row["state"] == "RESOLVED" else _RUNNING
    for handle, expected in handles.items():
        await assert_stands(handle, expected)
        await assert_history_is_clean(handle, personal)


async def assert_history_is_clean(
    handle: WorkflowHandle[object, object], personal: Sequence[bytes]
) -> None:
    """No workflow task failed, and nothing personal is written there."""
    async for event in handle.fetch_history_events():
        written = event.SerializeToString()
        assert not [word for word in personal if word in written], f"{handle.id} names somebody"
        failed = event.workflow_task_failed_event_attributes
        # A signal that came while the workflow was ending is normal: it goes on instead.
        assert event.event_type != _TASK_FAILED or failed.cause == _NEWS_AT_THE_END, (
            f"{handle.id}: {failed.failure.message}"
        )


async def assert_stands(
    handle: WorkflowHandle[object, object], expected: Collection[WorkflowExecutionStatus]
) -> None:
    """Wait until a workflow has one of these statuses."""
    found: set[object] = set()

    async def as_expected() -> bool:
        found.clear()
        try:
            found.add((await handle.describe()).status)
        except RPCError as error:
            found.add(error.status)
        return found <= set(expected)

    try:
        await eventually(as_expected, seconds_max=10)
    except TimeoutError:
        raise AssertionError(f"{handle.id} is {found}, not {set(expected)}") from None
