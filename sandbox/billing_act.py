"""The demo's third act: the month is billed; one invoice is credited in part and billed again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from canonical.billing import BillingEvent, WorkKind
from canonical.billing_messages import (
    CREDIT,
    EXCLUDE,
    INCLUDE,
    RELEASE,
    BillingRequest,
    Credited,
)
from canonical.billing_period import BillingPeriod
from canonical.exact import decimal_text
from canonical.exception_case import Cause
from canonical.messages import ResolutionRequest
from sandbox.firm import OLD_PRACTICE
from sandbox.platform_view import PlatformView
from sandbox.tryton.customer_desk import CustomerBill, CustomerDesk
from sandbox.world import World
from store import billing, readiness
from store.readiness import Invoice

# Whoever works the cases and bills; large invoices need both.
CONTROLLER: Final = "Noor"
PARTNER: Final = "Ines"
CONTRACTS: Final = "contracts"
_SECONDS_MAX: Final = 180
# The cost centre that is booked on instead of one that is closed.
SUCCESSOR_OF: Final[Mapping[str, str]] = {OLD_PRACTICE.code: "CC-200"}
# How the controller decides what stands between the month and its invoices. The rest is left: a
# day of 26 hours, a project that is done in the ERP, and one that the ERP does not know.
_DECISIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    Cause.INACTIVE_DIMENSION: {
        "kind": "amend",
        "changes": {"cost_centre": SUCCESSOR_OF[OLD_PRACTICE.code]},
        "reason": "the old practice was merged into Advisory",
    },
    Cause.LEAVER: {"kind": "waive", "reason": "HR confirms: no work after the last day"},
    Cause.CLOSED_PERIOD: {"kind": "post_to_period"},
    Cause.DUPLICATE_IN_SOURCE: {"kind": "waive", "reason": "entered twice by mistake"},
}
_RETAINER: Final = "ENG-1004"
_CREDITED: Final = "ENG-1011"
_PARTLY_PAID: Final = "ENG-1003"
_PAID: Final = "ENG-1012"


@dataclass(frozen=True, slots=True)
class BillingAct:
    """What became of the month's billing; amounts without tax, by currency."""

    engagements: int
    invoices: int
    credit_notes: int
    paid: int
    partly_paid: int
    # What blocks the engagements that are not ready: reason, and how many.
    blocked: Mapping[str, int]
    allocated: Mapping[str, Decimal]
    billed: Mapping[str, Decimal]
    duplicates: int
    # Steps that the source of contracts has not heard.
    untold: int

    @property
    def agree(self) -> bool:
        """What the ERP's invoices come to is what was allocated, each once, and all were told."""
        return self.allocated == self.billed and not (self.duplicates or self.untold)

    def as_json(self) -> dict[str, Any]:
        """For programs; amounts are text."""
        return {
            "engagements": self.engagements,
            "invoices": self.invoices,
            "credit_notes": self.credit_notes,
            "paid": self.paid,
            "partly_paid": self.partly_paid,
            "blocked": dict(self.blocked),
            "allocated": {name: decimal_text(one) for name, one in self.allocated.items()},
            "billed_in_erp": {name: decimal_text(one) for name, one in self.billed.items()},
            "duplicates": self.duplicates,
        }


async def decide_cases(world: World, platform: PlatformView, step: Callable[[str], None]) -> None:
    """Work the cases that hold the month up."""
    step("Deciding cases, so that the month can be billed")
    month = world.firm.month.name
    # A case stands there once for each currency that it blocks.
    open_cases = {one.case_id: one.cause for one in await platform.blocked()}
    for case_id, cause in open_cases.items():
        decision = _DECISIONS.get(cause)
        if decision is not None:
            period = {"period": month} if cause == Cause.CLOSED_PERIOD else {}
            request = ResolutionRequest(**{"by": CONTROLLER, **decision, **period})
            await platform.resolve(case_id, request)
    await platform.settled()


async def bill_the_month(
    world: World, platform: PlatformView, step: Callable[[str], None]
) -> BillingAct:
    """See what of each contract is ready, bill that, and follow the money."""
    step("Reading the contracts, and deciding what of each is ready")
    await platform.read_contracts()
    await _assessed(platform, world)
    step("Releasing invoices; large ones by two people")
    await _release_all(world, platform)
    async with world.erp.admin() as admin:
        desk = CustomerDesk(admin.session)
        step(
            "Getting paid: one in full, one in part; crediting a part of one, and billing it again"
        )
        await asyncio.gather(_get_paid(desk, platform), _credit_and_bill_again(world, platform))
        await platform.tell_invoices()
        return await _outcome(desk, world, platform)


async def _assessed(platform: PlatformView, world: World) -> None:
    """Wait until every engagement of the month was looked at."""

    async def all_of_them() -> bool:
        found = await _views(platform, world)
        return len(found) == len(world.firm.projects)

    await _eventually(all_of_them)


async def _views(platform: PlatformView, world: World) -> list[readiness.Assessed]:
    async with platform.database.connection() as connection:
        return await readiness.assessed(connection, period=world.firm.month.name)


async def _release_all(world: World, platform: PlatformView) -> None:
    others = [
        one.period.engagement
        for one in await _views(platform, world)
        if one.snapshot.ready and one.snapshot.events and one.period.engagement != _RETAINER
    ]
    await asyncio.gather(
        _bill_the_retainer(world, platform), *(_release(world, platform, one) for one in others)
    )
    await _all_posted(platform)


async def _bill_the_retainer(world: World, platform: PlatformView) -> None:
    await _bill_its_prepayment(world, platform)
    await _release(world, platform, _RETAINER)


