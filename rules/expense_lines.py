"""The lines that an expense report comes to, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from canonical.expense import Owed
from canonical.expense_document import ExpenseRole
from canonical.money import Money
from rules.expense_findings import Problem, Rule

EMPLOYEE_VENDOR: Final = "Employee Vendor"
PERSONAL: Final = f"{EMPLOYEE_VENDOR} (personal expense)"
# What the lines of a role are called; a cost is called what its type is.
LABELS: Final[Mapping[ExpenseRole, str]] = {
    ExpenseRole.TAX_RECOVERABLE: "VAT",
    ExpenseRole.TAX_NON_RECOVERABLE: "Non-deductible VAT Expense",
    ExpenseRole.EMPLOYEE_PAYABLE: EMPLOYEE_VENDOR,
    ExpenseRole.EMPLOYEE_RECEIVABLE: EMPLOYEE_VENDOR,
    ExpenseRole.CARD_CLEARING: "Credit Card Vendor",
    ExpenseRole.ADVANCE: "Cash Advance Clearing Account",
    ExpenseRole.VENDOR_PAYABLE: "Vendor",
    ExpenseRole.ROUNDING: "Rounding",
}
ROLE_OF: Final[Mapping[Owed, ExpenseRole]] = {
    Owed.EMPLOYEE: ExpenseRole.EMPLOYEE_PAYABLE,
    Owed.CARD_ISSUER: ExpenseRole.CARD_CLEARING,
    Owed.ADVANCE: ExpenseRole.ADVANCE,
    Owed.VENDOR: ExpenseRole.VENDOR_PAYABLE,
}


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One line; `amount` is above nothing for a debit, below for a credit.

    `account` and `tax_code` are the ERP's codes, None where no table has one. `tax` numbers the
    taxes of an allocation, so that what belongs to one tax can be told.
    """

    role: ExpenseRole
    label: str
    amount: Money
    rule: Rule
    why: str
    account: str | None = None
    item: str | None = None
    allocation: str | None = None
    cost_centre: str | None = None
    project: str | None = None
    tax: int | None = None
    tax_name: str = ""
    tax_code: str | None = None
    tax_base: Money | None = None
    foreign_tax: bool = False

    @property
    def side(self) -> Literal["debit", "credit"]:
        """On which side of the account it stands."""
        return "credit" if self.amount.amount < 0 else "debit"


@dataclass(frozen=True, slots=True)
class Recharge:
    """A billable cost for the project's customer, net of recovered tax (DOMAIN rule 24)."""

    # None where a person has to name it.
    project: str | None
    item: str
    incurred_date: date
    amount: Money


@dataclass(frozen=True, slots=True)
class ExpensePosting:
    """The lines of one report; their sum is nothing. `residual` is what went to rounding."""

    number: str
    currency: str
    lines: tuple[PostingLine, ...]
    recharges: tuple[Recharge, ...]
    residual: Money
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    policy_version: str

    @property
    def payable(self) -> Money:
        """What the employee is owed; below nothing, owes."""
        owed = (line.amount for line in self.lines if line.role is ExpenseRole.EMPLOYEE_PAYABLE)
        return -sum(owed, Money.zero(self.currency))
