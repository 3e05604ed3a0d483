"""Work belongs to one customer's invoice, whichever engagement is about its project by then."""

import pytest

from canonical.contracts import Engagement
from tests.billing.billing_platform import BillingPlatform

pytestmark = pytest.mark.erp

OLD, NEW = "ENG-1001", "ENG-RENAMED"


def renamed(before: Engagement) -> Engagement:
    """The same engagement by another name, and so another one for whoever reads it."""
    line = before.lines[0].model_copy(update={"id": "CL-RENAMED"})
    return before.model_copy(update={"id": NEW, "code": NEW, "lines": (line,)})


async def test_what_one_engagement_has_billed_no_other_one_bills_before_it_is_credited_there(
    local: BillingPlatform,
) -> None:
    agreements = local.systems.agreements
    agreements.agree("PRJ-1001", rate="100.00")
    local.systems.staff.enter(hours="2", on=0)
    await local.assess()
    assert (await local.release(OLD)).done
    await local.posted(OLD)
    (invoice,) = await local.invoices(OLD)

    agreements.engagements[NEW] = renamed(agreements.engagements.pop(OLD))
    agreements.rate_cards.pop(OLD)
    agreements.price(NEW, "100.00")
    await local.assess()
    view = await local.view(NEW)
    assert not view.ready
    assert view.open_cases == (f"billed by engagement {OLD}",)
    assert not (await local.release(NEW)).done

    credited = await local.decide(
        OLD, "credit", approver="boris", reason="goes to the new one", invoice=invoice.event_id
    )
    assert credited.done, credited.message
    await local.posted(OLD, 2)
    await local.assess()
    assert (await local.view(NEW)).ready
    assert (await local.release(NEW)).done
    await local.posted(NEW)


async def test_a_correction_goes_on_after_its_credit_though_the_contract_is_gone(
    local: BillingPlatform,
) -> None:
    agreements = local.systems.agreements
    agreements.agree("PRJ-1001", rate="100.00")
    agreements.agree("PRJ-1002")
    entry = local.systems.staff.enter(hours="2", on=0)
    await local.assess()
    assert (await local.release(OLD)).done
    await local.posted(OLD)
    (invoice,) = await local.invoices(OLD)

    agreements.engagements.pop(OLD)
    agreements.rate_cards.pop(OLD)
    agreements.write()
    local.systems.staff.change(entry, hours="1.5")
    await local.assess()
    case = await local.case_of("invoiced")
    credited = await local.decide(
        OLD, "credit", approver="boris", reason="half an hour less", invoice=invoice.event_id
    )
    assert credited.done, credited.message
    await local.posted(OLD, 2)
    await local.assess()
    await local.until(
        "SELECT count(*) = 1 FROM posting WHERE source_id = $1 AND kind = 'time' "
        "AND revision = 2 AND state = 'POSTED'",
        str(entry),
    )
    await local.closed(case)
