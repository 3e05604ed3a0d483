"""Who is owed what for which cost objects: the journals and taxes of one entry of Concur's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from canonical.exact import round_to, scale_of
from canonical.expense import Allocation, ItemTax, Owed, PaidBy
from canonical.money import Money, minor_units
from connectors.base.records import trouble_of
from connectors.concur import wire
from connectors.concur.reading import Reading

COMPANY: Final = "COMP"
EMPLOYEE: Final = "EMPL"
COMPANY_PAID: Final = "COPD"
# Payment codes by what they mean: how it was paid, and whom the company owes (SAP's use cases,
# "Credit Card Types"). COPD is not among them, because it means different things.
PAYEES: Final[Mapping[str, tuple[PaidBy, Owed]]] = {
    EMPLOYEE: (PaidBy.EMPLOYEE, Owed.EMPLOYEE),
    "CASH": (PaidBy.EMPLOYEE, Owed.EMPLOYEE),
    "IBIP": (PaidBy.INDIVIDUAL_CARD, Owed.EMPLOYEE),
    "IBCP": (PaidBy.INDIVIDUAL_CARD, Owed.CARD_ISSUER),
    "CBCP": (PaidBy.COMPANY_CARD, Owed.CARD_ISSUER),
}
# Rates come with up to 23 digits; amounts have at most 15, so that ten places tell every cent.
_RATE_PLACES: Final = 10


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one party is owed for one allocation, on one account."""

    account: str | None
    owed_to: Owed
    gross: Decimal
    net: Decimal | None
    net_of_reclaim: Decimal | None


@dataclass(frozen=True, slots=True)
class _Around:
    """What an allocation stands in."""

    entry: wire.Entry
    head: wire.Report
    reading: Reading
    owed_to: Owed


def money(amount: Decimal, currency: str, where: str) -> Money:
    """Make an amount of the document's; raises ValueError that names the member.

    Equal amounts become equal text, 24.3 and 24.30: what is hashed must not depend on spelling.
    """
    try:
        exact = Money(amount=amount, currency=currency)
        return Money.rounded(exact.amount, currency)
    except ValueError as error:
        raise ValueError(f"{where}: {trouble_of(error)}") from None


def rate(value: Decimal | None) -> Decimal | None:
    """Keep a rate in ten places."""
    if value is None or scale_of(value) <= _RATE_PLACES:
        return value
    return round_to(value, _RATE_PLACES)


def payees_of(entry: wire.Entry, company_paid: Owed) -> tuple[PaidBy, Owed]:
    """How an entry was paid and whom the company owes for it, by its first journal that counts."""
    for allocation in entry.allocation:
        for row in _counting(allocation.journal, personal=entry.entry_is_personal):
            party = _party(row)
            if party != COMPANY_PAID:
                owed = PAYEES[party]
                own_card = party == EMPLOYEE and entry.report_entry_pat_key == "IBIP"
                return (PaidBy.INDIVIDUAL_CARD, owed[1]) if own_card else owed
            return PaidBy.VENDOR, _owed(row, company_paid, personal=entry.entry_is_personal)
    if not entry.entry_is_personal and entry.entry_approved_amount != 0:
        raise ValueError("journal: there is none, so that nobody can tell whom to pay")
    return PaidBy.EMPLOYEE, Owed.EMPLOYEE


def allocations_of(
    entry: wire.Entry, head: wire.Report, reading: Reading, owed_to: Owed
) -> tuple[Allocation, ...]:
    """Turn allocations into ours: one for each, and one more for each further party or account."""
    around = _Around(entry, head, reading, owed_to)
    made: list[Allocation] = []
    for number, one in enumerate(entry.allocation, start=1):
        pieces = _pieces(one, reading.company_paid, personal=entry.entry_is_personal)
        taxes = _taxes_by_piece(one, pieces, head.employee_currency_alpha_code)
        name = one.allocation_id or str(number)
        for part, piece in enumerate(pieces):
            id_of_part = name if part == 0 else f"{name}.{part + 1}"
            made.append(_allocation(one, id_of_part, piece, taxes[part], around))
    return tuple(made)


def _allocation(
    one: wire.Allocation,
    allocation_id: str,
    piece: _Piece,
    taxes: tuple[ItemTax, ...],
    around: _Around,
) -> Allocation:
    currency = around.head.employee_currency_alpha_code
    reading = around.reading

    def code(field: int) -> str | None:
        found = (record.codes.get(field) for record in (one, around.entry, around.head))
        return next((value for value in found if value and value.strip()), None)

    def amount(value: Decimal | None, where: str) -> Money | None:
        return None if value is None else money(value, currency, where)

    return Allocation(
        id=allocation_id,
        share=Decimal(100) if one.allocation_percentage is None else one.allocation_percentage,
        gross=money(piece.gross, currency, "amountGross"),
        net=amount(piece.net, "amountNetOfTax"),
        net_of_reclaim=amount(piece.net_of_reclaim, "amountNetOfReclaim"),
        owed_to=None if piece.owed_to is around.owed_to else piece.owed_to,
        account=piece.account,
        legal_entity=code(reading.legal_entity_field),
        cost_centre=code(reading.cost_centre_field),
        project=code(reading.project_field),
        taxes=taxes,
    )


