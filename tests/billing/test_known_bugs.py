"""What others' billing of timesheets got wrong, each as a whole way on the real ERP.

Odoo has made billed hours billable again by a partial refund; ERPNext has left hours billed after
a credit note, and marked a whole timesheet as billed when a part of it was. Whether hours cost
something must not say whether they are billed.
"""

import pytest

from tests.billing.billing_platform import BillingPlatform
from tests.billing.scene import Scene, price_people

pytestmark = pytest.mark.erp

ANNA, MATEO = "Anna Berger", "Mateo Fuentes"


def scene_of(platform: BillingPlatform, name: str, **prices: str) -> Scene:
    """Agree on Anna's and Mateo's prices, 100 euros each unless told otherwise."""
    engagement = platform.systems.agreements.agree("PRJ-1001", name=name, rate=None)
    given = {ANNA: prices.get("anna", "100"), MATEO: prices.get("mateo", "80")}
    price_people(platform.systems, engagement.id, given)
    return Scene(platform, engagement.id)


async def proposed(scene: Scene) -> list[str]:
    """What a release would bill now."""
    return [one.amount for one in (await scene.stands()).proposed]


async def test_a_partial_refund_does_not_make_all_billed_hours_billable_again(
    local: BillingPlatform,
) -> None:
    scene = scene_of(local, "REFUND")
    anna, mateo = scene.work(ANNA, "3", on=0), scene.work(MATEO, "5", on=0)
    await scene.stands()
    scene.expected.bill(anna, "100 EUR", "3", "300.00")
    scene.expected.bill(mateo, "80 EUR", "5", "400.00")
    await scene.bills()
    assert await proposed(scene) == []

    scene.expected.bill(anna, "100 EUR", "2", "200.00")
    await scene.credits(0, entry=anna, seconds=3600)
    # One hour of Anna's is open again, and nothing else.
    assert await proposed(scene) == ["100.00"]
    scene.expected.bill(anna, "100 EUR", "3", "300.00")
    await scene.bills()
    assert await proposed(scene) == []


async def test_a_credit_note_does_not_leave_its_hours_billed(local: BillingPlatform) -> None:
    scene = scene_of(local, "CREDIT")
    anna, mateo = scene.work(ANNA, "3", on=0), scene.work(MATEO, "5", on=0)
    await scene.stands()
    scene.expected.bill(anna, "100 EUR", "3", "300.00")
    scene.expected.bill(mateo, "80 EUR", "5", "400.00")
    await scene.bills()

    scene.expected.bill(anna, "100 EUR", "0", "0.00")
    scene.expected.bill(mateo, "80 EUR", "0", "0.00")
    await scene.credits(0)
    assert await proposed(scene) == ["700.00"]
    scene.expected.bill(anna, "100 EUR", "3", "300.00")
    scene.expected.bill(mateo, "80 EUR", "5", "400.00")
    await scene.bills()


async def test_billing_a_part_of_a_timesheet_does_not_mark_all_of_it(
    local: BillingPlatform,
) -> None:
    """Both entries are on one timesheet, and the second one is left out until later."""
    scene = scene_of(local, "PART")
    first, second = scene.work(ANNA, "3", on=0), scene.work(ANNA, "2", on=1)
    staff = local.systems.staff
    assert staff.timesheet_of(first) == staff.timesheet_of(second)
    await scene.stands()
    work = [f"time:harvest:{second}"]
    left_out = await local.decide(scene.engagement, "exclude", work=work, reason="next month")
    assert left_out.done, left_out.message
    scene.expected.bill(first, "100 EUR", "3", "300.00")
    await scene.bills()
    assert await proposed(scene) == []

    assert (await local.decide(scene.engagement, "include", work=work)).done
    assert await proposed(scene) == ["200.00"]
    scene.expected.bill(second, "100 EUR", "2", "200.00")
    await scene.bills()


async def test_hours_that_are_billed_at_nothing_are_billed(local: BillingPlatform) -> None:
    """They are on the invoice with a price of 0.00, and are not proposed again."""
    scene = scene_of(local, "FREE", anna="0")
    anna, mateo = scene.work(ANNA, "3", on=0), scene.work(MATEO, "5", on=0)
    await scene.stands()
    scene.expected.bill(anna, "0 EUR", "3", "0.00")
    scene.expected.bill(mateo, "80 EUR", "5", "400.00")
    await scene.bills()
    view = await scene.stands()
    assert (view.proposed, view.blocked, view.billable) == ((), (), ())

    # Once credited they are open, though they are worth nothing.
    scene.expected.bill(anna, "0 EUR", "0", "0.00")
    scene.expected.bill(mateo, "80 EUR", "0", "0.00")
    await scene.credits(0)
    assert await proposed(scene) == ["400.00"]
    scene.expected.bill(anna, "0 EUR", "3", "0.00")
    scene.expected.bill(mateo, "80 EUR", "5", "400.00")
    await scene.bills()
