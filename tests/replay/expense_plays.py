"""Plays of expenses: each brings one workflow through one of its ways, with the real ERP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from activities import search_attributes as sa
from connectors.concur.simulated_documents import CostObjects
from sandbox.firm import UNKNOWN_TO_ERP
from tests.e2e.running_platform import eventually
from tests.expenses.expense_platform import ExpensePlatform
from tests.expenses.systems import POST
from tests.replay.histories import Recorded
from tests.replay.repertoire import Handle, Repertoire
from workflows.policies import REIMBURSE_WITHIN

_POST: Final = "post_document"
_READ: Final = "read_reimbursement"
_ATTACH: Final = "attach_receipts"
_SIGNALED: Final = "WORKFLOW_EXECUTION_SIGNALED"
_SHOWN: Final = "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"

EXPENSES: Final[Repertoire[ExpensePlatform]] = Repertoire()
play = EXPENSES.play


# Expense to reimbursement.


@play("ExpenseToReimbursement", _POST, _READ, _ATTACH, _SIGNALED, _READ, _ATTACH)
async def posted_and_reimbursed(local: ExpensePlatform) -> Handle:
    """The report is posted, the employee is paid, and the source knows it."""
    document = await _posted(local)
    return await _reimbursed(local, document)


@play("ExpenseToReimbursement", "refresh_master_data", _POST, _READ)
async def facts_too_old(local: ExpensePlatform) -> Handle:
    """Master data is read again before anything is decided."""
    await local.platform.database.execute(
        "UPDATE master_snapshot SET calendar_read_at = calendar_read_at - interval '1 day'"
    )
    document = await _posted(local)
    return await _reimbursed(local, document)


@play("ExpenseToReimbursement", "announce_cases", _SHOWN, _SIGNALED, _READ)
async def stopped_and_rejected(local: ExpensePlatform) -> Handle:
    """The report is stopped, and goes back to the source without a posting."""
    document = await _stopped(local)
    await local.resolve(
        await local.case_of("missing_project"), kind="reject", reason="which project?"
    )
    await local.tell()
    return local.workflow(document)


@play("ExpenseToReimbursement", "announce_cases", _SHOWN, _SIGNALED, _ATTACH)
async def stopped_and_tried(local: ExpensePlatform) -> Handle:
    """The case posts the report itself, to try what was decided."""
    document = await _stopped(local)
    await local.resolve(
        await local.case_of("missing_project"),
        kind="amend",
        changes={"project": local.systems.claimant().project.code},
        reason="asked",
    )
    return await _reimbursed(local, document)


@play("ExpenseToReimbursement", "announce_cases", _SHOWN, _SIGNALED, _POST, _ATTACH)
async def stopped_and_released(local: ExpensePlatform) -> Handle:
    """The case tries another report first, and then lets this one go on."""
    who = local.systems.claimant()
    unknown = CostObjects("DE01", who.employee.cost_centre.code, UNKNOWN_TO_ERP)
    both = [local.systems.taxi(who=who, billable=True, cost=unknown) for _ in range(2)]
    await local.poll()
    case = await local.case_of("unknown_project")
    assert case.lines == len(both)
    await local.resolve(
        case, kind="amend", changes={"project": who.project.code}, reason="was renamed"
    )
    handles = [await _reimbursed(local, document) for document in both]
    tried = [not await _posts(handle) for handle in handles]
    return handles[not tried.index(True)]


@play("ExpenseToReimbursement", _POST, *(_SIGNALED, _READ) * 2)
async def partly_paid_then_paid(local: ExpensePlatform) -> Handle:
    """The money comes in two parts, and the source hears of each."""
    document = await _posted(local)
    await _pay(local, document, Decimal("20.00"))
    await local.look_and_tell()
    await _pay(local, document)
    await local.look_and_tell()
    assert local.systems.told(document) == ["success", "PP", "CP"]
    return local.workflow(document)


@play("ExpenseToReimbursement", *(_SIGNALED, _READ) * 3)
async def taken_back_then_paid(local: ExpensePlatform) -> Handle:
    """A part of the money comes back, and is paid again with the rest."""
    document = await _posted(local)
    desk, invoice = local.systems.desk, await local.systems.invoice(document)
    await _pay(local, document, Decimal("20.00"))
    await local.look_and_tell()
    await desk.take_last_payment_back(invoice.id)
    await local.look_and_tell()
    await _pay(local, document)
    await local.look_and_tell()
    assert local.systems.told(document) == ["success", "PP", "RE", "CP"]
    return local.workflow(document)


@play("ExpenseToReimbursement", _READ, "TIMER_FIRED", _READ, _SHOWN, _SIGNALED, _READ)
async def late_and_escalated(local: ExpensePlatform) -> Handle:
    """The deadline of the reimbursement passes, and the money comes after it."""
    document = await _posted(local)
    handle = local.workflow(document)
    soon = datetime.now(UTC) - REIMBURSE_WITHIN + timedelta(seconds=0.5)
    await local.platform.database.execute("UPDATE posting SET posted_at = $1", soon)
    await handle.signal("document_changed")

    async def late() -> bool:
        attributes = (await handle.describe()).typed_search_attributes
        return attributes.get(sa.STATE) == sa.ESCALATED

    await eventually(late)
    await _pay(local, document)
    await local.look_and_tell()
    return handle


@play("ExpenseToReimbursement", _POST, "TIMER_FIRED", _POST, _READ)
async def unanswered(local: ExpensePlatform) -> Handle:
    """The posting gets to the ERP late and unanswered, and the ERP's books are asked."""
    document = await _uncertain(local)
    assert await local.systems.erp.wire.release() == 1
    await local.settled()
    return await _reimbursed(local, document)


