"""Exactly once: whatever is lost, late, killed or doubled, the ERP holds each report one time."""

import asyncio
from datetime import timedelta

import pytest

from connectors.concur.simulated_documents import CostObjects
from runtime.topology import UPKEEP_QUEUE
from tests.e2e.conftest import NewNamespace
from tests.expenses.conftest import Opened
from tests.expenses.expense_platform import CONCUR, ExpensePlatform
from tests.expenses.final_check import assert_all_is_well, assert_books_are_even
from tests.expenses.systems import ACKNOWLEDGE, CONFIRM, DRAFT, PASS_ON, POST, ExpenseSystems

pytestmark = pytest.mark.erp


def billable(systems: ExpenseSystems, amount: str) -> str:
    """Release a report of one cost that a customer pays for."""
    who = systems.claimant()
    cost = CostObjects("DE01", who.employee.cost_centre.code, who.project.code)
    return systems.taxi(amount, who, billable=True, cost=cost)


async def test_lost_answers_to_drafts_postings_and_disbursements_post_nothing_twice(
    local: ExpensePlatform,
) -> None:
    systems, wire = local.systems, local.systems.erp.wire
    documents = [billable(systems, f"{70 + n}.10") for n in range(4)]
    fired, sent = wire.fired.copy(), wire.sent.copy()
    wire.lose_answers(DRAFT)
    wire.lose_answers(PASS_ON)
    wire.lose_answers(POST, times=2)

    await local.poll()
    await local.tell()

    await systems.posted_once(*documents)
    for document in documents:
        assert len(await systems.passed_on(document)) == 1
        assert systems.told(document) == ["success"]
    assert wire.fired - fired == {f"lost {DRAFT}": 1, f"lost {PASS_ON}": 1, f"lost {POST}": 2}
    # What was lost before posting is done again; posting itself never is.
    assert (wire.sent - sent)[DRAFT] > len(documents)
    assert (wire.sent - sent)[POST] == len(documents)
    await assert_books_are_even(local)


async def test_a_worker_killed_between_draft_and_posting_is_followed_by_one_that_posts_once(
    opened: Opened, systems: ExpenseSystems, new_namespace: NewNamespace
) -> None:
    wire, namespace = systems.erp.wire, await new_namespace()
    document = billable(systems, "81.20")
    frozen = wire.freeze_before(POST)
    async with opened(namespace=namespace, drain_seconds=0) as killed:
        await killed.read()
        await asyncio.wait_for(frozen.reached.wait(), 30)
        assert [one.state for one in await systems.invoices(document)] == ["draft"]
    drafts = wire.sent[DRAFT]

    async with opened(namespace=namespace) as local:
        await local.settled()
        await local.tell()
        await systems.posted_once(document)
        # The draft of the dead was as it should be, and is what was posted.
        assert wire.sent[DRAFT] == drafts
        assert len(await systems.passed_on(document)) == 1
        await assert_all_is_well(local)


async def test_a_frozen_worker_that_wakes_up_after_another_took_over_posts_nothing_more(
    opened: Opened, systems: ExpenseSystems
) -> None:
    wire = systems.erp.wire
    document = billable(systems, "82.40")
    async with opened() as one, opened() as other:
        await one.intake()
        await one.prepare(document)
        asleep = wire.delay(POST)
        sleeper = asyncio.create_task(one.post(document))
        await asyncio.wait_for(asleep.reached.wait(), 30)
        # Longer than anything may be under way: the guard of the ERP alone must hold.
        await one.quiet_time_passes()
        assert (await other.post(document)).posted == 1
        asleep.go_on.set()
        await sleeper
        await systems.posted_once(document)
        assert len(await systems.passed_on(document)) == 1
        await one.poll()
        await assert_all_is_well(one)


async def test_a_draft_that_arrives_after_its_report_was_posted_is_removed_by_the_sweep(
    local: ExpensePlatform,
) -> None:
    systems, wire = local.systems, local.systems.erp.wire
    late, other = systems.taxi(), systems.taxi()
    wire.hold(DRAFT)
    await local.poll()
    await systems.posted_once(late, other)

    assert await wire.release() == 1
    states = [one.state for one in await systems.invoices(late, other)]
    assert sorted(states) == ["draft", "posted", "posted"]
    await local.sweep()
    # It may still belong to somebody: what is younger than a request can be is left alone.
    assert len(await systems.invoices(late, other)) == 3
    await systems.erp.let_drafts_age(timedelta(hours=1))
    await local.sweep()
    await systems.posted_once(late, other)


