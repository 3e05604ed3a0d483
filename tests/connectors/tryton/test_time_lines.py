"""Posting to Tryton, where it is Tryton's own: what moved, what a person did, what failed there."""

import json
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from canonical.posting import Executed, PostingIntent, PostingKind, Unknown
from connectors.base.errors import (
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.rate_budget import Unlimited
from connectors.conformance.posting_undo import undo_of
from connectors.tryton import TrytonOptions, connect
from tests.connectors.tryton.world import TrytonWorld


@pytest.fixture(
    params=["simulated_world", pytest.param("erp_world", marks=pytest.mark.erp)],
    ids=["simulated", "real"],
)
def world(request: pytest.FixtureRequest) -> TrytonWorld:
    world: TrytonWorld = request.getfixturevalue(request.param)
    return world


async def refusal(world: TrytonWorld, *intents: PostingIntent) -> RejectedError:
    """Post what will be refused."""
    target = world.connect()
    evidence = await target.guard_evidence(intents)
    with pytest.raises(RejectedError) as told:
        await target.post(intents, evidence)
    return told.value


async def test_a_task_that_does_not_exist_has_no_stamp_and_takes_no_line(
    world: TrytonWorld,
) -> None:
    good, lost = world.intent(), world.intent(task="999999")
    target = world.connect()
    evidence = await target.guard_evidence([good, lost])
    assert list(evidence) == [f"timesheet.work,{good.time_line.task}"]
    assert (await refusal(world, good, lost)).code == "task_unknown"
    assert world.network.writes == []


async def test_an_employee_of_another_company_is_refused(world: TrytonWorld) -> None:
    other = next(each for each in world.masters.employees if each.legal_entity != world.entity.code)
    assert (await refusal(world, world.intent(employee=other.id))).code == "user_error:company"


async def test_a_leaver_is_refused_with_a_sentence_for_people(world: TrytonWorld) -> None:
    error = await refusal(world, world.refused_intent())
    assert error.code == "user_error:end_date"
    assert str(error).startswith("The employee had left by that date.")


async def test_a_line_that_a_person_moved_is_found_all_the_same(world: TrytonWorld) -> None:
    elsewhere = {
        "another task": {"work": int(world.task_of(1))},
        "another day": {"date": world.intent().time_line.work_date + timedelta(days=40)},
        "both": {
            "work": int(world.task_of(1)),
            "date": world.intent().time_line.work_date + timedelta(days=40),
        },
    }
    for values in elsewhere.values():
        intent = world.intent(note="as sent")
        document_id = await world.book(intent)
        await world.edit(document_id, **values)
        found = await world.connect().find([intent])
        assert [each.document_id for each in found[intent.reference]] == [document_id]


async def test_many_references_are_looked_up_in_portions(world: TrytonWorld) -> None:
    intents = [world.intent(parent=n % 3) for n in range(401)]
    for intent in (intents[0], intents[200], intents[400]):
        await world.book(intent)
    found = await world.connect().find(intents)
    assert set(found) == {intents[n].reference for n in (0, 200, 400)}


async def test_a_stamp_that_is_not_ours_to_send_is_not_sent(world: TrytonWorld) -> None:
    """Evidence of more tasks than the call writes is normal after a call was halved."""
    target = world.connect()
    intents = [world.intent(parent=n) for n in range(3)]
    evidence = await target.guard_evidence(intents)
    (outcome,) = await target.post(intents[:1], evidence)
    assert isinstance(outcome, Executed)
    # The second half is still guarded by its own stamps, which did not move.
    assert len(await target.post(intents[1:], evidence)) == 2


async def test_a_session_that_ended_costs_a_write_nothing_but_a_try(world: TrytonWorld) -> None:
    target, intent = world.connect(), world.intent()
    evidence = await target.guard_evidence([intent])
    world.network.answer_next_write(401, carried_out=False)
    with pytest.raises(TransientError):
        await target.post([intent], evidence)
    (outcome,) = await target.post([intent], evidence)
    assert isinstance(outcome, Executed)


async def test_a_read_back_that_fails_once_is_looked_at_again(world: TrytonWorld) -> None:
    target, intent = world.connect(), world.intent()
    evidence = await target.guard_evidence([intent])
    world.network.break_after_next_write(requests=2)
    (outcome,) = await target.post([intent], evidence)
    assert isinstance(outcome, Executed)
    assert len(world.network.writes) == 1


async def test_two_documents_after_a_write_are_unknown_and_not_one_of_them(
    world: TrytonWorld,
) -> None:
    target, intent = world.connect(), world.intent()
    await world.book(intent)
    (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
    assert outcome == Unknown(reference=intent.reference, code="several_documents")


def server_exception(world: TrytonWorld, *, carried_out: bool) -> None:
    """Let Tryton's own code fail on the next write, before its commit or after it."""

    async def fault(request: httpx.Request) -> httpx.Response:
        if carried_out:
            await world.network.carry(request)
        body = {"id": json.loads(request.content)["id"], "error": ["'foo'", ""]}
        return httpx.Response(200, json=body, request=request)

    world.network.on_next_write(fault)


async def test_failed_code_that_moved_no_stamp_did_nothing(world: TrytonWorld) -> None:
    target, intent = world.connect(), world.intent()
    evidence = await target.guard_evidence([intent])
    server_exception(world, carried_out=False)
    with pytest.raises(RejectedError) as told:
        await target.post([intent], evidence)
    assert told.value.code == "server_exception"
    assert await world.held(intent.reference) == []


async def test_failed_code_after_the_commit_is_unknown(world: TrytonWorld) -> None:
    target, intent = world.connect(), world.intent()
    evidence = await target.guard_evidence([intent])
    server_exception(world, carried_out=True)
    with pytest.raises(OutcomeUnknownError):
        await target.post([intent], evidence)
    assert len(await world.held(intent.reference)) == 1


async def test_failed_code_whose_stamps_cannot_be_read_is_unknown(world: TrytonWorld) -> None:
    target, intent = world.connect(), world.intent()
    evidence = await target.guard_evidence([intent])
    server_exception(world, carried_out=False)
    world.network.break_after_next_write(requests=1_000)
    with pytest.raises(OutcomeUnknownError):
        await target.post([intent], evidence)


async def test_an_undo_of_a_line_whose_text_was_emptied_is_refused(world: TrytonWorld) -> None:
    intent = world.intent()
    document_id = await world.book(intent)
    await world.edit(document_id, description=None)
    try:
        assert (await refusal(world, undo_of(intent, document_id))).code == "not_ours"
    finally:
        await world.edit(document_id, description=intent.reference)


async def test_a_line_that_goes_between_look_and_removal_is_a_conflict(
    world: TrytonWorld,
) -> None:
    target, first, second = world.connect(), world.intent(), world.intent()
    undos = [undo_of(each, await world.book(each)) for each in (first, second)]
    evidence = await target.guard_evidence(undos)
    gone = undos[1].corrects_document
    assert gone is not None

    async def fault(request: httpx.Request) -> httpx.Response:
        await world.desk.call("model.timesheet.line.delete", [int(gone)])
        return await world.network.carry(request)

    world.network.on_next_write(fault)
    with pytest.raises(ConflictError):
        await target.post(undos, evidence)
    outcomes = await target.post(undos, await target.guard_evidence(undos))
    assert all(isinstance(outcome, Executed) for outcome in outcomes)


async def test_a_line_that_is_invoiced_between_look_and_removal_is_refused_as_such(
    world: TrytonWorld,
) -> None:
    target, intent = world.connect(), world.intent(parent=2)
    document_id = await world.book(intent)
    undo = undo_of(intent, document_id)
    evidence = await target.guard_evidence([undo])

    async def fault(request: httpx.Request) -> httpx.Response:
        await world.lock(document_id)
        return await world.network.carry(request)

    world.network.on_next_write(fault)
    with pytest.raises(RejectedError) as told:
        await target.post([undo], evidence)
    assert told.value.code == "invoiced"


async def test_lines_of_a_company_and_of_work_dates_can_be_listed(world: TrytonWorld) -> None:
    target, inside, after = world.connect(), world.intent(), world.intent()
    for intent in (inside, after):
        await world.book(intent)
    day = inside.time_line.work_date
    listed = [
        each.reference
        async for page in target.documents_between(world.entity.id, day, day)
        for each in page
    ]
    assert inside.reference in listed
    assert after.reference not in listed


async def test_nothing_to_do_asks_nothing(world: TrytonWorld) -> None:
    target = world.connect()
    assert await target.guard_evidence([]) == {}
    assert await target.find([]) == {}
    assert await target.post([], {}) == ()
    assert world.network.requests == []


async def test_a_call_of_mixed_kinds_or_companies_is_a_programming_error(
    world: TrytonWorld,
) -> None:
    target = world.connect()
    entities = [each.id for each in world.masters.legal_entities]
    here, there = world.intent(), world.intent(legal_entity=entities[1])
    mixed = [here, undo_of(world.intent(), "1")]
    too_many = 201 * [here]
    for intents in ([here, there], mixed, too_many):
        with pytest.raises(ValueError, match="one call"):
            await target.post(intents, {})
    reversal = here.model_copy(update={"kind": PostingKind.REVERSAL})
    with pytest.raises(TypeError):
        await target.post([reversal], {})
    assert world.network.requests == []


async def test_an_erp_that_is_not_there_is_transient() -> None:
    options = TrytonOptions("erp", "http://127.0.0.1:1", "erp", "x", SecretStr("y"))
    target = connect(options, Unlimited())
    with pytest.raises(TransientError):
        await target.check()
    await target.close()
