"""The story of an expense report: every fact that decided it, and no word of a person."""

from decimal import Decimal
from typing import Any

import pytest

from cli.report_story import report_called, report_story, without_words


@pytest.fixture
def story() -> dict[str, Any]:
    """A row of the ledger's story, as `why` reads it."""
    return {
        "connection": "concur",
        "source_id": "d1",
        "target": "tryton",
        "intent": {
            "body": {
                "report_number": "R-7",
                "currency": "EUR",
                "lines": [
                    {
                        "role": "expense", "account": "6600", "amount": "84.03",
                        "cost_centre": "CC-100", "project": None, "tax": None,
                    },
                    {
                        "role": "tax_recoverable", "account": "1570", "amount": "15.97",
                        "cost_centre": None, "project": None, "tax": "VAT19-IN",
                    },
                    {
                        "role": "card_clearing", "account": "1740", "amount": "-100.00",
                        "cost_centre": None, "project": None, "tax": None,
                    },
                ],
                "disbursements": [{"project": "PRJ-1", "amount": "84.03"}],
            },
            "decisions": [
                {"rule": "expense-cost", "version": "1 DE01/2026", "why": "by type"},
                {"rule": "expense-tax", "version": "1 DE01/2026", "why": "19 % in full"},
                {"rule": "expense-payee", "version": "1 DE01/2026", "why": "company card"},
            ],
        },
        "report": {
            "number": "R-7",
            "approval": {"approver": "E-9", "revision": "2"},
            "items": [
                {
                    "id": "i1",
                    "exchange_rate": "1.1765",
                    "transaction": {"amount": "85.00", "currency": "GBP"},
                    "transaction_date": "2026-10-21",
                }
            ],
        },
        "claim": {"state": "CLAIMED", "answered_at": "2026-10-30T17:30:02.123+00:00"},
        "payment": {
            "number": "SUP-4", "state": "partial", "paid": Decimal("40.00"),
            "total": Decimal("100.00"), "currency": "EUR", "due_on": "2026-11-20",
            "last_paid_on": "2026-11-02",
        },
        "told": [
            {"step": "posted", "state": "SENT", "code": "accepted"},
            {"step": "payment_partial", "state": "WAITING", "code": None},
            {"step": "payment_paid", "state": "REFUSED", "code": "111"},
        ],
    }  # fmt: skip


def test_it_tells_approval_rules_rate_document_and_payment(story: dict[str, Any]) -> None:
    told = "\n".join(report_story(story))
    for fact in (
        "approved by E-9 in revision 2",
        "claimed at concur 2026-10-30T17:30:02 UTC",
        "debit       84.03 EUR account 6600 expense (CC-100)  [expense-cost 1 DE01/2026] by type",
        "debit       15.97 EUR account 1570 tax recoverable (VAT19-IN)  [expense-tax 1 DE01/2026]",
        "credit     100.00 EUR account 1740 card clearing",
        "passed on to PRJ-1: 84.03 EUR",
        "item i1: 85.00 GBP at 1.1765 on 2026-10-21",
        "tryton number SUP-4: partial, 40.00 of 100.00 EUR paid, last on 2026-11-02",
        "concur: posted, told (accepted)",
        "concur: payment partial, still to be told",
        "concur: payment paid, refused (111)",
    ):
        assert fact in told


def test_a_report_that_was_never_read_or_sent_has_a_story_too(story: dict[str, Any]) -> None:
    bare = dict.fromkeys(story) | {"connection": "concur", "source_id": "d1", "target": "tryton"}
    assert report_called(bare) == "report ? (concur d1)"
    assert list(report_story(bare)) == [
        "approved by an approver whom the source does not name in revision - of the source"
    ]


def test_names_and_notes_are_left_out() -> None:
    report = {
        "id": "d1",
        "name": "Trip with Kim",
        "items": [{"id": "i1", "vendor": "Dr. Lee", "note": "my back", "amount": "1"}],
    }
    assert without_words(report) == {"id": "d1", "items": [{"id": "i1", "amount": "1"}]}
    assert without_words(None) is None
