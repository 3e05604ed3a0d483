"""Tryton's supplier invoices and disbursements as our documents: what they read as, whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.exact import exact_decimal, round_to
from canonical.expense_document import (
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.money import minor_units
from canonical.posting import PostedDocument
from canonical.text import CODE_MAX, label
from connectors.tryton.document_wire import (
    BOOKED,
    CANCELLED,
    DRAFT,
    DisbursementRow,
    InvoiceLineRow,
    InvoiceRow,
    InvoiceTaxRow,
)
from connectors.tryton.mapping import reference_in
from connectors.tryton.notes import billing_of, facts_in
from connectors.tryton.wire import row_from

_LABEL_MAX: Final = 250
_NONE: Final = "(none)"


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
