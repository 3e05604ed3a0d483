"""Amounts of expenses: shares that sum to their whole, currencies, and how far off is rounding."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from canonical.exact import Rounding, round_to
from canonical.expense import ExpenseItem
from canonical.money import AMOUNT_MAX, Money, minor_units


def split_by_largest_remainder(total: Money, weights: Sequence[Decimal]) -> tuple[Money, ...]:
    """Split an amount in proportion to weights, to the minor unit, so that the parts sum to it.

    Each part is cut, and what is left goes, a unit each, to the largest remainders; among equal
    ones to the earlier (DOMAIN rule 15). Raises ValueError if the weights come to nothing.
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares, Fraction(0))
    if whole <= 0 or any(share < 0 for share in shares):
        raise ValueError("weights are above nothing, or nothing beside others that are")
    units = abs(total.amount_minor)
    exact = [units * share / whole for share in shares]
    cut = [int(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda one: (cut[one] - exact[one], one))
    for one in by_remainder[: units - sum(cut)]:
        cut[one] += 1
    sign = -1 if total.amount < 0 else 1
    places = minor_units(total.currency)
    return tuple(
        Money(amount=Decimal(sign * part).scaleb(-places), currency=total.currency) for part in cut
    )


def converted(item: ExpenseItem, rounding: Rounding) -> Decimal | None:
    """What the receipt comes to in the report's currency at the source's rate; None without one."""
    if item.exchange_rate is None:
        return None
    spent, rate = item.transaction.amount, item.exchange_rate
    exact = spent * rate if item.exchange_direction == "multiply" else spent / rate
    return rounded_if_an_amount(exact, item.amount.currency, rounding)


def rounded_if_an_amount(exact: Decimal, currency: str, rounding: Rounding) -> Decimal:
    """Round a computed amount once; one beyond all amounts stays as it is, to be compared with."""
    if abs(exact) >= AMOUNT_MAX:
        return exact
    return round_to(exact, minor_units(currency), rounding)


def one_unit(currency: str) -> Decimal:
    """The smallest amount that a currency can express."""
    return Decimal(1).scaleb(-minor_units(currency))


def is_rounding(difference: Decimal, currency: str, parts: int) -> bool:
    """Whether a difference is no more than one minor unit for each part (DOMAIN rule 16)."""
    return abs(difference) <= one_unit(currency) * parts


def total_of(amounts: Sequence[Money], currency: str) -> Money:
    """Add amounts of one currency up; nothing if there are none."""
    return sum(amounts, Money.zero(currency))
