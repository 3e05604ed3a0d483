"""The simulator answers as the real Tryton does: the same questions, put to both."""

from decimal import Decimal

import pytest

from canonical.posting import TimeLine
from connectors.base.errors import RejectedError
from sandbox.tryton.json_rpc import JsonRpcSession
from tests.connectors.tryton.fidelity import QUESTIONS, Inquiry
from tests.connectors.tryton.world import TrytonWorld


@pytest.fixture(
    params=["simulated_world", pytest.param("erp_world", marks=pytest.mark.erp)],
    ids=["simulated", "real"],
)
def world(request: pytest.FixtureRequest) -> TrytonWorld:
    world: TrytonWorld = request.getfixturevalue(request.param)
    return world


@pytest.mark.parametrize("question", QUESTIONS)
async def test_an_answer_is_what_the_real_one_says(world: TrytonWorld, question: str) -> None:
    expected, ask = QUESTIONS[question]
    assert await ask(Inquiry(world)) == expected


async def test_a_refused_call_leaves_nothing_of_any_task(world: TrytonWorld) -> None:
    inquiry = Inquiry(world)
    before = await inquiry.stamps(inquiry.task, inquiry.other_task)
    bad = inquiry.line(colour="red")
    for actions in (
        {inquiry.task: [["create", [inquiry.line()]]], inquiry.other_task: [["create", [bad]]]},
        {inquiry.task: [["create", [inquiry.line(), bad]]]},
    ):
        assert await inquiry.write(actions) == "server_exception"
    assert await inquiry.count() == 0
    assert await inquiry.stamps(inquiry.task, inquiry.other_task) == before


async def test_descriptions_are_trimmed_and_long_ones_kept(world: TrytonWorld) -> None:
    inquiry = Inquiry(world)
    reference = inquiry.intent.reference
    await inquiry.create(description=f"  {reference} {10_000 * 'x'}  ")
    (row,) = await world.desk.find(
        "timesheet.line", [["description", "like", f"{reference}%"]], "description"
    )
    assert row["description"] == f"{reference} {10_000 * 'x'}"


async def test_tryton_takes_parts_of_a_second_and_we_refuse_to_read_them(
    world: TrytonWorld,
) -> None:
    intent = world.intent()
    document_id = await world.book(intent)
    await _set_seconds(world.desk, int(document_id), Decimal("5400.5"))
    with pytest.raises(RejectedError) as told:
        await world.connect().find([intent])
    assert told.value.code == "answer_not_understood"
    assert f"record {document_id}: duration" in str(told.value)
    swept = [
        each.document_id
        async for page in world.connect().documents_since(None)
        for each in page
        # Documents of different types may have the same id.
        if isinstance(each.body, TimeLine)
    ]
    assert document_id not in swept, "what cannot be read counts as missing, and is looked at"


async def _set_seconds(desk: JsonRpcSession, line: int, seconds: Decimal) -> None:
    duration = {"__class__": "timedelta", "seconds": float(seconds)}
    await desk.write("timesheet.line", [line], {"duration": duration})
