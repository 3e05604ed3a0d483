"""The proposed invoice: ready pieces become lines, one per contract line, rate and tax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from canonical.billing import (
    Allocation,
    AllocationKind,
    BillingEvent,
    CustomerInvoice,
    CustomerInvoiceLine,
    InvoiceRole,
)
from canonical.contracts import ContractLine
from canonical.exact import round_to
from canonical.hours import SECONDS_PER_HOUR
from canonical.identity import content_hash
from canonical.money import Money, minor_units
from rules.billing_pieces import Piece
from rules.billing_policy import InvoiceTaxRow
from rules.billing_pricing import Books

# Roles whose things each keep a line of their own, because each has its own evidence or reason.
_ALONE: Final = frozenset({InvoiceRole.DISBURSEMENT, InvoiceRole.WRITE_DOWN})
# The order of lines on paper.
_ON_PAPER: Final = tuple(InvoiceRole)
Taxes = Mapping[tuple[str, str], InvoiceTaxRow]


@dataclass(frozen=True, slots=True, order=True)
class _Key:
    """What the pieces of one line have in common, in the order of the lines on paper."""

    contract_line: str
    role: int
    schedule: str
    alone: str
    fund: str
    rate: str
    tax: str
    exchange: str


def events_of(
    pieces: Sequence[Piece], taxes: Taxes, books: Books, facts_hash: str
) -> tuple[BillingEvent, ...]:
    """Make one event for each currency and purchase order of what is ready.

    The same facts and tables always give the same events, ids included.
    """
    groups: dict[tuple[str, str], list[Piece]] = {}
    for piece in pieces:
        if piece.reason is None and piece.contract_line is not None:
            group = (piece.amount.currency, piece.purchase_order or "")
            groups.setdefault(group, []).append(piece)
    return tuple(
        _event((currency, order), groups[currency, order], taxes, books, facts_hash)
        for currency, order in sorted(groups)
    )


def _event(
    group: tuple[str, str],
    pieces: Sequence[Piece],
    taxes: Taxes,
    books: Books,
    facts_hash: str,
) -> BillingEvent:
    facts, (currency, order) = books.facts, group
    event_id = content_hash(f"{facts_hash}|{currency}|{order}")[:32]
    grouped: dict[_Key, list[Piece]] = {}
    for piece in sorted(pieces, key=lambda one: (one.place, one.fund or "")):
        grouped.setdefault(_key(piece, taxes), []).append(piece)
        if piece.fund is not None:
            grouped.setdefault(_key(piece, taxes, draws=True), []).append(piece)
    lines: list[CustomerInvoiceLine] = []
    allocations: list[Allocation] = []
    for number, key in enumerate(sorted(grouped), start=1):
        line_id = f"{event_id}/{number}"
        own = [_allocation(one, line_id, key, books) for one in grouped[key]]
        allocations.extend(own)
        lines.append(_line(key, grouped[key], own, taxes, books))
    numbers = {one.id: one.number for one in facts.purchase_orders}
    # A lowered price has no day of its own.
    worked = [one for one in pieces if one.role is not InvoiceRole.WRITE_DOWN] or pieces
    days = [one.work_date for one in worked]
    return BillingEvent(
        id=event_id,
        engagement=facts.engagement.id,
        invoice=CustomerInvoice(
            legal_entity=facts.engagement.legal_entity,
            customer=facts.engagement.customer,
            engagement=facts.engagement.id,
            currency=currency,
            invoice_date=facts.invoice_date,
            tax_point_date=facts.invoice_date,
            service_from=min(days),
            service_until=max(days),
            purchase_order=numbers[order] if order else None,
            lines=tuple(lines),
        ),
        allocations=tuple(allocations),
    )


def _key(piece: Piece, taxes: Taxes, *, draws: bool = False) -> _Key:
    assert piece.contract_line is not None
    rate, tax = piece.rate, taxes[piece.contract_line, piece.service]
    role = InvoiceRole.DRAW if draws else piece.role
    return _Key(
        contract_line=piece.contract_line,
        role=_ON_PAPER.index(role),
        schedule=piece.schedule or "",
        alone=piece.work.key if role in _ALONE else "",
        fund=(piece.fund or "") if draws else "",
        rate=f"{rate.amount:020.4f} {rate.currency}" if rate and not draws else "",
        tax=f"{tax.tax} {tax.rate:f} {tax.note}",
        exchange=piece.exchange if not draws else "",
    )


def _allocation(piece: Piece, line_id: str, key: _Key, books: Books) -> Allocation:
    assert piece.contract_line is not None
    draws = key.role == _ON_PAPER.index(InvoiceRole.DRAW)
    lowers = key.role == _ON_PAPER.index(InvoiceRole.WRITE_DOWN)
    kind = AllocationKind.DRAWN if draws else AllocationKind.BILLED
    return Allocation(
        kind=AllocationKind.WRITE_DOWN if lowers else kind,
        invoice_line=line_id,
        contract_line=piece.contract_line,
        work=piece.work,
        project=piece.project,
        work_date=piece.work_date,
        billed_date=books.facts.invoice_date,
        seconds=0 if draws else piece.seconds,
        worth=-piece.worth if draws else piece.worth,
        amount=-piece.amount if draws else piece.amount,
        basis=piece.basis,
        purchase_order=piece.purchase_order,
        fund=piece.fund,
        approver=piece.approver,
        reason=piece.why if lowers else "",
    )


def _line(
    key: _Key,
    pieces: Sequence[Piece],
    allocations: Sequence[Allocation],
    taxes: Taxes,
    books: Books,
) -> CustomerInvoiceLine:
    first = pieces[0]
    contract_line = books.facts.engagement.line(key.contract_line)
    assert contract_line is not None
    tax = taxes[key.contract_line, first.service]
    role = _ON_PAPER[key.role]
    return CustomerInvoiceLine(
        id=allocations[0].invoice_line or "",
        role=role,
        contract_line=contract_line.id,
        label=_label(contract_line, role, first),
        seconds=sum(one.seconds for one in allocations),
        rate=first.rate if role is InvoiceRole.WORK else None,
        amount=sum((one.amount.amount for one in allocations), Decimal(0)),
        tax=tax.tax,
        tax_rate=tax.rate,
        tax_note=tax.note,
        billing_schedule=first.schedule,
        performance_obligation=first.performance_obligation,
        exchange=key.exchange,
        reason=first.why if role is InvoiceRole.WRITE_DOWN else "",
    )


def _label(line: ContractLine, role: InvoiceRole, piece: Piece) -> str:
    due = next((one for one in line.schedule if one.id == (piece.schedule or piece.fund)), None)
    if role is InvoiceRole.DRAW:
        return f"Paid by {(due.label if due else '') or line.label}"
    if role is InvoiceRole.WRITE_DOWN:
        return f"{line.label}, price lowered"
    return (due.label if due and piece.schedule else "") or line.label


@dataclass(frozen=True, slots=True)
class ErpQuantity:
    """A quantity and a unit price whose product, rounded by the ERP, is the line's amount."""

    quantity: Decimal
    unit_price: Decimal
    # Whether the quantity is hours; else it is one, and the hours belong in the text.
    is_hours: bool


def erp_quantity(
    line: CustomerInvoiceLine, currency: str, *, quantity_places: int, price_places: int
) -> ErpQuantity:
    """Give an ERP that multiplies what makes it come to the line's amount, to the cent.

    That is hours at the rate where those can be written with the ERP's decimals and come to the
    amount; otherwise, as after a split at a cap or an exchange, it is one at the amount.
    """
    if line.rate is not None and line.rate.currency == currency and line.seconds:
        hours = Decimal(line.seconds) / SECONDS_PER_HOUR
        quantity, price = round_to(hours, quantity_places), round_to(line.rate.amount, price_places)
        come_to = Money.rounded(quantity * price, currency).amount
        if quantity == hours and price == line.rate.amount and come_to == line.amount:
            return ErpQuantity(quantity, price, is_hours=True)
    places = max(price_places, minor_units(currency))
    sign = Decimal(-1) if line.amount < 0 else Decimal(1)
    return ErpQuantity(sign, round_to(abs(line.amount), places), is_hours=False)
