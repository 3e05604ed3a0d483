"""Expense documents as Tryton's supplier invoices, and back.

What Tryton has no field for (what a line is for, whose project, which item of the report) stands
as `name: value` lines in the notes of the invoice's lines, where people can read it too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.exact import decimal_text, exact_decimal, round_to
from canonical.expense_document import (
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.money import minor_units
from canonical.posting import PostedDocument, PostingIntent, PostingKind
from canonical.text import CODE_MAX, label
from connectors.base.errors import RejectedError
from connectors.tryton.document_wire import (
    BOOKED,
    CANCELLED,
    DRAFT,
    DisbursementRow,
    InvoiceLineRow,
    InvoiceRow,
    InvoiceTaxRow,
    decimal_on_wire,
)
from connectors.tryton.mapping import document_of, one_line, reference_in, reference_taken_back
from connectors.tryton.wire import date_on_wire, row_from

_LABEL_MAX: Final = 250
_NONE: Final = "(none)"
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


@dataclass(frozen=True, slots=True)
class Paper:
    """An invoice with a reference of ours, in whatever state; `body` is None if unreadable.

    The body has no disbursements yet, and what takes another document back has its signs turned,
    so that it reads like the document that it takes back.
    """

    id: int
    state: str
    reference: str
    body: ExpenseDocument | None
    # What the references of its disbursements begin with.
    billing: str
    reverses: bool

    @property
    def booked(self) -> bool:
        """Whether it counts: it is in the general ledger."""
        return self.state in BOOKED

    def shows(self, row: DisbursementRow) -> bool:
        """Whether a disbursement of its own stands, or is taken back with it."""
        return (
            self.body is not None
            and (row.state == CANCELLED) is self.reverses
            and str(row.payee) == self.body.payee
            and row.currency.code == self.body.currency
        )

    def with_disbursements(self, rows: Iterable[DisbursementRow]) -> ExpenseDocument:
        """The whole body; ValueError if it cannot be read exactly."""
        if self.body is None:
            raise ValueError(f"record {self.id}: the document cannot be read exactly")
        shown = tuple(_disbursement(row, self.billing) for row in rows if self.shows(row))
        return self.body.model_copy(update={"disbursements": shown})


def comparable(body: ExpenseDocument) -> tuple[Any, ...]:
    """Bring a body to a form in which what was sent and what is shown are equal, or differ."""
    lines = sorted(
        (
            line.role.value,
            line.account,
            line.amount,
            line.tax or "",
            (line.tax_base is not None, line.tax_base or Decimal(0)),
            line.cost_centre or "",
            line.project or "",
        )
        for line in body.lines
    )
    passed_on = sorted(
        (one.project, one.item, one.incurred_date, one.amount) for one in body.disbursements
    )
    whose = (body.legal_entity, body.payee, body.report_number, body.currency)
    return (whose, body.document_date, body.posting_date, lines, passed_on)


# To Tryton


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


def billing_of(reference: str, document: int) -> str:
    """What the references of a document's disbursements begin with."""
    return f"{reference} {document} "


def _line_note(line: ExpenseDocumentLine, names: Iterable[str]) -> str:
    return _note({name: getattr(line, name) for name in names})


def _reversal_note(intent: PostingIntent) -> str:
    """Say what is taken back; its own posting date stays readable where the reversal's differs."""
    return _note(
        {
            "reverses": document_of(intent),
            "reference": reference_taken_back(intent),
            "posting_date": intent.expense_document.posting_date,
            "booked_on": posting_date_of(intent),
        }
    )


def _note(facts: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{name}: {_word(value)}" for name, value in facts.items() if value is not None
    )


def _word(value: Any) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


# From Tryton


def facts_in(text: str | None) -> Mapping[str, str]:
    """Read the `name: value` lines of a note; what people wrote between them does no harm."""
    pairs = (line.partition(": ") for line in (text or "").split("\n"))
    return {name.strip(): value.strip() for name, sep, value in pairs if sep and value.strip()}


def paper_from(value: Any, root: str) -> Paper:
    """Read an invoice; ValueError if not even its id, state and reference can be read."""
    row = row_from(InvoiceRow, value)
    reference = reference_in(row.reference)
    facts = facts_in(row.comment)
    reverses = "reverses" in facts
    billing = (
        f"{facts.get('reference', _NONE)} {facts['reverses']} "
        if reverses
        else billing_of(reference, row.id)
    )
    try:
        body = _body(row, root, -1 if reverses else 1, facts)
    except ValueError:
        body = None
    return Paper(row.id, row.state, reference, body, billing, reverses)


