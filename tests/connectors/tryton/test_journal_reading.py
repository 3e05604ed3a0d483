"""Journal entries as Tryton shows them: what is read exactly, and what is no document of ours."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from canonical.journal import JournalEntry, JournalLine
from connectors.tryton.journal_reading import comparable, paper_from, taking_back_text

REFERENCE = "L" + "A" * 20
OCTOBER, NOVEMBER = date(2026, 10, 20), date(2026, 11, 1)


def amount(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}


def day(of: date) -> dict[str, Any]:
    return {"__class__": "date", "year": of.year, "month": of.month, "day": of.day}


def line(number: int, account: str, debit: str, credit: str, **given: Any) -> dict[str, Any]:
    content = {
        "id": number,
        "account.": {"id": number, "code": account},
        "debit": amount(debit),
        "credit": amount(credit),
        "party": None,
        "description": "Work",
    }
    return {**content, **given}


def shown(**given: Any) -> dict[str, Any]:
    """A move as Tryton answers it, its lines in an order of its own."""
    content = {
        "id": 5,
        "company.": {"id": 1, "currency.": {"id": 1, "code": "EUR"}},
        "state": "posted",
        "description": f"{REFERENCE} LPAIR",
        "date": day(OCTOBER),
        "journal": 3,
        "origin": None,
        "lines.": [line(8, "4460", "0.00", "10.00"), line(7, "1480", "10.00", "0.00")],
    }
    return {**content, **given}


def read(**given: Any) -> JournalEntry:
    body = paper_from(shown(**given)).body
    assert body is not None
    return body


def test_an_entry_reads_whole_and_its_lines_in_the_order_that_they_were_made_in() -> None:
    paper = paper_from(shown())
    assert (paper.reference, paper.booked, paper.draft) == (REFERENCE, True, False)
    assert paper.document.document_id == "5"
    assert paper.document.journal_entry == JournalEntry(
        legal_entity="1",
        entry_date=OCTOBER,
        currency="EUR",
        description="LPAIR",
        lines=(
            JournalLine(account="1480", amount=Decimal("10.00"), label="Work"),
            JournalLine(account="4460", amount=Decimal("-10.00"), label="Work"),
        ),
    )


def opposite(booked_on: date, said: date) -> JournalEntry:
    """A reversal that says that it was booked on one day, and is shown on another."""
    return read(
        origin="account.move,4",
        date=day(booked_on),
        description=f"{REFERENCE} LPAIR{taking_back_text(OCTOBER, said)}",
        **{"lines.": [line(7, "1480", "0.00", "10.00"), line(8, "4460", "10.00", "0.00")]},
    )


def test_what_takes_an_entry_back_reads_like_that_entry() -> None:
    assert comparable(opposite(NOVEMBER, NOVEMBER)) == comparable(read())


def test_a_reversal_on_another_day_than_was_decided_does_not_read_like_the_entry() -> None:
    moved = opposite(NOVEMBER, OCTOBER)
    assert (moved.entry_date, moved.description) == (NOVEMBER, "LPAIR")


def test_words_about_taking_back_are_words_where_nothing_is_taken_back() -> None:
    said = f"LPAIR{taking_back_text(OCTOBER, NOVEMBER)}"
    assert read(description=f"{REFERENCE} {said}").description == said


UNREADABLE = {
    "parts of a cent": shown(
        **{"lines.": [line(7, "1480", "1.001", "0"), line(8, "4460", "0", "1.001")]}
    ),
    "debits without credits": shown(
        **{"lines.": [line(7, "1480", "1.00", "0"), line(8, "4460", "0", "2.00")]}
    ),
    "one line": shown(**{"lines.": [line(7, "1480", "1.00", "0")]}),
    "a line of nothing": shown(
        **{"lines.": [line(7, "1480", "0.00", "0.00"), line(8, "4460", "0.00", "0.00")]}
    ),
    "an account without a code": shown(
        **{
            "lines.": [
                line(7, "1480", "1.00", "0", **{"account.": {"id": 1, "code": None}}),
                line(8, "4460", "0", "1.00"),
            ]
        }
    ),
    "no description": shown(description=REFERENCE),
    "no currency": shown(**{"company.": {"id": 1, "currency.": {"id": 1, "code": None}}}),
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_exactly_is_booked_and_no_document(value: dict[str, Any]) -> None:
    paper = paper_from(value)
    assert paper.body is None
    assert paper.booked
    with pytest.raises(ValueError, match="cannot be read exactly"):
        _ = paper.document
