"""Credits: taking back invoice lines entry by entry, and giving work up without an invoice.

A credit names the invoice line, the work, and how much of it; it reopens just that (rule 35).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from canonical.billing import (
    Allocation,
    AllocationKind,
    BillingEvent,
    BlockReason,
    CustomerInvoice,
    CustomerInvoiceLine,
    InvoiceRole,
    WorkKind,
    WorkRef,
)
from canonical.exact import Rounding
from canonical.identity import content_hash
from canonical.money import Money
from rules.billing_pieces import Piece
from rules.billing_quantities import INVOICED, share_of

_CREDITED_FIRST: Final = frozenset(
    {BlockReason.CHANGED_AFTER_BILLING, BlockReason.WITHDRAWN_AFTER_BILLING}
)


class CreditRefusedError(ValueError):
    """What was asked for cannot be credited; the message says why."""


@dataclass(frozen=True, slots=True)
class CreditRequest:
    """How much of which work of which invoice line; neither seconds nor amount: all that is left.

    `amount` is for what has no hours.
    """

    invoice_line: str
    work_key: str
    seconds: int | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class _Left:
    """What of one allocation is not credited yet."""

    allocation: Allocation
    seconds: int
    worth: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class _Places:
    """Where in a list work is by its invoice line and key, and draws by their work and fund."""

    work: Mapping[tuple[str | None, str], Sequence[int]]
    draws: Mapping[tuple[WorkRef, str | None], int]

    @classmethod
    def among(cls, left: Sequence[_Left]) -> "_Places":
        """Look them all up once: an invoice may be of thousands of entries."""
        work: dict[tuple[str | None, str], list[int]] = defaultdict(list)
        draws: dict[tuple[WorkRef, str | None], int] = {}
        for place, one in enumerate(left):
            own = one.allocation
            # What a prepayment paid is given back with the work that it paid, never by itself.
            if own.kind is AllocationKind.DRAWN:
                draws.setdefault((own.work, own.fund), place)
            else:
                work[own.invoice_line, own.work.key].append(place)
        return cls(work, draws)


def credit_event(
    event: BillingEvent,
    credited: Sequence[Allocation],
    requests: Sequence[CreditRequest],
    *,
    credit_date: date,
    reason: str,
    approver: str,
    rounding: Rounding = "HALF_UP",
) -> BillingEvent:
    """Make the credit note of parts of an invoice, at its own rates, taxes and exchange.

    `credited` are all allocations that credit this event so far. Raises CreditRefusedError for
    more than is left. The same request on the same state gives the same event.
    """
    left = _left_of(event, credited)
    places = _Places.among(left)
    taken = [one for request in requests for one in _taken(request, left, places, rounding)]
    if not taken:
        raise CreditRefusedError("nothing of the invoice is left to be credited")
    event_id = _credit_id(event, credited, taken, f"{credit_date} {approver} {reason}")
    numbers = {name: f"{event_id}/{n}" for n, name in enumerate(_lines_of(taken), start=1)}
    allocations = tuple(
        _credit(one, numbers[one.allocation.invoice_line or ""], credit_date, reason, approver)
        for one in taken
    )
    lines = {line.id: line for line in event.invoice.lines}
    of_line: dict[str | None, list[Allocation]] = defaultdict(list)
    for one in allocations:
        of_line[one.invoice_line].append(one)
    body = event.invoice
    return BillingEvent(
        id=event_id,
        engagement=event.engagement,
        invoice=CustomerInvoice(
            legal_entity=body.legal_entity,
            customer=body.customer,
            engagement=body.engagement,
            currency=body.currency,
            invoice_date=credit_date,
            tax_point_date=body.tax_point_date,
            service_from=body.service_from,
            service_until=body.service_until,
            purchase_order=body.purchase_order,
            lines=tuple(
                _credit_line(lines[name], number, of_line[number], reason)
                for name, number in numbers.items()
            ),
            credits=event.id,
        ),
        allocations=allocations,
    )


def credit_all(event: BillingEvent) -> tuple[CreditRequest, ...]:
    """Ask for everything of an invoice that is not credited yet."""
    wanted = {
        (one.invoice_line, one.work.key)
        for one in event.allocations
        if one.kind is not AllocationKind.DRAWN
    }
    return tuple(CreditRequest(line, key) for line, key in sorted(wanted) if line)


def requests_in_order(
    event: BillingEvent, credited: Sequence[Allocation], invoice_line: str, seconds: int
) -> tuple[CreditRequest, ...]:
    """Say which work a credit of hours is about where nobody said: the latest work first.

    A proposal that a person confirms; raises CreditRefusedError for more than is left.
    """
    requests: list[CreditRequest] = []
    left = [one for one in _left_of(event, credited) if one.allocation.invoice_line == invoice_line]
    by_work: dict[str, int] = {}
    for one in sorted(left, key=_age, reverse=True):
        key = one.allocation.work.key
        by_work[key] = by_work.get(key, 0) + one.seconds
    for key, there in by_work.items():
        part = min(there, seconds)
        if part > 0:
            requests.append(CreditRequest(invoice_line, key, seconds=part))
            seconds -= part
    if seconds > 0:
        raise CreditRefusedError(f"{seconds} s more than is left of invoice line {invoice_line}")
    return tuple(requests)


def _age(one: _Left) -> tuple[date, str]:
    return one.allocation.work_date, one.allocation.work.id


def _left_of(event: BillingEvent, credited: Iterable[Allocation]) -> list[_Left]:
    """What is left of each allocation of the invoice, prepayments' sides included."""
    back: dict[tuple[object, ...], list[Allocation]] = defaultdict(list)
    for one in credited:
        back[_identity(one, one.credits)].append(one)
    left = []
    for one in event.allocations:
        taken = back.get(_identity(one, one.invoice_line), [])
        left.append(
            _Left(
                one,
                one.seconds + sum(other.seconds for other in taken),
                sum((other.worth for other in taken), one.worth),
                sum((other.amount for other in taken), one.amount),
            )
        )
    return left


