"""What a person sees of a case in Temporal, and what happens to what they paste there."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError

from activities import search_attributes as sa
from canonical.messages import ResolutionRequest
from sandbox.temporal_server import TemporalServer
from sandbox.world import our_search_attributes
from store import reports
from tests.e2e.local_platform import LocalPlatform, Systems, local_platform
from tests.e2e.running_platform import eventually

CLOSED = "PRJ-1006"


async def a_case(local: LocalPlatform, **facts: Any) -> reports.Blocked:
    """Stop a line on a closed project."""
    local.staff.enter(**{"project": CLOSED, **facts})
    await local.poll()
    case = await local.case_of("closed_project")
    await local.visible(case)
    return case


async def details(local: LocalPlatform, case: reports.Blocked) -> str:
    """The details of a case as Temporal's UI shows them, once the case was read."""
    shown: list[str] = []

    async def read() -> bool:
        metadata = await local.case_workflow(case).query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        shown.append(metadata.current_details)
        return bool(metadata.current_details)

    await eventually(read)
    return shown[-1]


async def refusal(local: LocalPlatform, case: reports.Blocked, request: Mapping[str, Any]) -> str:
    """What a person is told whose resolution is not taken."""
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await local.ask_to_resolve(case, request)
    return str(failed.value.cause)


async def test_the_details_say_what_is_wrong_how_much_it_is_and_what_to_do(
    local: LocalPlatform,
) -> None:
    case = await a_case(local, hours="1.5")
    shown = await details(local, case)
    assert f"Closed project: {CLOSED}" in shown
    assert f"Project {CLOSED} is closed in the ERP. Reopen it there and retry" in shown
    assert "**Holds up** 1 line, 1.5 hours, 247.50 EUR." in shown
    assert "resolve_exception" in shown
    assert "DE01" in shown
    described = await local.case_workflow(case).describe()
    assert await described.static_summary() == f"DE01: closed project, {CLOSED}"


@pytest.mark.parametrize(
    ("who", "project", "task", "cause"),
    [
        ("Anna Berger", CLOSED, "Analysis", "closed_project"),
        ("Rosa Delgado", "PRJ-1090", "Analysis", "unknown_project"),
        ("Anna Berger", "PRJ-1004", "Analysis", "unknown_task"),
        ("Lukas Novak", "PRJ-1001", "Analysis", "inactive_dimension"),
        ("Chiara Moretti", "PRJ-1001", "Analysis", "leaver"),
    ],
)
async def test_each_input_that_the_details_show_is_one_that_is_taken(
    local: LocalPlatform, who: str, project: str, task: str, cause: str
) -> None:
    local.staff.enter(who, project, task, on=9)
    await local.poll()
    case = await local.case_of(cause)
    await local.visible(case)
    kinds = [
        ResolutionRequest(**one).resolution().kind for one in inputs(await details(local, case))
    ]
    assert kinds == ["retry", "amend", "waive", "reject"]


async def test_a_case_about_a_period_shows_the_period_to_post_to(local: LocalPlatform) -> None:
    late = local.firm.month.before().last_day
    local.staff.enter("Grace Whitfield", "PRJ-1008", on=late)
    await local.poll()
    case = await local.case_of("closed_period")
    await local.visible(case)
    shown = inputs(await details(local, case))
    (to_period,) = [one for one in shown if one["kind"] == "post_to_period"]
    assert to_period["period"] == local.firm.month.name
    await local.resolve(case, **to_period)
    assert len(local.erp.lines) == 1


def inputs(shown: str) -> list[dict[str, Any]]:
    """Every input that is shown ready to paste; each must be JSON of one object."""
    blocks = re.findall(r"^```\w*\n(.*?)\n```$", shown, re.MULTILINE | re.DOTALL)
    parsed: list[dict[str, Any]] = [json.loads(block) for block in blocks]
    return parsed


