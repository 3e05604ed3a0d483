"""Customer invoices and credit notes as sales invoices and credit memos, and back; no I/O."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.exact import exact_decimal, round_to
from canonical.hours import SECONDS_PER_HOUR
from canonical.money import HourlyRate, minor_units
from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.business_central.families import SALES_CREDIT, SALES_INVOICE, Family
from connectors.business_central.ids import document_id_of, guid_of
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.papers import (
    ACCOUNT,
    Facts,
    Line,
    Paper,
    comments,
    facts_on_wire,
)
from connectors.business_central.time_register import one_line
from rules.billing_invoice import erp_quantity

_TEXT_MAX: Final = 100
_ORDER_MAX: Final = 35
_QUANTITY_PLACES: Final = 5
_PRICE_PLACES: Final = 5
_WORDS: Final = {"label": "", "tax_note": "", "exchange": "", "reason": ""}
Values = Mapping[str, Any]


def family_of(intent: PostingIntent) -> Family:
    """What takes an invoice back, or a part of it, is a credit memo."""
    return SALES_CREDIT if intent.customer_invoice.credits else SALES_INVOICE


def values_of(intent: PostingIntent, options: BusinessCentralOptions) -> Values:
    """Make the draft of one invoice or credit note, whole."""
    body, family = intent.customer_invoice, family_of(intent)
    values: dict[str, Any] = {
        family.number: intent.reference,
        family.party: guid_of(body.customer, "customer"),
        family.day: body.invoice_date.isoformat(),
        "postingDate": intent.period.posting_date.isoformat(),
        "currencyCode": body.currency,
        family.lines: [
            *(each for line in body.lines for each in _line_values(line, body, family, options)),
            *facts_on_wire(_facts(body)),
        ],
    }
    if body.purchase_order and family is SALES_INVOICE:
        values["customerPurchaseOrderReference"] = body.purchase_order[:_ORDER_MAX].strip()
    if intent.corrects_document and family is SALES_CREDIT:
        values["invoiceId"] = document_id_of(intent.corrects_document).id
    return values


def body_of(paper: Paper, options: BusinessCentralOptions) -> CustomerInvoice:
    """Read a document back; ValueError or KeyError if it cannot be read exactly."""
    facts, sign = paper.facts, _sign(paper.family)
    if paper.day is None:
        raise ValueError(f"document {paper.id} has no date")
    return CustomerInvoice(
        legal_entity=paper.company,
        customer=paper.party,
        engagement=facts["engagement"],
        currency=paper.currency,
        invoice_date=paper.day,
        tax_point_date=date.fromisoformat(facts["tax_point"]),
        service_from=date.fromisoformat(facts["from"]),
        service_until=date.fromisoformat(facts["until"]),
        purchase_order=facts.get("order"),
        lines=tuple(
            _line(line, told, sign, paper.currency, options)
            for line, told in zip(paper.lines, paper.line_facts, strict=True)
        ),
        credits=facts.get("credits"),
    )


def fits(intent: PostingIntent, paper: Paper, options: BusinessCentralOptions) -> bool:
    """Whether a draft would book exactly what is meant, its accounts and its taxes included."""
    try:
        body = body_of(paper, options)
    except (ValueError, KeyError, TypeError):
        return False
    sent = intent.customer_invoice
    accounts = [_account(line.role, options) for line in sent.lines]
    return (
        paper.family is family_of(intent)
        and paper.posting_date == intent.period.posting_date
        and [line.line_object_number for line in paper.lines] == accounts
        and comparable(body) == comparable(sent)
    )


def comparable(body: CustomerInvoice) -> CustomerInvoice:
    """A body without words that the ERP may cut."""
    lines = tuple(line.model_copy(update=_WORDS) for line in body.lines)
    return body.model_copy(update={"lines": lines})


def _sign(family: Family) -> int:
    return -1 if family is SALES_CREDIT else 1


def _line_values(
    line: CustomerInvoiceLine,
    body: CustomerInvoice,
    family: Family,
    options: BusinessCentralOptions,
) -> Iterator[Values]:
    if line.tax is None and line.tax_rate:
        raise RejectedError("tax_incomplete", "a tax rate needs the code of its tax")
    given = erp_quantity(
        line, body.currency, quantity_places=_QUANTITY_PLACES, price_places=_PRICE_PLACES
    )
    yield {
        "lineType": ACCOUNT,
        "lineObjectNumber": _account(line.role, options),
        "description": one_line(line.label)[:_TEXT_MAX].strip() or line.contract_line[:_TEXT_MAX],
        "quantity": _sign(family) * given.quantity,
        family.price: given.unit_price,
        "taxCode": line.tax or options.untaxed,
    }
    for words in (line.tax_note, line.reason):
        yield from comments(one_line(words))


def _account(role: InvoiceRole, options: BusinessCentralOptions) -> str:
    if role not in options.revenue_accounts:
        raise RejectedError(
            "revenue_account_missing", f"no account is set for lines of role '{role.value}'"
        )
    return options.revenue_accounts[role]


def _facts(body: CustomerInvoice) -> Facts:
    return {
        "engagement": body.engagement,
        "tax_point": body.tax_point_date,
        "from": body.service_from,
        "until": body.service_until,
        "order": body.purchase_order,
        "credits": body.credits,
        "lines": [_line_facts(line) for line in body.lines],
    }


def _line_facts(line: CustomerInvoiceLine) -> Facts:
    return {
        "id": line.id,
        "role": line.role.value,
        "contract_line": line.contract_line,
        "seconds": line.seconds or None,
        "rate": [line.rate.amount, line.rate.currency] if line.rate else None,
        "tax": line.tax,
        "tax_note": one_line(line.tax_note) or None,
        "schedule": line.billing_schedule,
        "obligation": line.performance_obligation,
        "exchange": one_line(line.exchange) or None,
        "credits": line.credits,
        "reason": one_line(line.reason) or None,
    }


def _line(
    line: Line, facts: Facts, sign: int, currency: str, options: BusinessCentralOptions
) -> CustomerInvoiceLine:
    amount = sign * line.amount_excluding_tax
    if round_to(amount, minor_units(currency)) != amount:
        raise ValueError("an amount that the currency cannot express")
    rate = facts.get("rate")
    untaxed = line.tax_code in ("", options.untaxed) and "tax" not in facts
    return CustomerInvoiceLine(
        id=facts["id"],
        role=InvoiceRole(facts["role"]),
        contract_line=facts["contract_line"],
        label=line.description,
        seconds=_seconds(sign * line.quantity, int(facts.get("seconds", 0))),
        rate=HourlyRate(amount=exact_decimal(rate[0]), currency=rate[1]) if rate else None,
        amount=round_to(amount, minor_units(currency)),
        tax=None if untaxed else line.tax_code,
        # An untaxed line that the ERP taxes all the same has to show.
        tax_rate=line.tax_percent,
        tax_note=facts.get("tax_note", ""),
        billing_schedule=facts.get("schedule"),
        performance_obligation=facts.get("obligation"),
        exchange=facts.get("exchange", ""),
        credits=facts.get("credits"),
        reason=facts.get("reason", ""),
    )


def _seconds(quantity: Decimal, noted: int) -> int:
    """Tell what was billed: the ERP's own hours, or what is noted with something billed as one."""
    if abs(quantity) == 1:
        return noted
    seconds = quantity * SECONDS_PER_HOUR
    if seconds != seconds.to_integral_value():
        raise ValueError("hours that are no whole number of seconds")
    return int(seconds)
