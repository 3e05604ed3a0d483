"""What holds a whole engagement up is named, where no reason of its work says it."""

import json

from canonical.billing import (
    UNREADABLE,
    BlockReason,
    Exclusion,
    OpenCase,
    ReadinessSnapshot,
    WorkState,
)
from canonical.billing_messages import ReadinessView
from tests.unit.billing_building import decided, hours, key, why_not
from workflows.readiness_details import readiness_details

CASE = "1a2b3c4d-0000-4000-8000-000000000000"


def view(**changes: object) -> ReadinessView:
    return ReadinessView.model_validate({"engagement": "ENG-1", "period": "2026-10", **changes})


def said(shown: ReadinessView) -> str:
    return readiness_details(shown, stopped=0, uncertain=0, last_answer="")


def test_a_case_that_only_left_out_work_is_in_holds_the_engagement_and_is_named() -> None:
    left_out = Exclusion(work_key=key("2"), by="E-1", reason="goes on the next invoice")
    now = decided(
        hours("1", 5, 2),
        hours("2", 6, 3, state=WorkState.IN_CASE),
        exclusions=(left_out,),
        open_cases=(OpenCase(id=CASE, project="P-1", work=("2",)),),
    )
    assert why_not(now).keys() == {BlockReason.EXCLUDED}
    assert not now.ready
    assert now.snapshot.open_cases == (CASE,)


def test_a_case_of_two_projects_is_named_once() -> None:
    cases = (OpenCase(id=CASE, project="P-1"), OpenCase(id=CASE, project="P-2"))
    assert decided(hours("1", 5, 2), open_cases=cases).snapshot.open_cases == (CASE,)


def test_without_an_open_case_none_is_named() -> None:
    now = decided(hours("1", 5, 2))
    assert (now.ready, now.snapshot.open_cases) == (True, ())


def test_a_snapshot_that_was_kept_before_cases_were_named_is_read() -> None:
    kept = decided(hours("1", 5, 2)).snapshot.model_dump(mode="json", exclude={"open_cases"})
    assert ReadinessSnapshot.model_validate_json(json.dumps(kept)).open_cases == ()


def test_temporal_shows_the_case_by_the_characters_that_commands_show() -> None:
    assert "**Held** by open case 1a2b3c4d: " in said(view(open_cases=(CASE,)))
    assert "Held" not in said(view())


def test_a_record_of_the_contract_that_cannot_be_read_is_named_in_full() -> None:
    held = (f"{UNREADABLE}engagement/ENG-1", CASE)
    assert "**Held** by unreadable engagement/ENG-1, open case 1a2b3c4d: " in said(
        view(open_cases=held)
    )
