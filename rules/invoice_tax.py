"""Invoice tax: which tax a line bears, from a table, and what it comes to (DOMAIN rule 45)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from canonical.billing import CustomerInvoice
from canonical.contracts import Engagement
from canonical.money import Money
from rules.billing_policy import BillingPolicy, InvoiceTaxRow


@dataclass(frozen=True, slots=True)
class TaxAmount:
    """One tax of an invoice: the ERP's code, what it is due on, and what it comes to."""

    tax: str | None
    rate: Decimal
    base: Money
    amount: Money


def find_tax(
    engagement: Engagement, service: str, tax_point: date, policy: BillingPolicy
) -> InvoiceTaxRow | None:
    """Find the tax of a service for this customer; None means that the line is not ready."""
    customer = engagement.customer_tax
    return policy.tax_row(
        country=customer.country, registered=customer.registered, service=service, day=tax_point
    )


def taxes_of_invoice(invoice: CustomerInvoice, policy: BillingPolicy) -> tuple[TaxAmount, ...]:
    """What the ERP should compute, rounded where the policy says that it rounds (rule 15)."""
    groups: dict[tuple[str | None, Decimal], list[Decimal]] = {}
    for line in invoice.lines:
        groups.setdefault((line.tax, line.tax_rate), []).append(line.amount)
    return tuple(
        TaxAmount(
            tax=tax,
            rate=rate,
            base=Money(amount=sum(bases, Decimal(0)), currency=invoice.currency),
            amount=_tax(bases, rate, invoice.currency, policy),
        )
        for (tax, rate), bases in groups.items()
    )


def _tax(bases: list[Decimal], rate: Decimal, currency: str, policy: BillingPolicy) -> Money:
    rounded_at_once = bases if policy.tax_rounding == "line" else [sum(bases, Decimal(0))]
    parts = [
        Money.rounded(base * rate / 100, currency, policy.rounding) for base in rounded_at_once
    ]
    return sum(parts, Money.zero(currency))
