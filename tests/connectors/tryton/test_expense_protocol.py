"""DraftThenPost against the real ERP: races, lost answers, late drafts, and what is left behind."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from activities.attestation import agrees
from canonical.posting import Executed, PostingIntent, PostingOutcome
from connectors.base.errors import (
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.tryton import Tryton
from tests.connectors.tryton.expense_world import (
    CREATE,
    DELETE,
    PASS_ON,
    POST,
    ExpenseWorld,
    cost,
    input_tax,
)

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

RACERS = 3


def billable(world: ExpenseWorld) -> PostingIntent:
    """A report with a cost that two customers pay for."""
    return world.intent(
        cost("112.50"), input_tax("19.00", "100.00"), disbursements=world.passing_on("100", "12.50")
    )


async def post(target: Tryton, intent: PostingIntent) -> PostingOutcome:
    """Make one attempt."""
    (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
    return outcome


async def settled(world: ExpenseWorld, intent: PostingIntent) -> str:
    """Try until it is posted, as another worker would; gives the document's id."""
    target = world.connect()
    for _ in range(10):
        try:
            outcome = await post(target, intent)
        except (ConflictError, TransientError):
            continue
        assert isinstance(outcome, Executed)
        return outcome.document_id
    raise AssertionError("not posted in ten attempts")


async def expect_one_whole_document(world: ExpenseWorld, intent: PostingIntent) -> int:
    """Exactly one document, posted and as sent; no draft, and one set of what it passes on."""
    (held,) = await world.held(intent)
    assert held.posted
    (found,) = (await world.connect().find([intent]))[intent.reference]
    assert found.document_id == str(held.id)
    assert agrees(intent, found)
    passed_on = await world.books.disbursements(intent.reference)
    assert len(passed_on) == len(intent.expense_document.disbursements)
    return held.id


async def test_racers_on_one_report_leave_one_document(expenses: ExpenseWorld) -> None:
    intent = billable(expenses)
    targets = [expenses.connect() for _ in range(RACERS)]
    await asyncio.gather(*(target.check() for target in targets))
    outcomes = await asyncio.gather(
        *(post(target, intent) for target in targets), return_exceptions=True
    )
    allowed = (ConflictError, TransientError, OutcomeUnknownError)
    troubles = [each for each in outcomes if isinstance(each, BaseException)]
    assert [each for each in troubles if not isinstance(each, allowed)] == []
    document_id = await settled(expenses, intent)
    assert {each.document_id for each in outcomes if isinstance(each, Executed)} <= {document_id}
    await expect_one_whole_document(expenses, intent)


@pytest.mark.parametrize("call", [CREATE, PASS_ON])
async def test_a_lost_answer_before_posting_has_done_nothing_that_matters(
    expenses: ExpenseWorld, call: str
) -> None:
    target, intent = expenses.connect(), billable(expenses)
    expenses.aim = call
    expenses.network.lose_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    assert await target.find([intent]) == {}
    assert [each.posted for each in await expenses.held(intent)] == [False]
    await settled(expenses, intent)
    await expect_one_whole_document(expenses, intent)


async def test_a_lost_answer_to_a_deletion_posts_nothing(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), billable(expenses)
    expenses.aim = PASS_ON
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)  # Leaves a draft without what it passes on.
    expenses.aim = DELETE
    expenses.network.lose_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    assert expenses.sent(POST) == 0
    await settled(expenses, intent)
    await expect_one_whole_document(expenses, intent)


async def test_a_lost_answer_to_posting_is_looked_into(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), billable(expenses)
    expenses.network.lose_next_write()
    assert isinstance(await post(target, intent), Executed)
    assert expenses.sent(POST) == 1
    await expect_one_whole_document(expenses, intent)


async def test_posting_that_is_still_under_way_is_unknown_and_counts_once_when_it_lands(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), billable(expenses)
    expenses.network.hold_next_write()
    with pytest.raises(OutcomeUnknownError):
        await post(target, intent)
    assert await target.find([intent]) == {}
    await expenses.network.release()
    document = await expect_one_whole_document(expenses, intent)
    assert await settled(expenses, intent) == str(document)


