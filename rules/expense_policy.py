"""What a legal entity has decided about its expenses: tables, each with a version."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from canonical.exact import ExactDecimal, Rounding
from canonical.expense import ExpenseItem, ItemTax
from canonical.expense_document import ExpenseRole
from canonical.money import CurrencyCode
from canonical.text import Code, CountryCode
from rules.expense_amounts import rounded_if_an_amount

Percent = Annotated[ExactDecimal, Field(ge=0, le=100)]
Receipt = Literal["none", "any", "tax"]
# From the least to the most that a receipt can prove.
_PROOF: Final[Mapping[Receipt, int]] = {"none": 0, "any": 1, "tax": 2}


class Row(BaseModel):
    """One row of a table that changes with time; both dates are inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("a row is valid until a day that is not before its first")
        return self

    def valid_on(self, day: date) -> bool:
        """Whether the row counts for something of that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class TaxRow(Row):
    """How much of a tax can be recovered, and the ERP's code for what is (DOMAIN rule 23).

    What is None or empty fits all. `receipt` is what is needed at least: none, any receipt, or a
    tax receipt. Mileage and day's allowances are only fitted by a row that names their type
    (DOMAIN rule 25).
    """

    country: CountryCode
    authority: Code | None = None
    code: Code | None = None
    types: tuple[Code, ...] = ()
    receipt: Receipt = "tax"
    recoverable_percent: Percent
    erp_tax: Code | None = None

    def fits(self, tax: ItemTax, item: ExpenseItem, country: str | None) -> bool:
        """Whether the row is about this tax of this item, whatever the receipt proves."""
        by_type = item.type_code in self.types
        by_rate = item.mileage is not None or item.per_diem is not None
        return (
            self.country == country
            and self.authority in {None, tax.authority}
            and self.code in {None, tax.code}
            and (by_type or (not self.types and not by_rate))
            and self.valid_on(item.transaction_date)
        )

    def proven_by(self, item: ExpenseItem) -> bool:
        """Whether the item's receipt proves what the row asks for."""
        has: Receipt = "tax" if item.tax_receipt else "any" if item.has_receipt else "none"
        return _PROOF[has] >= _PROOF[self.receipt]


class MileageRow(Row):
    """What a distance is worth, for one unit of it."""

    country: CountryCode | None = None
    vehicle: Code | None = None
    unit: Literal["km", "mi"]
    currency: CurrencyCode
    per_unit: Annotated[ExactDecimal, Field(gt=0, decimal_places=4)]

    def amount_for(self, distance: Decimal, rounding: Rounding) -> Decimal:
        """Price a distance, rounded once."""
        return rounded_if_an_amount(distance * self.per_unit, self.currency, rounding)


class PerDiemRow(Row):
    """A day's allowance at a place, and what a meal that the company provides takes off it."""

    place: Code
    currency: CurrencyCode
    amount: Annotated[ExactDecimal, Field(gt=0)]
    breakfast_percent: Percent = Decimal(0)
    lunch_percent: Percent = Decimal(0)
    dinner_percent: Percent = Decimal(0)

    def amount_without(self, meals: Iterable[str], rounding: Rounding) -> Decimal:
        """The allowance less the meals that were provided; never below nothing."""
        percent = {
            "breakfast": self.breakfast_percent,
            "lunch": self.lunch_percent,
            "dinner": self.dinner_percent,
        }
        left = max(Decimal(0), Decimal(100) - sum((percent[meal] for meal in meals), Decimal(0)))
        return rounded_if_an_amount(self.amount * left / 100, self.currency, rounding)


class ExpensePolicy(BaseModel):
    """One legal entity's tables; `version` names them in every explanation."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    version: Code = "default"
    # ERP accounts: by expense type, else by the source's own account code, else the default.
    accounts_by_type: dict[Code, Code] = Field(default_factory=dict)
    accounts_by_source: dict[Code, Code] = Field(default_factory=dict)
    account_default: Code | None = None
    # ERP accounts of everything that is no cost. What is not recoverable joins the cost's account
    # where no account is named for it here.
    accounts_by_role: dict[ExpenseRole, Code] = Field(default_factory=dict)
    # Where the legal entity is registered for tax; empty: in the report's home country.
    tax_registrations: tuple[CountryCode, ...] = ()
    taxes: tuple[TaxRow, ...] = ()
    mileage: tuple[MileageRow, ...] = ()
    per_diem: tuple[PerDiemRow, ...] = ()
    # A cost of one of these types on the day of an allowance is a conflict (DOMAIN rule 25).
    meal_types: tuple[Code, ...] = ("BRKFT", "LUNCH", "DINNR")
    rounding: Rounding = "HALF_UP"
    billable_needs_project: bool = True

    def account_of_cost(self, type_code: str, source_account: str | None) -> str | None:
        """The ERP's account of a cost; None if no table has one."""
        by_source = self.accounts_by_source.get(source_account) if source_account else None
        return self.accounts_by_type.get(type_code) or by_source or self.account_default

    def tax_row(
        self, tax: ItemTax, item: ExpenseItem, country: str | None, *, proven: bool
    ) -> TaxRow | None:
        """The first row that fits a tax; with `proven` it must fit the receipt too."""
        return next(
            (
                row
                for row in self.taxes
                if row.fits(tax, item, country) and (not proven or row.proven_by(item))
            ),
            None,
        )

    def mileage_row(self, item: ExpenseItem) -> MileageRow | None:
        """The first row for an item's distance; None if no table has one."""
        driven = item.mileage
        return next(
            (
                row
                for row in self.mileage
                if driven is not None
                and row.unit == driven.unit
                and row.vehicle in {None, driven.vehicle}
                and row.country in {None, item.country}
                and row.valid_on(item.transaction_date)
            ),
            None,
        )

    def per_diem_row(self, item: ExpenseItem) -> PerDiemRow | None:
        """The first row for an item's place; None if no table has one."""
        allowance = item.per_diem
        return next(
            (
                row
                for row in self.per_diem
                if allowance is not None
                and row.place == allowance.place
                and row.valid_on(item.transaction_date)
            ),
            None,
        )
