"""Payments and receipts of expense documents in the real ERP."""

from datetime import date
from decimal import Decimal

import pytest

from canonical.expense_document import DocumentPayments, PaymentState
from canonical.money import Money
from canonical.posting import Executed, PostingIntent
from connectors.base.capabilities import Attachment
from connectors.base.errors import OutcomeUnknownError
from connectors.tryton import Tryton
from tests.connectors.tryton.expense_world import ExpenseWorld, cost, input_tax

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


async def posted(target: Tryton, intent: PostingIntent) -> str:
    (outcome,) = await target.post([intent], {})
    assert isinstance(outcome, Executed)
    return outcome.document_id


async def payments(target: Tryton, document_id: str) -> DocumentPayments:
    (found,) = await target.payments_of([document_id])
    return found


def told(found: DocumentPayments) -> list[tuple[date, Decimal]]:
    return [(each.paid_on, each.amount.amount) for each in found.payments]


async def test_partial_payment_the_rest_and_a_payment_that_came_back_are_told_in_order(
    expenses: ExpenseWorld,
) -> None:
    target = expenses.connect()
    document_id = await posted(
        target, expenses.intent(cost("100.00"), input_tax("19.00", "100.00"))
    )
    number, first, second = int(document_id), expenses.day, expenses.day.replace(day=25)

    found = await payments(target, document_id)
    assert (found.state, found.total, found.open) == (
        PaymentState.NONE,
        euros("119.00"),
        euros("119.00"),
    )
    assert found.payments == ()
    assert found.due_on is not None
    assert found.number.startswith("SUP-")

    await expenses.books.pay(number, first, Decimal("20.00"))
    found = await payments(target, document_id)
    assert (found.state, found.open) == (PaymentState.PARTIAL, euros("99.00"))
    assert told(found) == [(first, Decimal("20.00"))]
    partly = found.payments[0].id

    await expenses.books.pay(number, second)
    found = await payments(target, document_id)
    assert (found.state, found.open) == (PaymentState.PAID, euros("0.00"))
    assert told(found) == [(first, Decimal("20.00")), (second, Decimal("99.00"))]
    assert found.payments[0].id == partly

    await expenses.books.take_last_payment_back(number)
    found = await payments(target, document_id)
    assert (found.state, found.open) == (PaymentState.PARTIAL, euros("99.00"))
    assert sorted(amount for _, amount in told(found)) == [-99, 20, 99]

    await expenses.books.take_last_payment_back(number)
    found = await payments(target, document_id)
    assert (found.state, found.open) == (PaymentState.NONE, euros("119.00"))
    assert sorted(amount for _, amount in told(found)) == [-99, -20, 20, 99]
    assert not sum((await expenses.books.trial_balance(expenses.entity.code)).values())

    await expenses.books.pay(number, second)
    found = await payments(target, document_id)
    assert (found.state, found.open) == (PaymentState.PAID, euros("0.00"))
    # Tryton forgets the lines that do not pay a document once it is paid.
    assert told(found) == [(second, Decimal("119.00"))]


async def test_a_document_of_nothing_is_paid_at_once(expenses: ExpenseWorld) -> None:
    target = expenses.connect()
    found = await payments(
        target, await posted(target, expenses.intent(cost("5.00"), cost("-5.00")))
    )
    assert (found.state, found.total, found.payments) == (PaymentState.PAID, euros("0.00"), ())


async def test_a_credit_note_is_settled_by_money_that_comes_in(expenses: ExpenseWorld) -> None:
    target = expenses.connect()
    document_id = await posted(target, expenses.intent(cost("-30.00")))
    await expenses.books.pay(int(document_id), expenses.day)
    found = await payments(target, document_id)
    assert (found.state, found.total) == (PaymentState.PAID, euros("-30.00"))
    assert told(found) == [(expenses.day, Decimal("-30.00"))]


