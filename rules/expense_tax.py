"""Tax within expenses: what can be recovered of it, by the source's own sum or by our table."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from canonical.exception_case import Cause
from canonical.expense import Allocation, ExpenseItem, ExpenseReport, ItemTax
from canonical.money import Money
from rules.expense_amounts import is_rounding, total_of
from rules.expense_findings import Findings, problem, warning
from rules.expense_policy import ExpensePolicy, TaxRow


@dataclass(frozen=True, slots=True)
class TaxShare:
    """One tax of one allocation, divided: `recoverable` and `rest` sum to it."""

    number: int
    # Country, authority and code, as far as the source names them.
    name: str
    amount: Money
    recoverable: Money
    rest: Money
    erp_tax: str | None
    foreign: bool
    why: str


def taxes_of(
    item: ExpenseItem, allocation: Allocation, report: ExpenseReport, policy: ExpensePolicy
) -> tuple[tuple[TaxShare, ...], Findings]:
    """Divide each tax of an allocation; a personal cost carries none (DOMAIN rule 21)."""
    findings = Findings()
    if item.personal:
        if any(tax.reclaimable and tax.reclaimable.amount for tax in allocation.taxes):
            findings = problem(
                Cause.TAX_DISAGREES,
                f"{report.number} {item.type_name}",
                f"Report {report.number} recovers tax on a personal cost ({item.type_name}), which "
                "carries none. Have it corrected in the source.",
            )
        return (), findings
    shares: list[TaxShare] = []
    for number, tax in enumerate(allocation.taxes, start=1):
        if tax.amount.amount == 0:
            continue
        share, found = _share(number, tax, item, report, policy)
        shares.append(share)
        findings += found
    return tuple(shares), findings


def _share(
    number: int, tax: ItemTax, item: ExpenseItem, report: ExpenseReport, policy: ExpensePolicy
) -> tuple[TaxShare, Findings]:
    country = tax.country or item.country or report.home_country
    registered = policy.tax_registrations or tuple(
        one for one in (report.home_country,) if one is not None
    )
    foreign = country is not None and bool(registered) and country not in registered
    row = policy.tax_row(tax, item, country, proven=tax.reclaimable is None)
    findings = Findings()
    if tax.reclaimable is not None:
        recoverable = tax.reclaimable
        why = f"the source recovers {recoverable.amount} of {tax.amount.amount}"
        findings = _checked(tax, item, report, foreign=foreign)
        if not _within(recoverable, tax.amount):
            recoverable = Money.zero(tax.amount.currency)
    else:
        recoverable, why = _by_table(tax, row, policy, foreign=foreign)
        if row is None and not foreign:
            findings = warning(
                f"{item.type_name} of {item.transaction_date}: no row of the tax table fits the "
                f"tax of {tax.amount.amount} {tax.amount.currency}, so nothing of it is recovered"
            )
    share = TaxShare(
        number=number,
        name=" ".join(part for part in (country, tax.authority, tax.code) if part) or "unnamed",
        amount=tax.amount,
        recoverable=recoverable,
        rest=tax.amount + -recoverable,
        erp_tax=row.erp_tax if row else None,
        foreign=foreign,
        why=why,
    )
    return share, findings


def _by_table(
    tax: ItemTax, row: TaxRow | None, policy: ExpensePolicy, *, foreign: bool
) -> tuple[Money, str]:
    nothing = Money.zero(tax.amount.currency)
    if foreign:
        return nothing, "tax of a country where the legal entity is not registered"
    if row is None:
        return nothing, "no row of the tax table fits"
    exact = tax.amount.amount * row.recoverable_percent / 100
    recoverable = Money.rounded(exact, tax.amount.currency, policy.rounding)
    return recoverable, f"the tax table lets {row.recoverable_percent:f} % be recovered"


def _within(part: Money, whole: Money) -> bool:
    """Whether a part lies between nothing and its whole, whose sign it shares."""
    if whole.amount < 0:
        return whole.amount <= part.amount <= 0
    return 0 <= part.amount <= whole.amount


def _checked(tax: ItemTax, item: ExpenseItem, report: ExpenseReport, *, foreign: bool) -> Findings:
    assert tax.reclaimable is not None
    subject = f"{report.number} {item.type_name}"
    if not _within(tax.reclaimable, tax.amount):
        return problem(
            Cause.TAX_DISAGREES,
            subject,
            f"Report {report.number}: of the tax of {tax.amount.amount} on {item.type_name} the "
            f"source recovers {tax.reclaimable.amount}, which is no part of it. Have it corrected "
            "in the source.",
        )
    if foreign and tax.reclaimable.amount != 0:
        return problem(
            Cause.FOREIGN_TAX,
            subject,
            f"Report {report.number}: {tax.reclaimable.amount} of tax of {tax.country} on "
            f"{item.type_name} would enter the domestic return. Have the source treat it as not "
            "recoverable, or register the legal entity there in the policies, then retry.",
        )
    return Findings()


def net_of(
    item: ExpenseItem, allocation: Allocation, gross: Money, shares: Sequence[TaxShare], number: str
) -> tuple[Money, Money, Findings]:
    """Give the net amount, and what rounding leaves between net, taxes and gross.

    The source's own net counts where it gives one. More than a minor unit for each tax apart is
    no rounding: then the gross less the taxes counts, and a person has to look.
    """
    currency = gross.currency
    taxes = total_of([one.amount for one in shares], currency)
    computed = gross + -taxes
    given = computed if allocation.net is None or item.personal else allocation.net
    apart = computed.amount - given.amount
    recovered = total_of([one.recoverable for one in shares], currency)
    said = allocation.net_of_reclaim
    apart_reclaim = (
        Decimal(0)
        if said is None or item.personal
        else gross.amount - recovered.amount - said.amount
    )
    parts = len(shares)
    if is_rounding(apart, currency, parts) and is_rounding(apart_reclaim, currency, parts):
        return given, Money(amount=apart, currency=currency), Findings()
    findings = problem(
        Cause.TAX_DISAGREES,
        f"{number} {item.type_name}",
        f"Report {number}: the source's amounts of {item.type_name} disagree: gross {gross.amount},"
        f" taxes {taxes.amount} (recovered {recovered.amount}), net {given.amount}. Have it "
        "corrected in the source.",
    )
    return computed, Money.zero(currency), findings
