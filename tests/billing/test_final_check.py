"""The final check bites: whatever is spoilt of what it looks at, it says so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from tests.billing.final_check import (
    FEES,
    WORK,
    ErpDocument,
    ErpLine,
    Expected,
    Part,
    findings,
    seconds_of,
)

Documents = Sequence[ErpDocument]
Parts = Sequence[Part]


def line(ours: str, hours: str, amount: str, account: str = WORK) -> ErpLine:
    """A line at 100 EUR."""
    rate = "100 EUR" if account == WORK else ""
    return ErpLine(ours, account, rate, seconds_of(Decimal(hours)), Decimal(amount))


def document(number: int, *lines: ErpLine) -> ErpDocument:
    """A posted document that is the sum of its lines."""
    net = sum((one.amount for one in lines), Decimal(0))
    return ErpDocument(number, "posted", f"{number}", f"LW-{number}", net, lines)


def part(invoice_line: str, work: str, seconds: int, amount: str) -> Part:
    """What a line is made of."""
    return Part(invoice_line, work, seconds, Decimal(amount))


INVOICE: Final = document(1, line("e/1", "3", "300.00"), line("e/2", "0", "1000.00", account=FEES))
CREDIT: Final = document(2, line("c/1", "-0.5", "-50.00"))
PARTS: Final = (
    part("e/1", "time:harvest:1", 7200, "200.00"),
    part("e/1", "time:harvest:2", 3600, "100.00"),
    part("e/2", "schedule:contracts:CL/1", 0, "1000.00"),
    part("c/1", "time:harvest:2", -1800, "-50.00"),
)


def expected() -> Expected:
    """What is billed of all that: an entry in full, another one less what was credited."""
    found = Expected(accounts={FEES: Decimal(1000)})
    found.bill(1, "100 EUR", "2", "200.00")
    found.bill(2, "100 EUR", "0.5", "50.00")
    return found


def test_nothing_is_found_where_all_is_well() -> None:
    assert findings((INVOICE, CREDIT), PARTS, expected()) == []


SPOILT: Final[Mapping[str, tuple[Callable[[], tuple[Documents, Parts]], str]]] = {
    "an invoice is there twice": (
        lambda: ((INVOICE, CREDIT, replace(INVOICE, id=3, number="3")), PARTS),
        "reference LW-1 is on 2 documents",
    ),
    "two invoices have one number": (
        lambda: ((INVOICE, replace(CREDIT, number="1")), PARTS),
        "number 1 is on 2 documents",
    ),
    "a draft is left over": (
        lambda: ((INVOICE, replace(CREDIT, state="draft", number=None)), PARTS),
        "document 2 is draft, and not in the books",
    ),
    "an invoice is nobody's": (
        lambda: ((INVOICE, CREDIT, document(3, line("", "1", "100.00"))), PARTS),
        "line  is 100.00, its parts None",
    ),
    "a credit note is missing": (
        lambda: ((INVOICE,), PARTS),
        "line c/1 is allocated, and on no document",
    ),
    "an entry is credited where another one was": (
        lambda: (
            (INVOICE, CREDIT),
            (*PARTS[:3], part("c/1", "time:harvest:1", -1800, "-50.00")),
        ),
        "entry 1: 5400 s and 150.00 are billed, not 7200 s and 200.00",
    ),
    "a cent is allocated to nothing": (
        lambda: ((INVOICE, CREDIT), (replace(PARTS[0], amount=Decimal("200.01")), *PARTS[1:])),
        "line e/1 is 300.00, its parts 300.01",
    ),
    "the ERP's hours are others": (
        lambda: (
            (document(1, line("e/1", "3.25", "300.00"), INVOICE.lines[1]), CREDIT),
            PARTS,
        ),
        "line e/1 is 11700 s, its parts 10800 s",
    ),
    "a document is not the sum of its lines": (
        lambda: ((replace(INVOICE, net=Decimal("1300.01")), CREDIT), PARTS),
        "document 1 comes to 1300.01, and its lines do not",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_it_is_found_that(what: str) -> None:
    spoil, sentence = SPOILT[what]
    documents, parts = spoil()
    assert sentence in findings(documents, parts, expected())


def test_an_entry_that_is_skipped_everywhere_is_found_by_what_was_worked() -> None:
    forgotten = expected()
    forgotten.bill(3, "100 EUR", "1", "100.00")
    assert findings((INVOICE, CREDIT), PARTS, forgotten) == [
        "work at 100 EUR: 9000 s and 250.00 are billed, not 12600 s and 350.00",
        "entry 3: 0 s and 0 are billed, not 3600 s and 100.00",
    ]


def test_an_entry_that_is_billed_twice_is_found_even_if_ledger_and_erp_agree() -> None:
    again = document(3, line("f/1", "2", "200.00"))
    parts = (*PARTS, part("f/1", "time:harvest:1", 7200, "200.00"))
    assert findings((INVOICE, CREDIT, again), parts, expected()) == [
        "work at 100 EUR: 16200 s and 450.00 are billed, not 9000 s and 250.00",
        "entry 1: 14400 s and 400.00 are billed, not 7200 s and 200.00",
    ]