def _counting(rows: Sequence[wire.Journal], *, personal: bool) -> list[wire.Journal]:
    """The rows that say what is owed for a cost.

    For a personal cost those of the third party; the employee's own row is the other side of
    the same amount.
    """
    return [row for row in rows if not (personal and _party(row) == EMPLOYEE)]


def _pieces(one: wire.Allocation, company_paid: Owed, *, personal: bool) -> list[_Piece]:
    found: dict[tuple[str | None, Owed], list[wire.Journal]] = {}
    counting = _counting(one.journal, personal=personal)
    for row in counting:
        owed = _owed(row, company_paid, personal=personal)
        found.setdefault((row.journal_account_code or None, owed), []).append(row)
    if personal:
        _check_both_sides(one.journal, counting)
    return [
        _Piece(
            account,
            owed,
            sum((row.amount_gross for row in rows), Decimal(0)),
            _sum([row.amount_net_of_tax for row in rows]),
            _sum([row.amount_net_of_reclaim for row in rows]),
        )
        for (account, owed), rows in found.items()
    ]


def _check_both_sides(rows: Sequence[wire.Journal], counting: Sequence[wire.Journal]) -> None:
    """What the company pays for a personal cost, the employee owes; else nobody can tell."""
    own = [row.amount_gross for row in rows if row not in counting]
    paid = sum((row.amount_gross for row in counting), Decimal(0))
    if counting and own and sum(own, Decimal(0)) != -paid:
        raise ValueError("journal: a personal cost whose two sides differ")


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _party(row: wire.Journal) -> str:
    """Who is paid by the company, or pays it back; raises ValueError for any other pair."""
    payer, payee = row.journal_payer, row.journal_payee
    if (payer == COMPANY) == (payee == COMPANY):
        raise ValueError("journal: not between the company and another party")
    party = payee if payer == COMPANY else payer
    if party != COMPANY_PAID and party not in PAYEES:
        raise ValueError("journal: the payer or payee has a code that is not known")
    if payer != COMPANY and row.amount_gross > 0:
        raise ValueError("journal: what is paid to the company is written below nothing")
    return party


def _owed(row: wire.Journal, company_paid: Owed, *, personal: bool) -> Owed:
    """Whom a row's amount is owed to.

    COPD: a refund comes back from whoever was paid, and a personal cost is owed back by the
    employee; in both the party is somebody other than the employee, and SAP's records book it
    on the card. For any other cost they book it on the employee.
    """
    party = _party(row)
    if party != COMPANY_PAID:
        return PAYEES[party][1]
    return Owed.CARD_ISSUER if personal or row.journal_payer == COMPANY_PAID else company_paid


def _taxes_by_piece(
    one: wire.Allocation, pieces: Sequence[_Piece], currency: str
) -> list[tuple[ItemTax, ...]]:
    """Give each piece its part of each tax, in proportion to the tax within the piece."""
    if len(pieces) == 1:
        return [tuple(_tax(tax, tax.amount_tax, tax.amount_reclaim, currency) for tax in one.tax)]
    weights = [piece.gross if piece.net is None else piece.gross - piece.net for piece in pieces]
    shares: list[list[ItemTax]] = [[] for _ in pieces]
    for tax in one.tax:
        amounts = _split(tax.amount_tax, weights, currency)
        reclaims = (
            None if tax.amount_reclaim is None else _split(tax.amount_reclaim, weights, currency)
        )
        for index, amount in enumerate(amounts):
            part = _tax(tax, amount, None if reclaims is None else reclaims[index], currency)
            if amount != 0:
                shares[index].append(part)
    return [tuple(share) for share in shares]


def _split(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split in proportion; the last with a weight takes what rounding leaves."""
    total = sum(weights, Decimal(0))
    if total == 0:
        raise ValueError("tax: cannot be told apart between two who are paid")
    parts = [round_to(amount * weight / total, minor_units(currency)) for weight in weights]
    last = max(index for index, weight in enumerate(weights) if weight != 0)
    parts[last] += amount - sum(parts, Decimal(0))
    return parts


def _tax(tax: wire.Tax, amount: Decimal, reclaim: Decimal | None, currency: str) -> ItemTax:
    return ItemTax(
        code=tax.tax_reclaim_code or tax.tax_code,
        authority=tax.tax_authority_label,
        country=tax.location_country_code,
        amount=money(amount, currency, "amountTax"),
        reclaimable=None if reclaim is None else money(reclaim, currency, "amountReclaim"),
    )
