"""The independent oracle: SAP's own documents must give SAP's own posting records.

Where SAP calls a case exact, row by row. Everywhere else the test says what differs and why, and
holds us to the rest.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.connectors.concur.golden import (
    COST,
    PERSONAL,
    Case,
    Row,
    amount_of,
    case,
    cases,
    named_alike,
    our_rows,
    posting_of,
    report_in,
    summed,
)

Rows = Sequence[Row]
CARD, EMPLOYEE = "Credit Card Vendor", "Employee Vendor"


def renamed(rows: Rows, **names: str) -> list[Row]:
    """The rows with items called what the document calls them; _ stands for a blank."""
    new = {old.replace("_", " "): name for old, name in names.items()}
    return [Row(new.get(row.label, row.label), row.amount, row.currency) for row in rows]


def without(rows: Rows, item: str, payee: str) -> list[Row]:
    """The rows without an item, and without what is owed for it."""
    amount = next(row.amount for row in rows if row.label == item)
    rest = [row for row in rows if row.label != item]
    return summed([*rest, Row(payee, amount, rows[0].currency)])


def the_document_holds_another_item(item: str, payee: str) -> Callable[[Case, Rows], None]:
    """The use case is about one item; the example has one more."""

    def check(one: Case, ours: Rows) -> None:
        left = without(ours, item, payee)
        assert summed(named_alike(left, one.record)) == summed(one.record)

    return check


def the_record_is_in_the_currency_that_was_spent(one: Case, ours: Rows) -> None:
    """SAP writes EUR; the employee is reimbursed in USD, at the rate that the document gives."""
    report = report_in(one)
    spent = sorted(item.transaction.amount for item in report.items)
    credited = sorted(-row.amount for row in one.record if row.amount < 0)
    assert spent == credited  # What is taxable and what is not are the two items.
    for item, row in zip(report.items, ours, strict=False):
        assert item.exchange_rate is not None
        assert item.exchange_direction == "divide"
        rate = item.exchange_rate
        assert row.amount == round(item.transaction.amount / rate, 2)
        assert row.currency == "USD"
    assert ours[-1] == Row(EMPLOYEE, -sum((row.amount for row in ours[:-1]), Decimal(0)), "USD")


def the_record_has_the_advance_on_the_wrong_side(one: Case, ours: Rows) -> None:
    """SAP debits the advance that pays; on the credit side the record balances."""
    assert sum(row.amount for row in one.record) == Decimal(600)
    right = [row.turned if "Advance" in row.label else row for row in one.record]
    assert summed(ours) == summed(renamed(right, Meal="Dinner"))


def the_record_is_of_the_report_that_uses_the_advance(one: Case, ours: Rows) -> None:
    """The document pays the advance out; the record says how it is used up later."""
    used = next(abs(row.amount) for row in one.record if "Advance" in row.label)
    assert summed(ours) == sorted(
        [Row("Cash Advance Clearing Account", used, "GBP"), Row(EMPLOYEE, -used, "GBP")]
    )


def only_the_journal_differs(**names: str) -> Callable[[Case, Rows], None]:
    """The record is what we post; only the journal's sum is not, because it leaves something out.

    An advance is no part of the journal, and a personal cost is there with both its sides.
    """

    def check(one: Case, ours: Rows) -> None:
        assert summed(ours) == summed(renamed(one.record, **names))

    return check


def the_record_forgets_an_item(one: Case, ours: Rows) -> None:
    """The record has no room tax, though its own credit holds it."""
    forgotten = Row("Room Tax", Decimal(50), "USD")
    assert sum(row.amount for row in one.record) == -forgotten.amount
    assert summed(ours) == summed([*one.record, forgotten])


def the_personal_item_is_not_in_the_document(one: Case, ours: Rows) -> None:
    """SAP notes it so. The journals name the card's issuer as payee, the record the employee."""
    personal = next(row for row in one.record if "Breakfast" in row.label)
    rest = [row for row in one.record if row != personal and row.label != EMPLOYEE]
    paid = Decimal(325) - personal.amount
    assert Row(EMPLOYEE, Decimal(-325), "USD") in one.record
    assert summed(ours) == summed([*rest, Row(CARD, -paid, "USD")])


def the_record_has_both_ways_of_paying(**names: str) -> Callable[[Case, Rows], None]:
    """The page shows the posting without offsets and then with them; the document has offsets."""

    def check(one: Case, ours: Rows) -> None:
        with_offsets = renamed(one.record[-len(ours) :], **names)
        assert summed(ours) == summed(with_offsets)

    return check


def the_record_goes_through_a_clearing_account(one: Case, ours: Rows) -> None:
    """Each amount enters and leaves the clearing account; the rest is what we post."""
    clearing = [row.amount for row in one.record if row.label == "Credit Card Clearing"]
    assert sum(clearing) == 0
    rest = [row for row in one.record if row.label != "Credit Card Clearing"]
    in_words = [
        Row(PERSONAL if row.label == EMPLOYEE else row.label, row.amount, "USD") for row in rest
    ]
    if one.id == "6.2.3-report":  # The document holds a business dinner of 700 beside.
        in_words += [Row("Dinner", Decimal(700), "USD"), Row(CARD, Decimal(-700), "USD")]
    assert summed(ours) == summed(in_words)


