"""What the ERP says of an invoice is what people see in Harvest, if that is who hears it."""

from decimal import Decimal

import pytest

from connectors.harvest.simulated_state import SimulatedInvoice
from runtime.configuration import Configuration, ConnectionSettings
from sandbox.tryton.customer_desk import CustomerBill
from tests.billing.billing_platform import BillingPlatform, configuration
from tests.billing.systems import CONTRACTS

pytestmark = pytest.mark.erp


@pytest.fixture
def settings() -> Configuration:
    """Contracts come from a drop, and Harvest hears what becomes of their invoices."""
    told = configuration()
    told.connections[CONTRACTS] = ConnectionSettings(
        system="flatfile", posts_to="tryton", status_to="harvest"
    )
    return told


async def test_an_invoice_is_seen_in_harvest_as_it_is_issued_and_paid(
    local: BillingPlatform,
) -> None:
    systems = local.systems
    systems.agreements.agree("PRJ-1001", rate="150.00")
    systems.staff.enter(hours="2", on=0)
    systems.staff.enter(hours="3.5", on=1)
    await local.assess()
    assert (await local.release("ENG-1001")).done
    (invoice,) = await local.posted("ENG-1001")
    (bill,) = await systems.bills("ENG-1001", int(invoice.erp_document_id or 0) - 1)

    assert (await local.tell()).refused == 0
    shown = _as_in_the_erp(local, bill)
    assert (shown.state, shown.due_amount) == ("open", Decimal("981.75"))
    client = systems.account.invoices.client_of(shown)
    assert client.name.startswith(bill.customer)

    await systems.desk.pay(bill.id, bill.posting_date, Decimal("500.00"))
    await local.watch()
    assert (await local.tell()).refused == 0
    assert _as_in_the_erp(local, bill).due_amount == Decimal("481.75")

    await systems.desk.pay(bill.id, bill.posting_date)
    await local.watch()
    assert (await local.tell()).refused == 0
    shown = _as_in_the_erp(local, bill)
    assert (shown.state, shown.due_amount) == ("paid", 0)
    assert [one.amount for one in shown.payments] == [Decimal("500.00"), Decimal("481.75")]
    assert systems.account.invoices.mails == 0


async def test_a_bounced_payment_and_a_credit_are_seen_in_harvest(local: BillingPlatform) -> None:
    systems = local.systems
    systems.agreements.agree("PRJ-1001", rate="150.00")
    systems.staff.enter(hours="2", on=0)
    systems.staff.enter(hours="4", on=1)
    await local.assess()
    assert (await local.release("ENG-1001")).done
    (invoice,) = await local.posted("ENG-1001")
    (bill,) = await systems.bills("ENG-1001", int(invoice.erp_document_id or 0) - 1)
    await systems.desk.pay(bill.id, bill.posting_date, Decimal("500.00"))
    await local.watch()
    assert (await local.tell()).refused == 0

    await systems.desk.take_last_payment_back(bill.id)
    await local.watch()
    assert (await local.tell()).refused == 0
    shown = _as_in_the_erp(local, bill)
    assert (shown.state, shown.payments) == ("open", ())

    decided = await local.decide(
        "ENG-1001",
        "credit",
        invoice=bill.number,
        credits=[{"line": "1", "seconds": 3600}],
        reason="agreed on the phone",
        approver="bo",
    )
    assert decided.done, decided.message
    await local.posted("ENG-1001", 2)
    assert (await local.tell()).refused == 0
    (shown,) = systems.account.invoices.invoices
    assert (shown.state, shown.due_amount) == ("open", bill.total - Decimal("178.50"))


def _as_in_the_erp(local: BillingPlatform, bill: CustomerBill) -> SimulatedInvoice:
    """The one invoice in Harvest, which has the ERP's number, day, currency and total."""
    (shown,) = local.systems.account.invoices.invoices
    assert (shown.number, shown.issue_date) == (bill.number, bill.posting_date)
    assert (shown.currency, shown.amount) == ("EUR", bill.total)
    return shown
