"""The demo's second act: one of the month's reports is sent back, and all are reimbursed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from canonical.exception_case import Cause
from canonical.messages import ResolutionRequest
from connectors.base.http import exact_json
from sandbox.billing_act import SUCCESSOR_OF
from sandbox.expense_totals import ExpenseTotals, expense_totals
from sandbox.platform_view import PlatformView
from sandbox.tryton.expense_desk import ExpenseDesk, SupplierInvoice
from sandbox.world import World
from store import reports
from store.reports import Blocked

# What the corrected report is for.
_PROJECT: Final = "PRJ-1001"
_REIMBURSED: Final = """
    SELECT count(*) AS reports
    FROM document_payment JOIN posting ON posting.key = document_payment.posting_key
    WHERE posting.kind = 'expense' AND document_payment.state = 'paid'
"""
_OUTBOX: Final = """
    SELECT count(*) FILTER (WHERE state = 'REFUSED') AS refused,
           count(*) FILTER (WHERE state = 'WAITING') AS waiting
    FROM outbox WHERE object = 'expense_report'
"""


@dataclass(frozen=True, slots=True)
class ExpenseAct:
    """What became of the month's reports."""

    approved: int
    posted: int
    reimbursed: int
    returned: int
    cases: Sequence[Blocked]
    totals: ExpenseTotals
    # What Concur refused to hear, or is still to hear.
    untold: int

    @property
    def agree(self) -> bool:
        """Approved and booked are the same to the cent, once each, and Concur knows."""
        return not (self.totals.differences or self.totals.duplicates or self.untold)

    def as_json(self) -> dict[str, Any]:
        """For programs; amounts are text."""
        return {
            "approved_reports": self.approved,
            "posted_reports": self.posted,
            "reimbursed_reports": self.reimbursed,
            "returned_and_fixed": self.returned,
            "reports_in_cases": sum(case.lines for case in self.cases),
            "duplicates": self.totals.duplicates,
            "differences": self.totals.differences,
        }


async def send_back_and_fix(
    world: World, platform: PlatformView, step: Callable[[str], None]
) -> int:
    """Send back a billable cost without a project; it comes again with one, and is posted."""
    step("Sending one report back to its submitter, who corrects it")
    case = next(one for one in await _cases(platform) if one.cause == Cause.MISSING_PROJECT)
    request = ResolutionRequest(
        kind="reject", by="Noor", reason="Which customer is this for? Please give the project."
    )
    await platform.resolve(case.case_id, request)
    await platform.tell_expenses()
    company = await world.concur.company()
    returned = [one for one in company.documents if one.state == "POSTING_CONFIRMED_FAILURE"]
    for document in returned:
        await world.concur.resubmit(document.id, _on_a_project(document.content))
    await platform.read_expenses()
    await platform.settled()
    await platform.tell_expenses()
    return len(returned)


async def reimburse(
    world: World, platform: PlatformView, step: Callable[[str], None], *, returned: int
) -> ExpenseAct:
    """Pay everybody whose report is posted, and tell Concur."""
    step("Paying employees: in full, in two parts, and once with a transfer that comes back")
    async with world.erp.admin() as admin:
        desk = ExpenseDesk(admin.session)
        await _pay(world, desk, platform)
        await platform.settled()
        totals = await _totals(world, desk)
    return await _outcome(world, platform, totals, returned)


def _on_a_project(content: str) -> Mapping[str, Any]:
    corrected: dict[str, Any] = exact_json(content)
    for entry in corrected["expenseEntry"]:
        for allocation in entry["allocation"]:
            allocation["allocationCustom5Code"] = _PROJECT
    return corrected


async def _pay(world: World, desk: ExpenseDesk, platform: PlatformView) -> None:
    """Everybody is paid; the first in two parts, and the second twice."""
    owed = [one for one in await desk.supplier_invoices() if one.posted and one.left_to_pay > 0]
    first, second, *others = owed
    await asyncio.gather(
        _pay_with_detours(desk, platform, first, second),
        *(
            _pay_all(world, [one for one in others if one.legal_entity == code])
            for code in {one.legal_entity for one in others}
        ),
    )
    await _pay_all(world, (first, second))
    await platform.tell_expenses()


async def _pay_with_detours(
    desk: ExpenseDesk, platform: PlatformView, halved: SupplierInvoice, returned: SupplierInvoice
) -> None:
    half = (halved.total / 2).quantize(Decimal("0.01"))
    await desk.pay(halved.id, halved.posting_date, half)
    await desk.pay(returned.id, returned.posting_date)
    await platform.tell_expenses()
    await desk.take_last_payment_back(returned.id)
    await platform.tell_expenses()
    await desk.release_returned_payments(returned.id)


async def _pay_all(world: World, invoices: Sequence[SupplierInvoice]) -> None:
    """Pay one after the other, as Tryton numbers the entries of a legal entity."""
    async with world.erp.admin() as admin:
        desk = ExpenseDesk(admin.session)
        for one in invoices:
            await desk.pay(one.id, one.posting_date)


async def _totals(world: World, desk: ExpenseDesk) -> ExpenseTotals:
    invoices: Sequence[SupplierInvoice] = await desk.supplier_invoices()
    entity_of = {one.code: one.legal_entity.code for one in world.firm.employees}
    return expense_totals(await world.concur.company(), entity_of, invoices, SUCCESSOR_OF)


async def _cases(platform: PlatformView) -> list[Blocked]:
    return [one for one in await platform.blocked() if one.object == "expense_report"]


async def _outcome(
    world: World, platform: PlatformView, totals: ExpenseTotals, returned: int
) -> ExpenseAct:
    company = await world.concur.company()
    async with platform.database.transaction() as connection:
        counts = await reports.counts_by_state(connection)
    paid = await platform.database.fetch_row(_REIMBURSED)
    told = await platform.database.fetch_row(_OUTBOX)
    assert paid is not None
    assert told is not None
    return ExpenseAct(
        approved=sum(one.resubmitted_as is None for one in company.documents),
        posted=sum(one.lines for one in counts if (one.kind, one.state) == ("expense", "POSTED")),
        reimbursed=paid["reports"],
        returned=returned,
        cases=await _cases(platform),
        totals=totals,
        untold=told["refused"] + told["waiting"],
    )
