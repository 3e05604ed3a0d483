"""Corrections after billing: what a customer was invoiced for is not touched before its credit."""

from decimal import Decimal

import pytest

from tests.billing.billing_platform import HARVEST, BillingPlatform
from tests.e2e.running_platform import eventually

pytestmark = pytest.mark.erp


async def _billed(local: BillingPlatform) -> tuple[int, int]:
    """Two entries of 2 and 3 hours on an invoice that is posted."""
    staff = local.systems.staff
    local.systems.agreements.agree("PRJ-1001", rate="100.00")
    first, second = staff.enter(hours="2", on=0), staff.enter(hours="3", on=1)
    await local.assess()
    assert (await local.release("ENG-1001")).done
    await local.posted("ENG-1001")
    return first, second


async def _corrected(local: BillingPlatform, entry: int, as_it_should: str) -> None:
    """Poll until what waited for the credit note has gone on, as its Schedule does."""

    async def done() -> bool:
        await local.run("PollSource", HARVEST)
        (row,) = await local.rows(
            f"SELECT count(*) AS lines FROM posting WHERE source_id = $1 AND {as_it_should}",
            str(entry),
        )
        return bool(row["lines"] == 1)

    await eventually(done)


async def test_hours_that_change_after_billing_wait_for_the_credit_and_are_billed_again(
    local: BillingPlatform,
) -> None:
    entry, _ = await _billed(local)
    (invoice,) = await local.invoices("ENG-1001")
    local.systems.staff.change(entry, hours="1.5")
    await local.assess()

    case = await local.case_of("invoiced")
    view = await local.view("ENG-1001")
    assert not view.ready
    assert {one.reason: one.amount.amount for one in view.blocked} == {
        "changed_after_billing": "-50.00"
    }
    states = await local.rows(
        "SELECT kind || ' ' || state AS said FROM posting WHERE source_id = $1 "
        "ORDER BY revision, kind",
        str(entry),
    )
    assert {one["said"] for one in states} == {"time POSTED", "undo EXCEPTION", "time PENDING"}

    credited = await local.decide(
        "ENG-1001",
        "credit",
        approver="boris",
        reason="half an hour less",
        invoice=invoice.event_id,
        credits=[{"line": "1", "work": f"time:harvest:{entry}"}],
    )
    assert credited.done, credited.message
    await local.posted("ENG-1001", 2)
    await _corrected(local, entry, "kind = 'time' AND revision = 2 AND state = 'POSTED'")
    await local.closed(case)
    await local.hear()
    await local.settled()

    view = await local.view("ENG-1001")
    assert view.ready, view.blocked
    assert [one.amount for one in view.proposed] == ["150.00"]
    assert (await local.release("ENG-1001")).done
    invoices = await local.posted("ENG-1001", 3)
    assert sum((one.net for one in invoices), Decimal(0)) == Decimal("450.00")


async def test_an_approval_that_is_withdrawn_after_billing_is_taken_back_after_the_credit(
    local: BillingPlatform,
) -> None:
    entry, _ = await _billed(local)
    (invoice,) = await local.invoices("ENG-1001")
    local.systems.staff.withdraw(entry)
    await local.assess()
    await local.case_of("invoiced")
    view = await local.view("ENG-1001")
    assert {one.reason: one.amount.amount for one in view.blocked} == {
        "withdrawn_after_billing": "-200.00"
    }

    assert (
        await local.decide(
            "ENG-1001",
            "credit",
            approver="boris",
            reason="not approved any more",
            invoice=invoice.event_id,
            credits=[{"line": "1", "work": f"time:harvest:{entry}"}],
        )
    ).done
    await local.posted("ENG-1001", 2)
    await _corrected(local, entry, "state = 'REVERSED'")
    await local.hear()
    await local.settled()
    assert (await local.view("ENG-1001")).blocked == ()
