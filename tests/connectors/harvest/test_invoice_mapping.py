"""News of invoices in Harvest's terms: exact to the cent, and marks that are read back."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.money import Money
from connectors.base.capabilities import InvoiceNewsLine
from connectors.base.errors import RejectedError
from connectors.conformance.invoice_status import credit, euro, issued
from connectors.harvest.invoice_mapping import (
    as_issued,
    credit_body,
    invoice_body,
    is_twin,
    mark,
    mark_in,
    marked,
    payment_body,
    taken_back,
    taken_back_before,
)
from connectors.harvest.invoice_wire import Invoice, LineItem, Payment
from connectors.harvest.wire import Ref

CLIENT = 5735776
DAY = date(2026, 2, 12)
INVOICE = issued("Studio")


def paid(number: int, amount: str, notes: str | None = "", day: int = 1) -> Payment:
    """A payment; by default one of ours."""
    told = mark(f"P{number}") if notes == "" else notes
    day_paid = date(2026, 2, day).isoformat()
    return Payment.model_validate(
        {"id": number, "amount": Decimal(amount), "paid_date": day_paid, "notes": told}
    )


def test_an_invoice_is_mapped_member_by_member() -> None:
    body = invoice_body(INVOICE, CLIENT, "Service")
    items = body.pop("line_items")
    assert body == {
        "client_id": CLIENT,
        "number": "INV-2026-0007",
        "currency": "EUR",
        "issue_date": "2026-01-31",
        "due_date": "2026-03-02",
        "payment_term": "custom",
        "notes": "[Ledgerway invoice LREFINV-2026-0007]",
    }
    assert [tuple(item.values()) for item in items] == [
        ("Service", "Analysis", Decimal(2), Decimal("25.00")),
        ("Service", "Workshops, up to the cap (1.3889 h)", Decimal(1), Decimal("33.33")),
        ("Service", "Licence", Decimal(1), Decimal("16.67")),
        ("Service", "Tax", Decimal(1), Decimal("19.00")),
    ]


def test_without_a_due_date_harvest_chooses_it() -> None:
    body = invoice_body(replace(INVOICE, due_date=None), CLIENT, "Service")
    assert body.keys() & {"due_date", "payment_term"} == set()


def test_an_invoice_without_lines_is_one_line() -> None:
    news = replace(INVOICE, lines=(), total=None)
    (item,) = invoice_body(news, CLIENT, "Fee")["line_items"]
    assert (item["kind"], item["quantity"], item["unit_price"]) == ("Fee", 1, Decimal("100.00"))


def test_lines_that_are_not_the_sum_are_refused() -> None:
    with pytest.raises(RejectedError) as told:
        invoice_body(replace(INVOICE, net=euro("100.01")), CLIENT, "Service")
    assert told.value.code == "lines_do_not_add_up"


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=-(10**6), max_value=10**6),
            st.decimals(min_value=-(10**6), max_value=10**6, places=2),
        ),
        min_size=1,
        max_size=8,
    ),
    st.decimals(min_value=0, max_value=10**5, places=2),
)
def test_what_harvest_adds_up_is_the_erps_total_to_the_cent(
    lines: list[tuple[int, Decimal]], tax: Decimal
) -> None:
    net = sum((amount for _, amount in lines), Decimal(0))
    news = replace(
        INVOICE,
        net=Money(amount=net, currency="EUR"),
        total=Money(amount=net + tax, currency="EUR"),
        lines=tuple(
            InvoiceNewsLine("Work", seconds, Money(amount=amount, currency="EUR"))
            for seconds, amount in lines
        ),
    )
    items = invoice_body(news, CLIENT, "Service")["line_items"]
    shown = [(item["quantity"] * item["unit_price"]).quantize(Decimal("0.01")) for item in items]
    assert sum(shown, Decimal(0)) == net + tax
    assert all(item["quantity"].as_tuple().exponent >= -2 for item in items)
    assert len(items) == len(lines) + bool(tax)


def test_a_credit_is_a_line_below_nothing_that_names_the_note() -> None:
    (item,) = credit_body(credit(INVOICE, "-30.00"), "Service")["line_items"]
    assert item["unit_price"] == Decimal("-30.00")
    assert item["description"].startswith("Credit note CN-INV-2026-0007 of 2026-02-12")
    assert mark_in(item["description"]) == mark("CN-INV-2026-0007/credited")


def test_what_was_issued_does_not_change_by_credits() -> None:
    invoice = Invoice(
        id=1,
        client=Ref(id=CLIENT),
        number="1",
        amount=Decimal(70),
        due_amount=Decimal(70),
        currency="EUR",
        state="open",
        line_items=[
            LineItem(id=2, description="A discount", amount=Decimal(-19)),
            LineItem(id=3, description="Work", amount=Decimal(119)),
            LineItem(id=4, description=f"Credit {mark('C1')}", amount=Decimal(-30)),
        ],
    )
    assert as_issued(invoice) == Decimal(100)


def test_nobody_is_thanked_by_mail_for_a_payment() -> None:
    told = payment_body(Decimal("50.00"), DAY, "P1")
    assert payment_body(Decimal("50.00"), None, "P1").keys() == told.keys() - {"paid_date"}
    assert told == {
        "amount": Decimal("50.00"),
        "paid_date": "2026-02-12",
        "notes": "[Ledgerway P1]",
        "send_thank_you": False,
    }


@pytest.mark.parametrize(
    ("text", "name", "yes"),
    [
        ("[Ledgerway P1]", "P1", True),
        ("seen, ok. [Ledgerway P1] (Kim)", "P1", True),
        ("[Ledgerway P11]", "P1", False),
        ("[Ledgerway P1", "P1", False),
        ("P1", "P1", False),
        ("", "P1", False),
        (None, "P1", False),
    ],
)
def test_a_mark_is_found_whatever_stands_beside_it(text: str | None, name: str, yes: bool) -> None:
    assert marked(text, name) is yes


@pytest.mark.parametrize("text", [None, "", "[Ledgerway", "[Ledgerway P1", "Ledgerway P1]"])
def test_half_a_mark_is_none(text: str | None) -> None:
    assert mark_in(text) == ""


@pytest.mark.parametrize(
    ("amount", "gone", "rest", "since"),
    [
        ("50.00", {3}, "0.00", 3),  # The latest of this amount.
        ("20.00", {1}, "0.00", 1),  # This amount, though others are later.
        ("30.00", {3}, "20.00", 3),
        ("70.00", {3, 2}, "30.00", 2),
        ("120.00", {3, 2, 1}, "0.00", 1),
    ],
)
def test_what_bounced_is_the_payment_of_its_amount_or_the_latest_ones(
    amount: str, gone: set[int], rest: str, since: int
) -> None:
    payments = [
        paid(2, "50.00", day=2),
        paid(1, "20.00", day=1),
        paid(3, "50.00", day=3),
        paid(4, "500.00", "by hand", day=4),
        paid(5, "500.00", None, day=5),
    ]
    choice = taken_back(payments, Decimal(amount))
    assert choice.payments.keys() == gone
    assert choice.rest == Decimal(rest)
    assert choice.paid_date == date(2026, 2, since)


def test_what_others_recorded_is_never_taken_back() -> None:
    with pytest.raises(RejectedError) as told:
        taken_back([paid(1, "49.99"), paid(2, "50.00", "by hand")], Decimal("50.00"))
    assert told.value.code == "no_such_payment"


def test_what_the_notes_keep_of_a_reversal_is_read_back() -> None:
    choice = taken_back([paid(7, "50.00"), paid(8, "50.00")], Decimal("70.00"))
    notes = f"Call Kim first\n{choice.line('R1')}\n"
    before = taken_back_before(notes, "R1")
    assert before is not None
    assert (before.payments.keys(), before.rest) == (choice.payments.keys(), choice.rest)
    assert before.paid_date == choice.paid_date
    assert taken_back_before(notes, "R") is None
    assert taken_back_before(notes, "R11") is None
    assert taken_back_before(None, "R1") is None
    # The payments that went are known by it, the reversal itself is no payment.
    assert marked(notes, "P7")
    assert not marked(notes, "R1")


def test_a_payment_without_a_day_can_be_taken_back_in_part() -> None:
    payment = paid(7, "50.00").model_copy(update={"paid_date": None})
    before = taken_back_before(taken_back([payment], Decimal(20)).line("R1"), "R1")
    assert before is not None
    assert (before.rest, before.paid_date) == (Decimal("30.00"), None)


@pytest.mark.parametrize("spoiled", ["", "#1; much", "#1; 1.00 stays paid since tomorrow"])
def test_a_reversal_that_somebody_rewrote_is_left_to_people(spoiled: str) -> None:
    with pytest.raises(RejectedError) as told:
        taken_back_before(f"Taken back, Ledgerway reversal R1: {spoiled}", "R1")
    assert told.value.code == "notes_were_changed"


def test_only_what_says_the_same_again_is_a_twin() -> None:
    one = paid(1, "50.00")
    again = paid(2, "50.00", mark("P1"))
    taken = taken_back([one], Decimal("50.00")).line("R1")
    assert is_twin(again, [one], None)
    assert is_twin(again, [], taken)  # It came after the payment that it repeats had gone.
    assert not is_twin(one, [], taken)  # The reversal itself will take it.
    assert not is_twin(paid(3, "50.00"), [one], taken)
    assert not is_twin(paid(4, "50.00", "by hand"), [paid(5, "50.00", "by hand")], taken)
