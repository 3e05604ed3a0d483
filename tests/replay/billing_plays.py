"""Plays of billing: each brings one workflow through one of its ways, with the real ERP."""

from pathlib import Path
from typing import Final

from connectors.flatfile.rate_cards import RATES
from tests.billing.billing_platform import BillingPlatform
from tests.billing.systems import CONTRACTS
from tests.expenses.systems import POST
from tests.replay.repertoire import Handle, Repertoire

ENGAGEMENT: Final = "ENG-1001"
_ASSESS: Final = "assess_readiness"
_DECIDE: Final = "decide_billing"
_POST: Final = "post_document"
_ASKED: Final = "WORKFLOW_EXECUTION_UPDATE_ACCEPTED"
_ANSWERED: Final = "WORKFLOW_EXECUTION_UPDATE_COMPLETED"
_SIGNALED: Final = "WORKFLOW_EXECUTION_SIGNALED"
_SHOWN: Final = "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"
_CASES: Final = "announce_cases"

BILLING: Final[Repertoire[BillingPlatform]] = Repertoire()
play = BILLING.play


# Invoice readiness.


@play(
    *("InvoiceReadiness", _ASSESS, _SHOWN, _ASKED, _DECIDE, _ANSWERED, _POST, _ASSESS),
    *(_SIGNALED, _ASSESS),
)
async def released_and_paid(local: BillingPlatform) -> Handle:
    """What is ready is released, posted and paid, and its source hears of it."""
    await _agreed(local)
    await _bill(local)
    return await _paid(local)


@play("InvoiceReadiness", _ASSESS, "refresh_master_data", _ASSESS)
async def facts_too_old(local: BillingPlatform) -> Handle:
    """Master data is read again before anything is decided."""
    await _agreed(local)
    await local.platform.database.execute(
        "UPDATE master_snapshot SET calendar_read_at = calendar_read_at - interval '1 day'"
    )
    await local.month(ENGAGEMENT).signal("document_changed")
    await local.until(
        "SELECT bool_and(calendar_read_at > now() - interval '1 hour') FROM master_snapshot "
        "WHERE connection = 'tryton'"
    )
    await _bill(local)
    return await _paid(local)


@play("InvoiceReadiness", _ASKED, _ANSWERED, _ASKED, _ANSWERED, _POST)
async def refused_then_released(local: BillingPlatform) -> Handle:
    """What was looked at is not what is there any more; it is looked at again."""
    await _agreed(local)
    seen = (await local.view(ENGAGEMENT)).snapshot
    local.systems.staff.enter(hours="1", on=3)
    await local.assess()
    refused = await local.decide(ENGAGEMENT, "release", snapshot=seen)
    assert not refused.done, refused.message
    await _bill(local)
    return await _paid(local)


@play("InvoiceReadiness", _ASKED, _CASES, _SHOWN, _SIGNALED, _ASKED, _POST, _SIGNALED)
async def stopped_and_rejected(local: BillingPlatform) -> Handle:
    """The invoice is stopped and rejected: its work is open again, and is released anew."""
    agreements = local.systems.agreements
    known = agreements.agree("PRJ-1001").customer
    await _for_customer(local, "CUST-999")
    local.systems.staff.enter(hours="2")
    await local.assess()
    assert (await local.release(ENGAGEMENT)).done
    (case,) = await local.cases()
    await local.resolve(case, kind="reject", reason="whose customer is that?")
    await _for_customer(local, known)
    await local.assess()
    await _bill(local)
    return await _paid(local)


@play("InvoiceReadiness", _POST, "TIMER_FIRED", _POST, _ASSESS)
async def unanswered(local: BillingPlatform) -> Handle:
    """The posting gets to the ERP late and unanswered, and the ERP's books are asked."""
    await _agreed(local)
    local.systems.erp.wire.hold(POST)
    view = await local.view(ENGAGEMENT)
    released = {"kind": "release", "by": "ana", "snapshot": view.snapshot}
    assert (await local.ask(ENGAGEMENT, released)).done
    await local.until("SELECT bool_or(unknown_since IS NOT NULL) FROM posting")
    assert await local.systems.erp.wire.release() == 1
    await local.settled()
    return await _paid(local)


