"""What a legal entity has decided about its billing: tables, each with a version."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.exact import ExactDecimal, Rounding
from canonical.money import CurrencyCode, Money
from canonical.text import Code, CountryCode, ExternalId, Name
from rules.expense_policy import Percent, Row


class InvoiceTaxRow(Row):
    """The tax of an invoice line; what is None fits all, and the first row that fits counts.

    `seller_country` is where the legal entity has to be registered for the row to count. `tax`
    is the ERP's code; None where the line is outside the scope of any tax.
    """

    seller_country: CountryCode | None = None
    customer_country: CountryCode | None = None
    customer_registered: bool | None = None
    service: Code | None = None
    tax: Code | None
    rate: Percent
    # What the law wants to be written on the invoice: reverse charge, export, exempt.
    note: Name = ""


class TimeRounding(BaseModel):
    """How worked time becomes billed time; cost and utilisation stay raw (DOMAIN rule 17)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    minutes: Annotated[int, Field(ge=0, le=60)] = 0
    mode: Literal["up", "nearest"] = "nearest"


class OneLegFailed(StrEnum):
    """What becomes of the posted leg of an intercompany pair whose other leg failed (rule 39)."""

    HOLD = "HOLD"
    REVERSE = "REVERSE"


class IntercompanyTerms(BaseModel):
    """How a legal entity's people work for another one; codes are the ERP's.

    `task` is one of the worker's own entity, which such hours are booked on. The worker's entity
    debits `due_from_account` and credits `charge_account`; the project's debits `expense_account`
    and credits `due_to_account`. A party (an id of the ERP) goes with an account that keeps one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    task: Code
    due_from_account: Code
    charge_account: Code
    expense_account: Code
    due_to_account: Code
    due_from_party: ExternalId | None = None
    due_to_party: ExternalId | None = None


class BillingPolicy(BaseModel):
    """One legal entity's tables; `version` names them in every explanation."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    version: Code = "default"
    rounding: Rounding = "HALF_UP"
    time_rounding: TimeRounding = TimeRounding()
    # Where the legal entity is registered for tax.
    tax_registrations: tuple[CountryCode, ...] = ()
    taxes: tuple[InvoiceTaxRow, ...] = ()
    # Where the ERP rounds tax (DOMAIN rule 15).
    tax_rounding: Literal["line", "document"] = "line"
    # An exchange rate older than this at the invoice date counts as missing.
    exchange_rate_days: Annotated[int, Field(ge=0, le=31)] = 4
    # Above this an invoice needs a second person. A currency that is not named has no limit here,
    # unless another one has: then it always needs one.
    four_eyes_above: dict[CurrencyCode, Annotated[ExactDecimal, Field(ge=0)]] = Field(
        default_factory=dict
    )
    # Who may release, credit and write down; "*" is everybody who can reach the system.
    releasers: tuple[Code, ...] = ("*",)
    # Kinds of costs that are the customer's own liability, and passed on by themselves (rule 24).
    disbursement_types: tuple[Code, ...] = ()
    # Whether what is ready may go without a person, as far as four eyes are not needed.
    releases_itself: bool = False
    # Of what a person could have worked (DOMAIN rule 38): hours of a working day, days on which
    # nobody works beside weekends, and tasks whose hours are leave.
    hours_per_day: Annotated[ExactDecimal, Field(gt=0, le=24)] = Decimal(8)
    holidays: tuple[date, ...] = ()
    leave_tasks: tuple[Code, ...] = ()
    leakage_days: Annotated[int, Field(ge=1, le=366)] = 30
    intercompany_markup_percent: Annotated[ExactDecimal, Field(ge=0, le=1000)] = Decimal(0)
    intercompany_one_leg_failed: OneLegFailed = OneLegFailed.HOLD
    # Of this legal entity's people on projects of others, by the project's legal entity. Without
    # an entry such work is a case.
    intercompany: dict[Code, IntercompanyTerms] = Field(default_factory=dict)

    def tax_row(
        self, *, country: str, registered: bool, service: str, day: date
    ) -> InvoiceTaxRow | None:
        """The first row that fits a customer, a service and a tax point; None means not ready."""
        return next(
            (
                row
                for row in self.taxes
                if (row.seller_country is None or row.seller_country in self.tax_registrations)
                and row.customer_country in {None, country}
                and row.customer_registered in {None, registered}
                and row.service in {None, service}
                and row.valid_on(day)
            ),
            None,
        )

    def needs_four_eyes(self, total: Money) -> bool:
        """Whether an invoice of that total needs a second person."""
        if not self.four_eyes_above:
            return False
        limit = self.four_eyes_above.get(total.currency)
        return limit is None or abs(total.amount) > limit
