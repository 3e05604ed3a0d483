"""Write-downs: lower prices as lines of their own, with approver and reason (DOMAIN rule 34)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from canonical.billing import Basis, BlockReason, InvoiceRole, WorkKind, WorkRef, WriteDown
from canonical.contracts import ContractLine
from rules.billing_pieces import Piece
from rules.billing_pricing import Books, without_exchange_blocked


def pieces_of_write_downs(books: Books) -> Iterator[Piece]:
    """Give the lower prices that are on no standing invoice yet."""
    facts = books.facts
    on_invoices: dict[str, Decimal] = defaultdict(Decimal)
    for taken in facts.allocations:
        on_invoices[taken.work.key] += taken.amount.amount
    for lower in facts.write_downs:
        work = WorkRef(
            kind=WorkKind.WRITE_DOWN, connection=facts.engagement.connection, id=lower.id
        )
        if on_invoices[work.key] == 0:
            yield _piece(lower, work, facts.engagement.line(lower.contract_line), books)


def _piece(lower: WriteDown, work: WorkRef, line: ContractLine | None, books: Books) -> Piece:
    piece = Piece(
        work=work,
        role=InvoiceRole.WRITE_DOWN,
        contract_line=line.id if line else None,
        project=lower.project or (min(line.projects) if line else None),
        work_date=books.facts.cut_off_date,
        seconds=0,
        worth=-lower.amount,
        amount=-lower.amount,
        basis=Basis(seconds=0, worth=-lower.amount, rate=None),
        service=line.service if line else "",
        performance_obligation=line.performance_obligation if line else None,
        why=lower.reason,
        approver=lower.approver,
    )
    if work.key in books.excluded:
        return piece.blocked(BlockReason.EXCLUDED, books.excluded[work.key])
    if line is None or line.currency != lower.amount.currency:
        why = f"no contract line {lower.contract_line} in {lower.amount.currency}"
        return piece.blocked(BlockReason.NO_CONTRACT_LINE, why)
    return without_exchange_blocked(piece, line.currency, books)


def without_too_large_ones(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Block lower prices without a price: no contract line is written down below nothing."""
    ready: dict[str | None, Decimal] = defaultdict(Decimal)
    for one in pieces:
        if one.reason is None:
            ready[one.contract_line] += one.amount.amount
    return tuple(
        replace(one, reason=BlockReason.WRITE_DOWN_TOO_LARGE)
        if one.role is InvoiceRole.WRITE_DOWN
        and one.reason is None
        and ready[one.contract_line] < 0
        else one
        for one in pieces
    )
