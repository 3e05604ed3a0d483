"""Journal entries: what an ERP is told where no invoice is the document."""

from decimal import Decimal
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from canonical.base import Canonical, Day
from canonical.exact import ExactDecimal, scale_of
from canonical.identity import content_hash
from canonical.money import CurrencyCode, Money, minor_units
from canonical.text import Code, ExternalId, Name

LINES_MAX: Final = 200


class JournalLine(Canonical):
    """One line on an account of the ERP; `amount` above nothing is a debit, below a credit."""

    CONTRACT: ClassVar[str] = "journal_line/v1"

    account: Code
    amount: ExactDecimal
    # The ERP's party, for accounts that keep one balance per party.
    party: ExternalId | None = None
    label: Name = ""


class JournalEntry(Canonical):
    """Lines that balance, in the legal entity's base currency, on one day of its calendar.

    `description` is what people find it by, beside our reference: entries that belong together
    share it.
    """

    CONTRACT: ClassVar[str] = "journal_entry/v1"

    legal_entity: ExternalId
    entry_date: Day
    currency: CurrencyCode
    description: Code
    lines: Annotated[tuple[JournalLine, ...], Field(min_length=2, max_length=LINES_MAX)]

    @model_validator(mode="after")
    def _balances(self) -> Self:
        places = minor_units(self.currency)
        if any(scale_of(one.amount) > places for one in self.lines):
            raise ValueError(f"an amount in {self.currency} has at most {places} decimals")
        if any(one.amount == 0 for one in self.lines):
            raise ValueError("a line is a debit or a credit, not nothing")
        if sum((one.amount for one in self.lines), Decimal(0)) != 0:
            raise ValueError("debits and credits of a journal entry balance")
        return self

    @property
    def total(self) -> Money:
        """What its debits come to."""
        debits = sum((one.amount for one in self.lines if one.amount > 0), Decimal(0))
        return Money(amount=debits, currency=self.currency)

    @property
    def body_hash(self) -> str:
        """Hash of the body: one key is never sent with two of them."""
        return content_hash(self)
