"""Every shape of customer invoice, posted to the real ERP and read back as it was sent."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from activities.attestation import agrees
from canonical.billing import CustomerInvoiceLine, InvoiceRole
from canonical.posting import Executed, PostingIntent
from sandbox.tryton.customer_desk import CustomerBill
from tests.connectors.tryton.invoice_world import InvoiceWorld, hours, line

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

Shape = Callable[[InvoiceWorld], PostingIntent]
NOTE = "Reverse charge: the recipient owes the tax"


def lines(*given: CustomerInvoiceLine, **body: object) -> Shape:
    """An invoice of these lines."""
    return lambda world: world.intent(*given, **body)


# Halves of cents, thirds of hours, and what a cap has cut.
ODD_RATES = lines(
    hours(900, "150.02", "37.51"),
    hours(1200, "99.9999", "33.33"),
    hours(3600, "0.0050", "0.01"),
    hours(26_100, "133.3333", "966.67"),
    hours(3600, "150.00", "149.99"),
)
RETAINER = lines(
    hours(7200, "200.00", "400.00"),
    line("-400.00", InvoiceRole.DRAW),
    line("5000.00", InvoiceRole.PREPAYMENT),
)
SHAPES: dict[str, Shape] = {
    "schedule": lines(
        line("12500.00", InvoiceRole.FEE, billing_schedule="S-1", performance_obligation="PO-9"),
        line("999999.99", InvoiceRole.MILESTONE, billing_schedule="S-2"),
    ),
    "costs and a write-down": lines(
        line("117.40", InvoiceRole.EXPENSE),
        line("31.10", InvoiceRole.DISBURSEMENT, tax=None, tax_rate=Decimal(0)),
        line("-50.00", InvoiceRole.WRITE_DOWN, reason="Goodwill, agreed on the phone"),
    ),
    "reverse charge": lines(
        line("10.00", tax="VAT0-OUT", tax_rate=Decimal("0.00"), tax_note=NOTE),
        purchase_order=None,
    ),
    "dollars": lines(
        hours(12_600, "200.01", "700.04", "USD"),
        hours(3600, "100.00", "108.00", exchange="1 EUR = 1.08 USD (ECB 2026-10-30)"),
        currency="USD",
    ),
    "yen": lines(hours(1800, "10001", "5001", "JPY"), line("10001"), currency="JPY"),
}


async def billed(invoices: InvoiceWorld, intent: PostingIntent) -> CustomerBill:
    """Post an invoice and see that it reads back whole, and that the ERP holds just that."""
    target, body = invoices.connect(), intent.customer_invoice
    (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
    assert isinstance(outcome, Executed), outcome
    assert outcome.document is not None
    assert outcome.document.body == body
    (found,) = (await target.find([intent]))[intent.reference]
    assert agrees(intent, found)
    assert found == outcome.document
    (bill,) = await invoices.held(intent)
    assert bill.posted
    assert (bill.number or "").startswith("INV-")
    assert [each.amount for each in bill.lines] == [each.amount for each in body.lines]
    assert bill.net == body.total.amount
    assert bill.reference == f"{intent.reference} {body.engagement}"
    assert (bill.customer, bill.payment_term) == (invoices.customers[0].code, "45 days")
    assert {each.tax_date for each in bill.lines} == {body.tax_point_date}
    return bill


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
async def test_every_shape_is_posted_and_read_back_as_it_was_sent(
    invoices: InvoiceWorld, shape: Shape
) -> None:
    await billed(invoices, shape(invoices))


async def test_hours_are_quantity_and_price_where_their_product_is_the_amount(
    invoices: InvoiceWorld,
) -> None:
    bill = await billed(invoices, ODD_RATES(invoices))
    shown = [(str(each.quantity.normalize()), each.unit_price) for each in bill.lines]
    # 0.25 h at 150.02 is 37.50 for Tryton, and the fourth is 7.25 h at four digits.
    assert shown == [
        ("1", Decimal("37.51")),
        ("1", Decimal("33.33")),
        ("1", Decimal("0.01")),
        ("7.25", Decimal("133.3333")),
        ("1", Decimal("149.99")),
    ]


async def test_accounts_follow_the_roles_and_a_draw_takes_back_a_prepayment(
    invoices: InvoiceWorld,
) -> None:
    bill = await billed(invoices, RETAINER(invoices))
    assert dict(bill.accounts) == {"4400": Decimal("400.00"), "4450": Decimal("4600.00")}
    assert not sum((await invoices.desk.trial_balance(bill.legal_entity)).values())


async def test_tax_is_rounded_once_for_the_document_and_once_more_for_what_is_taken_off(
    invoices: InvoiceWorld,
) -> None:
    """Three lines of 0.13 owe 0.07 (0.0741), where rounding each line would make 0.06."""
    whole = invoices.intent(line("0.13"), line("0.13"), line("0.13"))
    mixed = invoices.intent(line("0.13"), line("0.13"), line("-0.13"))
    target = invoices.connect()
    for intent in (whole, mixed):
        await invoices.posted(target, intent)
    assert [bill.tax for bill in await invoices.held(whole)] == [Decimal("0.07")]
    # 19 % of 0.26 and of -0.13 are rounded apart: 0.05 less 0.02.
    assert [bill.tax for bill in await invoices.held(mixed)] == [Decimal("0.03")]


async def test_a_posting_period_of_its_own_dates_the_ledger_and_not_the_invoice(
    invoices: InvoiceWorld,
) -> None:
    intent = invoices.intent(line("10.00"))
    period = intent.period.model_copy(update={"posting_date": invoices.last_day})
    intent = intent.model_copy(update={"period": period})
    target = invoices.connect()
    await invoices.posted(target, intent)
    (bill,) = await invoices.held(intent)
    assert (bill.invoice_date, bill.posting_date) == (invoices.billing_day, invoices.last_day)
    pages = target.documents_between(invoices.entity.id, invoices.last_day, invoices.last_day)
    seen = {each.reference: each async for page in pages for each in page}
    assert agrees(intent, seen[intent.reference])
    news = {each.reference async for page in target.documents_since(None) for each in page}
    assert intent.reference in news