def _identity(one: Allocation, invoice_line: str | None) -> tuple[object, ...]:
    return invoice_line, one.work.key, one.work.revision, one.fund


def _taken(
    request: CreditRequest, left: list[_Left], places: _Places, rounding: Rounding
) -> list[_Left]:
    """Take what is asked for out of what is left, and with it what prepayments paid of it."""
    if request.seconds is not None and request.amount is not None:
        raise CreditRefusedError("a credit is of seconds or of an amount, not of both")
    taken: list[_Left] = []
    seconds, amount = request.seconds, request.amount
    for place in places.work.get((request.invoice_line, request.work_key), ()):
        one = left[place]
        part = _part(one, seconds, amount, rounding)
        if part is None:
            continue
        seconds = None if seconds is None else seconds - part.seconds
        amount = None if amount is None else amount + -part.amount
        left[place] = _less(one, part)
        taken.append(part)
        taken.extend(_drawn_with(part, left, places))
    if not taken and request.seconds is None and request.amount is None:
        return []
    if (seconds or 0) > 0 or (amount is not None and amount.amount != 0) or not taken:
        raise CreditRefusedError(
            f"more than is left of {request.work_key} on invoice line {request.invoice_line}"
        )
    return taken


def _part(
    one: _Left, seconds: int | None, amount: Money | None, rounding: Rounding
) -> _Left | None:
    if seconds is not None:
        if seconds < 0:
            raise CreditRefusedError("a credit takes back, it does not bill")
        part = min(seconds, one.seconds)
        if part <= 0:
            return None
        if part == one.seconds:
            return one
        own = one.allocation
        worth = _at_most(share_of(own.worth, part, own.seconds, rounding), one.worth)
        money = _at_most(share_of(own.amount, part, own.seconds, rounding), one.amount)
        return replace(one, seconds=part, worth=worth, amount=money)
    if amount is None:
        return one if one.seconds or one.amount.amount or one.worth.amount else None
    return _part_of_amount(one, amount, rounding)


def _part_of_amount(one: _Left, amount: Money, rounding: Rounding) -> _Left | None:
    if one.seconds:
        raise CreditRefusedError("hours are credited by their seconds")
    whole = one.amount.amount
    if whole == 0 or amount.amount * whole <= 0:
        return None
    part = _at_most(amount, one.amount)
    if part == one.amount:
        return one
    worth = Money.rounded(one.worth.amount * part.amount / whole, one.worth.currency, rounding)
    return replace(one, worth=worth, amount=part)


def _at_most(part: Money, whole: Money) -> Money:
    """Rounding never takes back more than there is."""
    return part if abs(part.amount) <= abs(whole.amount) else whole


def _less(one: _Left, part: _Left) -> _Left:
    return replace(
        one,
        seconds=one.seconds - part.seconds,
        worth=one.worth + -part.worth,
        amount=one.amount + -part.amount,
    )


