"""Expenses: one cost each, grouped into the report that is approved and reimbursed as one."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from canonical.base import Canonical, Day, Instant
from canonical.exact import ExactDecimal
from canonical.identity import content_hash
from canonical.money import AMOUNT_MAX, CurrencyCode, Money
from canonical.text import Code, CountryCode, ExternalId, Name, Note
from canonical.time_entry import Approval

EXPENSE_REPORT: Final[Literal["expense_report"]] = "expense_report"
ITEMS_MAX: Final = 2000
# Stands for whatever instant a source stamps a report with; it is no part of its content.
_ANY_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PaidBy(StrEnum):
    """With whose money an item was paid (DOMAIN rule 20).

    An individual card is in the employee's name: who pays its issuer is `settled_by`'s to say.
    """

    EMPLOYEE = "employee"
    COMPANY_CARD = "company_card"
    INDIVIDUAL_CARD = "individual_card"
    ADVANCE = "advance"
    VENDOR = "vendor"


class Owed(StrEnum):
    """Whom the company owes for an item: the credit side (DOMAIN rule 21)."""

    EMPLOYEE = "employee"
    CARD_ISSUER = "card_issuer"
    ADVANCE = "advance"
    VENDOR = "vendor"


class ItemTax(Canonical):
    """Tax within an allocation, as the source or the receipt shows it.

    `reclaimable` is what the source computed to be recoverable; None if it says nothing, and our
    own table decides (DOMAIN rule 23).
    """

    CONTRACT: ClassVar[str] = "item_tax/v1"

    code: Code | None = None
    authority: Code | None = None
    country: CountryCode | None = None
    amount: Money
    reclaimable: Money | None = None


class Allocation(Canonical):
    """The share of an item that one set of cost objects carries, tax included.

    `share` is in percent. `gross` is what the source computed for it; None where the source gives
    percentages only, and the item's amount is split by largest remainder (DOMAIN rule 15).
    """

    CONTRACT: ClassVar[str] = "allocation/v1"

    id: ExternalId
    share: Annotated[ExactDecimal, Field(ge=0, le=100)] = Decimal(100)
    gross: Money | None = None
    # Whom this part is owed to, where it is not whom the rest of the item is owed to.
    owed_to: Owed | None = None
    # What the source computed; compared with `gross` and `taxes`, never computed with.
    net: Money | None = None
    net_of_reclaim: Money | None = None
    # The source's own account code, where it has one.
    account: Code | None = None
    legal_entity: Code | None = None
    cost_centre: Code | None = None
    project: Code | None = None
    taxes: tuple[ItemTax, ...] = ()


class Mileage(Canonical):
    """A distance driven, for an item whose amount is a distance times a rate."""

    CONTRACT: ClassVar[str] = "mileage/v1"

    distance: Annotated[ExactDecimal, Field(ge=0)]
    unit: Literal["km", "mi"]
    vehicle: Code | None = None


class PerDiem(Canonical):
    """A day's allowance; `meals_provided` are those that the company paid for otherwise."""

    CONTRACT: ClassVar[str] = "per_diem/v1"

    place: Code
    meals_provided: tuple[Literal["breakfast", "lunch", "dinner"], ...] = ()


class Receipt(Canonical):
    """A receipt's image at the source, by the id under which the source hands it out."""

    CONTRACT: ClassVar[str] = "receipt/v1"

    id: ExternalId
    name: Name = ""


class ExpenseItem(Canonical):
    """One cost as its source shows it; ids are the source's own.

    Four currencies stay apart (DOMAIN rule 19): `transaction` is what the receipt says, `amount`
    is in the report's (the reimbursement) currency, tax included, and negative for a refund. For
    a card `settled` is what the feed says was charged, and never recomputed (rule 18).
    """

    CONTRACT: ClassVar[str] = "expense_item/v1"

    id: ExternalId
    # The item that this one is a part of, for a hotel bill that was itemised.
    part_of: ExternalId | None = None
    type_code: Code
    type_name: Name
    # A plain date where the money was spent; never converted.
    transaction_date: Day
    paid_by: PaidBy
    owed_to: Owed
    billable: bool = False
    # The employee's own cost: owed back to the company if the company paid it.
    personal: bool = False
    has_receipt: bool = False
    # The receipt shows its tax as the law asks for, so that the tax may be recovered.
    tax_receipt: bool = False
    country: CountryCode | None = None
    # What the source approved of `amount`; nothing for a personal item.
    approved: Money
    amount: Money
    transaction: Money
    settled: Money | None = None
    # From `transaction` to `amount`, at the transaction date (DOMAIN rule 18).
    exchange_rate: Annotated[ExactDecimal, Field(gt=0)] | None = None
    exchange_direction: Literal["multiply", "divide"] = "multiply"
    allocations: tuple[Allocation, ...] = ()
    mileage: Mileage | None = None
    per_diem: PerDiem | None = None
    receipts: tuple[Receipt, ...] = ()
    vendor: Name = Field(default="", repr=False)
    note: Note = Field(default="", repr=False)


