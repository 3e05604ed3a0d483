"""Plays of time: each brings one workflow through one of its ways, between simulated systems."""

from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import WorkflowUpdateFailedError

from activities import search_attributes as sa
from canonical.messages import MasterDataRef
from connectors.tryton.simulated_faults import Fault
from store import reports
from tests.e2e.local_platform import LocalPlatform
from tests.e2e.running_platform import eventually
from tests.replay.repertoire import Handle, Repertoire

CLOSED: Final = "PRJ-1006"
_POST: Final = "post_document"
_SIGNALED: Final = "WORKFLOW_EXECUTION_SIGNALED"

TIME: Final[Repertoire[LocalPlatform]] = Repertoire()
play = TIME.play


# Time to posting.


@play("TimeToPosting", _POST)
async def posted(local: LocalPlatform) -> Handle:
    """All lines are posted at once."""
    entry = local.staff.enter()
    local.staff.enter(on=1)
    await local.poll()
    return _timesheet(local, entry)


@play("TimeToPosting", "refresh_master_data", _POST)
async def facts_too_old(local: LocalPlatform) -> Handle:
    """Master data is read again before anything is decided."""
    await local.platform.database.execute(
        "UPDATE master_snapshot SET calendar_read_at = calendar_read_at - interval '1 day'"
    )
    entry = local.staff.enter()
    await local.poll()
    return _timesheet(local, entry)


@play("TimeToPosting", "announce_cases", _SIGNALED, _POST)
async def stopped_and_released(local: LocalPlatform) -> Handle:
    """One line is posted, one is stopped; the case that holds it up lets it go."""
    local.staff.enter("Anna Berger", CLOSED)
    entry = local.staff.enter("Leila Haddad", CLOSED)
    local.staff.enter("Leila Haddad", on=1)
    await local.poll()
    local.erp.reopen(CLOSED)
    await local.resolve(await local.case_of("closed_project"), kind="retry")
    return _timesheet(local, entry)


@play("TimeToPosting", _POST, "TIMER_FIRED", _POST)
async def unanswered(local: LocalPlatform) -> Handle:
    """The ERP's answer is lost, and its books are asked."""
    entry = local.staff.enter()
    local.systems.simulated_erp.faults.plan([Fault.LOST_ANSWER])
    await local.poll()
    return _timesheet(local, entry)


@play("TimeToPosting", _POST, _SIGNALED, "TIMER_CANCELED", _POST)
async def unanswered_and_not_done(local: LocalPlatform) -> Handle:
    """The ERP did nothing and did not say so; nothing is sent again before that is certain."""
    entry = local.staff.enter()
    local.systems.simulated_erp.faults.plan([Fault.ERROR_BEFORE])
    await local.read()
    await local.until("SELECT unknown_since IS NOT NULL FROM posting")
    await local.quiet_time_passes(entry)
    await local.settled()
    return _timesheet(local, entry)


@play("TimeToPosting", _POST, _SIGNALED, _POST)
async def news_while_running(local: LocalPlatform) -> Handle:
    """The source changes a line while the ERP thinks about it."""
    entry = local.staff.enter(hours="2")
    local.systems.simulated_erp.faults.seconds = 30
    local.systems.simulated_erp.faults.plan([Fault.HANG])
    await local.read()
    await local.until("SELECT state = 'SENDING' FROM posting")
    local.staff.change(entry, hours="3")
    await local.read()
    await local.release_erp()
    await local.settled()
    return _timesheet(local, entry)


# Exception cases.


@play("ExceptionCase", "begin_resolution", _POST, "release_case")
async def resolved_by_retry(local: LocalPlatform) -> Handle:
    """One line is posted first, then all others are let go."""
    for who in ("Anna Berger", "Leila Haddad"):
        local.staff.enter(who, CLOSED)
    await local.poll()
    case = await local.case_of("closed_project")
    local.erp.reopen(CLOSED)
    await local.resolve(case, kind="retry")
    return local.case_workflow(case)


@play("ExceptionCase", "begin_resolution", "keep_case_open", "waive_case")
async def tried_line_stopped_again(local: LocalPlatform) -> Handle:
    """The line that is tried is stopped for another reason; what is left is waived."""
    local.staff.enter("Chiara Moretti", CLOSED, on=8)
    local.staff.enter("Anna Berger", CLOSED, on=9)
    await local.poll()
    case = await local.case_of("closed_project")
    local.erp.reopen(CLOSED)
    await local.resolve(case, kind="retry")
    await local.resolve(case, kind="waive", reason="written off")
    return local.case_workflow(case)


@play("ExceptionCase", _POST, "TIMER_FIRED", _POST, "release_case")
async def tried_line_unanswered(local: LocalPlatform) -> Handle:
    """The ERP's answer about the line that is tried is lost."""
    case = await _case(local)
    local.erp.reopen(CLOSED)
    local.systems.simulated_erp.faults.plan([Fault.LOST_ANSWER])
    await local.resolve(case, kind="retry")
    return local.case_workflow(case)


