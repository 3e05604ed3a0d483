"""Expense documents as the supplier invoices and disbursements to be created in Tryton.

What Tryton has no field for (what a line is for, whose project, which item of the report) stands
as `name: value` lines in the notes of the invoice's lines.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.expense_document import ExpenseDocumentLine, ExpenseRole
from canonical.posting import PostingIntent, PostingKind
from connectors.base.errors import RejectedError
from connectors.tryton.document_wire import decimal_on_wire
from connectors.tryton.mapping import document_of, one_line, reference_in, reference_taken_back
from connectors.tryton.notes import billing_of, note_of
from connectors.tryton.wire import date_on_wire

_ADD: Final = "create"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Books:
    """What the codes of one document are in Tryton, as ids."""

    company: int
    party: int
    address: int
    payable: int
    journal: int
    currency: int
    accounts: Mapping[str, int]
    taxes: Mapping[str, int]
    # Root and account, by code.
    cost_centres: Mapping[str, tuple[int, int]]
    projects: Mapping[str, int]


def reference_text(intent: PostingIntent) -> str:
    """The reference on the document: ours, and beside it the number that people call it by."""
    if reference_in(intent.reference) != intent.reference:
        raise RejectedError("reference_unfit", "the reference would not be found again")
    return f"{intent.reference} {intent.expense_document.report_number}"


def posting_date_of(intent: PostingIntent) -> date:
    """When it counts; what takes a document back counts by its own decision about the period."""
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    return intent.expense_document.posting_date


def invoice_values(intent: PostingIntent, books: Books) -> Values:
    """Make the draft of one document, whole, as one record to create."""
    body = intent.expense_document
    turned = intent.kind is PostingKind.REVERSAL
    sign = -1 if turned else 1
    name = "Reversal of expense report" if turned else "Expense report"
    normal = [one for one in body.lines if one.role is not ExpenseRole.TAX_RECOVERABLE]
    taxes = [one for one in body.lines if one.role is ExpenseRole.TAX_RECOVERABLE]
    return {
        "type": "in",
        "company": books.company,
        "party": books.party,
        "invoice_address": books.address,
        "account": books.payable,
        "journal": books.journal,
        "currency": books.currency,
        "reference": reference_text(intent),
        "description": f"{name} {body.report_number}",
        "invoice_date": date_on_wire(body.document_date),
        "accounting_date": date_on_wire(posting_date_of(intent)),
        "comment": _reversal_note(intent) if turned else None,
        "lines": [[_ADD, [_line_values(line, sign, books) for line in normal]]],
        "taxes": [[_ADD, [_tax_values(line, sign, books) for line in taxes]]],
    }


def _line_values(line: ExpenseDocumentLine, sign: int, books: Books) -> Values:
    amount = sign * line.amount
    centre = books.cost_centres[line.cost_centre] if line.cost_centre else None
    return {
        "type": "line",
        "currency": books.currency,
        "account": books.accounts[line.account],
        # As Tryton's own credit notes have it: the price keeps its sign.
        "quantity": -1 if amount < 0 else 1,
        "unit_price": decimal_on_wire(abs(amount)),
        "description": one_line(line.label),
        "note": _line_note(line, ("role", "tax", "tax_base", "project", "item", "allocation")),
        "analytic_accounts": [[_ADD, [{"root": centre[0], "account": centre[1]}]]]
        if centre
        else [],
    }


def _tax_values(line: ExpenseDocumentLine, sign: int, books: Books) -> Values:
    """A tax line by hand: Tryton then computes nothing, and its tax return has both amounts."""
    if line.tax is None or line.tax_base is None:
        raise RejectedError("tax_incomplete", "a recoverable tax needs its code and its base")
    return {
        "manual": True,
        "tax": books.taxes[line.tax],
        "account": books.accounts[line.account],
        "base": decimal_on_wire(sign * line.tax_base),
        "amount": decimal_on_wire(sign * line.amount),
        "description": one_line(line.label) or line.tax,
        # A tax line has no analytic account: where the cost belongs is kept in words.
        "legal_notice": _line_note(line, ("role", "cost_centre", "project", "item", "allocation")),
    }


def disbursement_values(intent: PostingIntent, draft: int, books: Books) -> list[Values]:
    """Make the disbursements of one draft, which they name: they count once it is posted."""
    body = intent.expense_document
    names = {line.item: one_line(line.label) for line in reversed(body.lines) if line.item}
    return [
        {
            "work": books.projects[one.project],
            "company": books.company,
            "payee": books.party,
            "currency": books.currency,
            "reference": f"{billing_of(intent.reference, draft)}{one.item}",
            "description": names.get(one.item) or body.report_number,
            "amount": decimal_on_wire(_positive(one.amount)),
            "payment_date": date_on_wire(one.incurred_date),
        }
        for one in body.disbursements
    ]


def _positive(amount: Decimal) -> Decimal:
    if amount <= 0:
        raise RejectedError("disbursement_not_positive", "the ERP passes on no refund as it is")
    return amount


def _line_note(line: ExpenseDocumentLine, names: Iterable[str]) -> str:
    return note_of({name: getattr(line, name) for name in names})


def _reversal_note(intent: PostingIntent) -> str:
    """Say what is taken back; its own posting date stays readable where the reversal's differs."""
    return note_of(
        {
            "reverses": document_of(intent),
            "reference": reference_taken_back(intent),
            "posting_date": intent.expense_document.posting_date,
            "booked_on": posting_date_of(intent),
        }
    )
