"""Caps, prepayments and purchase orders: what is used up in order, and what is left for the rest.

What is on an invoice is taken off first and never moves (DOMAIN rules 28, 29 and 31).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from canonical.billing import Allocation, AllocationKind, BlockReason, WorkKind
from canonical.contracts import Cap, ContractLine, PurchaseOrder
from canonical.money import Money
from rules.billing_pieces import Piece, cut, fill, is_time, keeps_place
from rules.billing_pricing import Books
from rules.billing_quantities import INVOICED
from rules.billing_schedule import scheduled_work

_WARNS_AT: Final = (Decimal(100), Decimal(80))


def within_cap(
    pieces: Sequence[Piece], line: ContractLine, cap: Cap, books: Books
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """Split a line's pieces exactly at its cap; the rest is OVER_CAP. Also gives warnings.

    Only credits make room, each as much as they take back. Work that still waits for something
    keeps its place, so that what is billed does not depend on who approves first.
    """
    whole = cap.room_on(books.facts.invoice_date).amount
    used = _sum(
        one
        for one in books.facts.allocations
        if one.contract_line == line.id and one.kind in INVOICED and _counts(one.work.kind, cap)
    )

    def takes(piece: Piece) -> bool:
        return (
            keeps_place(piece)
            and _counts(piece.work.kind, cap)
            and piece.amount.currency == line.currency
        )

    filled = fill(
        pieces,
        whole - used,
        takes,
        lambda rest: rest.blocked(BlockReason.OVER_CAP, f"over the {cap.kind} cap of {whole:f}"),
        books.policy.rounding,
    )
    with_it = used + _sum(
        one for one in filled if one.reason is None and _counts(one.work.kind, cap)
    )
    over = any(one.reason is BlockReason.OVER_CAP for one in filled)
    return filled, _warnings(line, cap, whole, with_it, over=over)


def _counts(kind: WorkKind, cap: Cap) -> bool:
    return kind is WorkKind.TIME or (kind is WorkKind.EXPENSE and cap.expenses_included)


def _sum(parts: Iterable[Allocation | Piece]) -> Decimal:
    return sum((one.amount.amount for one in parts), Decimal(0))


def _warnings(
    line: ContractLine, cap: Cap, whole: Decimal, used: Decimal, *, over: bool
) -> tuple[str, ...]:
    if cap.kind == "hard" or whole <= 0:
        return ()
    percent = used * 100 / whole
    reached = next((mark for mark in _WARNS_AT if percent >= mark), None)
    if reached is None:
        return ()
    more = "; what is over it needs a change order" if over else ""
    return (
        f"contract line {line.id} has used {percent:.1f} % of its soft cap of {whole:f} "
        f"{line.currency} (warning at {reached} %){more}",
    )


@dataclass(frozen=True, slots=True)
class Fund:
    """A prepayment that was invoiced, and what is left of it for the work of some days."""

    id: str
    contract_line: str
    left: Money
    draw_from: date | None
    draw_until: date | None

    def pays_for(self, day: date) -> bool:
        """Whether work of that day may draw on it: it has begun, and has not expired."""
        return (self.draw_from is None or self.draw_from <= day) and (
            self.draw_until is None or day <= self.draw_until
        )


def funds_of(line: ContractLine, books: Books) -> tuple[Fund, ...]:
    """The prepayments of a retainer; the one that expires first is drawn first."""
    connection = books.facts.engagement.connection
    invoiced = [one for one in books.facts.allocations if one.kind in INVOICED]
    funds: list[Fund] = []
    for due in line.schedule:
        key = scheduled_work(connection, line.id, due.id).key
        paid_in = _sum(one for one in invoiced if one.work.key == key)
        drawn = _sum(one for one in invoiced if (one.contract_line, one.fund) == (line.id, due.id))
        left = Money(amount=paid_in - drawn, currency=line.currency)
        funds.append(Fund(due.id, line.id, left, due.draw_from, due.draw_until))
    return tuple(sorted(funds, key=lambda one: (one.draw_until or date.max, one.id)))


def drawn_from_funds(
    pieces: Sequence[Piece], line: ContractLine, books: Books
) -> tuple[Piece, ...]:
    """Let hours draw on prepayments in order of time; what none pays is time and materials."""
    funds = funds_of(line, books)
    left = {fund.id: fund.left.amount for fund in funds}
    done: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: one.place):
        rest: Piece | None = piece
        draws = keeps_place(piece) and is_time(piece) and piece.amount.currency == line.currency
        for fund in funds if draws else ():
            if rest is None or left[fund.id] <= 0 or not fund.pays_for(piece.work_date):
                continue
            paid, rest = cut(rest, left[fund.id], books.policy.rounding)
            if paid is not None:
                left[fund.id] -= paid.amount.amount
                done.append(replace(paid, fund=fund.id))
        if rest is not None:
            done.append(rest)
    return tuple(done)


def with_purchase_orders(pieces: Sequence[Piece], books: Books) -> tuple[Piece, ...]:
    """Put each piece on its contract line's purchase order, as far as that is there and lasts."""
    lines = {one.id: one for one in books.facts.engagement.lines}
    orders = {one.id: one for one in books.facts.purchase_orders}
    by_order: dict[str, list[Piece]] = {}
    done: list[Piece] = []
    for piece in pieces:
        line = lines.get(piece.contract_line or "")
        if line is None or not (line.purchase_order_required or line.purchase_order):
            done.append(piece)
        elif line.purchase_order is None:
            why = f"contract line {line.id} needs a purchase order"
            done.append(piece.blocked(BlockReason.NO_PURCHASE_ORDER, why))
        else:
            ordered = replace(piece, purchase_order=line.purchase_order)
            by_order.setdefault(line.purchase_order, []).append(ordered)
    for name, ordered_pieces in by_order.items():
        done.extend(_on_order(ordered_pieces, name, orders.get(name), books))
    return tuple(done)


def _on_order(
    pieces: Sequence[Piece], name: str, order: PurchaseOrder | None, books: Books
) -> Iterable[Piece]:
    def refused(why: str) -> list[Piece]:
        return [one.blocked(BlockReason.NO_PURCHASE_ORDER, why) for one in pieces]

    if order is None:
        return refused(f"purchase order {name} is not known")
    if not order.valid_on(books.facts.invoice_date):
        return refused(f"purchase order {order.number} is not valid on the invoice date")
    if order.amount is None:
        return pieces
    limit = order.amount
    spent = _sum(one for one in books.facts.allocations if _is_on(one, order))

    def takes(piece: Piece) -> bool:
        # What a prepayment pays adds nothing to the invoice.
        return keeps_place(piece) and piece.fund is None

    return fill(
        [one for one in pieces if one.amount.currency == limit.currency],
        limit.amount - spent,
        takes,
        lambda rest: rest.blocked(
            BlockReason.NO_PURCHASE_ORDER, f"over the limit of purchase order {order.number}"
        ),
        books.policy.rounding,
    ) + tuple(
        one.blocked(
            BlockReason.NO_PURCHASE_ORDER,
            f"purchase order {order.number} is in {limit.currency}",
        )
        for one in pieces
        if one.amount.currency != limit.currency
    )


def _is_on(one: Allocation, order: PurchaseOrder) -> bool:
    return one.purchase_order == order.id and one.kind is not AllocationKind.WRITTEN_OFF