async def test_posting_that_lands_after_another_attempt_has_posted_does_nothing(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), expenses.intent()
    expenses.network.hold_next_write()
    with pytest.raises(OutcomeUnknownError):
        await post(target, intent)
    document_id = await settled(expenses, intent)
    await expenses.network.release()
    assert str(await expect_one_whole_document(expenses, intent)) == document_id


async def test_an_answer_that_posting_is_read_back_from_may_fail_twice(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), expenses.intent()
    expenses.network.break_after_next_write(requests=2)
    assert isinstance(await post(target, intent), Executed)


async def test_what_is_posted_and_never_seen_is_unknown(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), expenses.intent()
    expenses.network.break_after_next_write(requests=3)
    with pytest.raises(OutcomeUnknownError) as told:
        await post(target, intent)
    assert told.value.code == "not_read_back"
    await expect_one_whole_document(expenses, intent)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_busy_answer_to_posting_proves_nothing(
    expenses: ExpenseWorld, carried_out: bool
) -> None:
    target, intent = expenses.connect(), billable(expenses)
    expenses.network.answer_next_write(503, carried_out=carried_out)
    if carried_out:
        assert isinstance(await post(target, intent), Executed)
    else:
        with pytest.raises(OutcomeUnknownError):
            await post(target, intent)
        await settled(expenses, intent)
    await expect_one_whole_document(expenses, intent)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_code_that_fails_while_posting_may_have_failed_after_the_commit(
    expenses: ExpenseWorld, carried_out: bool
) -> None:
    target, intent = expenses.connect(), billable(expenses)

    async def failing(request: httpx.Request) -> httpx.Response:
        if carried_out:
            await expenses.network.carry(request)
        number = json.loads(request.content)["id"]
        answer = {"id": number, "error": ["'foo'", ""]}
        return httpx.Response(200, json=answer, request=request)

    expenses.network.on_next_write(failing)
    if carried_out:
        assert isinstance(await post(target, intent), Executed)
        await expect_one_whole_document(expenses, intent)
    else:
        with pytest.raises(RejectedError) as told:
            await post(target, intent)
        assert told.value.code == "server_exception"
        assert await expenses.held(intent) == ()


async def test_code_that_fails_while_posting_is_unknown_while_nobody_can_look(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), expenses.intent()

    async def failing(request: httpx.Request) -> httpx.Response:
        await expenses.network.carry(request)
        answer = {"id": json.loads(request.content)["id"], "error": ["'foo'", ""]}
        return httpx.Response(200, json=answer, request=request)

    expenses.network.on_next_write(failing)
    expenses.network.break_after_next_write(requests=3)
    with pytest.raises(OutcomeUnknownError):
        await post(target, intent)
    await expect_one_whole_document(expenses, intent)


async def test_a_busy_answer_to_a_draft_is_nothing_but_a_reason_to_try_again(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), expenses.intent()
    expenses.aim = CREATE
    expenses.network.answer_next_write(503, carried_out=True)
    with pytest.raises(TransientError):
        await post(target, intent)
    await settled(expenses, intent)
    await expect_one_whole_document(expenses, intent)


async def test_a_worker_that_dies_between_draft_and_posting_is_followed_by_one_that_goes_on(
    expenses: ExpenseWorld,
) -> None:
    intent = billable(expenses)
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError):
        await post(expenses.connect(), intent)
    (draft,) = await expenses.held(intent)
    assert not draft.posted
    assert await expenses.connect().find([intent]) == {}
    assert await settled(expenses, intent) == str(draft.id)
    assert expenses.sent(CREATE) == 1
    await expect_one_whole_document(expenses, intent)


async def test_a_draft_that_lands_late_is_no_document_and_goes_with_the_strays(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), expenses.intent()
    expenses.aim = CREATE
    expenses.network.hold_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    document_id = await settled(expenses, intent)
    await expenses.network.release()
    assert sorted(each.posted for each in await expenses.held(intent)) == [False, True]
    (found,) = (await target.find([intent]))[intent.reference]
    assert found.document_id == document_id
    assert await target.remove_stray_drafts(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await target.remove_stray_drafts(datetime.now(UTC) + timedelta(seconds=5)) == 1
    await expect_one_whole_document(expenses, intent)


async def test_a_draft_that_lands_between_search_and_posting_is_not_posted_beside(
    expenses: ExpenseWorld,
) -> None:
    """Tryton calls the two similar; the search that follows finds and deletes the late one."""
    target, intent = expenses.connect(), expenses.intent()
    expenses.aim = CREATE
    expenses.network.hold_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)

    async def after_the_late_one(request: httpx.Request) -> httpx.Response:
        await expenses.network.release()
        return await expenses.network.carry(request)

    expenses.aim = POST
    expenses.network.on_next_write(after_the_late_one)
    assert isinstance(await post(target, intent), Executed)
    assert (expenses.sent(POST), expenses.sent(DELETE)) == (2, 1)
    await expect_one_whole_document(expenses, intent)


