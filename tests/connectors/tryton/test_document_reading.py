"""Expense documents and Tryton's invoices, by pure functions: notes, signs and what agrees."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.expense_document import ExpenseRole
from canonical.money import Money
from connectors.tryton import document_reading as reading
from connectors.tryton.document_wire import DisbursementRow, LedgerLineRow, WireDecimal
from connectors.tryton.notes import facts_in, note_of
from connectors.tryton.payments import shares
from connectors.tryton.wire import Row

ROOT = "Cost centre"
REFERENCE = "LAAAAAAAAAAAAAAAAAAAA"
CODES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


def amount(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}


def day(year: int, month: int, of_month: int) -> dict[str, Any]:
    return {"__class__": "date", "year": year, "month": month, "day": of_month}


def invoice(**given_values: Any) -> dict[str, Any]:
    """An invoice as Tryton answers it, with one line of a hundred euros."""
    return {
        "id": 12,
        "company": 1,
        "state": "posted",
        "number": "SUP-1",
        "reference": f"{REFERENCE} R-7",
        "party": 5,
        "invoice_date": day(2026, 10, 20),
        "accounting_date": day(2026, 10, 31),
        "currency.": {"id": 1, "code": "EUR"},
        "comment": None,
        "lines.": [wired_line()],
        "taxes.": [],
        **given_values,
    }


def wired_line(**given_values: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "type": "line",
        "account.": {"id": 9, "code": "6600"},
        "amount": amount("100.00"),
        "description": "Taxi",
        "note": None,
        "analytic_accounts.": [],
        **given_values,
    }


def entry(code: str, root: str = ROOT) -> dict[str, Any]:
    return {"id": 3, "account.": {"id": 4, "code": code, "root.": {"id": 1, "name": root}}}


@given(st.dictionaries(CODES.filter(lambda name: ":" not in name), CODES))
def test_a_note_gives_back_what_was_written_into_it(facts: dict[str, str]) -> None:
    text = note_of({**facts, "left out": None})
    assert facts_in(f"By hand, without a colon\n{text}\n\n") == facts


def test_an_invoice_without_any_note_is_read_as_costs() -> None:
    paper = reading.paper_from(invoice(), ROOT)
    assert paper.booked
    assert paper.body is not None
    (one,) = paper.body.lines
    assert (one.role, one.account, one.amount) == (ExpenseRole.EXPENSE, "6600", Decimal(100))
    assert (paper.body.report_number, paper.billing) == ("R-7", f"{REFERENCE} 12 ")


def test_a_note_cannot_make_a_line_the_employees_own_part() -> None:
    wired = invoice(**{"lines.": [wired_line(note="role: employee_payable")]})
    body = reading.paper_from(wired, ROOT).body
    assert body is not None
    assert body.lines[0].role is ExpenseRole.EXPENSE


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], None),
        ([entry("CC-1")], "CC-1"),
        ([entry("A", "Region"), entry("CC-1")], "CC-1"),
        ([entry("CC-2"), entry("CC-1")], "CC-1 and CC-2"),
    ],
)
def test_a_cost_centre_is_read_from_its_own_axis_only(
    entries: list[dict[str, Any]], expected: str | None
) -> None:
    body = reading.paper_from(
        invoice(**{"lines.": [wired_line(**{"analytic_accounts.": entries})]}), ROOT
    ).body
    assert body is not None
    assert body.lines[0].cost_centre == expected


@pytest.mark.parametrize(
    "broken",
    [
        {"lines.": []},
        {"invoice_date": None},
        {"currency.": {"id": 1, "code": None}},
        {"lines.": [wired_line(amount=None)]},
        {"lines.": [wired_line(amount=amount("0.001"))]},
        {"lines.": [wired_line(note="tax_base: much")]},
        {"comment": "reverses: 3\nbooked_on: 2026-10-31\nposting_date: soon"},
    ],
)
def test_what_cannot_be_read_exactly_has_no_body_and_is_no_document(
    broken: dict[str, Any],
) -> None:
    paper = reading.paper_from(invoice(**broken), ROOT)
    assert paper.body is None
    with pytest.raises(ValueError, match="cannot be read exactly"):
        reading.document_from(paper, ())


def test_a_reversal_reads_like_what_it_takes_back() -> None:
    comment = (
        "reverses: 3\nreference: LBBBBBBBBBBBBBBBBBBBB\n"
        "posting_date: 2026-09-30\nbooked_on: 2026-10-31"
    )
    paper = reading.paper_from(
        invoice(comment=comment, **{"lines.": [wired_line(amount=amount("-100.00"))]}), ROOT
    )
    assert paper.reverses
    assert paper.billing == "LBBBBBBBBBBBBBBBBBBBB 3 "
    assert paper.body is not None
    assert paper.body.payable == Money(amount=Decimal("100.00"), currency="EUR")
    assert paper.body.posting_date == date(2026, 9, 30)


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, True),
        ({"state": "validated"}, True),
        ({"state": "paid"}, True),
        ({"state": "cancelled"}, False),
        ({"payee": 6}, False),
        ({"currency.": {"id": 2, "code": "USD"}}, False),
    ],
)
def test_a_disbursement_counts_while_it_stands_for_the_same_payee_and_currency(
    changed: dict[str, Any], shown: bool
) -> None:
    wired = {
        "id": 8,
        "state": "draft",
        "reference": f"{REFERENCE} 12 item 1",
        "payee": 5,
        "payment_date": day(2026, 10, 3),
        "currency.": {"id": 1, "code": "EUR"},
        "amount": amount("60.00"),
        "work.": {"id": 2, "number": "PRJ-1"},
        **changed,
    }
    row = DisbursementRow.model_validate(wired)
    body = reading.document_from(reading.paper_from(invoice(), ROOT), [row]).expense_document
    assert [one.item for one in body.disbursements] == (["item 1"] if shown else [])


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400x", "", "twelve"])
def test_a_number_that_is_none_is_not_read(text: str) -> None:
    class Wired(Row):
        number: WireDecimal

    with pytest.raises(ValueError, match="exact number"):
        Wired.model_validate({"id": 1, "number": amount(text)})


def paid(number: int, text: str, second: str | None = None) -> LedgerLineRow:
    debit, credit = (text, "0") if not text.startswith("-") else ("0", text[1:])
    return LedgerLineRow.model_validate(
        {
            "id": number,
            "move": number,
            "date": day(2026, 11, number),
            "debit": amount(debit),
            "credit": amount(credit),
            "amount_second_currency": second and amount(second),
            "second_currency.": second and {"id": 2, "code": "USD"},
            "maturity_date": None,
            "reconciliation": None,
        }
    )


@pytest.mark.parametrize(
    ("lines", "settled", "expected"),
    [
        # As it is, nearly always.
        ([("20", None), ("99", None)], "119", [20, 99]),
        # Taken back.
        ([("20", None), ("99", None), ("-99", None)], "20", [20, 99, -99]),
        # One transfer for two documents: this one's part only.
        ([("300", None)], "119", [119]),
        ([("19", None), ("300", None)], "119", [19, 100]),
        # Money that came in for a credit note.
        ([("-30", None)], "-30", [-30]),
        ([("-90", None)], "-30", [-30]),
    ],
)
def test_payments_are_told_as_far_as_they_settle_this_document(
    lines: list[tuple[str, str | None]], settled: str, expected: list[int]
) -> None:
    rows = [paid(number, *one) for number, one in enumerate(lines, 1)]
    found = [share for _, share in shares(rows, "EUR", Decimal(settled))]
    assert found == expected


def test_a_payment_in_the_documents_currency_is_told_in_it() -> None:
    rows = [paid(1, "100", "108.00")]
    assert [share for _, share in shares(rows, "USD", Decimal(108))] == [108]