@play(
    "ExceptionCase", "ACTIVITY_TASK_FAILED", "WORKFLOW_EXECUTION_UPDATE_COMPLETED", "release_case"
)
async def answered_no(local: LocalPlatform) -> Handle:
    """What somebody asks for cannot be done, and the next answer is another one."""
    case = await _case(local)
    asked = {
        "kind": "amend",
        "by": "ana",
        "changes": {"accept": "leaver"},
        "reason": "a wrong guess",
    }
    try:
        await local.ask_to_resolve(case, asked)
    except WorkflowUpdateFailedError:
        await local.resolve(case, kind="amend", changes={"project": "PRJ-1005"}, reason="moved")
        return local.case_workflow(case)
    raise AssertionError("a closed project was taken for a leaver")


@play("ExceptionCase", "reject_case", _SIGNALED)
async def rejected_and_withdrawn(local: LocalPlatform) -> Handle:
    """The line is sent back, and its approval is withdrawn at the source."""
    case = await _case(local)
    await local.resolve(case, kind="reject", reason="wrong project")
    (row,) = await local.rows("SELECT source_id FROM posting")
    local.staff.withdraw(int(row["source_id"]))
    await local.poll()
    return local.case_workflow(case)


@play("ExceptionCase", "TIMER_FIRED", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", "waive_case")
async def escalated(local: LocalPlatform) -> Handle:
    """The deadline passes, and somebody decides after it."""
    case = await _case(local)
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    await local.platform.database.execute("UPDATE exception_case SET deadline_at = $1", soon)
    await local.case_workflow(case).signal("lines_changed")

    async def late() -> bool:
        attributes = (await local.case_workflow(case).describe()).typed_search_attributes
        return attributes.get(sa.STATE) == sa.ESCALATED

    await eventually(late)
    await local.resolve(case, kind="waive", reason="written off")
    return local.case_workflow(case)


@play("ExceptionCase", "keep_case_open", "waive_case")
async def lost_while_trying(local: LocalPlatform) -> Handle:
    """A run before this one was lost while it tried a line."""
    case = await _case(local)
    await local.platform.database.execute("UPDATE exception_case SET state = 'TRYING'")
    await local.case_workflow(case).signal("lines_changed")
    await local.until("SELECT state = 'OPEN' FROM exception_case")
    await local.resolve(case, kind="waive", reason="written off")
    return local.case_workflow(case)


# What Schedules start.


@play("PollSource")
async def news_found(local: LocalPlatform) -> Handle:
    """A poll finds a timesheet."""
    local.staff.enter()
    await local.poll()
    return _last(local, "PollSource")


@play("RereadSource")
async def line_gone(local: LocalPlatform) -> Handle:
    """Reading the month again finds that a line is gone."""
    entry = local.staff.enter()
    await local.poll()
    local.staff.delete(entry)
    await local.reread()
    return _last(local, "RereadSource")


@play("Backfill")
async def nothing_known_before(local: LocalPlatform) -> Handle:
    """A window is read that nobody read before."""
    local.staff.enter()
    await local.backfill()
    return _last(local, "Backfill")


@play("RefreshMasterData")
async def refreshed(local: LocalPlatform) -> Handle:
    """Masters are read."""
    await local.run("RefreshMasterData", MasterDataRef(connection="harvest", target="tryton"))
    return _last(local, "RefreshMasterData")


@play("AcknowledgePostings")
async def told(local: LocalPlatform) -> Handle:
    """The source hears of a line."""
    local.staff.enter()
    await local.poll()
    await local.acknowledge()
    return _last(local, "AcknowledgePostings")


@play("SweepPostings")
async def all_agree(local: LocalPlatform) -> Handle:
    """Nothing differs."""
    local.staff.enter()
    await local.poll()
    await local.sweep()
    return _last(local, "SweepPostings")


@play("SweepPostings", "announce_cases")
async def people_called(local: LocalPlatform) -> Handle:
    """Somebody changed a line in the ERP."""
    entry = local.staff.enter()
    await local.poll()
    local.erp.edit(entry, hours="1")
    await local.sweep(full=True)
    return _last(local, "SweepPostings")


def _timesheet(local: LocalPlatform, entry: int) -> Handle:
    return local.timesheet_workflow(local.staff.timesheet_of(entry))


def _last(local: LocalPlatform, workflow: str) -> Handle:
    return local.client.get_workflow_handle(f"test/{workflow}/{local.ids[workflow]}")


async def _case(local: LocalPlatform) -> reports.Blocked:
    local.staff.enter(project=CLOSED)
    await local.poll()
    case = await local.case_of("closed_project")
    await local.visible(case)
    return case
