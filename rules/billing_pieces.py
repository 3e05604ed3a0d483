"""Pieces: parts of open work that share one fate, from the contract to the proposed invoice.

Pieces are only ever divided, never lost: the pieces of a line sum to what is open of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from canonical.billing import Basis, BlockReason, InvoiceRole, WorkKind, WorkRef
from canonical.exact import Rounding
from canonical.hours import SECONDS_PER_HOUR
from canonical.money import HourlyRate, Money


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of open work. Without a `reason` it is ready.

    `worth` is in the currency of the rate or cost, `amount` in the contract line's; where no
    exchange is known, the amount is the worth and the reason says so.
    """

    work: WorkRef
    role: InvoiceRole
    contract_line: str | None
    project: str | None
    work_date: date
    seconds: int
    worth: Money
    amount: Money
    basis: Basis
    reason: BlockReason | None = None
    service: str = ""
    purchase_order: str | None = None
    fund: str | None = None
    schedule: str | None = None
    performance_obligation: str | None = None
    exchange: str = ""
    why: str = ""
    approver: str | None = None

    @property
    def rate(self) -> HourlyRate | None:
        """The price of an hour of it."""
        return self.basis.rate

    @property
    def place(self) -> tuple[date, str, str]:
        """Where it stands in the order in which caps and prepayments are used up (rule 28)."""
        return self.work_date, self.work.id, self.work.key

    def blocked(self, reason: BlockReason, why: str) -> "Piece":
        """The same piece, blocked; a reason that it has already stays."""
        return self if self.reason is not None else replace(self, reason=reason, why=why)


def cut(piece: Piece, room: Decimal, rounding: Rounding) -> tuple[Piece | None, Piece | None]:
    """Divide a piece exactly at an amount: what fits into the room, and the rest.

    Both parts sum to the whole in money, worth and seconds. The money is exact; seconds are whole
    ones, and what lies between two of them stays with the rest.
    """
    whole = piece.amount.amount
    if whole <= room or whole < 0:
        return piece, None
    if room <= 0:
        return None, piece
    amount = Money(amount=room, currency=piece.amount.currency)
    same = piece.worth == piece.amount
    worth = (
        amount
        if same
        else Money.rounded(piece.worth.amount * room / whole, piece.worth.currency, rounding)
    )
    seconds = _seconds_for(piece, worth, room)
    within = replace(piece, seconds=seconds, worth=worth, amount=amount)
    rest = replace(
        piece,
        seconds=piece.seconds - seconds,
        worth=piece.worth + -worth,
        amount=piece.amount + -amount,
    )
    return within, rest


def _seconds_for(piece: Piece, worth: Money, room: Decimal) -> int:
    """Whole seconds that a part of the money pays for, never more than there are."""
    if piece.seconds == 0:
        return 0
    if piece.rate is not None and piece.rate.amount > 0:
        return min(piece.seconds, int(worth.amount * SECONDS_PER_HOUR / piece.rate.amount))
    return int(piece.seconds * room / piece.amount.amount)


def fill(
    pieces: Iterable[Piece],
    room: Decimal,
    takes: Callable[[Piece], bool],
    over: Callable[[Piece], Piece],
    rounding: Rounding,
) -> tuple[Piece, ...]:
    """Use a room up in order; `over` says what becomes of the rest of those that take of it.

    A negative piece, such as a refunded cost, makes room for what comes after it.
    """
    done: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: one.place):
        if not takes(piece):
            done.append(piece)
            continue
        within, rest = cut(piece, room, rounding)
        if within is not None:
            room -= within.amount.amount
            done.append(within)
        if rest is not None:
            done.append(over(rest))
    return tuple(done)


def is_time(piece: Piece) -> bool:
    """Whether it is hours."""
    return piece.work.kind is WorkKind.TIME


def keeps_place(piece: Piece) -> bool:
    """Whether it is billed, or will be once what blocks it is mended: then it keeps its place."""
    return piece.reason in _KEEPS_PLACE


_KEEPS_PLACE = frozenset({None, BlockReason.UNAPPROVED, BlockReason.IN_CASE, BlockReason.UNPOSTED})