class AdvanceStep(StrEnum):
    """What happens to a cash advance."""

    ISSUED = "issued"
    APPLIED = "applied"
    RETURNED = "returned"


class AdvanceUse(Canonical):
    """A cash advance as far as this document uses it; `amount` is in the report's currency.

    `owed_to` is who is paid when it is issued: a card's issuer, if it was drawn with a card.
    """

    CONTRACT: ClassVar[str] = "advance_use/v1"

    id: ExternalId
    step: AdvanceStep
    amount: Money
    owed_to: Owed = Owed.EMPLOYEE
    # What was asked for, where that is in another currency.
    transaction: Money | None = None
    exchange_rate: Annotated[ExactDecimal, Field(gt=0)] | None = None


class ExpenseReport(Canonical):
    """What an employee claims, approved and reimbursed as one document, all or nothing.

    An advance that is paid out is a document too: it has one AdvanceUse and no items.
    """

    CONTRACT: ClassVar[str] = "expense_report/v1"

    connection: Code
    # The id under which the source takes acknowledgements and confirmations.
    id: ExternalId
    # What people call it; written on the ERP's document.
    number: Code
    name: Name = Field(default="", repr=False)
    # The employee's code, by which HR and the ERP know the person too.
    employee: ExternalId
    # What the source says of who books it; None leaves it to the employee's own legal entity.
    legal_entity: Code | None = None
    cost_centre: Code | None = None
    home_country: CountryCode | None = None
    # The currency in which the employee is reimbursed.
    currency: CurrencyCode
    report_date: Day
    submitted_at: Instant | None = None
    items: Annotated[tuple[ExpenseItem, ...], Field(max_length=ITEMS_MAX)] = ()
    advances: tuple[AdvanceUse, ...] = ()
    # What the source says is approved in all; compared with the items, never computed with.
    total: Money | None = None
    # None: the source says that it is not approved.
    approval: Approval | None = None
    changed_at: Instant

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        amounts = [one.amount for one in self.items] + [one.amount for one in self.advances]
        if any(one.currency != self.currency for one in amounts):
            raise ValueError("items and advances are in the report's currency")
        return self

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        """Keep every sum of a report's amounts an amount: what adds up may not leave Money."""
        amounts = [one.amount for one in self.advances]
        for item in self.items:
            amounts += [item.amount, item.approved]
            for part in item.allocations:
                taxes = [each for tax in part.taxes for each in (tax.amount, tax.reclaimable)]
                given = (part.gross, part.net, part.net_of_reclaim, *taxes)
                amounts += [each for each in given if each is not None]
        if sum((abs(one.amount) for one in amounts), Decimal(0)) >= AMOUNT_MAX:
            raise ValueError("the amounts of a report must come to less than 10^15 in all")
        return self

    @property
    def latest_date(self) -> Day:
        """The latest transaction date: the report's default posting date (DOMAIN rule 2)."""
        return max((one.transaction_date for one in self.items), default=self.report_date)

    @property
    def financial_hash(self) -> str:
        """Hash what a correction is made for: all but names, notes, stamps and evidence."""
        return content_hash(
            self.model_copy(
                update={
                    "name": "",
                    "approval": None,
                    "changed_at": _ANY_INSTANT,
                    "submitted_at": None,
                    "items": tuple(
                        one.model_copy(update={"vendor": "", "note": "", "receipts": ()})
                        for one in self.items
                    ),
                }
            )
        )