def document_from(paper: Paper, rows: Iterable[DisbursementRow]) -> PostedDocument:
    """Give a booked paper as a document; ValueError if it cannot be read exactly."""
    return PostedDocument(
        document_id=str(paper.id),
        reference=paper.reference,
        body=paper.with_disbursements(rows),
    )


def _body(row: InvoiceRow, root: str, sign: int, facts: Mapping[str, str]) -> ExpenseDocument:
    currency = row.currency.code or ""
    places = minor_units(currency)
    lines = [_line(line, root, sign, places) for line in row.lines if line.type == "line"]
    taxes = [_tax(tax, sign, places) for tax in row.taxes]
    number = (row.reference or "").removeprefix(reference_in(row.reference)).strip()
    booked_on = row.accounting_date or row.invoice_date
    as_decided = booked_on is not None and facts.get("booked_on") == booked_on.isoformat()
    posting_date = facts.get("posting_date") if sign < 0 and as_decided else None
    if row.invoice_date is None or booked_on is None:
        raise ValueError(f"record {row.id}: a document without a date")
    return ExpenseDocument(
        legal_entity=str(row.company),
        payee=str(row.party),
        report_number=label(number or _NONE),
        document_date=row.invoice_date,
        posting_date=date.fromisoformat(posting_date) if posting_date else booked_on,
        currency=currency,
        lines=(*lines, *taxes),
    )


def _line(row: InvoiceLineRow, root: str, sign: int, places: int) -> ExpenseDocumentLine:
    facts = facts_in(row.note)
    return ExpenseDocumentLine(
        role=_role(facts.get("role"), ExpenseRole.EXPENSE),
        account=_code(row.account.code if row.account else None),
        label=(row.description or "")[:_LABEL_MAX],
        amount=_exactly(row.amount, sign, places),
        tax=facts.get("tax"),
        tax_base=exact_decimal(facts["tax_base"]) if "tax_base" in facts else None,
        cost_centre=_cost_centre(row, root),
        project=facts.get("project"),
        item=facts.get("item"),
        allocation=facts.get("allocation"),
    )


def _tax(row: InvoiceTaxRow, sign: int, places: int) -> ExpenseDocumentLine:
    facts = facts_in(row.legal_notice)
    return ExpenseDocumentLine(
        role=_role(facts.get("role"), ExpenseRole.TAX_RECOVERABLE),
        account=_code(row.account.code if row.account else None),
        label=(row.description or "")[:_LABEL_MAX],
        amount=_exactly(row.amount, sign, places),
        tax=_code(row.tax.description if row.tax else None),
        tax_base=_exactly(row.base, sign, places),
        cost_centre=facts.get("cost_centre"),
        project=facts.get("project"),
        item=facts.get("item"),
        allocation=facts.get("allocation"),
    )


def _cost_centre(row: InvoiceLineRow, root: str) -> str | None:
    """The cost centre; several of one line are no code that anybody knows, so nothing agrees."""
    codes = sorted(
        _code(entry.account.code)
        for entry in row.analytic
        if entry.account and entry.account.root and entry.account.root.name == root
    )
    return " and ".join(codes)[:CODE_MAX] or None


def _disbursement(row: DisbursementRow, billing: str) -> Disbursement:
    if row.payment_date is None:
        raise ValueError(f"record {row.id}: a disbursement without a date")
    return Disbursement(
        project=_code(row.work.number if row.work else None),
        item=(row.reference or "").removeprefix(billing) or _NONE,
        incurred_date=row.payment_date,
        amount=row.amount,
    )


def deletable(row: DisbursementRow) -> bool:
    """Whether nobody has begun to pay or bill it."""
    return row.state in (DRAFT, CANCELLED)


def _role(word: str | None, otherwise: ExpenseRole) -> ExpenseRole:
    return _ROLES.get(word or "", otherwise)


# The employee's own part is no line of a document, whatever somebody wrote into a note.
_ROLES: Final = {
    role.value: role for role in ExpenseRole if role is not ExpenseRole.EMPLOYEE_PAYABLE
}


def _code(text: str | None) -> str:
    return label(text or "") or _NONE


def _exactly(amount: Decimal | None, sign: int, places: int) -> Decimal:
    if amount is None:
        raise ValueError("a line without an amount")
    exact = round_to(sign * amount, places)
    if exact != sign * amount:
        raise ValueError("an amount that the currency cannot express")
    return exact
