"""Exception cases: one per root cause, with everything that it holds up, resolved by people."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from rules.policies import Policies
from tests.e2e.conftest import Opened
from tests.e2e.erp_desk import hours
from tests.e2e.final_check import assert_all_is_well
from tests.e2e.local_platform import LocalPlatform, Systems

# Each is stopped for another reason.
CLOSED, UNKNOWN = "PRJ-1006", "PRJ-1090"


async def test_a_root_cause_has_one_case_for_all_timesheets_that_it_holds_up(
    local: LocalPlatform,
) -> None:
    stopped = [
        local.staff.enter("Anna Berger", CLOSED, hours="2"),
        local.staff.enter("Anna Berger", CLOSED, on=6, hours="1.5"),
        local.staff.enter("Leila Haddad", CLOSED, hours="0.75"),
    ]
    posted = local.staff.enter("Leila Haddad", on=1)
    await local.poll()
    assert local.erp.hours_of(*stopped, posted) == hours("2")
    (case,) = await local.cases()
    assert (case.cause, case.subject, case.legal_entity) == ("closed_project", CLOSED, "DE01")
    assert (case.lines, case.seconds) == (3, int(4.25 * 3600))
    # 3.5 hours at 165 and 0.75 at 210.
    assert (case.amount, case.currency) == (Decimal("735.00"), "EUR")


async def test_a_retry_posts_one_line_first_and_then_releases_all_others(
    local: LocalPlatform,
) -> None:
    entries = [
        local.staff.enter(who, CLOSED, on=day)
        for who in ("Anna Berger", "Leila Haddad")
        for day in range(3)
    ]
    await local.poll()
    case = await local.case_of("closed_project")
    local.erp.reopen(CLOSED)
    lines_at_write: list[int] = []
    local.systems.wire.before_write = lambda _: lines_at_write.append(len(local.erp.lines))
    outcome = await local.resolve(case, kind="retry")
    assert (outcome.state, outcome.released) == ("RESOLVED", 5)
    assert outcome.message == "The first line is posted; 5 more were released."
    assert local.erp.hours_of(*entries) == hours("2") * 6
    # The second write came when exactly one line was there.
    assert lines_at_write[:2] == [0, 1]
    ended = await local.closed(case)
    assert (ended.state, ended.lines) == ("RESOLVED", 0)


async def test_a_first_line_that_is_stopped_again_releases_nothing_and_says_so(
    local: LocalPlatform,
) -> None:
    entries = [local.staff.enter("Anna Berger", CLOSED, on=day) for day in range(3)]
    await local.poll()
    outcome = await local.resolve(await local.case_of("closed_project"), kind="retry")
    assert (outcome.state, outcome.released) == ("OPEN", 0)
    assert outcome.message.startswith("Nothing was released: the first line was stopped again.")
    assert f"Project {CLOSED} is closed in the ERP." in outcome.message
    assert local.erp.hours_of(*entries) == []
    assert local.erp.writes == 0
    case = await local.case_of("closed_project")
    assert (case.state, case.lines) == ("OPEN", 3)


async def test_a_line_that_meets_another_cause_when_tried_becomes_that_cause_s_case(
    local: LocalPlatform,
) -> None:
    leaver = local.staff.enter("Chiara Moretti", CLOSED, on=8)
    other = local.staff.enter("Anna Berger", CLOSED, on=9)
    await local.poll()
    local.erp.reopen(CLOSED)
    outcome = await local.resolve(await local.case_of("closed_project"), kind="retry")
    assert outcome.state == "OPEN"
    assert "Employee DE01-EMP-007 left on" in outcome.message
    assert {case.cause: case.lines for case in await local.cases()} == {
        "closed_project": 1,
        "leaver": 1,
    }
    await local.visible(await local.case_of("leaver"))
    outcome = await local.resolve(await local.case_of("closed_project"), kind="retry")
    assert outcome.state == "RESOLVED"
    assert local.erp.hours_of(leaver, other) == hours("2")


@dataclass(frozen=True)
class Amendment:
    """Work that cannot be posted as it is, why, and where a person sends it."""

    who: str
    project: str
    task: str
    cause: str
    changes: dict[str, str]
    place: str


@pytest.mark.parametrize(
    "amended",
    [
        Amendment(
            *("Rosa Delgado", UNKNOWN, "Analysis", "unknown_project"),
            *({"project": "PRJ-1010"}, "PRJ-1010-1"),
        ),
        Amendment(
            *("Rosa Delgado", UNKNOWN, "Implementation", "unknown_project"),
            *({"project": "PRJ-1008", "task": "PRJ-1008-3"}, "PRJ-1008-3"),
        ),
        Amendment(
            *("Anna Berger", "PRJ-1004", "Analysis", "unknown_task"),
            *({"task": "PRJ-1004-2"}, "PRJ-1004-2"),
        ),
        Amendment(
            *("Lukas Novak", "PRJ-1001", "Analysis", "inactive_dimension"),
            *({"cost_centre": "CC-100"}, "PRJ-1001-1"),
        ),
        Amendment(
            *("Chiara Moretti", "PRJ-1001", "Analysis", "leaver"),
            *({"employee": "DE01-EMP-001"}, "PRJ-1001-1"),
        ),
    ],
    ids=lambda amended: "+".join(amended.changes),
)
async def test_amended_lines_go_to_the_new_place_and_the_source_stays_as_it_is(
    local: LocalPlatform, amended: Amendment
) -> None:
    entries = [
        local.staff.enter(amended.who, amended.project, amended.task, on=day) for day in (8, 9)
    ]
    before = local.account.state()
    await local.poll()
    outcome = await local.resolve(
        await local.case_of(amended.cause),
        kind="amend",
        changes=amended.changes,
        reason="agreed with the project manager",
    )
    assert outcome.state == "RESOLVED"
    assert [local.erp.place_of(entry)[0] for entry in entries] == [amended.place] * 2
    assert local.account.state() == before
    made = await local.rows("SELECT DISTINCT made_by, field, value FROM amendment")
    assert {row["made_by"] for row in made} == {"ana"}
    assert {row["field"]: row["value"] for row in made} == amended.changes


async def test_an_amended_employee_and_cost_centre_are_what_is_booked(local: LocalPlatform) -> None:
    leaver = local.staff.enter("Chiara Moretti", on=9)
    centre = local.staff.enter("Lukas Novak", on=9)
    await local.poll()
    amend = {"kind": "amend", "reason": "agreed"}
    await local.resolve(
        await local.case_of("leaver"), changes={"employee": "DE01-EMP-001"}, **amend
    )
    await local.resolve(
        await local.case_of("inactive_dimension"), changes={"cost_centre": "CC-300"}, **amend
    )
    assert [local.erp.employee_of(entry) for entry in (leaver, centre)] == [
        "DE01-EMP-001",
        "DE01-EMP-010",
    ]
    (row,) = await local.rows("SELECT intent FROM posting WHERE source_id = $1", str(centre))
    assert json.loads(row["intent"])["dimensions"] == [{"name": "cost_centre", "value": "CC-300"}]


async def test_an_amendment_to_something_unknown_releases_nothing_and_says_what_is_unknown(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter("Anna Berger", CLOSED)
    await local.poll()
    outcome = await local.resolve(
        await local.case_of("closed_project"),
        kind="amend",
        changes={"project": "PRJ-9999"},
        reason="typo",
    )
    assert outcome.state == "OPEN"
    assert "The ERP has no project PRJ-9999." in outcome.message
    assert local.erp.hours_of(entry) == []
    # The line now waits for what was typed; another amendment puts it right.
    outcome = await local.resolve(
        await local.case_of("unknown_project"),
        kind="amend",
        changes={"project": "PRJ-1005"},
        reason="typed right this time",
    )
    assert outcome.state == "RESOLVED"
    assert local.erp.place_of(entry)[0] == "PRJ-1005-1"


async def test_equal_lines_are_posted_once_a_person_vouches_for_them(local: LocalPlatform) -> None:
    first = local.staff.enter(notes="private 9")
    local.staff.enter(notes="private 9")
    await local.poll()
    assert len(local.erp.lines) == 1
    case = await local.case_of("duplicate_in_source")
    accept = {"accept": "duplicate_in_source"}
    outcome = await local.resolve(case, kind="amend", changes=accept, reason="two calls that day")
    assert outcome.state == "RESOLVED"
    assert len(local.erp.lines) == 2
    assert await local.states_of(first) == ["time POSTED"]


async def test_a_day_of_more_than_24_hours_is_posted_once_a_person_vouches_for_it(
    local: LocalPlatform,
) -> None:
    entries = [local.staff.enter(hours="13"), local.staff.enter(hours="12")]
    await local.poll()
    case = await local.case_of("over_24_hours")
    assert case.lines == 2
    accept = {"accept": "over_24_hours"}
    outcome = await local.resolve(case, kind="amend", changes=accept, reason="night migration")
    assert outcome.state == "RESOLVED"
    assert local.erp.hours_of(*entries) == hours("13", "12")


async def test_work_of_a_held_period_is_posted_to_the_period_that_a_person_chooses(
    local: LocalPlatform,
) -> None:
    late = local.firm.month.before().last_day
    entry = local.staff.enter("Grace Whitfield", "PRJ-1008", on=late)
    await local.poll()
    assert local.erp.hours_of(entry) == []
    case = await local.case_of("closed_period")
    assert case.subject == local.firm.month.before().name
    refused = await local.resolve(
        case, kind="post_to_period", period=local.firm.month.before().name
    )
    assert refused.state == "OPEN"
    assert "is not open either" in refused.message
    chosen = local.firm.month.name
    outcome = await local.resolve(case, kind="post_to_period", period=chosen)
    assert outcome.state == "RESOLVED"
    # A time line keeps the date of the work; the period is what the ledger counts it in.
    assert local.erp.place_of(entry)[1] == late
    (row,) = await local.rows("SELECT period, posting_date, original_date FROM posting")
    assert tuple(row) == (chosen, local.firm.month.first_day, late)


async def test_a_held_period_that_is_reopened_needs_a_retry_only(local: LocalPlatform) -> None:
    before = local.firm.month.before()
    entry = local.staff.enter("Grace Whitfield", "PRJ-1008", on=before.last_day)
    await local.poll()
    local.erp.set_period("US01", before.name, "open")
    outcome = await local.resolve(await local.case_of("closed_period"), kind="retry")
    assert outcome.state == "RESOLVED"
    assert local.erp.hours_of(entry) == hours("2")
    (row,) = await local.rows("SELECT period FROM posting")
    assert row["period"] == before.name


async def test_what_is_waived_is_never_posted(local: LocalPlatform) -> None:
    waived, posted = local.staff.enter(project=CLOSED), local.staff.enter(on=1)
    await local.poll()
    case = await local.case_of("closed_project")
    outcome = await local.resolve(case, kind="waive", reason="written off by the partner")
    assert outcome.state == "RESOLVED"
    assert outcome.message == "1 lines will never be posted."
    local.erp.reopen(CLOSED)
    await local.refresh()
    await local.backfill()
    assert local.erp.hours_of(waived, posted) == hours("2")
    assert await local.states_of(waived) == ["time WAIVED"]
    assert await local.cases() == []


async def test_a_rejected_case_waits_for_the_source_and_closes_when_it_withdraws(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter(project=CLOSED)
    await local.poll()
    case = await local.case_of("closed_project")
    outcome = await local.resolve(case, kind="reject", reason="wrong project")
    assert outcome.state == "WAITING_FOR_SOURCE"
    assert "ask the approver to withdraw the approval of 1 lines" in outcome.message
    await local.poll()
    assert await local.state_of_case(case.case_id) == "WAITING_FOR_SOURCE"
    local.staff.withdraw(entry)
    await local.poll()
    ended = await local.closed(case)
    assert ended.state == "RESOLVED"
    assert await local.states_of(entry) == ["time CANCELLED"]
    assert local.erp.writes == 0


async def test_a_rejected_case_can_still_be_retried(local: LocalPlatform) -> None:
    entry = local.staff.enter(project=CLOSED)
    await local.poll()
    case = await local.case_of("closed_project")
    await local.resolve(case, kind="reject", reason="wrong project")
    local.erp.reopen(CLOSED)
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "RESOLVED"
    assert local.erp.hours_of(entry) == hours("2")


async def test_lines_that_are_corrected_at_the_source_leave_the_case(local: LocalPlatform) -> None:
    entries = [local.staff.enter(project=CLOSED, on=day) for day in range(2)]
    await local.poll()
    case = await local.case_of("closed_project")
    local.staff.change(entries[0], project="PRJ-1001")
    await local.poll()
    assert local.erp.hours_of(*entries) == hours("2")
    assert (await local.case_of("closed_project")).lines == 1
    local.staff.change(entries[1], project="PRJ-1002")
    await local.poll()
    assert (await local.closed(case)).state == "RESOLVED"
    assert local.erp.hours_of(*entries) == hours("2", "2")


async def test_a_cause_that_comes_back_gets_a_new_case(local: LocalPlatform) -> None:
    local.staff.enter(project=CLOSED)
    await local.poll()
    first = await local.case_of("closed_project")
    await local.resolve(first, kind="waive", reason="written off")
    local.staff.enter(project=CLOSED, on=1)
    await local.poll()
    second = await local.case_of("closed_project")
    assert second.case_id != first.case_id
    assert second.lines == 1


async def test_only_those_who_may_resolve_a_legal_entity_s_cases_do(
    opened: Opened, systems: Systems
) -> None:
    policies = Policies.model_validate(
        {"legal_entities": {"DE01": {"resolvers": ["bea", "carl"], "waivers": ["carl"]}}}
    )
    entry = systems.staff.enter(project=CLOSED)
    async with opened(policies=policies) as local:
        await local.poll()
        case = await local.case_of("closed_project")
        systems.erp.reopen(CLOSED)
        for request, words in [
            ({"kind": "retry", "by": "ana"}, "ana may not retry cases of DE01; these may: bea"),
            ({"kind": "reject", "by": "ana", "reason": "nope"}, "ana may not reject"),
            ({"kind": "waive", "by": "bea", "reason": "nope"}, "bea may not waive"),
        ]:
            assert words in await _refusal(local, case, request)
        assert await local.states_of(entry) == ["time EXCEPTION"]
        assert await local.state_of_case(case.case_id) == "OPEN"
        assert systems.erp.writes == 0
        outcome = await local.resolve(case, kind="retry", by="bea")
        assert outcome.state == "RESOLVED"
        await assert_all_is_well(local)


async def _refusal(local: LocalPlatform, case: Any, request: dict[str, Any]) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await local.ask_to_resolve(case, request)
    return str(failed.value.cause)
