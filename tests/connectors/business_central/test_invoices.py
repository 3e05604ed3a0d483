"""Customer invoices and credit notes in Business Central: what is billed, taxed and paid."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from canonical.billing import InvoiceRole
from canonical.expense_document import PaymentState
from canonical.posting import Executed, PostedDocument, PostingIntent
from connectors.base.errors import RejectedError
from connectors.business_central import BusinessCentral
from connectors.business_central import simulated_documents as documents
from connectors.business_central import simulated_ledger as ledger
from connectors.business_central.simulated_query import Record
from tests.connectors.business_central.document_world import InvoiceWorld, hours, work


@pytest.fixture
def world() -> Iterator[InvoiceWorld]:
    world = InvoiceWorld()
    yield world
    assert world.spec.broken == []


async def posted(erp: BusinessCentral, intent: PostingIntent) -> PostedDocument:
    [outcome] = await erp.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    return outcome.document


def own_id(document: PostedDocument) -> str:
    return document.document_id.rpartition("/")[2]


def lines_of(world: InvoiceWorld, document: PostedDocument) -> list[Record]:
    _, entity, own = document.document_id.split("/")
    lines = documents.PAPERS[entity].lines
    return list(world.company.rows(lines, documentId=own))


async def test_an_invoice_reads_back_whole(world: InvoiceWorld) -> None:
    intent = world.invoice(
        hours(1, "10", "150.00", billing_schedule="BS-1", performance_obligation="PO-7"),
        work(2, "2500.00", role=InvoiceRole.FEE, tax="VAT7", tax_rate=Decimal(7)),
        work(3, "-100.00", role=InvoiceRole.DRAW, tax=None, tax_rate=Decimal(0)),
        purchase_order="PO-4711",
    )
    document = await posted(world.connect(), intent)
    assert document.body == intent.body
    header = world.company.get("salesInvoices", own_id(document))
    assert header is not None
    assert header["totalAmountExcludingTax"] == Decimal("3900.00")
    assert header["totalTaxAmount"] == Decimal("285.00") + Decimal("175.00")
    assert header["customerPurchaseOrderReference"] == "PO-4711"
    assert header["remainingAmount"] == header["totalAmountIncludingTax"]


@pytest.mark.parametrize(
    ("line", "quantity", "price"),
    [
        (hours(1, "7.5", "120.00"), "7.5", "120.00"),
        # A third of an hour cannot be written; the amount counts.
        (work(1, "50.00", seconds=1_200), "1", "50.00"),
        (work(1, "-12.34"), "-1", "12.34"),
    ],
)
async def test_the_erp_multiplies_to_the_amount_that_was_computed(
    world: InvoiceWorld, line: object, quantity: str, price: str
) -> None:
    intent = world.invoice(line, work(2, "1000.00"))  # type: ignore[arg-type]  # A line it is.
    document = await posted(world.connect(), intent)
    assert document.body == intent.body
    told = lines_of(world, document)[0]
    assert (told["quantity"], told["unitPrice"]) == (Decimal(quantity), Decimal(price))


async def test_what_the_law_and_people_need_is_on_the_paper_and_our_facts_behind_it(
    world: InvoiceWorld,
) -> None:
    note = "Reverse charge: VAT is owed by the recipient under Article 196. " * 2
    intent = world.invoice(
        work(1, "10.00", tax_note=note, reason="agreed in  May", label="Größe & Maß " * 20)
    )
    document = await posted(world.connect(), intent)
    line = document.customer_invoice.lines[0]
    assert line.tax_note == " ".join(note.split())
    assert line.label == " ".join(("Größe & Maß " * 20).split())[:100].strip()
    shown = [row["description"] for row in lines_of(world, document)]
    assert "".join(shown[1:]).startswith("Reverse charge: VAT")
    assert all(text.startswith("~") for text in shown[4:])
    assert all(len(text) <= 100 and text == text.strip() for text in shown)


async def test_a_tax_of_another_rate_in_the_erp_is_refused_before_it_counts(
    world: InvoiceWorld,
) -> None:
    intent = world.invoice(work(1, "10.00", tax="VAT7", tax_rate=Decimal(19)))
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == "draft_differs"
    assert world.papers(intent.reference) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tax": None}, "tax_incomplete"),
        ({"role": InvoiceRole.MILESTONE}, "revenue_account_missing"),
    ],
)
async def test_what_cannot_be_written_as_it_is_never_leaves(
    world: InvoiceWorld, change: dict[str, object], code: str
) -> None:
    with pytest.raises(RejectedError) as told:
        await world.connect().post([world.invoice(work(1, "10.00", **change))], {})
    assert told.value.code == code
    assert [each for each in world.network.requests if each.method == "POST"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"customer": "11111111-1111-1111-1111-111111111111"}, "customer_unknown"),
        ({"currency": "GBP"}, "currency_unknown"),
    ],
)
async def test_a_refused_invoice_has_a_code_and_leaves_nothing(
    world: InvoiceWorld, change: dict[str, object], code: str
) -> None:
    intent = world.invoice(work(1, "1.00"), **change)
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == code
    assert world.papers(intent.reference) == []


async def test_a_partial_credit_note_reads_back_below_nothing_and_lowers_what_is_open(
    world: InvoiceWorld,
) -> None:
    erp = world.connect()
    invoice = await posted(erp, world.invoice(hours(1, "10", "150.00")))
    credit = world.invoice(
        hours(1, "-4", "150.00", credits="L1", reason="four hours were not agreed"),
        credits="event-1",
        corrects_document=invoice.document_id,
    )
    document = await posted(erp, credit)
    assert document.body == credit.body
    assert document.document_id.split("/")[1] == "salesCreditMemos"
    told = lines_of(world, document)[0]
    assert (told["quantity"], told["unitPrice"]) == (Decimal(4), Decimal("150.00"))
    [payments] = await erp.payments_of([invoice.document_id])
    assert payments.open.amount == Decimal("1785.00") - Decimal("714.00")
    assert payments.credited == Decimal("714.00")
    assert (payments.paid, payments.state) == (Decimal(0), PaymentState.NONE)


async def test_payments_follow_the_erp_as_far_as_it_tells(world: InvoiceWorld) -> None:
    erp = world.connect()
    invoice = await posted(erp, world.invoice(work(1, "100.00")))
    own = own_id(invoice)

    async def state() -> tuple[PaymentState, Decimal]:
        [payments] = await erp.payments_of([invoice.document_id])
        return payments.state, payments.open.amount

    assert await state() == (PaymentState.NONE, Decimal("119.00"))
    ledger.pay(world.company, "salesInvoices", own, Decimal("19.00"))
    assert await state() == (PaymentState.PARTIAL, Decimal("100.00"))
    ledger.pay(world.company, "salesInvoices", own, Decimal("100.00"))
    assert await state() == (PaymentState.PAID, Decimal("0.00"))
    ledger.pay(world.company, "salesInvoices", own, Decimal("-100.00"))
    assert await state() == (PaymentState.PARTIAL, Decimal("100.00"))
    header = world.company.get("salesInvoices", own)
    assert header is not None
    header["status"] = "Canceled"
    assert (await state())[0] is PaymentState.REVERSED


async def test_an_invoice_that_is_credited_in_full_is_taken_back_and_not_paid(
    world: InvoiceWorld,
) -> None:
    erp = world.connect()
    invoice = await posted(erp, world.invoice(work(1, "100.00")))
    credit = work(1, "-100.00", credits="L1")
    given = {"credits": "event-1", "corrects_document": invoice.document_id}
    await posted(erp, world.invoice(credit, **given))
    [payments] = await erp.payments_of([invoice.document_id])
    assert payments.state is PaymentState.REVERSED


async def test_of_a_purchase_it_is_told_whether_it_is_paid(world: InvoiceWorld) -> None:
    erp = world.connect()
    report = await posted(erp, world.expense())
    [payments] = await erp.payments_of([report.document_id])
    assert (payments.state, payments.open) == (PaymentState.NONE, report.expense_document.payable)
    ledger.pay(world.company, "purchaseInvoices", own_id(report), Decimal("119.99"))
    [payments] = await erp.payments_of([report.document_id])
    assert payments.state is PaymentState.PAID
    assert payments.number.startswith("P-")


async def test_payments_are_asked_for_in_bulk_and_what_is_gone_is_left_out(
    world: InvoiceWorld,
) -> None:
    erp = world.connect()
    invoices = [await posted(erp, world.invoice(work(1, f"{n}.00"))) for n in range(1, 4)]
    gone = f"{world.company.id}/salesInvoices/11111111-1111-1111-1111-111111111111"
    before = len(world.network.requests)
    found = await erp.payments_of([*(one.document_id for one in invoices), gone])
    assert [one.document_id for one in found] == [one.document_id for one in invoices]
    assert len(world.network.requests) - before == 2


async def test_a_second_invoice_of_one_reference_is_refused_where_the_firm_wants_it_so(
    world: InvoiceWorld,
) -> None:
    world.company.facts["external_number_mandatory"] = True
    intent = world.invoice(work(1, "1.00"))
    await world.book(intent)
    await world.draft(intent)
    document = await posted(world.connect(), intent)
    assert await world.held(intent.reference) == [document.document_id]
    assert await world.drafts(intent.reference) == []


async def test_the_posting_date_is_the_one_decided_and_the_invoice_date_its_own(
    world: InvoiceWorld,
) -> None:
    intent = world.invoice(work(1, "1.00"), invoice_date=date(2026, 3, 31))
    document = await posted(world.connect(), intent)
    header = world.company.get("salesInvoices", own_id(document))
    assert header is not None
    assert (header["invoiceDate"], header["postingDate"]) == ("2026-03-31", "2026-03-10")
