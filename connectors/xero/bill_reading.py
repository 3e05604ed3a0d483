"""Xero's bills and their credit notes as our expense documents: what they read as, whole."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from canonical.exact import exact_decimal, round_to
from canonical.expense_document import (
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.money import minor_units
from connectors.base.dates import day_of
from connectors.xero.bill_drafts import APART, PASSED_ON
from connectors.xero.drafts import BILL_CREDIT, NO_TAX
from connectors.xero.options import XeroOptions
from connectors.xero.wire import DocumentRow, LineRow
from connectors.xero.wording import facts_in, words_in

_LABEL_MAX: Final = 250
_BASE: Final = "base"
_PARTS: Final = 4
Facts = Mapping[str, str]


def expense_document_from(row: DocumentRow, options: XeroOptions) -> ExpenseDocument:
    """Read a document whole; raises ValueError if it cannot be read exactly.

    What takes a report back has its signs turned, so that it reads like that report.
    """
    header = facts_in(row.line_items[0].description) if row.line_items else {}
    sign = -1 if (row.type == BILL_CREDIT) is not ("takes_back" in header) else 1
    places = minor_units(row.currency_code)
    return ExpenseDocument(
        legal_entity=options.tenant_id,
        payee=row.contact.contact_id,
        report_number=header.get("report") or "(none)",
        document_date=_day(header, "document_date", row.date),
        posting_date=_posting_date(header, row.date),
        currency=row.currency_code,
        lines=tuple(
            line
            for each in row.line_items
            if each.account_code is not None
            for line in _lines(each, sign, places, options)
        ),
        disbursements=tuple(_passed_on(header)),
    )


def _posting_date(header: Facts, booked: date) -> date:
    # Another day than was decided: it shows as what it is, and does not agree.
    if header.get("booked_on") != booked.isoformat():
        return booked
    return _day(header, "posting_date", booked)


def _day(facts: Facts, name: str, otherwise: date) -> date:
    return day_of(facts[name]) if name in facts else otherwise


def _passed_on(header: Facts) -> Iterator[Disbursement]:
    told = sorted(name for name in header if name.startswith(PASSED_ON))
    for name in sorted(told, key=lambda each: (len(each), each)):
        parts = [unquote(part) for part in header[name].split(APART)]
        if len(parts) != _PARTS:
            raise ValueError("what is passed on cannot be read")
        project, item, day, amount = parts
        yield Disbursement(
            project=project, item=item, incurred_date=day_of(day), amount=exact_decimal(amount)
        )


def _lines(
    row: LineRow, sign: int, places: int, options: XeroOptions
) -> Iterator[ExpenseDocumentLine]:
    facts = facts_in(row.description)
    if facts.get("role") == _BASE:
        return
    amount = _exactly(sign * (row.line_amount or Decimal(0)), places)
    taxed = row.tax_type not in (None, NO_TAX)
    if facts.get("role") != ExpenseRole.TAX_RECOVERABLE:
        named = facts.get("tax_base")
        yield ExpenseDocumentLine(
            role=ExpenseRole(facts.get("role", ExpenseRole.EXPENSE)),
            account=row.account_code or "",
            label=words_in(row.description)[:_LABEL_MAX],
            amount=amount,
            tax=facts.get("tax"),
            tax_base=None if named is None else exact_decimal(named),
            cost_centre=_cost_centre(row, options),
            project=facts.get("project"),
            item=facts.get("item"),
            allocation=facts.get("allocation"),
        )
    if taxed:
        yield ExpenseDocumentLine(
            role=ExpenseRole.TAX_RECOVERABLE,
            account=options.tax_account,
            label=facts.get("tax_label", ""),
            amount=_exactly(sign * (row.tax_amount or Decimal(0)), places),
            tax=row.tax_type,
            tax_base=amount,
            cost_centre=facts.get("tax_centre"),
            project=facts.get("tax_project"),
            item=facts.get("tax_item"),
            allocation=facts.get("tax_allocation"),
        )


def _cost_centre(row: LineRow, options: XeroOptions) -> str | None:
    for one in row.tracking:
        if one.name == options.cost_centre_category:
            return one.option
    return None


def _exactly(amount: Decimal, places: int) -> Decimal:
    exact = round_to(amount, places)
    if exact != amount:
        raise ValueError("an amount that the currency cannot express")
    return exact
