"""What bills, customer invoices and their credit notes have in common when they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from connectors.xero.wire import AUTHORISED

INVOICES: Final = "Invoices"
CREDIT_NOTES: Final = "CreditNotes"
BILL, BILL_CREDIT = "ACCPAY", "ACCPAYCREDIT"
SALE, SALE_CREDIT = "ACCREC", "ACCRECCREDIT"
NO_TAX: Final = "NONE"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """One document to create: in which list, of which type, and its members."""

    name: str
    type: str
    values: Values


def document_values(
    kind: str, contact: str, day: date, currency: str, lines: list[Values]
) -> dict[str, Any]:
    """Make the members that all of them have; taxes come on top of the lines' amounts."""
    return {
        "Type": kind,
        "Status": AUTHORISED,
        "Contact": {"ContactID": contact},
        "Date": day.isoformat(),
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": currency,
        "LineItems": lines,
    }


def line_values(
    description: str,
    account: str,
    amount: Decimal,
    *,
    quantity: Decimal = Decimal(1),
    price: Decimal | None = None,
    tax: str = NO_TAX,
    tax_amount: Decimal | None = None,
) -> dict[str, Any]:
    """Make one line. Its tax is always named: else Xero takes the account's own."""
    values = {
        "Description": description,
        "Quantity": quantity,
        "UnitAmount": amount if price is None else price,
        "AccountCode": account,
        "TaxType": tax,
        "LineAmount": amount,
    }
    return values if tax_amount is None else {**values, "TaxAmount": tax_amount}
