"""Invoice readiness: what can be billed, what blocks the rest in money, and the proposed invoice.

Readiness is evidence: it is decided from facts, and its snapshot changes with any of them
(DOMAIN rule 36). What is billable is the sum of what is ready and of what is blocked, always.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from canonical.billing import (
    Allocation,
    BillingEvent,
    BillingFacts,
    Blocked,
    BlockReason,
    ReadinessSnapshot,
)
from canonical.contracts import BillingModel
from canonical.identity import content_hash
from canonical.money import Money
from rules.billing_caps import drawn_from_funds, with_purchase_orders, within_cap
from rules.billing_invoice import Taxes, events_of
from rules.billing_pieces import Piece
from rules.billing_policy import BillingPolicy, InvoiceTaxRow
from rules.billing_pricing import Books, pieces_of_line
from rules.billing_quantities import sums_by_currency
from rules.billing_schedule import pieces_of_schedules
from rules.billing_write_downs import pieces_of_write_downs, without_too_large_ones
from rules.invoice_tax import find_tax


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole decision: `snapshot` is what is kept and compared, the rest is its evidence.

    `credits_due` are allocations of work that changed or was withdrawn after it was billed.
    """

    snapshot: ReadinessSnapshot
    pieces: tuple[Piece, ...]
    events: tuple[BillingEvent, ...]
    credits_due: tuple[Allocation, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing holds the invoice up; there may still be nothing to bill."""
        return self.snapshot.ready

    def blocked_by(self, reason: BlockReason) -> tuple[Blocked, ...]:
        """What one reason blocks, one amount per currency."""
        return tuple(one for one in self.snapshot.blocked if one.reason is reason)


def readiness(facts: BillingFacts, policy: BillingPolicy) -> Readiness:
    """Decide what of an engagement can be billed up to its cut-off."""
    books = Books.of(facts, policy)
    pieces, warnings = _pieces(books)
    pieces, taxes = _with_taxes(pieces, books)
    pieces = without_too_large_ones(pieces)
    pieces = tuple(sorted(pieces, key=_order))
    facts_hash = hash_of(facts, policy)
    events = events_of(pieces, taxes, books, facts_hash)
    return Readiness(
        snapshot=_snapshot(pieces, events, warnings, books, facts_hash),
        pieces=pieces,
        events=events,
        credits_due=_credits_due(pieces, facts),
    )


def hash_of(facts: BillingFacts, policy: BillingPolicy) -> str:
    """Hash the facts, whatever their order, and the tables, whose order counts.

    Work after the cut-off that nothing was billed of is no part of it, and neither are exchange
    rates that are too new or too old for the invoice date.
    """
    billed = {one.work.key for one in facts.allocations}
    lines = tuple(
        one for one in facts.lines if one.work_date <= facts.cut_off_date or one.work.key in billed
    )
    rates = tuple(
        one
        for one in facts.exchange_rates
        if 0 <= (facts.invoice_date - one.on_date).days <= policy.exchange_rate_days
    )
    used = facts.model_copy(update={"lines": lines, "exchange_rates": rates})
    said = used.model_dump(mode="json")
    tables = policy.model_dump_json()
    return content_hash(json.dumps(_in_one_order(said), sort_keys=True) + tables)


def _in_one_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_one_order(one) for name, one in value.items()}
    if isinstance(value, list):
        return sorted(map(_in_one_order, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def _pieces(books: Books) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """All open work, priced, and with caps, prepayments and purchase orders used up in order."""
    facts = books.facts
    found = [piece for line in facts.lines for piece in pieces_of_line(line, books)]
    found.extend(pieces_of_schedules(books))
    of_line: dict[str | None, list[Piece]] = {}
    for piece in found:
        of_line.setdefault(piece.contract_line, []).append(piece)
    warnings: list[str] = []
    done: list[Piece] = []
    for line_id, pieces in of_line.items():
        line = facts.engagement.line(line_id) if line_id else None
        if line is not None and line.cap is not None:
            filled, said = within_cap(pieces, line, line.cap, books)
            done.extend(filled)
            warnings.extend(said)
        elif line is not None and line.model is BillingModel.RETAINER:
            done.extend(drawn_from_funds(pieces, line, books))
        else:
            done.extend(pieces)
    done.extend(pieces_of_write_downs(books))
    return with_purchase_orders(done, books), tuple(sorted(warnings))


def _with_taxes(pieces: Sequence[Piece], books: Books) -> tuple[tuple[Piece, ...], Taxes]:
    """Find the tax of what is ready so far; what has none is blocked (DOMAIN rule 45)."""
    facts = books.facts
    taxes: dict[tuple[str, str], InvoiceTaxRow] = {}
    untaxed: set[str] = set()
    for piece in pieces:
        if piece.reason is None and piece.contract_line is not None:
            row = find_tax(facts.engagement, piece.service, facts.invoice_date, books.policy)
            if row is None:
                untaxed.add(piece.service)
            else:
                taxes[piece.contract_line, piece.service] = row
    return tuple(
        one.blocked(
            BlockReason.TAX_MISSING, f"no row of the invoice tax table fits service {one.service}"
        )
        if one.service in untaxed
        else one
        for one in pieces
    ), taxes


def _order(piece: Piece) -> tuple[object, ...]:
    return (
        piece.contract_line or "",
        piece.place,
        piece.work.revision,
        piece.fund or "",
        piece.reason or "",
    )


def _credits_due(pieces: Sequence[Piece], facts: BillingFacts) -> tuple[Allocation, ...]:
    stale = {
        (one.work.key, one.work.revision, one.basis)
        for one in pieces
        if one.reason in (BlockReason.CHANGED_AFTER_BILLING, BlockReason.WITHDRAWN_AFTER_BILLING)
    }
    due = [
        one for one in facts.allocations if (one.work.key, one.work.revision, one.basis) in stale
    ]
    return tuple(sorted(due, key=lambda one: (one.invoice_line or "", one.work.key)))


def _snapshot(
    pieces: Sequence[Piece],
    events: Sequence[BillingEvent],
    warnings: tuple[str, ...],
    books: Books,
    facts_hash: str,
) -> ReadinessSnapshot:
    facts = books.facts
    ready = [one for one in pieces if one.reason is None]
    blocked = _blocked(pieces)
    held = any(one.reason.holds_release for one in blocked) or bool(facts.open_cases)
    return ReadinessSnapshot(
        engagement=facts.engagement.id,
        legal_entity=facts.engagement.legal_entity,
        cut_off_date=facts.cut_off_date,
        invoice_date=facts.invoice_date,
        policy_version=books.policy.version,
        facts_hash=facts_hash,
        ready=not held,
        billable=sums_by_currency([one.amount for one in pieces]),
        ready_amounts=sums_by_currency([one.amount for one in ready]),
        drawn=sums_by_currency([one.amount for one in ready if one.fund is not None]),
        blocked=blocked,
        warnings=warnings,
        events=tuple(one.id for one in events),
        open_cases=tuple(sorted({one.id for one in facts.open_cases})),
    )


def _blocked(pieces: Sequence[Piece]) -> tuple[Blocked, ...]:
    groups: dict[tuple[BlockReason, str], list[Piece]] = {}
    for one in pieces:
        if one.reason is not None:
            groups.setdefault((one.reason, one.amount.currency), []).append(one)
    return tuple(
        Blocked(
            reason=reason,
            amount=sum((one.amount for one in group), Money.zero(currency)),
            seconds=sum(one.seconds for one in group),
            lines=len({one.work.key for one in group}),
        )
        for (reason, currency), group in sorted(groups.items())
    )