async def test_a_rivals_draft_that_came_and_went_is_no_reason_to_refuse(
    expenses: ExpenseWorld,
) -> None:
    """Tryton finds it similar; before the search that follows, the rival has deleted it."""
    target, rival, intent = expenses.connect(), expenses.connect(), expenses.intent()
    expenses.aim = CREATE
    expenses.network.hold_next_write()
    with pytest.raises(TransientError):
        await post(rival, intent)

    async def while_the_rivals_is_there(request: httpx.Request) -> httpx.Response:
        before = {each.id for each in await expenses.held(intent)}
        await expenses.network.release()
        answer = await expenses.network.carry(request)
        late = [each.id for each in await expenses.held(intent) if each.id not in before]
        await expenses.session.call("model.account.invoice.delete", late)
        return answer

    expenses.aim = POST
    expenses.network.on_next_write(while_the_rivals_is_there)
    assert isinstance(await post(target, intent), Executed)
    assert expenses.sent(POST) == 2
    await expect_one_whole_document(expenses, intent)


async def test_a_draft_that_a_person_numbered_is_the_one_that_gets_posted(
    expenses: ExpenseWorld,
) -> None:
    """Tryton deletes no invoice that has a number."""
    intent = expenses.intent()
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError):
        await post(expenses.connect(), intent)
    (draft,) = await expenses.held(intent)
    await expenses.session.press("account.invoice", "validate_invoice", [draft.id])
    assert await settled(expenses, intent) == str(draft.id)
    await expect_one_whole_document(expenses, intent)


async def test_strays_are_deleted_with_what_they_pass_on_and_nothing_else_is(
    expenses: ExpenseWorld,
) -> None:
    target, posted, stray = expenses.connect(), billable(expenses), billable(expenses)
    await settled(expenses, posted)
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError):
        await post(target, stray)
    (draft,) = await expenses.held(stray)
    rows = await expenses.session.find("account.invoice", [["id", "=", draft.id]], "company")
    expenses.session.work_for(rows[0]["company"])
    await expenses.session.write("account.invoice", [draft.id], {"reference": "Not ours"})
    assert await target.remove_stray_drafts(datetime.now(UTC) + timedelta(seconds=5)) == 0
    await expenses.session.write("account.invoice", [draft.id], {"reference": draft.reference})
    assert await target.remove_stray_drafts(datetime.now(UTC) + timedelta(seconds=5)) == 3
    assert await expenses.held(stray) == ()
    assert await expenses.books.disbursements(stray.reference) == ()
    await expect_one_whole_document(expenses, posted)


async def test_nothing_leaves_once_the_claim_has_run_out(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), expenses.intent()
    await target.check()
    with pytest.raises(TransientError) as told:
        await target.post([intent], {}, last_byte_by=time.monotonic())
    assert told.value.code == "too_late"
    assert await expenses.held(intent) == ()


async def test_a_claim_that_runs_out_after_the_draft_posts_nothing(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), expenses.intent()
    await target.check()
    expenses.aim = CREATE
    way_seconds = 20  # From the pool to the last byte, by the time-outs of this world.

    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(max(0, deadline - way_seconds - time.monotonic()) + 0.05)
        return await expenses.network.carry(request)

    expenses.network.on_next_write(slowly)
    deadline = time.monotonic() + way_seconds + 0.5
    with pytest.raises(TransientError) as told:
        await target.post([intent], {}, last_byte_by=deadline)
    assert told.value.code == "too_late"
    assert [each.posted for each in await expenses.held(intent)] == [False]
    await settled(expenses, intent)
