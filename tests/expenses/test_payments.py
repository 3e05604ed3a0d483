"""Money that moves in the ERP reaches Concur in the order it moved, and each step once."""

import asyncio
from decimal import Decimal

import pytest
from temporalio.client import WorkflowExecutionStatus

from sandbox.tryton.expense_desk import SupplierInvoice
from tests.e2e.conftest import NewNamespace
from tests.e2e.final_check import assert_stands
from tests.expenses.conftest import Opened
from tests.expenses.expense_platform import ExpensePlatform
from tests.expenses.final_check import assert_all_is_well, assert_books_are_even
from tests.expenses.systems import CONFIRM_PAYMENT, POST, ExpenseSystems

pytestmark = pytest.mark.erp

RUNNING = {WorkflowExecutionStatus.RUNNING}
ENDED = {WorkflowExecutionStatus.COMPLETED}


async def posted(platform: ExpensePlatform, *amounts: str) -> list[tuple[str, SupplierInvoice]]:
    """Reports that are in the books and confirmed, with their invoices."""
    documents = [platform.systems.taxi(amount) for amount in amounts]
    await platform.poll()
    await platform.look_and_tell()
    return [(one, await platform.systems.invoice(one)) for one in documents]


def amounts_told(platform: ExpensePlatform, document: str) -> list[tuple[str, Decimal]]:
    """What Concur was told of money: in which state, and how much moved."""
    return [
        (one.status, platform.systems.amount_told(one))
        for one in platform.systems.document(document).told
        if one.status not in {"success", "error"}
    ]


async def test_partial_full_and_reversed_payments_are_told_in_order_with_their_amounts(
    local: ExpensePlatform,
) -> None:
    systems, desk = local.systems, local.systems.desk
    (halves, first), (bounced, second), (unpaid, _) = await posted(local, "61.10", "62.20", "63.30")

    await desk.pay(first.id, first.posting_date, Decimal("20.00"))
    await desk.pay(second.id, second.posting_date)
    await local.look_and_tell()
    await assert_stands(local.workflow(halves), RUNNING)
    await assert_stands(local.workflow(bounced), ENDED)

    await desk.pay(first.id, first.posting_date)
    await desk.take_last_payment_back(second.id)
    await local.look_and_tell()
    await assert_stands(local.workflow(halves), ENDED)
    # The report is not reimbursed any more: its workflow begins anew.
    await assert_stands(local.workflow(bounced), RUNNING)

    await desk.pay(second.id, second.posting_date)
    await local.look_and_tell()
    await assert_stands(local.workflow(bounced), ENDED)
    await assert_stands(local.workflow(unpaid), RUNNING)

    assert systems.told(halves) == ["success", "PP", "CP"]
    assert systems.told(bounced) == ["success", "CP", "RE", "CP"]
    assert systems.told(unpaid) == ["success"]
    assert amounts_told(local, halves)[0] == ("PP", Decimal("20.00"))
    assert amounts_told(local, bounced)[1:] == [
        ("RE", Decimal("62.20")),
        ("CP", Decimal("62.20")),
    ]
    await assert_books_are_even(local)


async def test_looks_and_tellings_that_are_repeated_doubled_or_lost_tell_each_step_once(
    local: ExpensePlatform,
) -> None:
    systems, desk, wire = local.systems, local.systems.desk, local.systems.concur_wire
    (document, invoice), (other, second) = await posted(local, "71.10", "72.20")

    await desk.pay(invoice.id, invoice.posting_date, Decimal("10.00"))
    await desk.pay(second.id, second.posting_date)
    await asyncio.gather(*(local.watch() for _ in range(3)))
    wire.lose_answers(CONFIRM_PAYMENT)
    await local.tell()
    await desk.pay(invoice.id, invoice.posting_date)
    # What a look finds after the last telling is told by the next one.
    await asyncio.gather(local.watch(), local.run_tell(), local.watch(), local.run_tell())
    await local.watch()
    await local.tell_all()

    assert wire.fired[f"lost {CONFIRM_PAYMENT}"] == 1
    assert systems.told(document) == ["success", "PP", "CP"]
    assert systems.told(other) == ["success", "CP"]
    # What was lost was told again, and Concur knew it.
    codes = [one.code for one in systems.company.judgements if one.what == CONFIRM_PAYMENT]
    assert codes.count(0) == 3
    assert codes.count(298) >= 1
    refused = await local.rows("SELECT * FROM outbox WHERE state = 'REFUSED'")
    assert refused == []


async def test_nothing_is_told_as_paid_before_it_is_known_to_be_posted(
    opened: Opened, systems: ExpenseSystems, new_namespace: NewNamespace
) -> None:
    """The ERP has booked and paid a report whose posting we have not written down."""
    namespace = await new_namespace()
    document = systems.taxi("73.30")
    frozen = systems.erp.wire.freeze_after(POST)
    async with opened(namespace=namespace, drain_seconds=0) as killed:
        await killed.read()
        await asyncio.wait_for(frozen.reached.wait(), 30)
        invoice = await systems.invoice(document)
        await systems.desk.pay(invoice.id, invoice.posting_date)
        await killed.watch()
        await killed.run_tell()
        assert systems.told(document) == []

    async with opened(namespace=namespace) as local:
        await local.settled()
        await local.look_and_tell()
        assert systems.told(document) == ["success", "CP"]
        codes = {(one.what, one.code) for one in systems.company.judgements}
        assert (CONFIRM_PAYMENT, 111) not in codes
        await assert_stands(local.workflow(document), ENDED)
        await assert_all_is_well(local)


async def test_what_owes_the_employee_nothing_is_paid_as_it_stands_and_ends(
    local: ExpensePlatform,
) -> None:
    systems, who = local.systems, local.systems.claimant()
    by_card = systems.release(who, [who.spent(1, "91.10", 3, paid_with="CBCP")])
    refund = systems.release(who, [who.spent(1, "-12.30", 4)])
    await local.poll()
    await local.look_and_tell()
    await local.look_and_tell()
    for document in (by_card, refund):
        assert systems.told(document)[0] == "success"
        assert systems.told(document).count("success") == 1
        await assert_stands(local.workflow(document), ENDED)