async def _bill_its_prepayment(world: World, platform: PlatformView) -> None:
    """Work draws on a prepayment that is invoiced: so it goes first, and the hours after it."""
    month = world.firm.month.name
    view = await platform.billing_month(_RETAINER, month)
    async with platform.database.connection() as connection:
        pieces = await readiness.pieces_of(connection, CONTRACTS, BillingPeriod(_RETAINER, month))
    hours = tuple(one.work_key for one in pieces if one.work_key.startswith("time:"))
    if not (view.ready and hours):
        return
    aside = BillingRequest(
        kind=EXCLUDE, by=CONTROLLER, reason="the prepayment is billed first", work=hours
    )
    await platform.decide(view, aside)
    await _release(world, platform, _RETAINER)
    await _all_posted(platform, _RETAINER)
    back = BillingRequest(kind=INCLUDE, by=CONTROLLER, work=hours)
    await platform.decide(view, back)

    async def hours_are_ready() -> bool:
        return (await platform.billing_month(_RETAINER, month)).can_be_released

    await _eventually(hours_are_ready)


async def _release(world: World, platform: PlatformView, engagement: str) -> None:
    """Release as people do who look at it: what moved on meanwhile is looked at again."""
    while True:
        view = await platform.billing_month(engagement, world.firm.month.name)
        if not view.can_be_released:
            return
        done = [
            (await platform.decide(view, BillingRequest(
                kind=RELEASE, by=person, snapshot=view.snapshot))).done
            for person in ((CONTROLLER, PARTNER) if view.needs_two else (CONTROLLER,))
        ]  # fmt: skip
        if done[-1]:
            return


async def _all_posted(platform: PlatformView, engagement: str | None = None) -> None:
    async def posted() -> bool:
        found = [one for one in await _invoices(platform) if engagement in (None, one.engagement)]
        return all(one.state == "POSTED" and one.erp_document_id for one in found)

    await _eventually(posted)


async def _invoices(platform: PlatformView) -> list[Invoice]:
    async with platform.database.connection() as connection:
        return await readiness.invoices(connection)


async def _credit_and_bill_again(world: World, platform: PlatformView) -> None:
    """The customer disputes one entry: it is credited, looked at, and billed again."""
    month = world.firm.month.name
    invoice = next(one for one in await _invoices(platform) if one.engagement == _CREDITED)
    async with platform.database.connection() as connection:
        (stored,) = await billing.events_named(connection, CONTRACTS, invoice.event_id)
    line, work = _disputed(stored.event)
    view = await platform.billing_month(_CREDITED, month)
    request = BillingRequest(
        kind=CREDIT,
        by=CONTROLLER,
        approver=PARTNER,
        reason="the customer asks for the record of this day",
        invoice=invoice.event_id,
        credits=(Credited(line=line, work=work),),
    )
    await platform.decide(view, request)
    await _all_posted(platform)

    async def open_again() -> bool:
        return (await platform.billing_month(_CREDITED, month)).can_be_released

    await _eventually(open_again)
    await _release(world, platform, _CREDITED)
    await _all_posted(platform)


def _disputed(event: BillingEvent) -> tuple[str, str]:
    """The line and the work of the longest entry that is on the invoice."""
    of_time = [one for one in event.allocations if one.work.kind is WorkKind.TIME]
    longest = max(of_time, key=lambda one: (one.seconds, one.work.key))
    return longest.invoice_line or "", longest.work.key


async def _get_paid(desk: CustomerDesk, platform: PlatformView) -> None:
    bills = {str(one.id): one for one in await desk.customer_invoices()}
    by_engagement = {
        one.engagement: bills[one.erp_document_id]
        for one in await _invoices(platform)
        if one.erp_document_id in bills and one.credits is None
    }
    for engagement, share in ((_PARTLY_PAID, Decimal("0.4")), (_PAID, None)):
        bill = by_engagement.get(engagement)
        if bill is not None:
            part = None if share is None else (bill.total * share).quantize(Decimal("0.01"))
            await desk.pay(bill.id, bill.posting_date, part)


async def _outcome(desk: CustomerDesk, world: World, platform: PlatformView) -> BillingAct:
    invoices = await _invoices(platform)
    bills = [one for one in await desk.customer_invoices() if one.posted]
    async with platform.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT currency, sum(amount) AS amount FROM standing_allocation "
            "WHERE kind <> 'written_off' GROUP BY currency ORDER BY currency"
        )
        (told,) = await connection.fetch(
            "SELECT count(*) AS left FROM outbox WHERE object = 'billing_event' AND state <> 'SENT'"
        )
    views = await _views(platform, world)
    blocked: Counter[str] = Counter()
    for one in views:
        if not one.snapshot.ready:
            reasons = [each.reason for each in one.snapshot.blocked if each.reason.holds_release]
            blocked[str(reasons[0]) if reasons else "open_case"] += 1
    return BillingAct(
        engagements=len(views),
        invoices=sum(one.credits is None for one in invoices),
        credit_notes=sum(one.credits is not None for one in invoices),
        paid=sum(one.payment == "paid" and one.credits is None for one in invoices),
        partly_paid=sum(one.payment == "partial" for one in invoices),
        blocked=dict(blocked),
        allocated={row["currency"]: row["amount"] for row in rows},
        billed=_totals(bills),
        duplicates=len(bills) - len({one.reference for one in bills}),
        untold=told["left"],
    )


def _totals(bills: Sequence[CustomerBill]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for one in sorted(bills, key=lambda bill: bill.currency):
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.net
    return sums


async def _eventually(done: Callable[[], Any]) -> None:
    async with asyncio.timeout(_SECONDS_MAX):
        while not await done():
            await asyncio.sleep(0.2)
