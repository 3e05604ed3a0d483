"""Expense documents: what an ERP is told about one expense report, in its own accounts."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from canonical.base import Canonical, Day
from canonical.exact import ExactDecimal
from canonical.identity import content_hash
from canonical.money import CurrencyCode, Money, minor_units
from canonical.text import Code, ExternalId, Name

# An ERP may take fewer, and refuses a longer document itself.
LINES_MAX: Final = 4000


class ExpenseRole(StrEnum):
    """What a line of an expense document is for; policies give each role its account."""

    EXPENSE = "expense"
    TAX_RECOVERABLE = "tax_recoverable"
    TAX_NON_RECOVERABLE = "tax_non_recoverable"
    EMPLOYEE_PAYABLE = "employee_payable"
    EMPLOYEE_RECEIVABLE = "employee_receivable"
    CARD_CLEARING = "card_clearing"
    ADVANCE = "advance"
    VENDOR_PAYABLE = "vendor_payable"
    ROUNDING = "rounding"


class ExpenseDocumentLine(Canonical):
    """One line; `amount` is in the document's currency, above nothing a debit, below a credit.

    `account` and `tax` are codes of the ERP. A recoverable tax names its tax code and the net
    amount that it is due on, so that the ERP's own tax return has both, to the cent.
    """

    CONTRACT: ClassVar[str] = "expense_document_line/v1"

    role: ExpenseRole
    account: Code
    label: Name
    amount: ExactDecimal
    tax: Code | None = None
    tax_base: ExactDecimal | None = None
    cost_centre: Code | None = None
    project: Code | None = None
    # The source's item and allocation, so that every line can be explained.
    item: ExternalId | None = None
    allocation: ExternalId | None = None


class Disbursement(Canonical):
    """A billable cost that is passed on to the project's customer as it is (DOMAIN rule 24)."""

    CONTRACT: ClassVar[str] = "disbursement/v1"

    project: Code
    item: ExternalId
    incurred_date: Day
    # Net of recovered tax.
    amount: ExactDecimal


class ExpenseDocument(Canonical):
    """One supplier document with the employee as its party.

    The employee's own part is no line: it is what all lines come to, the document's total, and
    what the ERP owes the employee. Nothing is allowed; below nothing it is a credit note.
    """

    CONTRACT: ClassVar[str] = "expense_document/v1"

    legal_entity: ExternalId
    # The ERP's party of the employee.
    payee: ExternalId
    report_number: Code
    document_date: Day
    posting_date: Day
    currency: CurrencyCode
    lines: Annotated[tuple[ExpenseDocumentLine, ...], Field(min_length=1, max_length=LINES_MAX)]
    disbursements: tuple[Disbursement, ...] = ()

    @model_validator(mode="after")
    def _no_payable_line(self) -> Self:
        if any(one.role is ExpenseRole.EMPLOYEE_PAYABLE for one in self.lines):
            raise ValueError("the employee's part is the total of the lines, not a line")
        places = minor_units(self.currency)
        if any(one.amount != round(one.amount, places) for one in self.lines):
            raise ValueError(f"an amount in {self.currency} has at most {places} decimals")
        return self

    @property
    def payable(self) -> Money:
        """What the employee is owed by this document; below nothing, owes."""
        return Money(
            amount=sum((one.amount for one in self.lines), Decimal(0)), currency=self.currency
        )

    @property
    def body_hash(self) -> str:
        """Hash of the body: one key is never sent with two of them."""
        return content_hash(self)


class PaymentState(StrEnum):
    """How far a posted document is paid; lowered only by a reversal (DOMAIN rule 26)."""

    NONE = "none"
    PARTIAL = "partial"
    PAID = "paid"
    REVERSED = "reversed"


class DocumentPayment(Canonical):
    """One payment, or the taking back of one (below nothing), on a posted document."""

    CONTRACT: ClassVar[str] = "document_payment/v1"

    id: ExternalId
    paid_on: Day
    amount: Money


class DocumentPayments(Canonical):
    """What an ERP says of the payment of one document of ours.

    What is settled is what is no longer open: by money, or by other documents. Only the first
    pays; a credit note lowers what is open and reaches nobody's account.
    """

    CONTRACT: ClassVar[str] = "document_payments/v1"

    document_id: ExternalId
    # The number that people see on it.
    number: Code
    # Still a valid, posted document; False once the ERP cancelled it.
    standing: bool = True
    due_on: Day | None = None
    total: Money
    open: Money
    # What other documents settle of it, such as credit notes; in its currency, with its sign.
    credited: ExactDecimal = Decimal(0)
    payments: tuple[DocumentPayment, ...] = ()

    @property
    def paid(self) -> Decimal:
        """What money has settled of it."""
        return self.total.amount - self.open.amount - self.credited

    @property
    def state(self) -> PaymentState:
        """How far it is paid; what is credited in full is taken back, not paid."""
        if not self.standing or 0 < self.total.amount <= self.credited:
            return PaymentState.REVERSED
        if self.open.amount == 0:
            return PaymentState.PAID
        return PaymentState.PARTIAL if self.paid else PaymentState.NONE


class MoneyMoved(Canonical):
    """What a payment step moved, and when, as the ERP says."""

    CONTRACT: ClassVar[str] = "money_moved/v1"

    amount: Money
    on_date: Day | None = None
