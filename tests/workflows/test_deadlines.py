"""Cases have a deadline by policy: what happens at it, and for as long as nobody decides."""

from typing import Any

from temporalio.api.sdk.v1 import WorkflowMetadata

from activities import search_attributes as sa
from rules.policies import Policies
from store import reports
from tests.e2e.erp_desk import hours
from tests.e2e.running_platform import eventually
from tests.workflows.conftest import Ahead, Opened

CLOSED = "PRJ-1006"


async def a_case(ahead: Ahead, cause: str = "closed_project", **facts: Any) -> reports.Blocked:
    """Stop a line, and give its case once it can be seen."""
    ahead.local.staff.enter(**{"project": CLOSED, **facts})
    await ahead.local.poll()
    case = await ahead.local.case_of(cause)
    await ahead.local.visible(case)
    return case


async def state(ahead: Ahead, case: reports.Blocked) -> str | None:
    """The state of a case as it is found in Temporal."""
    described = await ahead.local.case_workflow(case).describe()
    return described.typed_search_attributes.get(sa.STATE)


async def details(ahead: Ahead, case: reports.Blocked) -> str:
    """Its details as Temporal's UI shows them."""
    metadata = await ahead.local.case_workflow(case).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return metadata.current_details


async def test_a_case_escalates_at_its_deadline_and_once_more_every_24_hours(
    ahead: Ahead,
) -> None:
    case = await a_case(ahead)
    await ahead.pass_(hours=47)
    assert await state(ahead, case) == "OPEN"
    assert "Escalated" not in await details(ahead, case)
    await ahead.pass_(hours=2)
    assert await state(ahead, case) == "ESCALATED"
    assert "**Escalated 1 times**" in await details(ahead, case)
    await ahead.pass_(hours=22)
    assert "**Escalated 1 times**" in await details(ahead, case)
    for times in (2, 3, 4):
        await ahead.pass_(hours=24)
        assert f"**Escalated {times} times**" in await details(ahead, case)


async def test_a_case_that_waits_wakes_up_at_its_deadlines_only(ahead: Ahead) -> None:
    case = await a_case(ahead)
    await ahead.pass_(days=30, hours=1)
    timers = await ahead.timers_of(ahead.local.case_workflow(case))
    # The deadline after two days (twice, if the line's news came after the first look), and every
    # day from then on.
    deadline = [seconds for seconds in timers if seconds > 24 * 3600]
    assert 1 <= len(deadline) <= 2
    assert len(timers) - len(deadline) == 29


async def test_each_legal_entity_has_its_own_time_to_decide(opened: Opened) -> None:
    policies = Policies.model_validate({"legal_entities": {"DE01": {"hours_to_decide": 8}}})
    async with opened(policies=policies) as ahead:
        german = await a_case(ahead)
        american = await a_case(ahead, "unknown_project", who="Rosa Delgado", project="PRJ-1090")
        await ahead.pass_(hours=7)
        assert [await state(ahead, one) for one in (german, american)] == ["OPEN", "OPEN"]
        await ahead.pass_(hours=2)
        assert [await state(ahead, one) for one in (german, american)] == ["ESCALATED", "OPEN"]
        await ahead.pass_(hours=40)
        assert await state(ahead, american) == "ESCALATED"


async def test_a_line_that_joins_late_does_not_move_the_deadline(ahead: Ahead) -> None:
    case = await a_case(ahead)
    await ahead.pass_(hours=47)
    await a_case(ahead, on=1)
    await ahead.pass_(hours=2)
    assert await state(ahead, case) == "ESCALATED"


async def test_a_case_that_escalated_is_resolved_like_any_other(ahead: Ahead) -> None:
    case = await a_case(ahead)
    await ahead.pass_(days=3)
    ahead.local.erp.reopen(CLOSED)
    outcome = await ahead.local.resolve(case, kind="retry")
    assert outcome.state == "RESOLVED"
    assert [line["duration"] for line in ahead.local.erp.lines] == [2 * 3600]
    assert (await ahead.local.closed(case)).state == "RESOLVED"
    assert await state(ahead, case) == "RESOLVED"


async def test_a_try_that_fails_leaves_an_escalated_case_escalated(ahead: Ahead) -> None:
    case = await a_case(ahead)
    await ahead.pass_(hours=49)
    outcome = await ahead.local.resolve(case, kind="retry")
    assert outcome.state == "OPEN"
    await ahead.pass_(hours=1)
    assert await state(ahead, case) == "ESCALATED"


async def test_what_was_sent_back_waits_for_the_source_and_does_not_escalate(
    ahead: Ahead,
) -> None:
    case = await a_case(ahead)
    await ahead.local.resolve(case, kind="reject", reason="wrong project")
    await ahead.pass_(days=5)
    assert await state(ahead, case) == "WAITING_FOR_SOURCE"


async def test_a_timesheet_waits_weeks_for_a_person_without_a_single_step(ahead: Ahead) -> None:
    entry = ahead.local.staff.enter(project=CLOSED)
    await ahead.local.poll()
    sheet = ahead.local.timesheet_workflow(ahead.local.staff.timesheet_of(entry))
    case = await ahead.local.case_of("closed_project")
    await ahead.local.visible(case)

    async def waits() -> bool:
        attributes = (await sheet.describe()).typed_search_attributes
        return attributes.get(sa.STATE) == sa.WAITS_FOR_PERSON

    await eventually(waits)
    before = [event.event_id async for event in sheet.fetch_history_events()]
    await ahead.pass_(days=60)
    assert [event.event_id async for event in sheet.fetch_history_events()] == before
    ahead.local.erp.reopen(CLOSED)
    await ahead.local.resolve(case, kind="retry")
    assert ahead.local.erp.hours_of(entry) == hours("2")
