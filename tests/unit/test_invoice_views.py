"""How far invoices are: a month ends with them once nobody owes and nobody has to be told."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from activities.readiness import invoice_views
from store.readiness import Invoice

INVOICE = Invoice(
    connection="contracts",
    event_id="e-1",
    document_id="ENG-1/2026-10",
    legal_entity="DE01",
    customer="C-1",
    engagement="ENG-1",
    invoice_date=date(2026, 10, 31),
    currency="EUR",
    net=Decimal("500.00"),
    credits=None,
    released_by="ana",
    state="POSTED",
    reference="L1",
    erp_document_id="17",
    number="R-17",
    total=Decimal("595.00"),
    paid=Decimal(0),
    payment="none",
    due_on=None,
    posted_at=None,
    to_be_told=0,
)


def credit_note(net: str, name: str = "c-1", state: str = "POSTED") -> Invoice:
    return replace(
        INVOICE, event_id=name, credits="e-1", net=Decimal(net), state=state, payment=None
    )


def ended(*invoices: Invoice) -> list[bool]:
    return [one.ended for one in invoice_views(invoices)]


@pytest.mark.parametrize(
    ("payment", "has_ended"), [("none", False), ("partial", False), ("paid", True), (None, False)]
)
def test_an_invoice_has_ended_once_it_is_paid(payment: str | None, has_ended: bool) -> None:
    assert ended(replace(INVOICE, payment=payment)) == [has_ended]


def test_an_invoice_that_is_all_credited_has_ended_though_nobody_ever_pays_it() -> None:
    credited = replace(INVOICE, payment="reversed")
    assert ended(credited, credit_note("-500.00")) == [True, True]
    assert ended(credited, credit_note("-200.00"), credit_note("-300.00", "c-2")) == [True] * 3


@pytest.mark.parametrize("notes", [(), (credit_note("-499.99"),)])
def test_an_invoice_that_the_erp_alone_took_back_has_not_ended(notes: tuple[Invoice, ...]) -> None:
    assert ended(replace(INVOICE, payment="reversed"), *notes)[0] is False


def test_a_credit_note_that_is_not_posted_takes_nothing_back_yet() -> None:
    credited = replace(INVOICE, payment="reversed")
    assert ended(credited, credit_note("-500.00", state="EXCEPTION")) == [False, False]


def test_what_its_source_has_to_be_told_keeps_a_paid_invoice_from_its_end() -> None:
    assert ended(replace(INVOICE, payment="paid", to_be_told=1)) == [False]
