"""Xero's sales invoices and credit notes as our customer invoices: what they read as, whole."""

from decimal import Decimal
from typing import Final

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.exact import exact_decimal, round_to
from canonical.money import HourlyRate, minor_units
from connectors.base.dates import day_of
from connectors.xero.drafts import NO_TAX, SALE_CREDIT
from connectors.xero.options import XeroOptions
from connectors.xero.wire import DocumentRow, LineRow
from connectors.xero.wording import facts_in, words_in

_LABEL_MAX: Final = 250


def customer_invoice_from(row: DocumentRow, options: XeroOptions) -> CustomerInvoice:
    """Read a document whole; raises ValueError if it cannot be read exactly.

    On a credit note the amounts are below nothing, as they are in what was sent.
    """
    header = facts_in(row.line_items[0].description) if row.line_items else {}
    sign = -1 if row.type == SALE_CREDIT else 1
    try:
        return CustomerInvoice(
            legal_entity=options.tenant_id,
            customer=row.contact.contact_id,
            engagement=header["engagement"],
            currency=row.currency_code,
            invoice_date=row.date,
            tax_point_date=day_of(header["tax_point"]),
            service_from=day_of(header["from"]),
            service_until=day_of(header["until"]),
            purchase_order=header.get("order"),
            credits=header.get("credits"),
            lines=tuple(
                _line(each, sign, row, options)
                for each in row.line_items
                if each.account_code is not None
            ),
        )
    except KeyError as missing:
        raise ValueError(f"{missing} is not in the descriptions any more") from None


def _line(
    row: LineRow, sign: int, document: DocumentRow, options: XeroOptions
) -> CustomerInvoiceLine:
    facts = facts_in(row.description)
    role = InvoiceRole(facts["role"])
    amount = sign * (row.line_amount or Decimal(0))
    exact = round_to(amount, minor_units(document.currency_code))
    if exact != amount:
        raise ValueError("an amount that the currency cannot express")
    if options.revenue_accounts.get(role) != row.account_code:
        raise ValueError("a line is on another account than its role's")
    return CustomerInvoiceLine(
        id=facts["id"],
        role=role,
        contract_line=facts["contract_line"],
        label=words_in(row.description)[:_LABEL_MAX],
        seconds=int(facts.get("seconds", "0")),
        rate=_rate(facts.get("rate")),
        amount=exact,
        tax=None if row.tax_type in (None, NO_TAX) else row.tax_type,
        tax_rate=exact_decimal(facts["tax_rate"]),
        billing_schedule=facts.get("schedule"),
        performance_obligation=facts.get("obligation"),
        credits=facts.get("credits"),
    )


def _rate(text: str | None) -> HourlyRate | None:
    if text is None:
        return None
    amount, _, currency = text.partition(" ")
    return HourlyRate(amount=exact_decimal(amount), currency=currency)