def _drawn_with(part: _Left, left: list[_Left], places: _Places) -> list[_Left]:
    """Give the prepayment back what it paid of a part."""
    own = part.allocation
    if own.fund is None or own.kind is AllocationKind.DRAWN:
        return []
    place = places.draws.get((own.work, own.fund))
    if place is None:
        raise CreditRefusedError(f"the invoice has no draw on {own.fund} for {own.work.key}")
    back = replace(left[place], worth=-part.worth, amount=-part.amount)
    left[place] = _less(left[place], back)
    return [back]


def refuse_what_is_drawn(note: BillingEvent, standing: Sequence[Allocation]) -> None:
    """Raise CreditRefusedError for a prepayment that work has drawn on: the work is credited first.

    Otherwise the customer has the money back, and the work that it paid is billed to nobody.
    `standing` are all allocations of the engagement that stand.
    """
    invoiced = [one for one in standing if one.kind in INVOICED]
    for line in note.invoice.lines:
        if line.role is not InvoiceRole.PREPAYMENT:
            continue
        fund = (line.contract_line, line.billing_schedule)
        keys = {one.work.key for one in note.allocations if one.invoice_line == line.id}
        paid_in = sum((one.amount.amount for one in invoiced if one.work.key in keys), Decimal(0))
        drawn = sum(
            (one.amount.amount for one in invoiced if (one.contract_line, one.fund) == fund),
            Decimal(0),
        )
        if paid_in + line.amount < drawn:
            raise CreditRefusedError(
                f"{drawn} {note.invoice.currency} of the prepayment has paid for work: "
                "credit that work first"
            )


def _lines_of(taken: Iterable[_Left]) -> list[str]:
    return sorted({one.allocation.invoice_line or "" for one in taken})


def _credit_id(
    event: BillingEvent, credited: Sequence[Allocation], taken: Sequence[_Left], said: str
) -> str:
    """One that was sent back and is asked for again on another day is another document."""
    before = sorted(one.invoice_line or "" for one in credited)
    now = [
        f"{one.allocation.invoice_line} {one.allocation.work.key} {one.seconds} {one.amount.amount}"
        for one in taken
    ]
    return content_hash("|".join([event.id, *before, "credits", *now, said]))[:32]


def _credit(one: _Left, line: str, day: date, reason: str, approver: str) -> Allocation:
    own = one.allocation
    kind = AllocationKind.CREDITED if own.kind is AllocationKind.BILLED else own.kind
    return own.model_copy(
        update={
            "kind": kind,
            "invoice_line": line,
            "billed_date": day,
            "seconds": -one.seconds,
            "worth": -one.worth,
            "amount": -one.amount,
            "credits": own.invoice_line,
            "reason": reason,
            "approver": approver,
        }
    )


def _credit_line(
    line: CustomerInvoiceLine, number: str, own: Sequence[Allocation], reason: str
) -> CustomerInvoiceLine:
    return line.model_copy(
        update={
            "id": number,
            "seconds": sum(one.seconds for one in own),
            "amount": sum((one.amount.amount for one in own), Decimal(0)),
            "credits": line.id,
            "reason": reason,
        }
    )


def write_off(piece: Piece, *, on: date, reason: str, approver: str) -> Allocation:
    """Give an open piece up for good: it is no longer open, and on no invoice (rule 34).

    Raises CreditRefusedError without an approver or a reason, or for work that is no piece of a
    contract line.
    """
    if not reason.strip() or not approver.strip():
        raise CreditRefusedError("what is written off has an approver and a reason")
    if piece.contract_line is None:
        raise CreditRefusedError("no contract line says what the work is worth")
    if piece.reason in _CREDITED_FIRST:
        raise CreditRefusedError("what was billed in another version is credited first")
    # A lower price that nobody was ever given takes nothing off what the work is worth.
    lower = piece.work.kind is WorkKind.WRITE_DOWN
    return Allocation(
        kind=AllocationKind.WRITTEN_OFF,
        invoice_line=None,
        contract_line=piece.contract_line,
        work=piece.work,
        project=piece.project,
        work_date=piece.work_date,
        billed_date=on,
        seconds=piece.seconds,
        worth=Money.zero(piece.worth.currency) if lower else piece.worth,
        amount=piece.amount,
        basis=piece.basis,
        approver=approver,
        reason=reason,
    )


def take_write_off_back(
    written_off: Allocation, *, on: date, reason: str, approver: str
) -> Allocation:
    """Reopen what was written off, exactly."""
    return written_off.model_copy(
        update={
            "seconds": -written_off.seconds,
            "worth": -written_off.worth,
            "amount": -written_off.amount,
            "billed_date": on,
            "reason": reason,
            "approver": approver,
        }
    )
