"""Pricing: what is open of each line of work, what that is worth, and what blocks it by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from canonical.billing import (
    Basis,
    BillableLine,
    BillingFacts,
    BlockReason,
    InvoiceRole,
    WorkKind,
    WorkState,
)
from canonical.contracts import BillingModel, ContractLine
from canonical.money import HourlyRate, Money
from rules.billing_contract import NoContractLine, contract_line_of
from rules.billing_exchange import Exchange, find_exchange
from rules.billing_pieces import Piece
from rules.billing_policy import BillingPolicy
from rules.billing_quantities import (
    Taken,
    billed_seconds,
    open_part,
    taken_of_work,
    worth_of,
)
from rules.rate_precedence import NoRate, find_rate

_BY_STATE: Final[Mapping[WorkState, tuple[BlockReason, str]]] = {
    WorkState.UNAPPROVED: (BlockReason.UNAPPROVED, "not approved"),
    WorkState.IN_CASE: (BlockReason.IN_CASE, "waits for the decision of a case"),
    WorkState.UNPOSTED: (BlockReason.UNPOSTED, "approved, and not posted in the ERP"),
}
_BILLED_BY_SCHEDULE: Final = (BillingModel.FIXED_FEE, BillingModel.MILESTONE)
_ROLES: Final = {WorkKind.TIME: InvoiceRole.WORK, WorkKind.EXPENSE: InvoiceRole.EXPENSE}


@dataclass(frozen=True, slots=True)
class Books:
    """The facts with what is looked up in them again and again."""

    facts: BillingFacts
    policy: BillingPolicy
    taken: Mapping[str, tuple[Taken, ...]] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    work_in_cases: Mapping[str, str] = field(default_factory=dict)
    projects_in_cases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: BillingFacts, policy: BillingPolicy) -> "Books":
        """Look everything up once."""
        cases = facts.open_cases
        return cls(
            facts,
            policy,
            taken_of_work(facts.allocations),
            {one.work_key: one.reason for one in facts.exclusions},
            {work: one.id for one in cases for work in one.work},
            {one.project: one.id for one in cases if not one.work},
        )

    def exchange(self, source: str, target: str) -> Exchange | None:
        """The exchange of the invoice date."""
        return find_exchange(
            source,
            target,
            self.facts.invoice_date,
            self.facts.exchange_rates,
            days_max=self.policy.exchange_rate_days,
        )

    def in_case(self, line: BillableLine) -> str | None:
        """The open case that a line waits for."""
        return self.work_in_cases.get(line.work.id) or self.projects_in_cases.get(line.project)


def pieces_of_line(line: BillableLine, books: Books) -> Iterator[Piece]:
    """Give what is open of a line, and what was billed of it that has to be credited first."""
    facts, taken = books.facts, books.taken.get(line.work.key, ())
    here = (
        line.state is not WorkState.WITHDRAWN
        and line.billable
        and line.project in facts.engagement.projects
    )
    current = next(
        (one for one in taken if here and one.allocation.work.revision == line.work.revision), None
    )
    stale = [one for one in taken if one is not current]
    reason = BlockReason.CHANGED_AFTER_BILLING if here else BlockReason.WITHDRAWN_AFTER_BILLING
    yield from (taken_back(one, reason) for one in stale)
    if not here or line.work_date > facts.cut_off_date:
        return
    contract_line = contract_line_of(line, facts.engagement)
    if isinstance(contract_line, ContractLine) and _within_the_price(line, contract_line):
        return
    piece = _open_piece(line, contract_line, current, books)
    if piece is None:
        return
    if stale:
        piece = piece.blocked(reason, "billed in another version, which has to be credited first")
    yield _blocked(piece, line, contract_line, books)


def taken_back(taken: Taken, reason: BlockReason) -> Piece:
    """What was billed of work that is no longer so: less than nothing is open of it."""
    one = taken.allocation
    return Piece(
        work=one.work,
        role=_ROLES.get(one.work.kind, InvoiceRole.FEE),
        contract_line=one.contract_line,
        project=one.project,
        work_date=one.work_date,
        seconds=-taken.seconds,
        worth=-taken.worth,
        amount=-taken.amount,
        basis=one.basis,
        reason=reason,
        why=f"revision {one.work.revision} is billed, and has to be credited",
    )


def _within_the_price(line: BillableLine, contract_line: ContractLine) -> bool:
    """Whether the contract bills it otherwise: hours by a schedule, costs not at all."""
    if line.work.kind is WorkKind.EXPENSE:
        return not contract_line.expenses_billed
    return contract_line.model in _BILLED_BY_SCHEDULE


def _open_piece(
    line: BillableLine,
    contract_line: ContractLine | NoContractLine,
    current: Taken | None,
    books: Books,
) -> Piece | None:
    basis, trouble = _basis(line, contract_line, current, books)
    seconds, worth = open_part(basis, current)
    if seconds == 0 and worth.amount == 0:
        return None
    known = contract_line if isinstance(contract_line, ContractLine) else None
    exchange = books.exchange(worth.currency, known.currency) if known else None
    return Piece(
        work=line.work,
        role=InvoiceRole.DISBURSEMENT if line.disbursement else _ROLES[line.work.kind],
        contract_line=known.id if known else None,
        project=line.project,
        work_date=line.work_date,
        seconds=seconds,
        worth=worth,
        amount=exchange.convert(worth, books.policy.rounding) if exchange else worth,
        basis=basis,
        service=line.service or (known.service if known else ""),
        performance_obligation=known.performance_obligation if known else None,
        exchange=exchange.why if exchange else "",
        why=trouble,
    )


def _basis(
    line: BillableLine,
    contract_line: ContractLine | NoContractLine,
    current: Taken | None,
    books: Books,
) -> tuple[Basis, str]:
    """What the revision is worth in all; what was decided when it was first billed stays."""
    if current is not None:
        return current.allocation.basis, ""
    if line.cost is not None:
        return Basis(seconds=0, worth=line.cost, rate=None), ""
    seconds = billed_seconds(line.seconds, books.policy.time_rounding)
    if not isinstance(contract_line, ContractLine):
        nothing = Money.zero(books.facts.base_currency)
        return Basis(seconds=seconds, worth=nothing, rate=None), contract_line.why
    found = find_rate(line, books.facts.engagement, contract_line, books.facts.rate_cards)
    if isinstance(found, NoRate):
        nothing = Money.zero(contract_line.currency)
        return Basis(seconds=seconds, worth=nothing, rate=None), found.why
    return _priced(seconds, found.rate, books), found.why


def _priced(seconds: int, rate: HourlyRate, books: Books) -> Basis:
    worth = worth_of(seconds, rate, books.policy.rounding)
    return Basis(seconds=seconds, worth=worth, rate=rate)


def _blocked(
    piece: Piece,
    line: BillableLine,
    contract_line: ContractLine | NoContractLine,
    books: Books,
) -> Piece:
    """Tell the first thing that blocks a line by itself."""
    excluded, case = books.excluded.get(line.work.key), books.in_case(line)
    if excluded is not None:
        return piece.blocked(BlockReason.EXCLUDED, excluded)
    if line.state is WorkState.UNAPPROVED:
        return piece.blocked(*_BY_STATE[line.state])
    if case is not None:
        return piece.blocked(BlockReason.IN_CASE, f"waits for case {case}")
    if line.state in _BY_STATE:
        return piece.blocked(*_BY_STATE[line.state])
    if not isinstance(contract_line, ContractLine):
        return piece.blocked(BlockReason.NO_CONTRACT_LINE, contract_line.why)
    if line.cost is None and piece.rate is None:
        return piece.blocked(BlockReason.NO_RATE, piece.why)
    return without_exchange_blocked(piece, contract_line.currency, books)


def without_exchange_blocked(piece: Piece, currency: str, books: Books) -> Piece:
    """Block what cannot be converted into the invoice's currency, or that into the books'."""
    for source, target in (
        (piece.amount.currency, currency),
        (currency, books.facts.base_currency),
    ):
        if books.exchange(source, target) is None:
            why = f"no exchange rate {source} to {target} for {books.facts.invoice_date}"
            return piece.blocked(BlockReason.FX_MISSING, why)
    return piece
