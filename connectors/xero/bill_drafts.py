"""Expense documents as Xero's bills, and as credit notes where the employee owes.

Xero keeps a tax with the line that it is due on, and books it on the organisation's own tax
account. A recoverable tax of ours goes on the cost that it belongs to, where its base is that
cost; else on a pair of lines that come to nothing but the tax.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from canonical.exact import decimal_text
from canonical.expense_document import (
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.posting import PostingIntent, PostingKind
from connectors.base.errors import RejectedError
from connectors.xero.drafts import (
    BILL,
    BILL_CREDIT,
    CREDIT_NOTES,
    INVOICES,
    NO_TAX,
    Draft,
    Values,
    document_values,
    line_values,
)
from connectors.xero.options import XeroOptions
from connectors.xero.wording import described, referenced

# The parts of a fact that stand beside each other.
APART: Final = "|"
PASSED_ON: Final = "passes_on."
_SAFE: Final = " /:.,-_+@#()"


def bill_draft(intent: PostingIntent, options: XeroOptions) -> Draft:
    """Make the draft of one report, or of the taking back of one: what it does, above nothing."""
    body = intent.expense_document
    name, kind = bill_place(intent)
    takes_back = intent.kind is PostingKind.REVERSAL
    is_bill = kind == BILL
    sign = 1 if is_bill is not takes_back else -1
    day = booked_on(intent)
    lines = [_header(intent, day), *_lines(body, sign, options)]
    values = document_values(kind, body.payee, day, body.currency, lines)
    number = referenced(intent.reference, body.report_number)
    if is_bill:
        due = day + timedelta(days=options.reimbursement_days)
        values |= {"InvoiceNumber": number, "DueDate": due.isoformat()}
    else:
        values |= {"CreditNoteNumber": number}
    return Draft(name, kind, values)


def bill_place(intent: PostingIntent) -> tuple[str, str]:
    """In which list it is, and of which type: what the employee owes is a credit note.

    No document is below nothing; what comes to nothing is a bill.
    """
    owed = intent.expense_document.payable.amount
    if intent.kind is PostingKind.REVERSAL:
        owed = -owed
    return (INVOICES, BILL) if owed >= 0 else (CREDIT_NOTES, BILL_CREDIT)


def booked_on(intent: PostingIntent) -> date:
    """When it counts; what takes a report back counts by its own decision about the period."""
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    return intent.expense_document.posting_date


def _header(intent: PostingIntent, day: date) -> Values:
    """A line of words only: what Xero has no field for of the whole document."""
    body = intent.expense_document
    takes_back = intent.kind is PostingKind.REVERSAL
    facts = {
        "report": body.report_number,
        "document_date": body.document_date,
        "posting_date": body.posting_date,
        "booked_on": day,
        "takes_back": intent.corrects_document if takes_back else None,
        **{f"{PASSED_ON}{n}": _passed_on(one) for n, one in enumerate(body.disbursements, 1)},
    }
    words = f"Expense report {body.report_number}"
    return {"Description": described(f"{words}, taken back" if takes_back else words, facts)}


def _passed_on(one: Disbursement) -> str:
    parts = (one.project, one.item, one.incurred_date.isoformat(), decimal_text(one.amount))
    return APART.join(quote(part, safe=_SAFE) for part in parts)


@dataclass(frozen=True, slots=True)
class _Taxed:
    """A cost, and the recoverable tax that is due on just that."""

    line: ExpenseDocumentLine
    tax: ExpenseDocumentLine | None = None


def _lines(body: ExpenseDocument, sign: int, options: XeroOptions) -> Iterator[Values]:
    taxed, alone = _paired(body, options.tax_account)
    for one in taxed:
        yield _cost(one, sign, options)
    for tax in alone:
        yield from _tax_alone(tax, body, sign, options)


def _paired(
    body: ExpenseDocument, tax_account: str
) -> tuple[list[_Taxed], list[ExpenseDocumentLine]]:
    costs = [_Taxed(line) for line in body.lines if line.role is not ExpenseRole.TAX_RECOVERABLE]
    alone: list[ExpenseDocumentLine] = []
    for tax in body.lines:
        if tax.role is not ExpenseRole.TAX_RECOVERABLE:
            continue
        _refuse_unfit(tax, tax_account)
        place = next((n for n, one in enumerate(costs) if _belongs(tax, one)), None)
        if place is None:
            alone.append(tax)
        else:
            costs[place] = replace(costs[place], tax=tax)
    return costs, alone


def _refuse_unfit(tax: ExpenseDocumentLine, tax_account: str) -> None:
    if tax.tax is None or tax.tax_base is None:
        raise RejectedError("tax_unnamed", "a recoverable tax names its code and its base")
    if tax.account != tax_account:
        raise RejectedError(
            "tax_account", f"Xero books taxes on {tax_account}, the document says {tax.account}"
        )


def _belongs(tax: ExpenseDocumentLine, cost: _Taxed) -> bool:
    line = cost.line
    return (
        cost.tax is None
        and line.role is ExpenseRole.EXPENSE
        and (line.amount, line.item, line.allocation) == (tax.tax_base, tax.item, tax.allocation)
    )


def _cost(one: _Taxed, sign: int, options: XeroOptions) -> Values:
    line, tax = one.line, one.tax
    values = line_values(
        described(line.label, {**facts_of(line), **(_tax_facts(tax) if tax else {})}),
        line.account,
        sign * line.amount,
        tax=(tax and tax.tax) or NO_TAX,
        tax_amount=sign * tax.amount if tax else None,
    )
    return {**values, **_tracking(line, options)}


def _tax_alone(
    tax: ExpenseDocumentLine, body: ExpenseDocument, sign: int, options: XeroOptions
) -> Iterator[Values]:
    """Two lines on the account of a cost of the same item: base and tax, and the base away."""
    costs = [line for line in body.lines if line.role is ExpenseRole.EXPENSE] or list(body.lines)
    account = next((line.account for line in costs if line.item == tax.item), costs[0].account)
    base = sign * (tax.tax_base or Decimal(0))
    facts = {"role": ExpenseRole.TAX_RECOVERABLE, **_tax_facts(tax)}
    yield {
        **line_values(
            described(tax.label, facts),
            account,
            base,
            tax=tax.tax or NO_TAX,
            tax_amount=sign * tax.amount,
        ),
        **_tracking(tax, options),
    }
    away = described(f"Base of {tax.label}", {"role": "base"})
    yield {**line_values(away, account, -base), **_tracking(tax, options)}


def facts_of(line: ExpenseDocumentLine) -> Mapping[str, Any]:
    """What Xero has no field for of a line that is no recoverable tax."""
    return {
        "role": line.role,
        "item": line.item,
        "allocation": line.allocation,
        "project": line.project,
        "tax": line.tax,
        "tax_base": line.tax_base,
    }


def _tax_facts(tax: ExpenseDocumentLine) -> Mapping[str, Any]:
    return {
        "tax_item": tax.item,
        "tax_allocation": tax.allocation,
        "tax_project": tax.project,
        "tax_centre": tax.cost_centre,
        "tax_label": tax.label or None,
    }


def _tracking(line: ExpenseDocumentLine, options: XeroOptions) -> Values:
    if line.cost_centre is None:
        return {"Tracking": []}
    return {"Tracking": [{"Name": options.cost_centre_category, "Option": line.cost_centre}]}
