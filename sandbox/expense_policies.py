"""What the firm has decided about its expenses: the policy tables of both legal entities."""

from typing import Any, Final

from sandbox.expense_month import PER_DIEM_TYPE
from sandbox.tryton.expense_seed import (
    CARD_CLEARING,
    EMPLOYEE_ADVANCES,
    EMPLOYEE_RECEIVABLE,
    INPUT_TAX_ACCOUNT,
    VENDOR_CLEARING,
)

_ACCOUNTS: Final = {
    "accounts_by_type": {
        **dict.fromkeys(("TAXIX", "TRAIN", "AIRFR", "CARRT"), "6600"),
        "LODNG": "6610",
        **dict.fromkeys(("BRKFT", "LUNCH", "DINNR"), "6620"),
        "MILEG": "6630",
        PER_DIEM_TYPE: "6640",
        "CELPH": "6650",
    },
    "account_default": "6690",
    "accounts_by_role": {
        "card_clearing": CARD_CLEARING,
        "vendor_payable": VENDOR_CLEARING,
        "advance": EMPLOYEE_ADVANCES,
        "employee_receivable": EMPLOYEE_RECEIVABLE,
        "tax_recoverable": INPUT_TAX_ACCOUNT,
        "tax_non_recoverable": "6695",
        "rounding": "6699",
    },
}


def _input_tax(code: str) -> dict[str, Any]:
    return {
        "country": "DE",
        "code": code,
        "receipt": "tax",
        "recoverable_percent": "100",
        "erp_tax": f"{code}-IN",
    }


EXPENSE_POLICIES: Final[dict[str, dict[str, Any]]] = {
    "DE01": {
        **_ACCOUNTS,
        "version": "DE01/2026-01",
        "tax_registrations": ["DE"],
        "taxes": [_input_tax("VAT19"), _input_tax("VAT7")],
        "mileage": [{"country": "DE", "unit": "km", "currency": "EUR", "per_unit": "0.30"}],
        "per_diem": [{"place": "Hamburg", "currency": "EUR", "amount": "28.00"}],
    },
    "US01": {
        **_ACCOUNTS,
        "version": "US01/2026-01",
        "tax_registrations": ["US"],
        "mileage": [{"country": "US", "unit": "km", "currency": "USD", "per_unit": "0.30"}],
        "per_diem": [{"place": "Denver", "currency": "USD", "amount": "28.00"}],
    },
}