def the_record_misprints_the_taxi(one: Case, ours: Rows) -> None:
    """32 for 35: then it balances. Its clearing account is the card's own."""
    assert sum(row.amount for row in one.record) == Decimal(-3)
    corrected = [
        Row("Taxi", Decimal(35), "USD") if row.label == "Taxi" else row for row in one.record
    ]
    assert summed(ours) == summed(renamed(corrected, Credit_Card_Clearing=CARD))


EXPLAINED: dict[str, Callable[[Case, Rows], None]] = {
    "1.1-report": the_document_holds_another_item("Train", EMPLOYEE),
    "1.4-report": the_record_is_in_the_currency_that_was_spent,
    "5.1.1-advance": only_the_journal_differs(),
    "5.2.1-advance": the_record_is_of_the_report_that_uses_the_advance,
    "5.2.1-report": the_record_has_the_advance_on_the_wrong_side,
    "5.2.2-advance": the_record_is_of_the_report_that_uses_the_advance,
    "5.2.2-report": only_the_journal_differs(Meals="Dinner"),
    "6.1.1-report": the_document_holds_another_item("Train", EMPLOYEE),
    "6.1.2-report": the_document_holds_another_item("Postage", EMPLOYEE),
    "6.1.4-report": the_record_forgets_an_item,
    "6.1.5-report": the_personal_item_is_not_in_the_document,
    "6.1.6-with-offsetting-report": the_record_has_both_ways_of_paying(Room_Rate="Hotel"),
    "6.1.7-with-offsetting-report": the_record_has_both_ways_of_paying(),
    "6.2.1-report": the_record_goes_through_a_clearing_account,
    "6.2.2-report": the_record_misprints_the_taxi,
    "6.2.3-report": the_record_goes_through_a_clearing_account,
    "6.2.4-report": only_the_journal_differs(),
}


@pytest.mark.parametrize("one", cases(), ids=lambda one: one.id)
def test_a_document_of_saps_gives_saps_posting_record(one: Case) -> None:
    posting = posting_of(one)

    assert sum(line.amount.amount for line in posting.lines) == 0
    assert posting.problems == ()
    ours = our_rows(posting)
    assert sum(row.amount for row in ours) == 0
    if one.exact:
        assert summed(named_alike(ours, one.record), ()) == summed(one.record, ())
    else:
        EXPLAINED[one.id](one, ours)


def _tripled(value: Any, name: str = "") -> Any:
    """The same document with every amount three times as large, and everything in other order."""
    if isinstance(value, dict):
        return {each: _tripled(value[each], each) for each in reversed(value)}
    if isinstance(value, list):
        one_by_one = [_tripled(each, name) for each in value]
        return one_by_one if name == "tax" else one_by_one[::-1]
    is_amount = "amount" in name.lower() and isinstance(value, int | float)
    return float(3 * Decimal(str(value))) if is_amount else value


@pytest.mark.parametrize("one", cases(), ids=lambda one: one.id)
def test_a_document_of_the_same_kind_with_other_amounts_and_order_comes_out_alike(
    one: Case,
) -> None:
    other = replace(one, page=json.dumps(_tripled(json.loads(one.page))).encode())

    rows = our_rows(posting_of(other))

    tripled = [Row(row.label, 3 * row.amount, row.currency) for row in our_rows(posting_of(one))]
    assert sorted(rows) == sorted(tripled)
    assert posting_of(other).problems == ()


def test_every_case_that_is_not_exact_is_explained_and_no_other() -> None:
    assert {one.id for one in cases() if not one.exact} == set(EXPLAINED)
    assert len(cases()) == 25


@pytest.mark.parametrize("text", ["USD 250", "250 USD"])
def test_an_amount_is_read_in_both_spellings(text: str) -> None:
    money = amount_of(text)

    assert (money.amount, money.currency) == (Decimal("250.00"), "USD")


def test_what_is_recovered_of_several_taxes_is_told_to_the_erp_though_the_record_does_not() -> None:
    lines = posting_of(case("2.3-report")).lines

    assert [
        (line.role, str(line.amount.amount), str(line.tax_base.amount) if line.tax_base else None)
        for line in lines
        if line.tax is not None
    ] == [
        ("tax_non_recoverable", "4.42", None),
        ("tax_recoverable", "3.54", "88.50"),
        ("tax_non_recoverable", "3.54", None),
    ]


def test_no_row_of_a_record_is_lost_on_the_way_into_this_test() -> None:
    assert all(len(one.record) == len(one.accounts) > 0 for one in cases())
    assert sum(row.label == COST for one in cases() for row in one.record) == 10
