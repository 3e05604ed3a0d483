"""Readiness: how an engagement's month stands, decided from fresh facts and kept as evidence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from temporalio import activity

from activities.billing_facts import BillingFactsLoader, Loaded
from activities.waking import Waking
from canonical.billing import Allocation, BlockReason
from canonical.billing_messages import (
    LISTED_MAX,
    Amount,
    BlockedView,
    InvoiceView,
    MarginView,
    ReadinessView,
    WipView,
)
from canonical.billing_period import BillingPeriod
from canonical.messages import DocumentRef
from canonical.money import Money
from rules.billing_measures import billed_by_project, leakage, project_margin
from rules.billing_pieces import Piece
from rules.billing_quantities import sums_by_currency
from rules.invoice_readiness import Readiness, readiness
from rules.wip import WipPosting, WipRow, roll_forward
from store import billing, invoiced_work, work
from store import readiness as stored
from store.database import Connection, Database
from store.documents import Touched
from store.readiness import Invoice
from store.work import Cost, PostedValue


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands beside the decision: what was issued, posted and spent."""

    invoices: Sequence[Invoice]
    posted: Sequence[PostedValue]
    allocations: Sequence[Allocation]
    costs: Sequence[Cost]


@dataclass(frozen=True, slots=True)
class Looked:
    """How a month stands, and all its open work; none where it has no contract or is too old.

    `owed` are documents that were let go on and are to hear of it.
    """

    view: ReadinessView
    pieces: tuple[Piece, ...] = ()
    owed: Sequence[Touched] = ()


class ReadinessActivities:
    """Decides on billing periods; only reads what others have, and keeps what it decided.

    Corrections that a credit note lets go on are told so by `waking`, or by the next poll.
    """

    def __init__(
        self, database: Database, loader: BillingFactsLoader, waking: Waking | None = None
    ) -> None:
        self._database = database
        self._loader = loader
        self._waking = waking

    @activity.defn
    async def assess_readiness(self, ref: DocumentRef) -> ReadinessView:
        """Decide how an engagement's month stands; safe to repeat at any time."""
        return await self.assess(ref)

    async def assess(self, ref: DocumentRef) -> ReadinessView:
        """The same, outside Temporal."""
        looked = await self.look(ref)
        if self._waking is not None:
            await self._waking.wake(looked.owed)
        return looked.view

    async def look(self, ref: DocumentRef) -> Looked:
        """Decide how an engagement's month stands, and say what of its work is open."""
        period = BillingPeriod.of_document(ref.document)
        view = ReadinessView(engagement=period.engagement, period=period.period)
        async with self._database.transaction() as connection:
            loaded = await self._loader.load(
                connection, ref.connection, ref.target, period, datetime.now(UTC)
            )
            if loaded is None:
                return Looked(view.model_copy(update={"stale": True}))
            if loaded.facts is None:
                await stored.forget(connection, ref.connection, period)
                issued = await stored.invoices(
                    connection, document_id=ref.document, source=ref.connection
                )
                owed = await _let_go(connection, issued)
                shown = invoice_views(issued)
                return Looked(
                    view.model_copy(
                        update={
                            "known": False,
                            "invoices": shown[-LISTED_MAX:],
                            "settled": all(one.ended for one in shown),
                        }
                    ),
                    owed=owed,
                )
            # The rules may take seconds for a large engagement: others go on meanwhile.
            now = await asyncio.to_thread(readiness, loaded.facts, loaded.policy.billing)
            await stored.save(connection, ref.connection, period, now.snapshot, now.pieces)
            around = await self._around(connection, ref, loaded)
            owed = await _let_go(connection, around.invoices)
        view = await asyncio.to_thread(_view, view, now, loaded, around)
        return Looked(view, now.pieces, owed)

    async def _around(self, connection: Connection, ref: DocumentRef, loaded: Loaded) -> _Around:
        assert loaded.facts is not None
        projects = sorted(loaded.facts.engagement.projects)
        return _Around(
            await stored.invoices(connection, document_id=ref.document, source=ref.connection),
            await work.posted_values(connection, date.max, projects),
            await billing.standing_allocations(connection, date.max, projects),
            await work.costs(connection, projects),
        )


async def _let_go(connection: Connection, invoices: Sequence[Invoice]) -> Sequence[Touched]:
    """Let corrections go that waited for a credit note, whoever still has the contract."""
    if any(one.credits for one in invoices):
        return await invoiced_work.let_go_of_credited(connection)
    return ()