@play("InvoiceReadiness", *(_ASKED, _ANSWERED, _POST) * 2, _ASKED, _ANSWERED, _ASSESS)
async def credited_and_left_out(local: BillingPlatform) -> Handle:
    """All of an invoice is taken back, and its work is left out of this month."""
    await _agreed(local)
    await _bill(local)
    (invoice,) = await local.invoices(ENGAGEMENT)
    decided = await local.decide(
        *(ENGAGEMENT, "credit"),
        invoice=invoice.event_id,
        reason="the wrong month",
        approver="cleo",
    )
    assert decided.done, decided.message
    await local.posted(ENGAGEMENT, 2)
    (row,) = await local.rows("SELECT DISTINCT work_key FROM billing_allocation")
    left_out = await local.decide(
        ENGAGEMENT, "exclude", work=[row["work_key"]], reason="the wrong month"
    )
    assert left_out.done, left_out.message
    return await _paid(local)


@play("InvoiceReadiness", _ASSESS, _SIGNALED, _ASSESS)
async def without_a_contract(local: BillingPlatform) -> Handle:
    """The engagement is gone from its source before anything of it was billed."""
    await _agreed(local)
    del local.systems.agreements.engagements[ENGAGEMENT]
    local.systems.agreements.agree("PRJ-1002")
    await local.read_contracts()
    await local.hear()
    await local.settled()
    return local.month(ENGAGEMENT)


# Contract trouble.


@play("ContractTrouble", "prepare_document", _CASES)
async def cannot_be_read(local: BillingPlatform) -> Handle:
    """A price list cannot be read, which becomes a case."""
    trouble, _ = await _in_trouble(local)
    return trouble


@play("ContractTrouble", "prepare_document", _CASES)
async def can_be_read_now(local: BillingPlatform) -> Handle:
    """What could not be read is put right, and its case is over."""
    trouble, as_it_will_be = await _in_trouble(local)
    await trouble.result()
    _prices(local).write_text(as_it_will_be)
    await local.read_contracts()
    await local.hear()
    await local.settled()
    assert await local.cases() == []
    return trouble


# What Schedules start.


@play("PollContracts", "poll_contracts", "dispatch_documents")
async def contracts_found(local: BillingPlatform) -> Handle:
    """A poll finds a contract."""
    local.systems.agreements.agree("PRJ-1001")
    await local.read_contracts()
    return _last(local, "PollContracts")


@play("HearOfWork", "hear_of_work", "dispatch_documents")
async def work_heard(local: BillingPlatform) -> Handle:
    """Work of an engagement changed."""
    await _agreed(local)
    return _last(local, "HearOfWork")


@play("TellInvoices", "tell_invoices", "dispatch_documents")
async def told(local: BillingPlatform) -> Handle:
    """Who keeps the contracts hears of an invoice."""
    await _agreed(local)
    await _bill(local)
    assert (await local.tell()).told == 1
    return _last(local, "TellInvoices")


async def _agreed(local: BillingPlatform) -> None:
    """An engagement with hours that are ready to be billed."""
    local.systems.agreements.agree("PRJ-1001", rate="150.00")
    local.systems.staff.enter(hours="2")
    await local.assess()


async def _bill(local: BillingPlatform) -> None:
    decided = await local.release(ENGAGEMENT)
    assert decided.done, decided.message
    await local.posted(ENGAGEMENT)


async def _paid(local: BillingPlatform) -> Handle:
    """Pay what stands, let its source know, and let the month end."""
    await local.watch()
    for invoice in await local.invoices(ENGAGEMENT):
        if invoice.credits is None and invoice.payment == "none":
            number = int(invoice.erp_document_id or 0)
            await local.systems.desk.pay(number, invoice.invoice_date)
    await local.watch()
    await local.tell()
    await local.hear()
    await local.settled()
    return local.month(ENGAGEMENT)


async def _for_customer(local: BillingPlatform, code: str) -> None:
    agreements = local.systems.agreements
    agreements.change(ENGAGEMENT, lambda one: one.model_copy(update={"customer": code}))
    agreements.price(ENGAGEMENT, "150.00")


def _prices(local: BillingPlatform) -> Path:
    return local.systems.agreements.folder / RATES


async def _in_trouble(local: BillingPlatform) -> tuple[Handle, str]:
    """Let the first price list be one that nobody can read; gives what it should have said."""
    local.systems.agreements.agree("PRJ-1001", rate="150.00")
    as_it_will_be = _prices(local).read_text()
    _prices(local).write_text(as_it_will_be.replace("150", "a lot"))
    await local.read_contracts()
    await local.hear()
    await local.settled()
    await local.visible((await local.cases())[0])
    (row,) = await local.rows("SELECT document_id FROM document WHERE kind = 'contract'")
    name = f"contract-trouble/{CONTRACTS}/{row['document_id']}"
    return local.client.get_workflow_handle(name), as_it_will_be


def _last(local: BillingPlatform, workflow: str) -> Handle:
    return local.client.get_workflow_handle(f"test/{workflow}/{local.ids[workflow]}")