async def test_a_case_is_found_by_its_search_attributes(local: LocalPlatform) -> None:
    case = await a_case(local)
    query = (
        f"LwKind = 'case' AND LwState = 'OPEN' AND LwCause = 'closed_project' "
        f"AND LwSubject = '{CLOSED}' AND LwLegalEntity = 'DE01' AND LwConnection = 'harvest' "
        f"AND LwOwner = 'finance-operations' AND LwLines = 1 AND LwAmountMinor = 33000 "
        f"AND LwDeadline > '{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}'"
    )

    async def found() -> bool:
        return [one.id async for one in local.client.list_workflows(query)] == [
            local.case_workflow(case).id
        ]

    await eventually(found)
    waiting = "LwKind = 'timesheet' AND LwState = 'WAITS_FOR_PERSON' AND LwRegion = 'main'"

    async def one_waits() -> bool:
        return (await local.client.count_workflows(waiting)).count == 1

    await eventually(one_waits)


async def test_search_attributes_tell_all_lines_however_quickly_they_came(
    local: LocalPlatform,
) -> None:
    for who in ("Anna Berger", "Mateo Fuentes", "Leila Haddad", "Jonas Lindqvist"):
        local.staff.enter(who, CLOSED, hours="1")
    await local.poll()
    case = await local.case_of("closed_project")
    await local.visible(case)

    async def all_() -> bool:
        attributes = (await local.case_workflow(case).describe()).typed_search_attributes
        return (attributes.get(sa.LINES), attributes.get(sa.AMOUNT_MINOR)) == (4, 65000)

    await eventually(all_)


async def test_search_attributes_follow_the_lines_that_a_case_holds_up(
    local: LocalPlatform,
) -> None:
    case = await a_case(local)
    local.staff.enter(project=CLOSED, on=7, hours="4")
    await local.poll()

    async def both() -> bool:
        attributes = (await local.case_workflow(case).describe()).typed_search_attributes
        return (attributes.get(sa.LINES), attributes.get(sa.AMOUNT_MINOR)) == (2, 99000)

    await eventually(both)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"kind": "rety", "by": "ana"}, "'rety' is no resolution; use retry, amend"),
        ({"kind": "waive", "by": "ana"}, "waive needs a reason that an auditor can read"),
        ({"kind": "waive", "by": "ana", "reason": " x "}, "waive needs a reason"),
        ({"kind": "reject", "by": "ana"}, "reject needs a reason"),
        ({"kind": "amend", "by": "ana", "reason": "so"}, "amend takes changes to"),
        (
            {"kind": "amend", "by": "ana", "changes": {"colour": "red"}, "reason": "so"},
            "'colour' is none of them",
        ),
        (
            {"kind": "amend", "by": "ana", "changes": {"project": ""}, "reason": "so"},
            "changes.project: Value error, a code has no control characters",
        ),
        ({"kind": "post_to_period", "by": "ana"}, "post_to_period needs a period, for example"),
        ({"kind": "retry"}, '"by" is missing: say who decides'),
        ({"by": "ana"}, "'' is no resolution; use retry, amend"),
        ({"kind": "retry", "by": ""}, '"by" is missing: say who decides'),
        ({"kind": "retry", "By": "ana"}, '"by" is missing: say who decides'),
        ({"kind": "amend", "by": "ana", "changes": "project"}, "amend takes changes to"),
        (
            {"kind": "amend", "by": "ana", "changes": {"accept": "leaver"}, "reason": "so"},
            "cannot be accepted on a case of closed_project",
        ),
    ],
)
async def test_what_is_not_understood_is_answered_and_changes_nothing(
    local: LocalPlatform, request_: dict[str, Any], answer: str
) -> None:
    case = await a_case(local)
    assert answer in await refusal(local, case, request_)
    assert await local.state_of_case(case.case_id) == "OPEN"
    assert (await local.case_of("closed_project")).lines == 1
    assert await local.rows("SELECT * FROM amendment") == []
    assert local.erp.writes == 0


async def test_the_second_of_two_people_who_resolve_at_once_is_refused(
    local: LocalPlatform,
) -> None:
    case = await a_case(local)
    local.erp.reopen(CLOSED)
    local.systems.simulated_erp.latency_seconds = 0.05
    first = asyncio.create_task(local.ask_to_resolve(case, {"kind": "retry", "by": "ana"}))
    await local.until("SELECT state = 'TRYING' FROM exception_case")
    said = await refusal(local, case, {"kind": "waive", "by": "bea", "reason": "written off"})
    assert "somebody else's resolution is being tried" in said
    assert (await first).state == "RESOLVED"
    await local.settled()
    assert len(local.erp.lines) == 1


