"""Credit notes, payments and bounced payments of customer invoices in the real ERP."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from activities.attestation import agrees
from canonical.expense_document import DocumentPayments, PaymentState
from canonical.money import Money
from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.tryton import Tryton
from rules.payment_steps import Paid, steps_between
from sandbox.tryton.json_rpc import ErpError
from tests.connectors.tryton.invoice_world import InvoiceWorld, hours, line

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


async def payments(target: Tryton, document: int) -> DocumentPayments:
    (found,) = await target.payments_of([str(document)])
    return found


def told(found: DocumentPayments) -> list[tuple[date, Decimal]]:
    return [(each.paid_on, each.amount.amount) for each in found.payments]


def steps_of(looks: list[DocumentPayments]) -> list[tuple[PaymentState, Decimal]]:
    """What a source hears by these looks, one after the other."""
    seen = [None, *(Paid.of(each) for each in looks)]
    return [
        (step.state, step.amount)
        for before, now in pairwise(seen)
        if now is not None
        for step in steps_between(before, now)
    ]


async def test_partial_payment_the_rest_and_a_bounced_one_are_told_in_order(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    document = await invoices.posted(target, invoices.intent(line("100.00")))
    first, second = invoices.billing_day, invoices.billing_day + timedelta(days=9)
    found = await payments(target, document)
    assert (found.state, found.total, found.open) == (
        PaymentState.NONE,
        money("119.00"),
        money("119.00"),
    )
    assert found.due_on == invoices.billing_day + timedelta(days=45)
    assert found.number.startswith("INV-")

    await invoices.desk.pay(document, first, Decimal("19.00"))
    found = await payments(target, document)
    assert (found.state, found.open) == (PaymentState.PARTIAL, money("100.00"))
    assert told(found) == [(first, Decimal("19.00"))]

    await invoices.desk.pay(document, second)
    found = await payments(target, document)
    assert (found.state, found.open) == (PaymentState.PAID, money("0.00"))
    assert told(found) == [(first, Decimal("19.00")), (second, Decimal("100.00"))]

    await invoices.desk.take_last_payment_back(document)
    found = await payments(target, document)
    assert (found.state, found.open) == (PaymentState.PARTIAL, money("100.00"))
    assert sorted(amount for _, amount in told(found)) == [-100, 19, 100]


async def test_of_an_invoice_credited_in_part_only_money_is_told(invoices: InvoiceWorld) -> None:
    target, desk = invoices.connect(), invoices.desk
    original = invoices.intent(line("100.00"))
    document = await invoices.posted(target, original)
    looks = [await payments(target, document)]
    note = await invoices.posted(target, invoices.credit(original, "15.97"))
    await desk.settle_with(document, note)
    looks.append(await payments(target, document))
    await desk.pay(document, invoices.billing_day, Decimal("40.00"))
    looks.append(await payments(target, document))
    await desk.pay(document, invoices.billing_day)
    looks.append(await payments(target, document))
    await desk.take_last_payment_back(document)
    looks.append(await payments(target, document))
    assert [(each.open.amount, each.paid, each.credited) for each in looks] == [
        (Decimal("119.00"), 0, 0),
        (Decimal("100.00"), 0, 19),
        (Decimal("60.00"), 40, 19),
        (Decimal("0.00"), 100, 19),
        (Decimal("60.00"), 40, 19),
    ]
    assert steps_of(looks) == [
        (PaymentState.PARTIAL, 40),
        (PaymentState.PAID, 100),
        (PaymentState.REVERSED, 60),
    ]


async def test_a_credit_of_what_is_left_ends_an_invoice_that_was_partly_paid(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    original = invoices.intent(line("100.00"))
    document = await invoices.posted(target, original)
    await invoices.desk.pay(document, invoices.billing_day, Decimal("100.00"))
    before = await payments(target, document)
    note = await invoices.posted(target, invoices.credit(original, "15.97"))
    # A note alone settles nothing: somebody has to say what it is for.
    assert await payments(target, document) == before
    await invoices.desk.settle_with(document, note)
    after = await payments(target, document)
    assert (before.state, after.state) == (PaymentState.PARTIAL, PaymentState.PAID)
    # In all, the customer has paid what was owed after the credit, and no cent more.
    assert steps_of([before, after]) == [(PaymentState.PARTIAL, 100), (PaymentState.PAID, 100)]


async def test_an_invoice_credited_in_full_by_a_note_is_taken_back_and_never_paid(
    invoices: InvoiceWorld,
) -> None:
    target, desk = invoices.connect(), invoices.desk
    original = invoices.intent(line("100.00"))
    document = await invoices.posted(target, original)
    looks = [await payments(target, document)]
    credit = invoices.credit(original, "100.00")
    note = await invoices.posted(target, credit)
    await desk.reconcile(document, note)
    (bill,), (credited,) = await invoices.held(original), await invoices.held(credit)
    # To Tryton, who settles is all the same.
    assert (bill.state, credited.state) == ("paid", "paid")
    looks.append(await payments(target, document))
    assert looks[-1].standing
    assert (looks[-1].state, told(looks[-1])) == (PaymentState.REVERSED, [])
    assert (looks[-1].open, looks[-1].credited) == (money("0.00"), Decimal("119.00"))
    assert (await payments(target, note)).state is PaymentState.PAID
    assert steps_of(looks) == []

    await desk.undo_reconciliation(document)
    looks.append(await payments(target, document))
    await desk.pay(document, invoices.billing_day)
    looks.append(await payments(target, document))
    assert [each.state for each in looks[-2:]] == [PaymentState.NONE, PaymentState.PAID]
    assert steps_of(looks) == [(PaymentState.PAID, 119)]


@pytest.mark.parametrize("about", [0, 1], ids=["the first", "the second"])
async def test_of_one_transfer_for_two_invoices_less_a_credit_each_is_told_its_own_part(
    invoices: InvoiceWorld, about: int
) -> None:
    target, day = invoices.connect(), invoices.billing_day
    originals = [invoices.intent(line("100.00")) for _ in range(2)]
    documents = [await invoices.posted(target, one) for one in originals]
    note = await invoices.posted(target, invoices.credit(originals[about], "10.00"))
    await invoices.desk.take_transfer(day, Decimal("226.10"), *documents, note)
    shown = {
        each.document_id: each
        for each in await target.payments_of([str(each) for each in (*documents, note)])
    }
    assert {each.state for each in shown.values()} == {PaymentState.PAID}
    credited, other = shown[str(documents[about])], shown[str(documents[1 - about])]
    assert (told(credited), credited.credited) == ([(day, Decimal("107.10"))], Decimal("11.90"))
    assert (told(other), other.credited) == ([(day, Decimal("119.00"))], 0)
    assert (told(shown[str(note)]), shown[str(note)].paid) == ([], 0)
    # Asked for by itself, each is told the same.
    for number in documents:
        assert await payments(target, number) == shown[str(number)]


async def test_money_that_goes_back_for_a_credit_note_is_no_payment_of_the_invoice(
    invoices: InvoiceWorld,
) -> None:
    target, desk = invoices.connect(), invoices.desk
    original = invoices.intent(line("100.00"))
    document = await invoices.posted(target, original)
    await desk.pay(document, invoices.billing_day)
    paid = await payments(target, document)
    note = await invoices.posted(target, invoices.credit(original, "10.00"))
    assert (await payments(target, note)).open == money("-11.90")
    await desk.pay(note, invoices.billing_day)
    refunded = await payments(target, note)
    assert (refunded.open, refunded.credited) == (money("0.00"), 0)
    assert told(refunded) == [(invoices.billing_day, Decimal("-11.90"))]
    assert await payments(target, document) == paid


async def test_dollars_paid_and_credited_at_other_rates_are_told_in_dollars(
    invoices: InvoiceWorld,
) -> None:
    """The exchange difference is booked in euros beside them, and is no payment."""
    target, desk = invoices.connect(), invoices.desk
    hour = hours(3600, "100.00", "100.00", "USD")
    original = invoices.intent(hour, currency="USD")
    document = await invoices.posted(target, original)
    note = await invoices.posted(target, invoices.credit(original, "10.00"))
    await desk.settle_with(document, note)
    first, later = invoices.billing_day, invoices.billing_day + timedelta(days=4)
    await desk.pay(document, first, Decimal("7.10"))
    await desk.pay(document, later)
    paid = await payments(target, document)
    assert (paid.state, paid.paid, paid.credited) == (
        PaymentState.PAID,
        Decimal("107.10"),
        Decimal("11.90"),
    )
    assert told(paid) == [(first, Decimal("7.10")), (later, Decimal("100.00"))]
    await desk.take_last_payment_back(document)
    bounced = await payments(target, document)
    assert (bounced.open, bounced.paid) == (money("100.00", "USD"), Decimal("7.10"))
    assert sorted(amount for _, amount in told(bounced)) == [-100, Decimal("7.10"), 100]


async def test_an_invoice_in_dollars_is_paid_in_dollars(invoices: InvoiceWorld) -> None:
    target = invoices.connect()
    intent = invoices.intent(hours(3600, "100.00", "100.00", "USD"), currency="USD")
    document = await invoices.posted(target, intent)
    await invoices.desk.pay(document, invoices.billing_day, Decimal("18.99"))
    found = await payments(target, document)
    assert (found.state, found.open) == (PaymentState.PARTIAL, money("100.01", "USD"))
    assert told(found) == [(invoices.billing_day, Decimal("18.99"))]


async def test_a_partial_credit_note_is_a_document_of_its_own_and_names_what_it_credits(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    original = invoices.intent(hours(36_000, "100.00", "1000.00"), line("50.00"))
    document = await invoices.posted(target, original)
    credit = invoices.credit(original, "300.00", "0.01")
    note = await invoices.posted(target, credit)

    (found,) = (await target.find([credit]))[credit.reference]
    assert found.body == credit.body
    (billed,), (credited,) = await invoices.held(original), await invoices.held(credit)
    assert (credited.number or "").startswith("CN-")
    assert [each.amount for each in credited.lines] == [Decimal("-300.00"), Decimal("-0.01")]
    assert [each.credits for each in credited.lines] == [each.id for each in billed.lines]
    # The original stands as it was, and is open in full until somebody settles it.
    assert agrees(original, (await target.find([original]))[original.reference][0])
    assert billed.left_to_pay == billed.total == Decimal("1249.50")

    await invoices.desk.settle_with(document, note)
    await invoices.desk.pay(document, invoices.billing_day, Decimal("100.00"))
    await invoices.desk.take_last_payment_back(document)
    found_payments = await payments(target, document)
    # What the note lowered is not open, and nobody has paid it either.
    assert (found_payments.state, found_payments.paid) == (PaymentState.NONE, 0)
    assert found_payments.open == money("892.49")
    assert found_payments.credited == Decimal("357.01")
    assert sorted(amount for _, amount in told(found_payments)) == [-100, 100]

    await invoices.desk.pay(document, invoices.billing_day)
    paid, settled = await payments(target, document), await payments(target, note)
    assert (paid.state, settled.state) == (PaymentState.PAID, PaymentState.PAID)
    assert told(paid) == [(invoices.billing_day, Decimal("892.49"))]
    assert (paid.paid, paid.credited) == (Decimal("892.49"), Decimal("357.01"))
    # A credit note that settles is no payment, and is not paid by anybody.
    assert (settled.total, told(settled)) == (money("-357.01"), [])


async def test_a_credit_may_name_the_posting_and_the_document_that_it_is_about(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    original = invoices.intent(line("10.00", tax=None, tax_rate=Decimal(0)))
    document = await invoices.posted(target, original)
    credit = invoices.credit(original, "4.00", engagement="ENG another").model_copy(
        update={"corrects": original.key, "corrects_document": str(document)}
    )
    await invoices.posted(target, credit)
    (bill,) = await invoices.held(credit)
    assert [each.credits is not None for each in bill.lines] == [True]


async def test_what_was_credited_in_full_in_the_erp_is_still_found_and_no_longer_stands(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    intent = invoices.intent()
    document = await invoices.posted(target, intent)
    await invoices.desk.credit_all(document, invoices.billing_day)
    (bill,) = await invoices.held(intent)
    assert bill.state == "cancelled"
    (found,) = (await target.find([intent]))[intent.reference]
    assert found.document_id == str(document)
    # So a repeat takes what is there, and bills nothing again.
    assert await invoices.posted(target, intent) == document
    assert len(await invoices.held(intent)) == 1
    assert (await payments(target, document)).state is PaymentState.REVERSED


async def test_a_credit_of_what_is_on_no_invoice_of_that_customer_is_refused(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    original = invoices.intent(line("10.00"))

    async def code_of(intent: PostingIntent) -> str:
        with pytest.raises(RejectedError) as refused:
            await target.post([intent], {})
        assert await invoices.held(intent) == ()
        return refused.value.code

    assert await code_of(invoices.credit(original, "10.00")) == "credited_line_unknown"
    await invoices.posted(target, original)
    elsewhere = invoices.credit(original, "10.00", customer=invoices.customers[1].id)
    assert await code_of(elsewhere) == "credited_line_unknown"
    assert await code_of(invoices.intent(credits="event")) == "credited_line_missing"


async def test_works_that_are_billed_by_hand_are_not_billed_by_tryton_as_well(
    invoices: InvoiceWorld,
) -> None:
    """It is what docs/adr/0011 rests on: on method manual Tryton bills none of our hours."""
    projects = await invoices.session.find(
        "project.work",
        [["type", "=", "project"], ["company", "=", int(invoices.entity.id)]],
        "children",
    )
    project = projects[0]
    (task,) = (
        await invoices.session.find(
            "project.work", [["id", "=", project["children"][0]]], "timesheet_works"
        )
    )[0]["timesheet_works"]
    (person,) = (
        await invoices.session.find(
            "company.employee",
            [["company", "=", int(invoices.entity.id)], ["end_date", "=", None]],
            "id",
        )
    )[:1]
    work = {"employee": person["id"], "work": task, "date": invoices.day}
    company = {"company": int(invoices.entity.id), "duration": timedelta(hours=2)}
    (entry,) = await invoices.session.create("timesheet.line", [{**work, **company}])
    try:
        await invoices.desk.bill_by_hand(project["id"])
        with pytest.raises(ErpError):
            await invoices.desk.bill_hours(project["id"])
        (row,) = await invoices.session.find("timesheet.line", [["id", "=", entry]], "invoice_line")
        assert row["invoice_line"] is None
        (shown,) = await invoices.session.find(
            "project.work", [["id", "=", project["id"]]], "amount_to_invoice"
        )
        assert shown["amount_to_invoice"] == 0
    finally:
        await invoices.session.call("model.timesheet.line.delete", [entry])
