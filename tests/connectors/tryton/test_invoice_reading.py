"""Customer invoices as Tryton multiplies and shows them: what is exact, and what is not read."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.billing import CustomerInvoiceLine, InvoiceRole
from canonical.exact import round_to, scale_of
from canonical.money import HourlyRate, minor_units
from connectors.tryton.customer_drafts import quantity_of
from connectors.tryton.customer_reading import paper_from

REFERENCE = "L" + "A" * 20
NOTE = "id: e/1\nrole: work\ncontract_line: CL-1\nlabel: Work\nseconds: 3600\nrate: 10 EUR"


def line(amount: Decimal, seconds: int, rate: Decimal, currency: str) -> CustomerInvoiceLine:
    return CustomerInvoiceLine(
        id="e/1",
        role=InvoiceRole.WORK,
        contract_line="CL-1",
        label="Work",
        seconds=seconds,
        rate=HourlyRate(amount=rate, currency=currency),
        amount=amount,
        tax=None,
        tax_rate=Decimal(0),
    )


@given(
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    seconds=st.integers(-4_000_000, 4_000_000),
    rate=st.decimals(0, 5000, places=4),
    minor=st.integers(-(10**9), 10**9),
    priced=st.booleans(),
)
def test_what_tryton_multiplies_is_the_amount_to_the_cent(
    currency: str,
    seconds: int,
    rate: Decimal,
    minor: int,
    priced: bool,
) -> None:
    places = minor_units(currency)
    product = round_to(rate * seconds / 3600, places)
    amount = product if priced else Decimal(minor).scaleb(-places)
    found = quantity_of(line(amount, seconds, rate, currency), currency)
    assert round_to(found.quantity * found.unit_price, places, "HALF_EVEN") == amount
    assert scale_of(found.quantity) <= 4
    assert scale_of(found.unit_price) <= 4
    assert found.unit_price >= 0


def test_a_half_of_a_cent_that_tryton_rounds_to_even_is_billed_as_one_thing() -> None:
    """0.25 h at 150.02 is 37.505: 37.51 by our rules, 37.50 for Tryton."""
    ours = line(Decimal("37.51"), 900, Decimal("150.02"), "EUR")
    found = quantity_of(ours, "EUR")
    assert (found.quantity, found.unit_price) == (1, Decimal("37.51"))
    theirs = quantity_of(line(Decimal("37.50"), 900, Decimal("150.02"), "EUR"), "EUR")
    assert (theirs.quantity, theirs.unit_price) == (1, Decimal("37.50"))
    even = quantity_of(line(Decimal("37.52"), 900, Decimal("150.06"), "EUR"), "EUR")
    assert (even.quantity, even.unit_price) == (Decimal("0.25"), Decimal("150.06"))


# As Tryton has it: a part of one, where everybody else says percent.
TAX = {"id": 1, "description": "VAT", "rate": {"__class__": "Decimal", "decimal": "0.1"}}


def shown(**given_: Any) -> dict[str, Any]:
    """An invoice as Tryton answers it."""
    amount = {"__class__": "Decimal", "decimal": "10.00"}
    first = {
        "id": 7,
        "type": "line",
        "account.": {"id": 1, "code": "4400"},
        "quantity": Decimal("1.0"),
        "amount": amount,
        "description": "Work",
        "note": NOTE,
        "origin": None,
        "taxes_date": {"__class__": "date", "year": 2026, "month": 10, "day": 20},
        "taxes.": [TAX],
    }
    content = {
        "id": 5,
        "company": 1,
        "state": "posted",
        "reference": f"{REFERENCE} ENG 1",
        "party": 2,
        "invoice_date": {"__class__": "date", "year": 2026, "month": 11, "day": 1},
        "accounting_date": None,
        "currency.": {"id": 1, "code": "EUR"},
        "comment": "service_from: 2026-10-01\nservice_until: 2026-10-31",
        "move": 3,
        "lines.": [first],
    }
    return {**content, **given_}


def altered(**line_: Any) -> dict[str, Any]:
    value = shown()
    return {**value, "lines.": [{**value["lines."][0], **line_}]}


def test_an_invoice_reads_whole() -> None:
    paper = paper_from(shown())
    assert paper.body is not None
    assert (paper.reference, paper.body.engagement) == (REFERENCE, "ENG 1")
    assert paper.body.tax_point_date == date(2026, 10, 20)
    assert paper.body.lines[0].rate == HourlyRate(amount=Decimal(10), currency="EUR")
    assert (paper.body.lines[0].tax, paper.body.lines[0].tax_rate) == ("VAT", 10)
    assert (paper.posting_date, paper.lines) == (date(2026, 11, 1), {"e/1": 7})


SECOND = {**shown()["lines."][0], "id": 8, "taxes_date": None}
UNREADABLE = {
    "no date": shown(invoice_date=None),
    "no service period": shown(comment=""),
    "lines of several tax dates": shown(**{"lines.": [shown()["lines."][0], SECOND]}),
    "no lines": shown(**{"lines.": []}),
    "several taxes on a line": altered(**{"taxes.": [TAX, {**TAX, "id": 2}]}),
    "a role that we do not know": altered(note=NOTE.replace("work", "tip")),
    "a line of a person's": altered(note=None),
    "hours that are no number": altered(note=NOTE.replace("3600", "many")),
    "no quantity": altered(quantity=None),
    "parts of a second": altered(quantity=Decimal("0.3333")),
    "a rate that is no rate": altered(note=NOTE.replace("10 EUR", "ten")),
    "parts of a cent": altered(amount={"__class__": "Decimal", "decimal": "1.001"}),
}


@pytest.mark.parametrize(
    ("quantity", "seconds"), [("1.0", 3600), ("-1.0", 3600), ("2.5", 9000), ("-0.25", -900)]
)
def test_hours_are_the_erps_own_quantity_unless_it_is_one_of_something(
    quantity: str, seconds: int
) -> None:
    body = paper_from(altered(quantity=Decimal(quantity))).body
    assert body is not None
    assert body.lines[0].seconds == seconds


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_exactly_is_no_document(value: dict[str, Any]) -> None:
    paper = paper_from(value)
    assert paper.body is None
    assert paper.booked
    with pytest.raises(ValueError, match="cannot be read exactly"):
        _ = paper.document


@pytest.mark.parametrize(
    ("state", "move", "booked", "draft"),
    [
        ("draft", None, False, True),
        ("validated", None, False, True),
        ("posted", 3, True, False),
        ("paid", 3, True, False),
        ("cancelled", 3, True, False),
        ("cancelled", None, False, False),
    ],
)
def test_what_is_in_the_ledger_counts_and_what_never_was_does_not(
    state: str,
    move: int | None,
    booked: bool,
    draft: bool,
) -> None:
    paper = paper_from(shown(state=state, move=move))
    assert (paper.booked, paper.draft) == (booked, draft)
