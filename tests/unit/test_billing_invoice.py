"""The proposed invoice: its lines, its taxes, whose price counts, and what an ERP is told."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from canonical.billing import BillingEvent, InvoiceRole
from canonical.contracts import ExchangeRate, PurchaseOrder, RateScope, TaxParty
from rules.billing_exchange import find_exchange
from rules.billing_invoice import erp_quantity
from rules.billing_policy import BillingPolicy, InvoiceTaxRow
from rules.invoice_tax import taxes_of_invoice
from rules.rate_precedence import NoRate, RateFound, find_rate
from tests.unit.billing_building import (
    HOUR,
    INVOICED_ON,
    POLICY,
    SOME_POUNDS,
    billed,
    card,
    contract_line,
    cost,
    decided,
    engagement,
    euro,
    hard_cap,
    hourly,
    hours,
    october,
    rate,
    total,
)


def test_lines_are_apart_by_contract_line_rate_tax_and_purchase_order() -> None:
    both = engagement(
        contract_line("L-1", tasks=("T-1",), purchase_order="PO-1"),
        contract_line("L-2", tasks=("T-2",)),
    )
    now = decided(
        hours("1", 5),
        hours("2", 6, rate=hourly(90)),
        hours("3", 7, service="training"),
        hours("4", 8),
        hours("5", 9, task="T-2"),
        engagement=both,
        purchase_orders=(PurchaseOrder(id="PO-1", number="4500-1"),),
        policy=POLICY.model_copy(
            update={
                "taxes": (
                    InvoiceTaxRow(service="training", tax="FREE", rate=Decimal(0), note="exempt"),
                    *POLICY.taxes,
                )
            }
        ),
    )

    without, with_order = now.events
    assert [one.contract_line for one in without.invoice.lines] == ["L-2"]
    lines = [(str(one.amount), one.tax, one.tax_note) for one in with_order.invoice.lines]
    assert lines == [
        ("90.00", "UST-19", ""),
        ("100.00", "FREE", "exempt"),
        ("200.00", "UST-19", ""),
    ]


def test_costs_are_recharged_together_and_each_disbursement_by_itself() -> None:
    outside = InvoiceTaxRow(service="disbursement", tax=None, rate=Decimal(0), note="outside")
    passed_on: dict[str, Any] = {"disbursement": True, "service": "disbursement"}
    now = decided(
        cost("a", 5, 10),
        cost("b", 6, 20),
        cost("c", 7, 5, **passed_on, evidence="DOC-1"),
        cost("d", 8, 6, **passed_on, evidence="DOC-2"),
        policy=POLICY.model_copy(update={"taxes": (outside, *POLICY.taxes)}),
    )

    lines = [(one.role, str(one.amount), one.tax) for one in now.events[0].invoice.lines]
    assert lines == [
        (InvoiceRole.EXPENSE, "30.00", "UST-19"),
        (InvoiceRole.DISBURSEMENT, "5.00", None),
        (InvoiceRole.DISBURSEMENT, "6.00", None),
    ]
    with pytest.raises(ValidationError, match="evidence"):
        cost("e", 8, 6, disbursement=True)


def test_an_event_whose_lines_are_not_its_allocations_to_the_cent_is_refused() -> None:
    (event,) = decided(hours("1", 5)).events
    line = event.invoice.lines[0].model_copy(update={"amount": Decimal("100.01")})
    wrong = event.model_copy(
        update={"invoice": event.invoice.model_copy(update={"lines": (line,)})}
    )

    with pytest.raises(ValidationError, match="to the cent"):
        BillingEvent.model_validate_json(wrong.model_dump_json())
    assert BillingEvent.model_validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize(
    ("hours_worked", "price", "cap", "said"),
    [
        ("2.5", "100", None, ("2.50", "100.0000", True)),
        ("0.25", "99.99", None, ("0.25", "99.9900", True)),
        ("0.3333", "90", None, ("1", "29.9800", False)),
        ("10", "110", 1000, ("1", "1000.0000", False)),
    ],
)
def test_an_erp_that_multiplies_is_given_what_comes_to_the_amount(
    hours_worked: str, price: str, cap: int | None, said: tuple[str, str, bool]
) -> None:
    limit = hard_cap(cap) if cap else None
    line = hours("1", 5, hours_worked, rate=hourly(price))
    (event,) = decided(line, engagement=engagement(contract_line(cap=limit))).events
    (invoice_line,) = event.invoice.lines

    told = erp_quantity(invoice_line, "EUR", quantity_places=2, price_places=4)

    assert (str(told.quantity), str(told.unit_price), told.is_hours) == said
    assert (told.quantity * told.unit_price).quantize(Decimal("0.01")) == invoice_line.amount


def test_tax_is_rounded_where_the_erp_rounds_it() -> None:
    now = decided(hours("1", 5, rate=hourly("0.03")), hours("2", 6, rate=hourly("0.04")))
    (event,) = now.events
    by_document = POLICY.model_copy(update={"tax_rounding": "document"})

    (by_line,) = taxes_of_invoice(event.invoice, POLICY)
    (at_once,) = taxes_of_invoice(event.invoice, by_document)

    assert (by_line.base, by_line.amount) == (euro("0.07"), euro("0.02"))
    assert at_once.amount == euro("0.01")


@pytest.mark.parametrize(
    ("customer", "service", "tax"),
    [
        (TaxParty(country="DE", registered=False), "consulting", "UST-19"),
        (TaxParty(country="FR", registered=True), "consulting", "REVERSE"),
        (TaxParty(country="FR", registered=False), "consulting", None),
        (TaxParty(country="US", registered=False), "consulting", "EXPORT"),
        (TaxParty(country="US", registered=False), "software", None),
        (TaxParty(country="GB", registered=True), "consulting", None),
    ],
)
def test_the_first_row_of_the_tax_table_that_fits_counts_and_no_row_blocks(
    customer: TaxParty, service: str, tax: str | None
) -> None:
    table = BillingPolicy(
        tax_registrations=("DE",),
        taxes=(
            InvoiceTaxRow(customer_country="DE", tax="UST-19", rate=Decimal(19)),
            InvoiceTaxRow(
                customer_country="FR",
                customer_registered=True,
                tax="REVERSE",
                rate=Decimal(0),
                note="reverse charge",
            ),
            InvoiceTaxRow(
                customer_country="US", service="consulting", tax="EXPORT", rate=Decimal(0)
            ),
            InvoiceTaxRow(
                seller_country="GB", customer_country="GB", tax="VAT-20", rate=Decimal(20)
            ),
            InvoiceTaxRow(
                customer_country="FR",
                tax="OLD",
                rate=Decimal(0),
                valid_until=october(31),
            ),
        ),
    )
    line = contract_line(service=service)

    now = decided(hours("1", 5), engagement=engagement(line, customer_tax=customer), policy=table)

    assert [one.tax for event in now.events for one in event.invoice.lines] == (
        [tax] if tax else []
    )
    assert now.ready == (tax is not None)


PERSON = rate(150, RateScope.PERSON, engagement="ENG-1", employee="E-7")
ROLE = rate(140, RateScope.ROLE, engagement="ENG-1", role="consultant")
CUSTOMER = rate(130, RateScope.CUSTOMER, customer="C-1")
STANDARD = rate(120)
STANDARD_ROLE = rate(125, role="consultant")


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        ((STANDARD, CUSTOMER, ROLE, PERSON), 150),
        ((STANDARD, CUSTOMER, ROLE), 140),
        ((STANDARD, CUSTOMER, STANDARD_ROLE), 130),
        ((STANDARD, STANDARD_ROLE), 125),
        ((STANDARD,), 120),
        ((PERSON.model_copy(update={"valid_until": october(4)}), ROLE), 140),
        ((PERSON.model_copy(update={"engagement": "ENG-2"}), ROLE), 140),
        ((PERSON.model_copy(update={"employee": "E-8"}), CUSTOMER), 130),
        ((CUSTOMER.model_copy(update={"customer": "C-2"}), STANDARD), 120),
        ((PERSON, PERSON.model_copy(update={"contract_line": "L-1", "rate": hourly(99)})), 99),
        ((STANDARD, STANDARD), 120),
    ],
)
def test_a_persons_rate_on_the_contract_counts_first_then_role_customer_and_standard(
    rates: tuple[Any, ...], found: int
) -> None:
    under = engagement()

    result = find_rate(hours("1", 5), under, under.lines[0], (card(*rates),))

    assert isinstance(result, RateFound)
    assert result.rate == hourly(found)


def test_rates_that_contradict_each_other_are_no_rate() -> None:
    under = engagement()

    result = find_rate(hours("1", 5), under, under.lines[0], (card(STANDARD), card(rate(121))))

    assert isinstance(result, NoRate)
    assert "contradict" in result.why


def test_a_rate_is_effective_by_work_date_and_what_was_decided_at_approval_stays() -> None:
    old = rate(100, valid_until=october(5))
    new = rate(110, valid_from=october(6))
    now = decided(
        hours("1", 5), hours("2", 6), hours("3", 7, rate=hourly(90)), rate_cards=(card(old, new),)
    )

    assert total(now) == 300
    assert {one.work.id: one.amount for one in billed(now)} == {
        "1": euro(100),
        "2": euro(110),
        "3": euro(90),
    }
    assert [one.seconds for one in now.events[0].invoice.lines] == [HOUR, HOUR, HOUR]


def test_a_rate_says_whose_it_is() -> None:
    for scope in (RateScope.PERSON, RateScope.ROLE, RateScope.CUSTOMER):
        with pytest.raises(ValidationError, match="whose"):
            rate(100, scope)


def test_the_newest_exchange_rate_counts_and_the_right_way_round_first() -> None:
    older = SOME_POUNDS.model_copy(update={"on_date": october(31), "rate": Decimal("1.3")})
    other_way = SOME_POUNDS.model_copy(
        update={"source_currency": "EUR", "target_currency": "GBP", "rate": Decimal("0.5")}
    )
    contradicts = SOME_POUNDS.model_copy(update={"rate": Decimal("1.26")})

    def one_pound(*rates: ExchangeRate) -> str | None:
        found = find_exchange("GBP", "EUR", INVOICED_ON, rates, days_max=4)
        return str(found.convert(euro(1, "GBP"), "HALF_UP").amount) if found else None

    assert one_pound(older, SOME_POUNDS, other_way) == "1.25"
    assert one_pound(older, other_way) == "2.00"
    assert one_pound(older) == "1.30"
    assert one_pound(SOME_POUNDS, contradicts) is None
    assert one_pound() is None