async def test_a_document_in_dollars_is_paid_in_dollars(expenses: ExpenseWorld) -> None:
    target = expenses.connect()
    document_id = await posted(target, expenses.intent(cost("108.00"), currency="USD"))
    await expenses.books.pay(int(document_id), expenses.day, Decimal("8.00"))
    found = await payments(target, document_id)
    assert (found.state, found.open) == (
        PaymentState.PARTIAL,
        Money(amount=Decimal("100.00"), currency="USD"),
    )
    assert told(found) == [(expenses.day, Decimal("8.00"))]


async def test_a_cancelled_document_does_not_stand_and_one_that_is_gone_is_left_out(
    expenses: ExpenseWorld,
) -> None:
    target = expenses.connect()
    kept, cancelled = [await posted(target, expenses.intent()) for _ in range(2)]
    await expenses.books.cancel(int(cancelled))
    found = {
        each.document_id: each for each in await target.payments_of([kept, cancelled, "99999"])
    }
    assert set(found) == {kept, cancelled}
    assert found[kept].standing
    assert not found[cancelled].standing
    assert found[cancelled].state is PaymentState.REVERSED


async def test_only_the_invoice_pays_the_employee_for_what_is_passed_on(
    expenses: ExpenseWorld,
) -> None:
    """A disbursement stays a draft, which pays nobody; a validated one would pay once more.

    It is what docs/adr/0008 rests on.
    """
    target = expenses.connect()
    passed_on = expenses.passing_on("60.00", "40.00")
    intent = expenses.intent(cost("100.00"), disbursements=passed_on)
    document_id = await posted(target, intent)
    await expenses.books.pay(int(document_id), expenses.day)
    found = await expenses.books.disbursements(intent.reference)
    assert {(each.state, each.payments) for each in found} == {("draft", 0)}
    assert {(each.project, each.amount) for each in found} == {
        (each.project, each.amount) for each in passed_on
    }

    first = found[0]
    await expenses.session.press("project.disbursement", "validate_disbursement", [first.id])
    (payment,) = await expenses.session.find(
        "account.payment",
        [["origin", "=", f"project.disbursement,{first.id}"]],
        *("kind", "party.code", "amount"),
    )
    assert (payment["kind"], payment["party."]["code"], payment["amount"]) == (
        "payable",
        expenses.employee.code,
        first.amount,
    )
    await expenses.session.press("project.disbursement", "cancel", [first.id])


async def test_receipts_are_attached_and_a_repeat_is_recognised(expenses: ExpenseWorld) -> None:
    target = expenses.connect()
    document_id = await posted(target, expenses.intent())
    assert await target.attached(document_id) == frozenset()
    receipts = [
        Attachment("receipt 1: a", "hotel.pdf", b"%PDF-1.7 \x00\xff"),
        Attachment("2", "", b"jpeg"),
    ]
    expenses.aim = "model.ir.attachment.create"
    expenses.network.lose_next_write()
    with pytest.raises(OutcomeUnknownError):
        await target.attach(document_id, receipts)
    assert await target.attached(document_id) == {"receipt 1: a", "2"}
    await target.attach(document_id, [])
    rows = await expenses.session.find(
        "ir.attachment", [["resource", "=", f"account.invoice,{document_id}"]], "name", "data"
    )
    assert [(row["name"], row["data"]["base64"].strip()) for row in rows] == [
        ("hotel.pdf", "JVBERi0xLjcgAP8="),
        ("2", "anBlZw=="),
    ]


async def test_what_people_attached_is_no_receipt_of_ours(expenses: ExpenseWorld) -> None:
    target = expenses.connect()
    document_id = await posted(target, expenses.intent())
    note = {"name": "note.txt", "type": "link", "link": "https://firm.example/note"}
    resource = {"resource": f"account.invoice,{document_id}"}
    await expenses.session.create("ir.attachment", [{**note, **resource}])
    assert await target.attached(document_id) == frozenset()
