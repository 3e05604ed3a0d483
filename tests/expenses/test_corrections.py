"""A report that its source changes after it was posted: taken back and replaced, never edited."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.expenses.expense_platform import ExpensePlatform
from tests.expenses.final_check import assert_books_are_even
from tests.expenses.systems import DRAFT, POST, ExpenseSystems

pytestmark = pytest.mark.erp


async def net_of(systems: ExpenseSystems, document: str) -> Mapping[str, Decimal]:
    """What all invoices and credit notes of a report come to, by account."""
    net: dict[str, Decimal] = defaultdict(Decimal)
    for one in await systems.invoices(document):
        assert one.posted
        for account, amount in one.accounts.items():
            net[account] += amount
    return {account: amount for account, amount in net.items() if amount}


async def test_a_changed_amount_is_reversed_and_replaced_and_the_net_is_the_latest(
    local: ExpensePlatform,
) -> None:
    systems, who = local.systems, local.systems.claimant()
    changed = systems.release(who, [who.spent(1, "64.00", 1), who.spent(2, "31.00", 2)])
    other = systems.taxi("65.00")
    await local.poll()
    await local.tell()
    original = await systems.invoice(changed)

    with systems.shown_anew(changed):
        # Of two changes before anybody looks the last one counts.
        systems.set_amount(changed, "45.00")
        systems.set_amount(changed, "46.00")
        await local.poll()
    await local.poll()
    await local.tell_all()

    first, *corrections = await systems.invoices(changed)
    assert (first.id, first.total) == (original.id, Decimal("95.00"))
    assert sorted(one.total for one in corrections) == [Decimal("-95.00"), Decimal("77.00")]
    assert await net_of(systems, changed) == {"6600": Decimal("77.00")}
    assert len({one.reference for one in (first, *corrections)}) == 3
    assert {one.posting_date for one in corrections} == {original.posting_date}
    assert (await systems.invoice(other)).total == Decimal("65.00")


async def test_a_change_of_words_moves_no_money_and_writes_nothing(local: ExpensePlatform) -> None:
    systems, wire = local.systems, local.systems.erp.wire
    document = systems.taxi("69.00")
    await local.poll()
    sent = wire.sent.copy()

    def in_words(content: dict[str, Any]) -> None:
        content["report"]["reportName"] = "To the airport"
        content["expenseEntry"][0]["entryDescription"] = "It rained"

    with systems.shown_anew(document):
        systems.edit(document, in_words)
        await local.poll()
    written = wire.sent - sent
    assert written[POST] == written[DRAFT] == 0
    assert (await systems.invoice(document)).total == Decimal("69.00")


async def test_lost_answers_while_a_report_is_corrected_leave_one_reversal_and_one_replacement(
    local: ExpensePlatform,
) -> None:
    systems, wire = local.systems, local.systems.erp.wire
    document = systems.taxi("71.00")
    await local.poll()
    fired = wire.fired.copy()
    wire.lose_answers(DRAFT, times=2)
    wire.lose_answers(POST, times=2)
    with systems.shown_anew(document):
        systems.set_amount(document, "72.00")
        await local.poll()
    assert wire.fired - fired == {f"lost {DRAFT}": 2, f"lost {POST}": 2}
    assert len(await systems.invoices(document)) == 3
    assert await net_of(systems, document) == {"6600": Decimal("72.00")}


async def test_a_correction_of_what_was_paid_tells_concur_of_money_only_as_it_moved(
    local: ExpensePlatform,
) -> None:
    systems, desk = local.systems, local.systems.desk
    document = systems.taxi("73.00")
    await local.poll()
    original = await systems.invoice(document)
    await desk.pay(original.id, original.posting_date)
    await local.look_and_tell()
    with systems.shown_anew(document):
        systems.set_amount(document, "74.00")
        await local.poll()
    # What was paid stays paid, and what is open now is no payment that was taken back.
    await local.look_and_tell()
    assert systems.told(document) == ["success", "CP"]

    *_, replacement = await systems.invoices(document)
    assert replacement.left_to_pay == Decimal("74.00")
    await desk.pay(replacement.id, replacement.posting_date)
    await local.look_and_tell()
    assert systems.told(document) == ["success", "CP"]
    assert await local.rows("SELECT * FROM outbox WHERE state <> 'SENT'") == []
    await assert_books_are_even(local)
