"""Expense documents as purchase invoices and credit memos, and back; no I/O."""

from collections.abc import Mapping
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
from canonical.posting import PostingIntent, PostingKind
from connectors.business_central.families import PURCHASE_CREDIT, PURCHASE_INVOICE, Family
from connectors.business_central.ids import document_id_of, guid_of
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.papers import ACCOUNT, Facts, Line, Paper, facts_on_wire
from connectors.business_central.time_register import one_line

_LABEL_MAX: Final = 100
Values = Mapping[str, Any]
Dimensions = Mapping[str, str]


def family_of(intent: PostingIntent) -> Family:
    """An invoice owes the employee something; a credit memo is owed, or takes an invoice back."""
    owes = intent.expense_document.payable.amount >= 0
    reverses = intent.kind is PostingKind.REVERSAL
    return PURCHASE_INVOICE if owes is not reverses else PURCHASE_CREDIT


def posting_date_of(intent: PostingIntent) -> date:
    """When it counts; what takes a document back counts by its own decision about the period."""
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    return intent.expense_document.posting_date


def values_of(intent: PostingIntent, options: BusinessCentralOptions) -> Values:
    """Make the draft, whole, but for the dimensions of its lines."""
    body, family = intent.expense_document, family_of(intent)
    sign = _sign(body)
    money = [_line_values(line, sign, family, options) for line in body.lines]
    values: dict[str, Any] = {
        family.number: intent.reference,
        family.party: guid_of(body.payee, "payee"),
        family.day: body.document_date.isoformat(),
        "postingDate": posting_date_of(intent).isoformat(),
        "currencyCode": body.currency,
        family.lines: [*money, *facts_on_wire(_facts(intent, options))],
    }
    reversed_invoice = intent.kind is PostingKind.REVERSAL and family is PURCHASE_CREDIT
    if reversed_invoice and intent.corrects_document:
        values["invoiceId"] = document_id_of(intent.corrects_document).id
    return values


def dimensions_of(intent: PostingIntent, options: BusinessCentralOptions) -> list[Dimensions]:
    """The dimensions of each line that counts, in order."""
    axes = (options.cost_centre_dimension, options.project_dimension)
    return [
        {
            axis: value
            for axis, value in zip(axes, (line.cost_centre, line.project), strict=True)
            if axis and value
        }
        for line in intent.expense_document.lines
    ]


def body_of(paper: Paper, options: BusinessCentralOptions) -> ExpenseDocument:
    """Read a document back; ValueError if it cannot be read exactly."""
    sign = Decimal(int(paper.facts.get("sign", 1)))
    told = paper.line_facts
    lines = tuple(
        _line(line, facts, sign, paper.currency, options)
        for line, facts in zip(paper.lines, told, strict=True)
    )
    if paper.day is None or paper.posting_date is None:
        raise ValueError(f"document {paper.id} has no date")
    as_decided = paper.facts.get("booked_on") == paper.posting_date.isoformat()
    original = paper.facts.get("posting_date") if as_decided else None
    return ExpenseDocument(
        legal_entity=paper.company,
        payee=paper.party,
        report_number=str(paper.facts.get("report", "(none)")),
        document_date=paper.day,
        posting_date=date.fromisoformat(original) if original else paper.posting_date,
        currency=paper.currency,
        lines=lines,
        disbursements=tuple(
            Disbursement(
                project=str(one["project"]),
                item=str(one["item"]),
                incurred_date=date.fromisoformat(one["on"]),
                amount=exact_decimal(one["amount"]),
            )
            for one in paper.facts.get("passed_on", ())
        ),
    )


def fits(intent: PostingIntent, paper: Paper, options: BusinessCentralOptions) -> bool:
    """Whether a draft would book exactly what is meant."""
    try:
        body = body_of(paper, options)
    except (ValueError, KeyError, TypeError):
        return False
    return (
        paper.family is family_of(intent)
        and paper.posting_date == posting_date_of(intent)
        and comparable(body) == comparable(intent.expense_document)
    )


def comparable(body: ExpenseDocument) -> ExpenseDocument:
    """A body without words, its lines in one order."""
    lines = (line.model_copy(update={"label": ""}) for line in body.lines)
    return body.model_copy(
        update={
            "lines": tuple(sorted(lines, key=lambda one: one.model_dump_json())),
            "disbursements": tuple(
                sorted(body.disbursements, key=lambda one: one.model_dump_json())
            ),
        }
    )


def _sign(body: ExpenseDocument) -> int:
    return 1 if body.payable.amount >= 0 else -1


def _line_values(
    line: ExpenseDocumentLine, sign: int, family: Family, options: BusinessCentralOptions
) -> Values:
    amount = sign * line.amount
    return {
        "lineType": ACCOUNT,
        "lineObjectNumber": line.account,
        "description": one_line(line.label)[:_LABEL_MAX].strip() or line.role.value,
        "quantity": Decimal(-1 if amount < 0 else 1),
        family.price: abs(amount),
        # A tax to the cent is a line of a tax group that the firm has set up as "Full VAT".
        "taxCode": line.tax or options.untaxed,
    }


def _facts(intent: PostingIntent, options: BusinessCentralOptions) -> Facts:
    body = intent.expense_document
    reverses = intent.kind is PostingKind.REVERSAL
    return {
        "report": body.report_number,
        "sign": _sign(body),
        "reverses": (intent.corrects_document or "unknown") if reverses else None,
        "posting_date": body.posting_date if reverses else None,
        "booked_on": posting_date_of(intent) if reverses else None,
        "lines": [_line_facts(line, options) for line in body.lines],
        "passed_on": [
            {
                "project": one.project,
                "item": one.item,
                "on": one.incurred_date,
                "amount": one.amount,
            }
            for one in body.disbursements
        ]
        or None,
    }


def _line_facts(line: ExpenseDocumentLine, options: BusinessCentralOptions) -> Facts:
    return {
        "role": line.role.value,
        "tax_base": line.tax_base,
        "project": None if options.project_dimension else line.project,
        "item": line.item,
        "allocation": line.allocation,
    }


def _line(
    line: Line, facts: Facts, sign: Decimal, currency: str, options: BusinessCentralOptions
) -> ExpenseDocumentLine:
    # The tax of a "Full VAT" line is all of it, so its net is nothing.
    amount = sign * line.amount_including_tax
    if round_to(amount, minor_units(currency)) != amount:
        raise ValueError("an amount that the currency cannot express")
    axis = options.project_dimension
    return ExpenseDocumentLine(
        role=ExpenseRole(facts.get("role", "expense")),
        account=line.line_object_number,
        label=line.description,
        amount=round_to(amount, minor_units(currency)),
        tax=None if line.tax_code in ("", options.untaxed) else line.tax_code,
        tax_base=exact_decimal(facts["tax_base"]) if "tax_base" in facts else None,
        cost_centre=line.dimension(options.cost_centre_dimension),
        project=line.dimension(axis) if axis else facts.get("project"),
        item=facts.get("item"),
        allocation=facts.get("allocation"),
    )
