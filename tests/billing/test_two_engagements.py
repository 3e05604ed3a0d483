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
