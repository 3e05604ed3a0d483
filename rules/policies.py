"""Policies: what a legal entity has decided about its own postings, as configuration."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from canonical.exception_case import Cause
from canonical.text import Code
from rules.billing_policy import BillingPolicy
from rules.expense_policy import ExpensePolicy
from rules.ownership import Governance, Ownership


class ClosedPeriodPolicy(StrEnum):
    """What happens to work whose period is closed (DOMAIN rule 4)."""

    NEXT_OPEN = "NEXT_OPEN"
    HOLD = "HOLD"
    REOPEN_REQUEST = "REOPEN_REQUEST"


class Policy(BaseModel):
    """One legal entity's policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    closed_period: ClosedPeriodPolicy = ClosedPeriodPolicy.NEXT_OPEN
    # Dimensions that a time line, or a cost, must carry.
    required_dimensions: tuple[Code, ...] = ("cost_centre",)
    # Who owns a case of this legal entity: a role or a queue, never a person's name.
    case_owner: Code = "finance-operations"
    hours_to_decide: Annotated[int, Field(ge=1, le=24 * 90)] = 48
    # Who may resolve cases; "*" is everybody who can reach the system.
    resolvers: tuple[Code, ...] = ("*",)
    # Who may waive lines for good; empty: the resolvers.
    waivers: tuple[Code, ...] = ()
    # Accounts, taxes and rates of expenses.
    expense: ExpensePolicy = Field(default_factory=ExpensePolicy)
    # Taxes, rounding and limits of customer invoices.
    billing: BillingPolicy = Field(default_factory=BillingPolicy)


class Policies(BaseModel):
    """All policies; a legal entity without an entry has the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Policy = Policy()
    legal_entities: dict[Code, Policy] = Field(default_factory=dict)
    case_owners: dict[Cause, Code] = Field(default_factory=dict)
    # Which system masters which field of which kind of record, and what a record must have before
    # the ERP gets it.
    ownership: Ownership = Ownership()
    governance: Governance = Governance()

    def of(self, legal_entity: str) -> Policy:
        """The policy of a legal entity."""
        return self.legal_entities.get(legal_entity, self.default)

    def owner_of(self, cause: Cause, legal_entity: str) -> str:
        """Who owns a case: by cause where that is configured, else by legal entity."""
        return self.case_owners.get(cause) or self.of(legal_entity).case_owner
