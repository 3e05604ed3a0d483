"""Building blocks of tests about expenses: one approved report of employee E-7 of DE01."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from canonical.expense import (
    AdvanceStep,
    AdvanceUse,
    Allocation,
    ExpenseItem,
    ExpenseReport,
    ItemTax,
    Owed,
    PaidBy,
)
from canonical.expense_document import ExpenseRole
from canonical.masters import Account, Currency, TaxCode
from canonical.money import Money
from canonical.time_entry import Approval
from rules.expense_policy import ExpensePolicy, TaxRow
from rules.facts import Facts
from rules.policies import Policies, Policy
from tests.unit.building import DAY, NOON, employee, facts

GERMAN_VAT = TaxRow(country="DE", receipt="tax", recoverable_percent=Decimal(100), erp_tax="VST-19")
POLICY = ExpensePolicy(
    version="2026-01",
    accounts_by_type={"MEALS": "6640"},
    account_default="6600",
    accounts_by_role={
        ExpenseRole.TAX_RECOVERABLE: "1406",
        ExpenseRole.EMPLOYEE_RECEIVABLE: "1340",
        ExpenseRole.CARD_CLEARING: "1360",
        ExpenseRole.ADVANCE: "1341",
        ExpenseRole.VENDOR_PAYABLE: "3300",
        ExpenseRole.ROUNDING: "6969",
    },
    taxes=(GERMAN_VAT,),
)
ACCOUNTS = ("6600", "6640", "1406", "1340", "1360", "1341", "3300", "6969")


def euro(amount: str, currency: str = "EUR") -> Money:
    """An amount, in euros unless said otherwise."""
    return Money.rounded(Decimal(amount), currency)


def item(amount: str = "100.00", item_id: str = "i1", **changes: Any) -> ExpenseItem:
    """A taxi that the employee paid, without tax and allocations."""
    money = euro(amount, changes.pop("currency", "EUR"))
    values: dict[str, Any] = {
        "id": item_id,
        "type_code": "TAXI",
        "type_name": "Taxi",
        "transaction_date": DAY,
        "paid_by": PaidBy.EMPLOYEE,
        "owed_to": Owed.EMPLOYEE,
        "has_receipt": True,
        "tax_receipt": True,
        "country": "DE",
        "approved": Money.zero(money.currency) if changes.get("personal") else money,
        "amount": money,
        "transaction": money,
    }
    return ExpenseItem(**values | changes)


def on_card(amount: str = "100.00", item_id: str = "i1", **changes: Any) -> ExpenseItem:
    """A cost that was paid with the company's card."""
    return item(amount, item_id, paid_by=PaidBy.COMPANY_CARD, owed_to=Owed.CARD_ISSUER, **changes)


def allocation(allocation_id: str = "a1", **changes: Any) -> Allocation:
    """The whole of an item, on the report's own cost objects."""
    return Allocation(**{"id": allocation_id, **changes})


def taxed(amount: str, *taxes: ItemTax, **changes: Any) -> ExpenseItem:
    """A cost of one allocation with taxes."""
    return item(amount, allocations=(allocation(taxes=taxes),), **changes)


def vat(amount: str, reclaimable: str | None = None, **changes: Any) -> ItemTax:
    """German VAT; what can be recovered of it is left to the table unless it is given."""
    values: dict[str, Any] = {
        "country": "DE",
        "amount": euro(amount),
        "reclaimable": None if reclaimable is None else euro(reclaimable),
    }
    return ItemTax(**values | changes)


def advance(amount: str, step: AdvanceStep, **changes: Any) -> AdvanceUse:
    """A cash advance."""
    return AdvanceUse(**{"id": "adv1", "step": step, "amount": euro(amount), **changes})


def report(*items: ExpenseItem, **changes: Any) -> ExpenseReport:
    """An approved report in euros."""
    values: dict[str, Any] = {
        "connection": "concur",
        "id": "doc1",
        "number": "R-1",
        "employee": "E-7",
        "cost_centre": "CC-100",
        "home_country": "DE",
        "currency": "EUR",
        "report_date": DAY,
        "items": items,
        "approval": Approval(),
        "changed_at": NOON,
    }
    return ExpenseReport(**values | changes)


def policies(expense: ExpensePolicy = POLICY, **changes: Any) -> Policies:
    """The policies of a firm whose only legal entities follow the default."""
    return Policies(default=Policy(**{"expense": expense, **changes}))


def expense_facts(**changes: Any) -> Facts:
    """The small firm's facts, with a party for E-7 and the ERP's accounts, taxes and currencies."""
    known: Mapping[str, Any] = {
        "employees_by_code": {"E-7": employee(party="70")},
        "accounts": {("DE01", code): account(code) for code in ACCOUNTS},
        "tax_codes": {("DE01", "VST-19"): tax_code()},
        "currencies": {"EUR": currency("EUR"), "USD": currency("USD")},
    }
    return facts(**{**known, **changes})


def account(code: str, **changes: Any) -> Account:
    """An open account of DE01."""
    values = {"connection": "tryton", "id": code, "code": code, "name": code}
    return Account(**{**values, "legal_entity": "DE01", **changes})


def tax_code(code: str = "VST-19", **changes: Any) -> TaxCode:
    """An open tax code of DE01."""
    values = {"connection": "tryton", "id": code, "code": code, "name": code}
    return TaxCode(**{**values, "legal_entity": "DE01", **changes})


def currency(code: str, **changes: Any) -> Currency:
    """A currency that the ERP books in."""
    return Currency(**{"connection": "tryton", "id": code, "code": code, "name": code, **changes})
