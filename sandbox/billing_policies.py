"""What the firm has decided about its invoices: the billing tables of both legal entities."""

from typing import Any, Final

# Tryton sums the lines of one tax before it rounds.
_TRYTON: Final = {"tax_rounding": "document"}

BILLING_POLICIES: Final[dict[str, dict[str, Any]]] = {
    "DE01": {
        **_TRYTON,
        "version": "DE01/2026-01",
        "tax_registrations": ["DE"],
        "taxes": [
            {"seller_country": "DE", "customer_country": "DE", "tax": "VAT19-OUT", "rate": "19"},
            {
                "seller_country": "DE",
                "customer_country": "GB",
                "customer_registered": True,
                "tax": "VAT0-OUT",
                "rate": "0",
                "note": "Not taxable in Germany, section 3a (2) UStG; the recipient is liable",
            },
        ],
        # Above this a second person releases; other currencies always need one.
        "four_eyes_above": {"EUR": "30000.00", "GBP": "30000.00"},
    },
    "US01": {
        **_TRYTON,
        "version": "US01/2026-01",
        "tax_registrations": ["US"],
        "taxes": [
            {
                "seller_country": "US",
                "customer_country": "US",
                "tax": "EXEMPT-OUT",
                "rate": "0",
                "note": "Services are not subject to sales tax",
            },
        ],
        "four_eyes_above": {"USD": "45000.00"},
    },
}
