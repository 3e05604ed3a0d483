"""Rate precedence: whose price counts for an hour of work, by its date (DOMAIN rule 27)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from canonical.billing import BillableLine
from canonical.contracts import BillRate, ContractLine, Engagement, RateCard, RateScope
from canonical.money import HourlyRate


@dataclass(frozen=True, slots=True)
class RateFound:
    """The price of an hour, and where it comes from."""

    rate: HourlyRate
    why: str


@dataclass(frozen=True, slots=True)
class NoRate:
    """No price can be told, and why."""

    why: str


def find_rate(
    line: BillableLine,
    engagement: Engagement,
    contract_line: ContractLine,
    rate_cards: Sequence[RateCard],
) -> RateFound | NoRate:
    """Find the rate of a line: what was decided at its approval, else by precedence.

    Person on contract, then role on contract, customer, standard; within a scope the row that
    says more about the line. Two that say as much and differ are a contradiction: no rate.
    """
    if line.rate is not None:
        return RateFound(line.rate, "decided at approval")
    best: dict[tuple[Decimal, str], tuple[HourlyRate, str]] = {}
    rank: tuple[int, int, int] | None = None
    for card in rate_cards:
        for row in card.rates:
            if not _fits(row, line, engagement, contract_line):
                continue
            own = _rank(row)
            if rank is None or own < rank:
                rank, best = own, {}
            if own == rank:
                key = (row.rate.amount, row.rate.currency)
                best[key] = (row.rate, f"{row.scope} rate of card {card.id} {card.version}")
    if not best:
        return NoRate(f"no rate on {line.work_date} for this person, role or customer")
    if len(best) > 1:
        return NoRate(f"{len(best)} rates on {line.work_date} contradict each other")
    return RateFound(*next(iter(best.values())))


def _fits(
    row: BillRate, line: BillableLine, engagement: Engagement, contract_line: ContractLine
) -> bool:
    return (
        row.valid_on(line.work_date)
        and row.engagement in {None, engagement.id}
        and row.contract_line in {None, contract_line.id}
        and row.customer in {None, engagement.customer}
        and row.employee in {None, line.employee}
        and row.role in {None, line.role}
    )


def _rank(row: BillRate) -> tuple[int, int, int]:
    """The lower, the sooner it counts: by scope, then by what the row says about the line."""
    return (
        list(RateScope).index(row.scope),
        0 if row.contract_line else 1,
        0 if row.role else 1,
    )
