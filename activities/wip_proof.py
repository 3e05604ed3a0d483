"""The proof of WIP: our roll-forward beside what the ERP's own lines leave unbilled (rule 33).

The ERP's side is read back document by document: hours of posted time lines, costs that are passed
on, and amounts of posted invoice and credit note lines. Only prices, and which work a line is for,
are ours.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from activities.readiness import wip_postings
from canonical.billing import Allocation, AllocationKind, CustomerInvoice, WorkKind
from canonical.expense_document import ExpenseDocument
from canonical.money import HourlyRate, Money
from canonical.posting import PostedDocument, TimeLine
from connectors.base.capabilities import PostingTarget
from rules.billing_policy import TimeRounding
from rules.policies import Policies
from rules.wip import (
    NO_PROJECT,
    ErpInvoiceLine,
    ErpTimeLine,
    Place,
    WipDifference,
    WipRow,
    differences,
    erp_unbilled,
    roll_forward,
)
from store import billing, masters, work
from store.database import Database
from store.work import PostedWork

_IS_WORK: Final = frozenset({WorkKind.TIME, WorkKind.EXPENSE, WorkKind.WRITE_DOWN})


@dataclass(frozen=True, slots=True)
class WipProof:
    """The roll-forward of a window, what the ERP leaves unbilled at its end, and what differs."""

    rows: Sequence[WipRow]
    erp: Mapping[Place, Money]
    differences: Sequence[WipDifference]


@dataclass(frozen=True, slots=True)
class _Prices:
    """What we know of the ERP's documents: whose work they hold at which price."""

    work: Mapping[str, Sequence[PostedWork]]
    allocations: Mapping[str, Sequence[Allocation]]


async def prove_wip(
    database: Database,
    erp: PostingTarget,
    target: str,
    policies: Policies,
    *,
    first: date,
    last: date,
) -> WipProof:
    """Roll WIP forward over a window, ends included, and hold its end against the ERP."""
    async with database.connection() as connection:
        posted = await work.posted_values(connection, last)
        allocations = await billing.standing_allocations(connection, last)
        known = await work.posted_work(connection, target, last)
        entities = (await masters.masters_of(connection, target)).legal_entities
        since = await work.first_day(connection)
    by_line: dict[str, list[Allocation]] = {}
    for one in allocations:
        by_line.setdefault(one.invoice_line or "", []).append(one)
    prices = _Prices(known, by_line)
    given_up = list(_given_up(allocations))
    unbilled = dict(erp_unbilled((), (), given_up, time_rounding=TimeRounding()))
    until = max(last, datetime.now(UTC).date())
    for entity in entities:
        side = _ErpSide()
        async for page in erp.documents_between(entity.id, since or first, until):
            side.add(page, prices, last)
        policy = policies.of(entity.code).billing
        of_entity = erp_unbilled(
            side.time_lines,
            side.costs,
            side.invoice_lines,
            time_rounding=policy.time_rounding,
            rounding=policy.rounding,
        )
        for place, money in of_entity.items():
            unbilled[place] = unbilled.get(place, Money.zero(money.currency)) + money
    rows = roll_forward(wip_postings(posted), allocations, first, last)
    return WipProof(rows, unbilled, differences(rows, unbilled))


@dataclass(slots=True)
class _ErpSide:
    """What one legal entity's books hold of ours, priced."""

    time_lines: list[ErpTimeLine] = field(default_factory=list)
    costs: list[ErpInvoiceLine] = field(default_factory=list)
    invoice_lines: list[ErpInvoiceLine] = field(default_factory=list)

    def add(self, page: Iterable[PostedDocument], prices: _Prices, last: date) -> None:
        """Take a page in; what does not count yet on the last day, or is not billed, is left."""
        for document in page:
            match document.body:
                case TimeLine() as line:
                    self.time_lines.extend(_hours(document.reference, line, prices))
                case ExpenseDocument() as report:
                    self.costs.extend(_passed_on(document.reference, report, prices))
                case CustomerInvoice() as invoice if invoice.invoice_date <= last:
                    self.invoice_lines.extend(_billed(invoice, prices))
                case _:
                    pass


def _hours(reference: str, line: TimeLine, prices: _Prices) -> Iterator[ErpTimeLine]:
    for known in prices.work.get(reference, ()):
        if known.rate is not None:
            rate = HourlyRate(amount=known.rate, currency=known.currency)
            yield ErpTimeLine(known.project, line.seconds, rate)


def _passed_on(
    reference: str, report: ExpenseDocument, prices: _Prices
) -> Iterator[ErpInvoiceLine]:
    projects = {one.project for one in prices.work.get(reference, ())}
    for one in report.disbursements:
        if one.project in projects:
            worth = Money(amount=one.amount, currency=report.currency)
            yield ErpInvoiceLine(one.project, worth)


def _billed(invoice: CustomerInvoice, prices: _Prices) -> Iterator[ErpInvoiceLine]:
    """The parts of each line by project; what the ERP shows more or less is the first one's."""
    for line in invoice.lines:
        parts = prices.allocations.get(line.id, ())
        off = line.amount - sum((one.amount.amount for one in parts), Decimal(0))
        for one in parts:
            if one.work.kind in _IS_WORK and one.kind is not AllocationKind.DRAWN:
                worth = one.worth
                if off:
                    worth = Money(amount=worth.amount + off, currency=worth.currency)
                    off = Decimal(0)
                yield ErpInvoiceLine(one.project or NO_PROJECT, worth)


def _given_up(allocations: Iterable[Allocation]) -> Iterator[ErpInvoiceLine]:
    """What was written off stands in no ERP; nor does what a lower price gives up."""
    for one in allocations:
        if one.kind is AllocationKind.WRITTEN_OFF:
            yield ErpInvoiceLine(one.project or NO_PROJECT, one.worth)
        elif one.kind is AllocationKind.WRITE_DOWN:
            yield ErpInvoiceLine(one.project or NO_PROJECT, -one.worth)
