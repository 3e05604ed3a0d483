"""Customer invoices as Xero's sales invoices, and their credit notes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from canonical.billing import CustomerInvoice, CustomerInvoiceLine
from canonical.exact import decimal_text
from canonical.hours import hours_from_seconds
from canonical.posting import PostingIntent, PostingKind
from connectors.base.errors import RejectedError
from connectors.xero.drafts import (
    CREDIT_NOTES,
    INVOICES,
    NO_TAX,
    SALE,
    SALE_CREDIT,
    Draft,
    Values,
    document_values,
    line_values,
)
from connectors.xero.options import XeroOptions
from connectors.xero.wording import described, one_line, referenced
from rules.billing_invoice import erp_quantity

# With four decimals of a unit price, asked for in each request.
_PLACES = 4


def sale_draft(intent: PostingIntent, options: XeroOptions) -> Draft:
    """Make the draft of one invoice or credit note, whole.

    Xero gives the number. It knows one date, by which the invoice counts, too.
    """
    body = intent.customer_invoice
    if intent.kind is not PostingKind.INVOICE:
        raise RejectedError(
            "credit_note_needed", "an invoice is taken back by a credit note of its own"
        )
    if intent.period.posting_date != body.invoice_date:
        raise RejectedError(
            "two_dates", "in Xero an invoice counts on its own date: its period must be open"
        )
    name, kind = sale_place(body)
    is_credit = kind == SALE_CREDIT
    sign = -1 if is_credit else 1
    lines = [_header(body), *(_line(line, sign, body, options) for line in body.lines)]
    values = document_values(kind, body.customer, body.invoice_date, body.currency, lines)
    values["Reference"] = referenced(intent.reference, body.engagement)
    if not is_credit:
        due = body.invoice_date + timedelta(days=options.payment_days)
        values["DueDate"] = due.isoformat()
    return Draft(name, kind, values)


def sale_place(body: CustomerInvoice) -> tuple[str, str]:
    """In which list it is, and of which type: what takes an invoice back is a credit note."""
    total = body.total.amount
    if total < 0 or (body.credits is not None and total == 0):
        return CREDIT_NOTES, SALE_CREDIT
    return INVOICES, SALE


def _header(body: CustomerInvoice) -> Values:
    """A line of words only, which the customer reads too."""
    words = f"Services from {body.service_from} to {body.service_until}"
    ordered = f", order {body.purchase_order}" if body.purchase_order else ""
    facts = {
        "engagement": body.engagement,
        "tax_point": body.tax_point_date,
        "from": body.service_from,
        "until": body.service_until,
        "order": body.purchase_order,
        "credits": body.credits,
    }
    return {"Description": described(words + ordered, facts)}


def _line(
    line: CustomerInvoiceLine, sign: int, body: CustomerInvoice, options: XeroOptions
) -> Values:
    account = options.revenue_accounts.get(line.role)
    if account is None:
        raise RejectedError(
            "revenue_account_missing", f"revenue_accounts names no account for '{line.role}'"
        )
    given = erp_quantity(line, body.currency, quantity_places=_PLACES, price_places=_PLACES)
    worked = (
        f"{decimal_text(hours_from_seconds(line.seconds))} h"
        if line.seconds and not given.is_hours
        else ""
    )
    words = filter(None, (one_line(line.label), worked, line.tax_note, line.reason))
    return {
        **line_values(
            described(", ".join(words) or line.contract_line, _facts(line)),
            account,
            sign * line.amount,
            quantity=sign * given.quantity,
            price=given.unit_price,
            tax=line.tax or NO_TAX,
        ),
        "Tracking": [],
    }


def _facts(line: CustomerInvoiceLine) -> Mapping[str, Any]:
    rate = line.rate
    return {
        "id": line.id,
        "role": line.role,
        "contract_line": line.contract_line,
        "seconds": line.seconds or None,
        "rate": f"{decimal_text(rate.amount)} {rate.currency}" if rate else None,
        "tax_rate": line.tax_rate,
        "schedule": line.billing_schedule,
        "obligation": line.performance_obligation,
        "credits": line.credits,
    }
