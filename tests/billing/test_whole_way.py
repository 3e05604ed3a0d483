"""The whole way of an invoice: from hours and a contract to the payment, on the real ERP."""

from decimal import Decimal

import pytest

from tests.billing.billing_platform import BillingPlatform

pytestmark = pytest.mark.erp


async def test_approved_hours_become_one_invoice_that_is_followed_to_its_payment(
    local: BillingPlatform,
) -> None:
    systems = local.systems
    systems.agreements.agree("PRJ-1001", rate="150.00")
    systems.staff.enter(hours="2", on=0)
    systems.staff.enter(hours="3.5", on=1)
    await local.assess()

    view = await local.view("ENG-1001")
    assert view.ready, view
    assert [(one.amount, one.currency) for one in view.proposed] == [("825.00", "EUR")]

    decided = await local.release("ENG-1001")
    assert decided.done, decided.message
    (invoice,) = await local.posted("ENG-1001")
    (bill,) = await systems.bills("ENG-1001", int(invoice.erp_document_id or 0) - 1)
    assert bill.posted
    assert (bill.net, bill.tax, bill.total) == (
        Decimal("825.00"),
        Decimal("156.75"),
        Decimal("981.75"),
    )
    assert bill.accounts == {"4400": Decimal("825.00")}

    await systems.desk.pay(bill.id, bill.posting_date, Decimal("500.00"))
    await local.watch()
    (invoice,) = await local.invoices("ENG-1001")
    assert (invoice.number, invoice.payment, invoice.paid) == (
        bill.number,
        "partial",
        Decimal("500.00"),
    )
    await systems.desk.pay(bill.id, bill.posting_date)
    await local.watch()
    assert (await local.tell()).told == 3
    (invoice,) = await local.invoices("ENG-1001")
    assert invoice.payment == "paid"
