"""Customer invoices and their credit notes in Xero, by the rules of billing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.attestation import agrees
from canonical.billing import InvoiceRole
from canonical.money import HourlyRate
from canonical.posting import Executed, PostedDocument, PostingIntent, PostingKind
from canonical.posting_period import PeriodDecision
from connectors.base.errors import RejectedError
from connectors.xero import Xero
from connectors.xero.simulated_ledger import pay
from tests.connectors.xero.firm import OTHER_CUSTOMER
from tests.connectors.xero.world import SaleWorld

EUR_150 = HourlyRate(amount=Decimal("150.00"), currency="EUR")


async def booked(xero: Xero, intent: PostingIntent) -> PostedDocument:
    [outcome] = await xero.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    return outcome.document


async def agreeing(world: SaleWorld, intent: PostingIntent) -> dict[str, Any]:
    """Post, see that Xero shows just that, in the answer and in a look-up; gives the record."""
    xero = world.connect()
    document = await booked(xero, intent)
    assert agrees(intent, document), document
    assert (await xero.find([intent]))[intent.reference] == (document,)
    return world.record(document.document_id)


def credit_of(world: SaleWorld, invoice: PostingIntent, document_id: str, amount: str) -> Any:
    """A credit note for a part of an invoice."""
    line = world.line(1, f"-{amount}", id="credit/1", credits="event/1")
    body = invoice.customer_invoice.model_copy(update={"lines": (line,), "credits": "event"})
    return world.intent_of(
        body, body.invoice_date, corrects=invoice.key, corrects_document=document_id
    )


async def test_hours_at_a_rate_are_a_quantity_at_a_price(sales: SaleWorld) -> None:
    line = sales.line(1, "187.50", seconds=4_500, rate=EUR_150)
    record = await agreeing(sales, sales.invoice(line))
    _, shown = record["LineItems"]
    assert (shown["Quantity"], shown["UnitAmount"]) == (Decimal("1.2500"), Decimal("150.0000"))
    assert record["InvoiceNumber"] == "INV-0001"
    assert (record["SubTotal"], record["Total"]) == (Decimal("187.50"), Decimal("223.13"))


async def test_an_amount_that_hours_do_not_come_to_is_one_piece_with_its_hours_in_words(
    sales: SaleWorld,
) -> None:
    line = sales.line(1, "100.01", seconds=2_401, rate=EUR_150)
    record = await agreeing(sales, sales.invoice(line))
    _, shown = record["LineItems"]
    assert (shown["Quantity"], shown["UnitAmount"]) == (Decimal(1), Decimal("100.0100"))
    assert "0.6669 h" in shown["Description"]


async def test_a_lowered_price_is_a_line_below_nothing(sales: SaleWorld) -> None:
    lines = (
        sales.line(1, "300.00", seconds=7_200, rate=EUR_150),
        sales.line(2, "-50.00", role=InvoiceRole.WRITE_DOWN, reason="agreed with the customer"),
    )
    record = await agreeing(sales, sales.invoice(*lines))
    assert record["SubTotal"] == Decimal("250.00")


async def test_all_that_billing_knows_of_a_line_comes_back(sales: SaleWorld) -> None:
    line = sales.line(
        1,
        "1000.00",
        role=InvoiceRole.MILESTONE,
        billing_schedule="MS-1",
        performance_obligation="PO; [9]",
        tax=None,
        tax_rate=Decimal("0.00"),
        tax_note="reverse charge",
        exchange="1.1 USD/EUR",
    )
    record = await agreeing(sales, sales.invoice(line, purchase_order="PO-7", currency="USD"))
    assert "reverse charge" in record["LineItems"][1]["Description"]
    assert "order PO-7" in record["LineItems"][0]["Description"]


async def test_a_part_of_an_invoice_is_credited_and_settles_that_much(sales: SaleWorld) -> None:
    invoice = sales.invoice(sales.line(1, "100.00"), sales.line(2, "50.00"))
    document = await booked(sales.connect(), invoice)
    record = await agreeing(sales, credit_of(sales, invoice, document.document_id, "40.00"))
    assert (record["Type"], record["CreditNoteNumber"]) == ("ACCRECCREDIT", "CN-0001")
    assert (record["Total"], record["Status"]) == (Decimal("47.60"), "PAID")
    credited = sales.record(document.document_id)
    assert credited["AmountDue"] == Decimal("178.50") - Decimal("47.60")


async def test_a_credit_of_what_is_paid_stays_open_for_the_customer(sales: SaleWorld) -> None:
    invoice = sales.invoice(sales.line(1, "100.00"))
    document = await booked(sales.connect(), invoice)
    record = sales.record(document.document_id)
    pay(sales.xero, record["_id"], Decimal("119.00"), date(2026, 3, 20))
    credit = await agreeing(sales, credit_of(sales, invoice, document.document_id, "40.00"))
    assert (credit["RemainingCredit"], record["Status"]) == (Decimal("47.60"), "PAID")


async def test_a_credit_of_what_is_not_ours_is_refused(sales: SaleWorld) -> None:
    invoice = sales.invoice()
    foreign = await sales.book_for_somebody_else()
    with pytest.raises(RejectedError) as told:
        await sales.connect().post([credit_of(sales, invoice, foreign, "1.00")], {})
    assert told.value.code == "not_ours"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(PostingKind.REVERSAL, "credit_note_needed"), (PostingKind.INVOICE, "two_dates")],
)
async def test_what_xero_cannot_do_is_refused_before_anything_leaves(
    sales: SaleWorld, kind: PostingKind, code: str
) -> None:
    intent = sales.invoice()
    later = date(2026, 4, 30)
    period = PeriodDecision(posting_date=later, period="later", original_date=later)
    changed = intent.model_copy(
        update={"kind": kind, "period": period, "corrects_document": "invoice/x"}
    )
    with pytest.raises(RejectedError) as told:
        await sales.connect().post([changed], {})
    assert told.value.code == code
    assert sales.network.requests == []


async def test_a_role_without_an_account_is_refused_by_name(sales: SaleWorld) -> None:
    xero = sales.connect(revenue_accounts={InvoiceRole.FEE: "200"})
    with pytest.raises(RejectedError) as told:
        await xero.post([sales.invoice()], {})
    assert (told.value.code, "work" in str(told.value)) == ("revenue_account_missing", True)


async def test_what_a_person_changed_in_an_invoice_shows(sales: SaleWorld) -> None:
    invoice = sales.invoice()
    document = await booked(sales.connect(), invoice)
    record = sales.record(document.document_id)
    record["Contact"] = {**record["Contact"], "ContactID": OTHER_CUSTOMER}
    [shown] = (await sales.connect().find([invoice]))[invoice.reference]
    assert shown.customer_invoice.customer == OTHER_CUSTOMER
    assert not agrees(invoice, shown)


async def test_an_invoice_whose_words_were_deleted_is_an_error_and_not_absent(
    sales: SaleWorld,
) -> None:
    invoice = sales.invoice()
    document = await booked(sales.connect(), invoice)
    sales.record(document.document_id)["LineItems"][1]["Description"] = "Rewritten"
    with pytest.raises(RejectedError) as told:
        await sales.connect().find([invoice])
    assert told.value.code == "answer_not_understood"
    swept = [page async for page in sales.connect().documents_since(None)]
    assert not any(swept), "what cannot be read counts as missing"


async def test_what_was_voided_stands_no_more(sales: SaleWorld) -> None:
    invoice = sales.invoice()
    document = await booked(sales.connect(), invoice)
    sales.record(document.document_id)["Status"] = "VOIDED"
    assert await sales.connect().find([invoice]) == {}


rates = st.integers(1, 5_000_000).map(
    lambda n: HourlyRate(amount=Decimal(n).scaleb(-4), currency="EUR")
)


@settings(max_examples=60, deadline=None)
@given(
    work=st.lists(
        st.tuples(st.integers(1, 360_000), rates, st.integers(1, 9_999_999)), min_size=1, max_size=4
    ),
    credited=st.booleans(),
)
async def test_whatever_an_invoice_says_is_read_back_as_it_was_sent(
    work: list[tuple[int, HourlyRate, int]], credited: bool
) -> None:
    world = SaleWorld()
    sign = -1 if credited else 1
    lines = [
        world.line(
            number,
            str(sign * Decimal(cents).scaleb(-2)),
            seconds=sign * seconds,
            rate=rate,
            credits=f"old/{number}" if credited else None,
        )
        for number, (seconds, rate, cents) in enumerate(work, 1)
    ]
    await agreeing(world, world.invoice(*lines, credits="old" if credited else None))
    assert world.spec.broken == []
