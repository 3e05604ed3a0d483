"""The simulator takes writes of masters as the real Tryton does: the same questions to both."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from tests.connectors.tryton.fidelity import Inquiry
from tests.connectors.tryton.world import TrytonWorld

Question = Callable[[Inquiry], Awaitable[str]]
_DONE = {"status": 2, "progress": 1}
_OPEN = {"status": 1, "progress": None}


@pytest.fixture(
    params=["simulated_world", pytest.param("erp_world", marks=pytest.mark.erp)],
    ids=["simulated", "real"],
)
def ask(request: pytest.FixtureRequest) -> Inquiry:
    world: TrytonWorld = request.getfixturevalue(request.param)
    return Inquiry(world)


def _code() -> str:
    return f"Q-{uuid.uuid4().hex[:10]}"  # noqa: TID251  A test's own.


async def _party(ask: Inquiry, **values: Any) -> int:
    given = {"name": "Asked", "code": _code(), **values}
    (party,) = await ask.world.desk.create("party.party", [given])
    return int(party)


async def _gone(ask: Inquiry, model: str, *numbers: int) -> None:
    for number in numbers:
        await ask.world.desk.call(f"model.{model}.delete", [number])


async def _project(ask: Inquiry) -> tuple[int, int]:
    values = {"name": "Asked", "type": "project", "timesheet_available": True}
    (project,) = await ask.world.desk.create("project.work", [values])
    task = {**values, "type": "task", "parent": project}
    (below,) = await ask.world.desk.create("project.work", [task])
    return int(project), int(below)


async def test_the_code_of_a_party_is_unique_and_nothing_of_a_refused_call_stays(
    ask: Inquiry,
) -> None:
    code, other = _code(), _code()
    party = await _party(ask, code=code)
    values = [{"name": "A", "code": other}, {"name": "B", "code": code}]
    assert await ask.call("model.party.party.create", values) == "user_error"
    assert await ask.world.desk.find("party.party", [["code", "=", other]], "id") == []
    # An inactive one keeps its code.
    await ask.world.desk.write("party.party", [party], {"active": False})
    assert await ask.call("model.party.party.create", values[1:]) == "user_error"
    # Only case tells two codes apart.
    twin = await _party(ask, code=code.lower())
    await _gone(ask, "party.party", party, twin)


@pytest.mark.parametrize("name", ["Line\nbreak", "Tab\tstop"])
async def test_a_name_has_no_line_breaks(ask: Inquiry, name: str) -> None:
    values = [{"name": name, "code": _code()}]
    assert await ask.call("model.party.party.create", values) == "user_error"


async def test_codes_are_trimmed_and_names_of_parties_are_not(ask: Inquiry) -> None:
    code = _code()
    party = await _party(ask, name="  Acme  ", code=f"  {code} ")
    (row,) = await ask.world.desk.find("party.party", [["id", "=", party]], "name", "code")
    assert (row["name"], row["code"]) == ("  Acme  ", code)
    await _gone(ask, "party.party", party)


async def test_a_field_that_does_not_exist_is_failed_code(ask: Inquiry) -> None:
    values = [{"name": "Acme", "code": _code(), "colour": "red"}]
    assert await ask.call("model.party.party.create", values) == "server_exception"


async def test_who_is_gone_cannot_be_written(ask: Inquiry) -> None:
    party = await _party(ask)
    await _gone(ask, "party.party", party)
    assert await ask.call("model.party.party.write", [party], {"name": "B"}) == "user_error"


async def test_a_stamp_is_compared_and_one_that_is_missing_is_not(ask: Inquiry) -> None:
    party = await _party(ask)
    (row,) = await ask.world.desk.find("party.party", [["id", "=", party]], "_timestamp")
    stamps = {f"party.party,{party}": row["_timestamp"]}
    write = ("model.party.party.write", [party], {"name": "B"})
    assert await ask.call(*write, _timestamp=stamps) == "result"
    assert await ask.call(*write, _timestamp=stamps) == "moved"
    assert await ask.call(*write, _timestamp={}) == "result"
    await _gone(ask, "party.party", party)


async def test_somebody_leaves_no_earlier_than_they_came(ask: Inquiry) -> None:
    party = await _party(ask)
    values = {"party": party, "start_date": date(2026, 5, 1), "end_date": date(2026, 4, 1)}
    said = await ask.call("model.company.employee.create", [values])
    assert said == "user_error:end_date"
    await _gone(ask, "party.party", party)


async def test_a_party_that_does_not_exist_can_be_neither_hired_nor_billed(ask: Inquiry) -> None:
    unknown = {"party": 999_999_999}
    assert await ask.call("model.company.employee.create", [unknown]) == "user_error"
    project = {"name": "Asked", "type": "project", **unknown}
    assert await ask.call("model.project.work.create", [project]) == "user_error"


async def test_a_project_is_done_after_its_tasks_and_opened_before_them(ask: Inquiry) -> None:
    project, task = await _project(ask)
    write = "model.project.work.write"
    assert await ask.call(write, [project], _DONE) == "user_error"
    assert await ask.call(write, [task], {"status": 2}) == "user_error"
    assert await ask.call(write, [task], _DONE) == "result"
    assert await ask.call(write, [project], _DONE) == "result"
    assert await ask.call(write, [task], _OPEN) == "user_error"
    assert await ask.call(write, [project], _OPEN) == "result"
    assert await ask.call(write, [task], _OPEN) == "result"
    await _gone(ask, "project.work", task, project)


async def test_children_move_the_stamp_of_what_they_are_made_through(ask: Inquiry) -> None:
    project, task = await _project(ask)
    (row,) = await ask.world.desk.find("project.work", [["id", "=", project]], "_timestamp")
    stamps = {f"project.work,{project}": row["_timestamp"]}
    child = {"name": "B", "type": "task", "timesheet_available": True}
    write = ("model.project.work.write", [project], {"children": [["create", [child]]]})
    assert await ask.call(*write, _timestamp=stamps) == "result"
    assert await ask.call(*write, _timestamp=stamps) == "moved"
    rows = await ask.world.desk.find("project.work", [["parent", "=", project]], "id")
    assert len(rows) == 2
    await _gone(ask, "project.work", *(each["id"] for each in rows), project)
    assert task in {each["id"] for each in rows}


async def test_a_backslash_takes_what_follows_for_itself(ask: Inquiry) -> None:
    code = _code()
    party = await _party(ask, code=f"{code}_%")
    for pattern, found in ((f"{code}\\_\\%", 1), (f"{code}\\1", 0), (f"{code.upper()}__", 0)):
        rows = await ask.world.desk.find("party.party", [["code", "like", pattern]], "id")
        assert len(rows) == found, pattern
    pattern = f"{code.upper()}\\_\\%"
    rows = await ask.world.desk.find("party.party", [["code", "ilike", pattern]], "id")
    assert len(rows) == 1
    await _gone(ask, "party.party", party)