@play("ExpenseToReimbursement", _POST, _SIGNALED, _POST, _READ)
async def unanswered_and_not_done(local: ExpensePlatform) -> Handle:
    """The posting never got to the ERP; nothing is sent again before that is certain."""
    document = await _uncertain(local)
    await local.quiet_time_passes()
    await local.workflow(document).signal("document_changed")
    await local.settled()
    return await _reimbursed(local, document)


# What Schedules start.


@play("PollExpenseSource", "poll_expense_reports", "claim_expense_reports", "dispatch_documents")
async def report_found(local: ExpensePlatform) -> Handle:
    """A poll finds a report and claims it."""
    local.systems.taxi()
    await local.poll()
    return _last(local, "PollExpenseSource")


@play("TellExpenseSource", "tell_expense_source", "dispatch_documents")
async def told(local: ExpensePlatform) -> Handle:
    """The source hears of a posting."""
    await _posted(local)
    return _last(local, "TellExpenseSource")


@play("WatchPayments", "watch_payments")
async def payment_seen(local: ExpensePlatform) -> Handle:
    """The ERP shows a payment."""
    document = await _posted(local)
    await _pay(local, document)
    await local.watch()
    return _last(local, "WatchPayments")


async def _posted(local: ExpensePlatform) -> str:
    """A report that is posted, and whose source knows it."""
    document = local.systems.taxi()
    await local.poll()
    await local.look_and_tell()
    return document


async def _stopped(local: ExpensePlatform) -> str:
    """A report that somebody has to decide on."""
    document = local.systems.without_project()
    await local.poll()
    await local.visible(await local.case_of("missing_project"))
    return document


async def _uncertain(local: ExpensePlatform) -> str:
    """A report whose posting is under way to the ERP, for all that anybody knows."""
    local.systems.erp.wire.hold(POST)
    document = local.systems.taxi()
    await local.read()
    await local.until("SELECT unknown_since IS NOT NULL FROM posting")
    return document


async def _pay(local: ExpensePlatform, document: str, amount: Decimal | None = None) -> None:
    invoice = await local.systems.invoice(document)
    await local.systems.desk.pay(invoice.id, invoice.posting_date, amount)


async def _reimbursed(local: ExpensePlatform, document: str) -> Handle:
    """Pay a report that is posted, and let the source know of both."""
    await local.tell()
    await _pay(local, document)
    await local.look_and_tell()
    return local.workflow(document)


async def _posts(handle: Handle) -> bool:
    """Whether a workflow that ends by itself posts something; else its case did."""
    await handle.result()
    return Recorded("", "", await handle.fetch_history()).shows([_POST])


def _last(local: ExpensePlatform, workflow: str) -> Handle:
    return local.client.get_workflow_handle(f"test/{workflow}/{local.ids[workflow]}")