async def test_a_case_that_is_resolved_stays_resolved(local: LocalPlatform) -> None:
    case = await a_case(local)
    await local.resolve(case, kind="waive", reason="written off")
    assert (await local.closed(case)).state == "RESOLVED"
    local.erp.reopen(CLOSED)
    await local.refresh()
    await local.backfill()
    assert local.erp.lines == []


async def test_a_deadline_that_passes_escalates_the_case(local: LocalPlatform) -> None:
    case = await a_case(local)
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    await local.platform.database.execute("UPDATE exception_case SET deadline_at = $1", soon)
    await local.case_workflow(case).signal("lines_changed")

    async def escalated() -> bool:
        attributes = (await local.case_workflow(case).describe()).typed_search_attributes
        return attributes.get(sa.STATE) == "ESCALATED"

    await eventually(escalated)
    assert "**Escalated 1 times**" in await details(local, case)
    # More lines do not hide that it is late.
    local.staff.enter(project=CLOSED, on=1)
    await local.poll()

    async def both() -> bool:
        attributes = (await local.case_workflow(case).describe()).typed_search_attributes
        return attributes.get(sa.LINES) == 2

    await eventually(both)
    assert await escalated()


@pytest.fixture
async def with_ui(systems: Systems, dsn: str, tmp_path: Path) -> AsyncIterator[tuple[str, Any]]:
    """A platform on a Temporal with its UI; gives the UI's address too."""
    async with (
        TemporalServer(tmp_path, search_attributes=our_search_attributes()) as server,
        local_platform(dsn, server.address, server.namespace, systems) as local,
    ):
        await local.refresh()
        yield "http://" + urlsplit(server.ui_url).netloc, local


async def test_what_a_person_pastes_into_the_ui_resolves_the_case(
    with_ui: tuple[str, LocalPlatform],
) -> None:
    address, local = with_ui
    case = await a_case(local)
    local.erp.reopen(CLOSED)
    pasted = inputs(await details(local, case))[0]
    answered = await _send_as_the_ui_does(address, local, case, pasted)
    assert answered.status_code == 200, answered.text
    await local.settled()
    assert (await local.closed(case)).state == "RESOLVED"
    assert len(local.erp.lines) == 1


async def test_what_the_ui_sends_wrongly_is_answered_in_words(
    with_ui: tuple[str, LocalPlatform],
) -> None:
    address, local = with_ui
    case = await a_case(local)
    answered = await _send_as_the_ui_does(address, local, case, {"kind": "waive", "by": "ana"})
    assert "waive needs a reason that an auditor can read" in answered.text
    assert await local.state_of_case(case.case_id) == "OPEN"


async def _send_as_the_ui_does(
    address: str, local: LocalPlatform, case: reports.Blocked, pasted: Mapping[str, Any]
) -> httpx.Response:
    """Post the body that Temporal's UI makes of what is typed under "Data"."""
    workflow = quote(local.case_workflow(case).id, safe="")
    data = base64.b64encode(json.dumps(pasted).encode()).decode()
    encoding = base64.b64encode(b"json/plain").decode()
    payloads = [{"metadata": {"encoding": encoding}, "data": data}]
    namespace = local.client.namespace
    async with httpx.AsyncClient(base_url=f"{address}/api/v1") as http:

        async def answers() -> bool:
            return (await http.get("/cluster-info")).status_code == httpx.codes.OK

        # The UI tries again after a while if it was quicker than the server behind it.
        await eventually(answers)
        return await http.post(
            f"/namespaces/{namespace}/workflows/{workflow}/update/resolve_exception",
            json={
                "workflowExecution": {"runId": ""},
                "request": {"meta": {"updateId": ""}, "input": {"args": {"payloads": payloads}}},
            },
            headers={"X-CSRF-TOKEN": http.cookies["_csrf"]},
            timeout=30,
        )