def _view(view: ReadinessView, now: Readiness, loaded: Loaded, around: _Around) -> ReadinessView:
    facts, snapshot = loaded.facts, now.snapshot
    assert facts is not None
    period = BillingPeriod(view.engagement, view.period)
    policy = loaded.policy.billing
    invoices = invoice_views(around.invoices)
    leaks = leakage(now, facts.cut_off_date, policy)
    return view.model_copy(
        update={
            "legal_entity": snapshot.legal_entity,
            "customer": facts.engagement.customer,
            "cut_off_date": snapshot.cut_off_date,
            "invoice_date": snapshot.invoice_date,
            "ready": snapshot.ready,
            "snapshot": snapshot.hash,
            "billable": _amounts(snapshot.billable),
            "ready_amounts": _amounts(snapshot.ready_amounts),
            "drawn": _amounts(snapshot.drawn),
            "blocked": tuple(
                BlockedView(
                    reason=one.reason,
                    amount=Amount.of(one.amount),
                    seconds=one.seconds,
                    lines=one.lines,
                    holds=one.reason.holds_release,
                )
                for one in snapshot.blocked
            ),
            "warnings": snapshot.warnings,
            "open_cases": snapshot.open_cases[:LISTED_MAX],
            "proposed": tuple(Amount.of(one.invoice.total) for one in now.events),
            "invoices": invoices[-LISTED_MAX:],
            "releases_itself": policy.releases_itself,
            "needs_two": any(policy.needs_four_eyes(one.invoice.total) for one in now.events),
            "wip": _wip(around, period.first_day, facts.cut_off_date),
            "margin": _margin(around, loaded),
            "leaking": _amounts(sums_by_currency([one.amount for one in leaks])),
            "settled": _settled(now) and all(one.ended for one in invoices),
        }
    )


def _settled(now: Readiness) -> bool:
    """Whether nothing of it is to be billed any more, as far as anybody can tell."""
    left = {one.reason for one in now.pieces}
    return left <= {BlockReason.EXCLUDED, BlockReason.OVER_CAP}


def _amounts(amounts: Sequence[Money]) -> tuple[Amount, ...]:
    return tuple(map(Amount.of, amounts))


def invoice_views(invoices: Sequence[Invoice]) -> tuple[InvoiceView, ...]:
    """Say how far invoices are, given with all their credit notes."""
    left = {one.event_id: one.net for one in invoices}
    for one in invoices:
        if one.credits in left and one.state == "POSTED":
            left[one.credits] += one.net
    return tuple(_invoice_view(one, credited=left[one.event_id] == 0) for one in invoices)


def _invoice_view(one: Invoice, *, credited: bool) -> InvoiceView:
    told = one.to_be_told == 0
    # Nobody ever pays what is all credited; what the ERP took back by itself is a person's to see.
    ended = one.payment == "paid" or (one.payment == "reversed" and credited)
    ended |= one.state in ("REJECTED", "WAIVED")
    ended |= one.credits is not None and one.state == "POSTED"
    return InvoiceView(
        event=one.event_id,
        state=one.state,
        net=Amount(amount=f"{one.net:f}", currency=one.currency),
        number=one.number or "",
        total="" if one.total is None else f"{one.total:f}",
        paid="" if one.paid is None else f"{one.paid:f}",
        payment=one.payment or "",
        credits=one.credits or "",
        ended=told and ended,
    )


def wip_postings(posted: Sequence[PostedValue]) -> list[WipPosting]:
    """What is in the ERP, as the roll-forward takes it."""
    return [
        WipPosting(
            project=one.project,
            posting_date=one.posting_date,
            worth=Money(amount=one.worth, currency=one.currency),
            correction=one.correction,
        )
        for one in posted
    ]


def _wip(around: _Around, first: date, last: date) -> tuple[WipView, ...]:
    rows = roll_forward(wip_postings(around.posted), around.allocations, first, last)
    return tuple(_wip_view(one) for one in rows[:LISTED_MAX])


def _wip_view(row: WipRow) -> WipView:
    return WipView(
        project=row.project,
        opening=f"{row.opening.amount:f}",
        posted=f"{row.posted.amount:f}",
        billed=f"{row.billed.amount:f}",
        written_off=f"{row.written_off.amount:f}",
        corrections=f"{row.corrections.amount:f}",
        closing=Amount.of(row.closing),
    )


def _margin(around: _Around, loaded: Loaded) -> tuple[MarginView, ...]:
    """What the engagement's projects came to until now, each currency by itself."""
    assert loaded.facts is not None
    billed = billed_by_project(around.allocations, [loaded.facts.engagement])
    rows = roll_forward(wip_postings(around.posted), around.allocations, date.min, date.max)
    places = {
        *((project, one.currency) for project, amounts in billed.items() for one in amounts),
        *((row.project, row.currency) for row in rows),
        *((one.project, one.currency) for one in around.costs),
    }
    found = []
    for project, currency in sorted(places)[:LISTED_MAX]:
        margin = project_margin(
            project,
            billed=[one for one in billed.get(project, ()) if one.currency == currency],
            wip=[row.closing for row in rows if (row.project, row.currency) == (project, currency)],
            cost=[
                Money(amount=one.cost, currency=currency)
                for one in around.costs
                if (one.project, one.currency) == (project, currency)
            ],
            currency=currency,
            convert=lambda one: one,
        )
        found.append(
            MarginView(
                project=project,
                billed=f"{margin.billed.amount:f}",
                wip=f"{margin.wip.amount:f}",
                cost=f"{margin.cost.amount:f}",
                margin=Amount.of(margin.margin),
            )
        )
    return tuple(found)