async def test_two_platforms_on_one_ledger_that_race_for_the_same_reports_post_each_once(
    opened: Opened, systems: ExpenseSystems
) -> None:
    documents = [systems.taxi() for _ in range(5)]
    async with opened() as one, opened() as other:
        # Both read at once, and both start workflows in a Temporal of their own.
        await asyncio.gather(one.read(), other.read())
        for document in documents:
            await one.prepare(document)
        both = [each.post(document) for document in documents for each in (one, other)]
        await asyncio.gather(*both)
        await one.quiet_time_passes()
        await asyncio.gather(*(other.post(document) for document in documents))
        await one.settled()
        await asyncio.gather(one.tell(), other.tell())
        await systems.posted_once(*documents)
        assert [systems.told(one) for one in documents] == [["success"]] * len(documents)
        acknowledged = [one for one in systems.company.judgements if one.what == ACKNOWLEDGE]
        assert [one.code for one in acknowledged].count(0) == len(documents)
        assert await one.cases() == []


async def test_a_second_poll_at_the_same_time_claims_and_posts_nothing_more(
    local: ExpensePlatform,
) -> None:
    systems = local.systems
    documents = [systems.taxi() for _ in range(3)]
    await asyncio.gather(*(local.read() for _ in range(3)))
    await local.settled()
    await local.poll()
    await local.tell()
    await systems.posted_once(*documents)
    assert [systems.told(one) for one in documents] == [["success"]] * len(documents)
    assert await local.cases() == []


async def test_two_claims_that_cross_are_both_ours_whichever_answer_is_written_down_first(
    opened: Opened, systems: ExpenseSystems
) -> None:
    document = systems.taxi()
    async with opened() as one, opened() as other:
        await one.step("poll_expense_reports", CONCUR, UPKEEP_QUEUE)
        # The first to ask is the last to be heard, and the first to write down its answer.
        wire = systems.concur_wire
        request, answer = wire.delay(ACKNOWLEDGE), wire.delay_answer(ACKNOWLEDGE)
        first = asyncio.create_task(one.step("claim_expense_reports", CONCUR, UPKEEP_QUEUE))
        await asyncio.wait_for(request.reached.wait(), 30)
        second = asyncio.create_task(other.step("claim_expense_reports", CONCUR, UPKEEP_QUEUE))
        await asyncio.wait_for(answer.reached.wait(), 30)
        request.go_on.set()
        await first
        answer.go_on.set()
        await second
        codes = [each.code for each in systems.company.judgements if each.what == ACKNOWLEDGE]
        assert codes == [0, 101]
        await other.poll()
        await other.tell()
        await systems.posted_once(document)
        assert systems.told(document) == ["success"]
        assert await other.cases() == []


async def test_a_temporal_that_lost_everything_posts_nothing_again_and_forgets_no_report(
    opened: Opened, systems: ExpenseSystems
) -> None:
    wire = systems.erp.wire
    done, waiting, without = systems.taxi(), systems.taxi(), systems.without_project()
    async with opened() as before:
        await before.poll()
        await before.tell()
        posted = wire.sent[POST]
        late = systems.taxi()
        await before.intake()
        await before.prepare(late)

    async with opened() as anew:
        await anew.backfill()
        await anew.look_and_tell()
        await systems.posted_once(done, waiting, late)
        assert wire.sent[POST] == posted + 1
        assert [case.cause for case in await anew.cases()] == ["missing_project"]
        await anew.resolve(
            await anew.case_of("missing_project"),
            kind="amend",
            changes={"project": systems.claimant().project.code},
            reason="asked",
        )
        await anew.look_and_tell()
        await systems.posted_once(done, waiting, late, without)
        assert {*map(tuple, map(systems.told, (done, waiting, late, without)))} == {("success",)}
        await assert_all_is_well(anew)


async def test_a_lost_answer_to_a_confirmation_is_told_again_and_counts_once(
    local: ExpensePlatform,
) -> None:
    systems, wire = local.systems, local.systems.concur_wire
    documents = [systems.taxi() for _ in range(2)]
    await local.poll()
    wire.lose_answers(CONFIRM)
    assert (await local.tell()).told == 0
    await local.tell_all()
    assert wire.fired == {f"lost {CONFIRM}": 1}
    codes = [one.code for one in systems.company.judgements if one.what == CONFIRM]
    assert codes == [0, 0, 113, 113]
    assert [systems.told(one) for one in documents] == [["success"]] * 2
