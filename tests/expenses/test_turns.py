"""Turns: the documents of one company are numbered in turn, and no other company waits for it."""

import asyncio

import pytest

from tests.e2e.running_platform import eventually
from tests.expenses.expense_platform import ExpensePlatform
from tests.expenses.final_check import assert_all_is_well
from tests.expenses.systems import DRAFT

pytestmark = pytest.mark.erp


async def test_while_one_companys_report_is_under_way_its_others_wait_and_anothers_is_posted(
    local: ExpensePlatform,
) -> None:
    systems = local.systems
    slow = systems.erp.wire.delay(DRAFT)
    german = [systems.taxi() for _ in range(3)]
    await local.read()
    await asyncio.wait_for(slow.reached.wait(), 30)

    american = systems.taxi(who=systems.claimant(entity="US01"))
    await local.read()

    async def is_posted() -> bool:
        return any(one.posted for one in await systems.invoices(american))

    await eventually(is_posted)
    # By then all three were prepared long ago.
    states = await local.rows(
        "SELECT state, count(*) AS reports FROM posting WHERE legal_entity = 'DE01' GROUP BY state"
    )
    assert {row["state"]: row["reports"] for row in states} == {"SENDING": 1, "PENDING": 2}
    assert await systems.invoices(*german) == ()

    slow.go_on.set()
    await local.settled()
    await local.tell()
    await systems.posted_once(*german, american)
    await assert_all_is_well(local)
