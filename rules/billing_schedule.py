"""What falls due by a schedule: instalments of a fee, milestones, and prepayments."""

from collections.abc import Iterator
from typing import Final

from canonical.billing import Basis, BlockReason, InvoiceRole, WorkKind, WorkRef
from canonical.contracts import Acceptance, BillingModel, ContractLine, ScheduleLine
from canonical.identity import content_hash
from rules.billing_pieces import Piece
from rules.billing_pricing import Books, taken_back, without_exchange_blocked
from rules.billing_quantities import open_part

_ROLES: Final = {
    BillingModel.FIXED_FEE: InvoiceRole.FEE,
    BillingModel.MILESTONE: InvoiceRole.MILESTONE,
    BillingModel.RETAINER: InvoiceRole.PREPAYMENT,
}
_ID_MAX: Final = 120


def scheduled_work(connection: str, contract_line: str, schedule_line: str) -> WorkRef:
    """Name a schedule line as a thing to bill, within what an id may be long."""
    name = f"{contract_line}/{schedule_line}"
    return WorkRef(
        kind=WorkKind.SCHEDULE,
        connection=connection,
        id=name if len(name) <= _ID_MAX else content_hash(name),
    )


def pieces_of_schedules(books: Books) -> Iterator[Piece]:
    """Give what is due of all schedules, and what was billed of schedules that are gone."""
    engagement = books.facts.engagement
    known: set[str] = set()
    for line in engagement.lines:
        for due in line.schedule:
            work = scheduled_work(engagement.connection, line.id, due.id)
            known.add(work.key)
            yield from _pieces(line, due, work, books)
    for key, taken in books.taken.items():
        if taken[0].allocation.work.kind is WorkKind.SCHEDULE and key not in known:
            for one in taken:
                yield taken_back(one, BlockReason.WITHDRAWN_AFTER_BILLING)


def _pieces(line: ContractLine, due: ScheduleLine, work: WorkRef, books: Books) -> Iterator[Piece]:
    taken = books.taken.get(work.key, ())
    basis = Basis(seconds=0, worth=due.amount, rate=None)
    current = next((one for one in taken if one.allocation.basis == basis), None)
    stale = [one for one in taken if one is not current]
    for one in stale:
        yield taken_back(one, BlockReason.CHANGED_AFTER_BILLING)
    accepted = _acceptance(line, due, books)
    day = accepted.accepted_date if accepted else due.due_date
    _, left = open_part(basis, current)
    if day > books.facts.cut_off_date or left.amount == 0:
        return
    piece = Piece(
        work=work,
        role=_ROLES[line.model],
        contract_line=line.id,
        project=min(line.projects),
        work_date=day,
        seconds=0,
        worth=left,
        amount=left,
        basis=basis,
        service=line.service,
        schedule=due.id,
        performance_obligation=due.performance_obligation or line.performance_obligation,
        why=f"accepted with evidence {accepted.evidence}" if accepted else f"due {day}",
    )
    if stale:
        piece = piece.blocked(BlockReason.CHANGED_AFTER_BILLING, "billed with another amount")
    yield _blocked(piece, line, due, accepted, books)


def _acceptance(line: ContractLine, due: ScheduleLine, books: Books) -> Acceptance | None:
    """The acceptance of a milestone, if there was one by the cut-off."""
    if line.model is not BillingModel.MILESTONE:
        return None
    found = [
        one
        for one in books.facts.acceptances
        if (one.contract_line, one.schedule_line) == (line.id, due.id)
        and one.accepted_date <= books.facts.cut_off_date
    ]
    return min(found, key=lambda one: (one.accepted_date, one.evidence), default=None)


def _blocked(
    piece: Piece,
    line: ContractLine,
    due: ScheduleLine,
    accepted: Acceptance | None,
    books: Books,
) -> Piece:
    excluded = books.excluded.get(piece.work.key)
    case = next(
        (books.projects_in_cases[one] for one in line.projects if one in books.projects_in_cases),
        None,
    )
    if excluded is not None:
        return piece.blocked(BlockReason.EXCLUDED, excluded)
    if case is not None:
        return piece.blocked(BlockReason.IN_CASE, f"waits for case {case}")
    if line.model is BillingModel.MILESTONE and accepted is None:
        return piece.blocked(BlockReason.MILESTONE_UNSIGNED, f"due {due.due_date}, not accepted")
    trouble = _disagreement(line, due, books)
    if trouble:
        return piece.blocked(BlockReason.SCHEDULE_MISMATCH, trouble)
    return without_exchange_blocked(piece, line.currency, books)


def _disagreement(line: ContractLine, due: ScheduleLine, books: Books) -> str:
    """How the ERP's own schedule differs; a milestone must be there, a fee where it has a key."""
    if due.erp_key is None:
        return (
            "the milestone names no line of the ERP's schedule"
            if line.model is BillingModel.MILESTONE
            else ""
        )
    lines = [one for one in books.facts.erp_schedule if one.key == due.erp_key]
    if len(lines) != 1:
        return f"the ERP's schedule has {len(lines)} lines {due.erp_key}"
    said = lines[0].amount
    if said != due.amount:
        return f"the ERP's schedule says {said.amount} {said.currency} for {due.erp_key}"
    return ""
